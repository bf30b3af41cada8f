//! The collection: chapters of what belongs together.

use super::comments::{self, Comment};
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
    pub(super) items: Vec<Item>,
}

/// What a chapter's items are.
#[derive(Clone, Copy)]
pub(super) enum Of {
    /// Globals.
    Functions,
    Methods(&'static Type),
    /// What `require` gives.
    Module,
}

/// A function or method.
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
        items: printer::FUNCTIONS.iter().map(of_native).collect(),
    }];
    let modules = stdlib::MODULES.iter().map(of_module);
    let types = types::ALL.into_iter().map(of_type);
    functions
        .chain(output)
        .chain(modules)
        .chain(types)
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
        of: Of::Methods(of),
        title: of.name.to_owned(),
        doc: of.doc.to_owned(),
        example: Some(of.example.to_owned()),
        items: methods.collect(),
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
        items: comments
            .map(|comment| of_comment(module, comment))
            .collect(),
    }
}

fn of_comment(module: &Module, comment: Comment) -> Item {
    let name = comment.name.rsplit('.').next().unwrap_or_default();
    // A field of the module is a global by its bare name; what is deeper keeps the table's.
    let title = match module.globals.contains(&name) {
        true => name,
        false => &comment.name,
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
