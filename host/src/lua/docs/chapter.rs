//! The collection: chapters of what belongs together.

use super::comments::{self, Comment};
use crate::expr::known::{self, Known};
use crate::lua::api::{self, Namespace};
use crate::lua::call::Entry;
use crate::lua::printer::{self, Native};
use crate::lua::stdlib::{self, Module};
use crate::lua::types::{self, Type};

pub(super) struct Chapter {
    pub(super) of: Of,
    /// A sentence without its end for functions, else the name of the type or module.
    pub(super) title: String,
    pub(super) doc: String,
    pub(super) example: Option<String>,
    pub(super) fields: Vec<Named>,
    pub(super) items: Vec<Item>,
}

/// A field of a type.
pub(super) struct Named {
    pub(super) name: String,
    pub(super) ty: String,
    pub(super) doc: String,
}

/// What a chapter's items are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// Globals.
    Functions,
    Methods,
    /// What `require` gives.
    Module,
    /// What texts know.
    Texts,
    /// What the columns of a tally know beside that.
    Columns,
}

/// A function or method, or a name of the expression language.
pub(super) struct Item {
    /// `strftime`, `json.encode`, `probe:where`
    pub(super) title: String,
    /// The last part of it.
    pub(super) name: String,
    /// As the call is written: `probe:where(condition)`.
    pub(super) signature: String,
    pub(super) doc: String,
    pub(super) takes: Vec<(String, String)>,
    pub(super) gives: String,
    pub(super) example: String,
}

/// All that scripts have.
pub(super) fn of_scripts() -> Vec<Chapter> {
    let functions = api::ALL.into_iter().map(of_namespace);
    let output = [Chapter {
        of: Of::Functions,
        title: title(printer::DOC),
        doc: printer::DOC.to_owned(),
        example: None,
        fields: Vec::new(),
        items: printer::FUNCTIONS.iter().map(of_native).collect(),
    }];
    let modules = stdlib::MODULES.iter().map(of_module);
    let types = types::ALL.into_iter().map(of_type);
    functions
        .chain(output)
        .chain(modules)
        .chain(types)
        .chain(of_texts())
        .collect()
}

/// What the prompt has beside that.
pub(super) fn of_prompt() -> Vec<Chapter> {
    api::OF_PROMPT.into_iter().map(of_namespace).collect()
}

fn of_namespace(namespace: &'static Namespace) -> Chapter {
    Chapter {
        of: Of::Functions,
        title: title(namespace.doc),
        doc: namespace.doc.to_owned(),
        example: None,
        fields: Vec::new(),
        items: namespace.functions.iter().map(of_function).collect(),
    }
}

/// `Time: timers count …` → `Time`
fn title(doc: &str) -> String {
    let end = doc.find([':', '.']).unwrap_or(doc.len());
    doc.get(..end).unwrap_or(doc).to_owned()
}

fn of_function(entry: &Entry) -> Item {
    Item {
        title: entry.name.to_owned(),
        name: entry.name.to_owned(),
        signature: entry.signature.to_owned(),
        doc: entry.doc.to_owned(),
        takes: owned(entry.takes),
        gives: entry.gives.to_owned(),
        example: entry.example.to_owned(),
    }
}

fn of_native(native: &Native) -> Item {
    Item {
        title: native.name.to_owned(),
        name: native.name.to_owned(),
        signature: native.signature.to_owned(),
        doc: native.doc.to_owned(),
        takes: owned(native.takes),
        gives: native.gives.to_owned(),
        example: native.example.to_owned(),
    }
}

fn owned(takes: &[(&str, &str)]) -> Vec<(String, String)> {
    let takes = takes.iter();
    takes
        .map(|(name, ty)| ((*name).to_owned(), (*ty).to_owned()))
        .collect()
}

fn of_type(of: &'static Type) -> Chapter {
    let methods = of.methods.iter().map(|entry| Item {
        title: format!("{}:{}", of.name, entry.name),
        signature: format!("{}{}", of.name, entry.signature),
        ..of_function(entry)
    });
    Chapter {
        of: Of::Methods,
        title: of.name.to_owned(),
        doc: of.doc.to_owned(),
        example: Some(of.example.to_owned()),
        fields: fields(of),
        items: methods.collect(),
    }
}

