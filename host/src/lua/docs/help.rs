//! What the prompt says to `?name`.

use super::chapter::{self, Chapter, Item, Of};
use super::lines::{columns, first_sentence, indented, wrapped};
use std::collections::BTreeSet;

/// All that a name means: as a function, a type, a module, a method (`top`, `:top`, `tally:top`). `None` when it means
/// nothing.
pub fn help(name: &str) -> Option<String> {
    let chapters = chapters();
    let (name, only_methods) = match name.trim().strip_prefix(':') {
        Some(method) => (method, true),
        None => (name.trim(), false),
    };
    let called = |of: Of, name: &str| -> Vec<&Item> {
        let chapters = chapters.iter().filter(|chapter| chapter.of == of);
        let items = chapters.flat_map(|chapter| &chapter.items);
        items
            .filter(|item| item.title == name || item.name == name)
            .collect()
    };
    let mut parts = Vec::new();
    if !only_methods {
        let functions = [called(Of::Functions, name), called(Of::Module, name)];
        parts.extend(functions.concat().into_iter().map(item));
        let named = chapters.iter().filter(|chapter| chapter.title == name);
        parts.extend(named.filter_map(of_chapter));
    }
    parts.extend(of_methods(&called(Of::Methods, name), parts.is_empty()));
    if !only_methods {
        for (of, lead) in [(Of::Texts, "In texts: "), (Of::Columns, "In columns: ")] {
            let known = called(of, in_texts(name));
            parts.extend(
                known
                    .into_iter()
                    .map(|known| lead.to_owned() + &item(known)),
            );
        }
    }
    (!parts.is_empty()).then(|| parts.join("\n"))
}

/// The name under which a word of texts is described: of all arguments the first, of all given values `$name`.
fn in_texts(name: &str) -> &str {
    let number = name.strip_prefix("arg").map(str::parse::<u8>);
    match name.strip_prefix('$') {
        _ if matches!(number, Some(Ok(_))) => "arg0",
        Some(given) if given != "target" => "$name",
        _ => name,
    }
}

/// Every name that [`help`] knows, in order.
pub fn names() -> Vec<String> {
    let mut names = BTreeSet::new();
    for chapter in chapters() {
        if matches!(chapter.of, Of::Methods | Of::Module) {
            names.insert(chapter.title);
        }
        for item in chapter.items {
            names.extend([item.title, item.name]);
        }
    }
    names.into_iter().collect()
}

fn chapters() -> Vec<Chapter> {
    let mut chapters = chapter::of_scripts();
    chapters.extend(chapter::of_prompt());
    chapters
}

fn item(item: &Item) -> String {
    described(&item.signature, &item.doc, &item.example)
}

fn described(head: &str, doc: &str, example: &str) -> String {
    let mut text = format!("{head}\n  {}\n", wrapped(doc, 2));
    if !example.is_empty() {
        text += &format!("\n{}\n", indented(example, 4));
    }
    text
}

/// A type or a module, and what it has.
fn of_chapter(chapter: &Chapter) -> Option<String> {
    let kind = match chapter.of {
        Of::Functions | Of::Texts | Of::Columns => return None,
        Of::Module => "a module",
        Of::Methods => "a type",
    };
    let mut text = format!(
        "{}, {kind}\n  {}\n",
        chapter.title,
        wrapped(&chapter.doc, 2)
    );
    let fields = chapter.fields.iter();
    let fields: Vec<_> = fields
        .map(|field| (written(&field.name), first_sentence(&field.doc)))
        .collect();
    let methods = chapter.items.iter().map(|item| {
        let signature = item.signature.strip_prefix(&*chapter.title);
        // Of a module, functions are called by their whole names.
        let signature = signature.filter(|rest| rest.starts_with(':'));
        (
            signature.unwrap_or(&item.signature),
            first_sentence(&item.doc),
        )
    });
    let all = fields.iter().map(|(name, doc)| (name.as_str(), *doc));
    text += &format!("\n{}", columns(all.chain(methods)));
    if let Some(example) = &chapter.example {
        text += &format!("\n{}\n", indented(example, 4));
    }
    Some(text)
}

/// How a field is read.
fn written(name: &str) -> String {
    match name {
        "#" => "#value".to_owned(),
        "[integer]" => "[number]".to_owned(),
        "[string]" => ".NAME".to_owned(),
        name => format!(".{name}"),
    }
}

/// Methods of one name: as a whole where they are one, or all the same and nothing else is called so.
fn of_methods(methods: &[&Item], alone: bool) -> Option<String> {
    let (first, others) = methods.split_first()?;
    let same = |other: &&Item| other.doc == first.doc;
    if alone && others.iter().all(same) {
        let signatures = methods.iter().map(|method| method.signature.as_str());
        let head = signatures.collect::<Vec<_>>().join("\n");
        return Some(described(&head, &first.doc, &first.example));
    }
    let rows = methods
        .iter()
        .map(|method| (method.signature.as_str(), first_sentence(&method.doc)));
    let head = match others.is_empty() {
        true => "A method of that name:",
        false => "Methods of that name:",
    };
    Some(format!("{head}\n{}", columns(rows)))
}
