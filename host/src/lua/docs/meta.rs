//! Definitions for the Lua language server and what understands its comments.

use super::chapter::{self, Chapter, Item, Of};
use super::lines::first_sentence;
use std::fmt::Write;

/// What the types below name and no table has.
const HEAD: &str = "\
---@meta moontrace
-- Made by `moontrace types DIR`.

---A row of a table: keys and columns by their names.
---@alias moontrace.row table<string, any>

---What a set holds: numbers, strings, and tuples of them.
---@alias moontrace.member integer|string|(integer|string)[]
";

/// A file that names every global, type and method with its parameters (lua-stdlib/meta/moontrace.lua).
pub fn meta() -> String {
    let mut text = HEAD.to_owned();
    let (types, globals): (Vec<_>, Vec<_>) = chapter::of_scripts()
        .into_iter()
        .filter(|chapter| !matches!(chapter.of, Of::Texts | Of::Columns))
        .partition(|chapter| chapter.of == Of::Methods);
    for chapter in types.iter().chain(&globals) {
        text += &of_chapter(chapter);
    }
    text
}

fn of_chapter(chapter: &Chapter) -> String {
    let mut text = String::new();
    // The local that methods are said of has a name that no global has.
    let local = chapter.title.to_uppercase();
    match chapter.of {
        Of::Texts | Of::Columns => return text,
        Of::Functions => text += &format!("\n-- {}\n", chapter.doc),
        Of::Module => {
            let is_table = chapter.items.iter().any(|item| item.title.contains('.'));
            text += &match is_table {
                true => format!(
                    "\n{}{} = {{}}\n",
                    said(&chapter.doc, chapter.example.as_deref()),
                    chapter.title
                ),
                false => format!("\n-- {}\n", first_sentence(&chapter.doc)),
            };
        }
        Of::Methods => {
            text += &format!(
                "\n{}---@class moontrace.{}\n",
                said(&chapter.doc, chapter.example.as_deref()),
                chapter.title
            );
            for field in &chapter.fields {
                text += &match field.name.as_str() {
                    "#" => format!("---@operator len: {}\n", field.ty),
                    name => format!("---@field {name} {} {}\n", field.ty, field.doc),
                };
            }
            text += &format!("local {local} = {{}}\n");
        }
    }
    for item in &chapter.items {
        let name = match chapter.of {
            Of::Methods => format!("{local}:{}", item.name),
            _ => item.title.clone(),
        };
        text += &function(&name, item);
    }
    text
}

fn function(name: &str, item: &Item) -> String {
    let mut text = format!("\n{}", said(&item.doc, Some(&item.example)));
    for (name, ty) in &item.takes {
        let _ = writeln!(text, "---@param {name} {ty}");
    }
    if !item.gives.is_empty() {
        let _ = writeln!(text, "---@return {}", item.gives);
    }
    let parameters = item
        .takes
        .iter()
        .map(|(name, _)| name.trim_end_matches('?'));
    let parameters = parameters.collect::<Vec<_>>().join(", ");
    text + &format!("function {name}({parameters}) end\n")
}

/// Sentences, and a piece of code as editors show it.
fn said(doc: &str, example: Option<&str>) -> String {
    let mut text = format!("---{doc}\n");
    if let Some(example) = example {
        text += "---```lua\n";
        for line in example.lines() {
            text += &format!("---{line}\n");
        }
        text += "---```\n";
    }
    text
}