fn fields(of: &'static Type) -> Vec<Named> {
    let mut fields = Vec::new();
    // An event has what texts know of it.
    if std::ptr::eq(of, &raw const types::event::TYPE) {
        let words = known::words().filter(|word| !word.lua.is_empty());
        fields.extend(words.map(|word| Named {
            name: word.known.name.to_owned(),
            ty: word.lua.to_owned(),
            doc: word.known.doc.to_owned(),
        }));
    }
    fields.extend(of.fields.iter().map(|field| Named {
        name: field.name.to_owned(),
        ty: field.ty.to_owned(),
        doc: field.doc.to_owned(),
    }));
    fields
}

fn of_texts() -> Vec<Chapter> {
    let chapter = |title: &str, doc: &str, of, items| Chapter {
        of,
        title: title.to_owned(),
        doc: doc.to_owned(),
        example: None,
        fields: Vec::new(),
        items,
    };
    let words = known::words().map(|word| of_known(&word.known)).collect();
    let functions = known::functions().iter().map(of_known).collect();
    let operators = known::operators().map(|operator| Item {
        example: format!(
            "probe \"tracepoint:syscalls:sys_exit_read\"\n  :print \"comm, x = {}\"",
            operator.example
        ),
        ..of_known(operator)
    });
    let columns = known::columns().iter().map(of_known).collect();
    let mut comments = comments::of(stdlib::DEFINITIONS).into_iter();
    let head = comments.next().unwrap_or_default();
    let definitions = comments.map(of_definition).collect();
    vec![
        chapter("Words", "What stands alone in a text.", Of::Texts, words),
        chapter(
            "Functions",
            "What a text can compute.",
            Of::Texts,
            functions,
        ),
        chapter("Definitions", &head.doc, Of::Texts, definitions),
        chapter(
            "Operators",
            "Lua's, from the loosest on.",
            Of::Texts,
            operators.collect(),
        ),
        chapter(
            "Columns",
            "What the columns of a tally are made by.",
            Of::Columns,
            columns,
        ),
    ]
}

fn of_known(known: &Known) -> Item {
    Item {
        title: known.name.to_owned(),
        name: known.name.to_owned(),
        signature: known.form.to_owned(),
        doc: known.doc.to_owned(),
        takes: Vec::new(),
        gives: String::new(),
        example: known.example.to_owned(),
    }
}

/// One of those that every script has: its line says the parameters.
fn of_definition(comment: Comment) -> Item {
    let name = comment.name().to_owned();
    Item {
        title: name.clone(),
        name,
        signature: comment.head,
        doc: comment.doc,
        takes: Vec::new(),
        gives: String::new(),
        example: comment.example,
    }
}

fn of_module(module: &'static Module) -> Chapter {
    let mut comments = comments::of(module.text).into_iter();
    let head = comments.next().unwrap_or_default();
    Chapter {
        of: Of::Module,
        title: module.name.to_owned(),
        doc: head.doc,
        example: Some(head.example),
        fields: Vec::new(),
        items: comments
            .map(|comment| of_comment(module, comment))
            .collect(),
    }
}

fn of_comment(module: &Module, comment: Comment) -> Item {
    let whole = comment.name();
    let name = whole.rsplit('.').next().unwrap_or_default();
    // A field of the module is a global by its bare name; what is deeper keeps the table's.
    let title = match module.globals.contains(&name) {
        true => name,
        false => whole,
    };
    Item {
        signature: format!("{title}{}", signature(&comment.takes)),
        title: title.to_owned(),
        name: name.to_owned(),
        doc: comment.doc,
        takes: comment.takes,
        gives: comment.gives,
        example: comment.example,
    }
}

/// `(format[, time])`
fn signature(takes: &[(String, String)]) -> String {
    let (mut text, mut open) = ("(".to_owned(), 0);
    for (position, (name, _)) in takes.iter().enumerate() {
        let comma = if position > 0 { ", " } else { "" };
        match name.strip_suffix('?') {
            // The only one is nil rather than left out.
            Some(name) if takes.len() == 1 => text.push_str(name),
            Some(name) => {
                text.push('[');
                text.push_str(comma);
                text.push_str(name);
                open += 1;
            }
            None => {
                text.push_str(comma);
                text.push_str(name);
            }
        }
    }
    text.push_str(&"]".repeat(open));
    text.push(')');
    text
}
