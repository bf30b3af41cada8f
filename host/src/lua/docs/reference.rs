//! The reference, as a page.

use super::chapter::{self, Chapter, Of};

const HEAD: &str = "\
# Reference

What a script can call beside Lua's own functions, and the names that texts know; how these are put together is in
[EXPRESSIONS.md](EXPRESSIONS.md).
";

/// lua-stdlib/REFERENCE.md.
pub fn reference() -> String {
    let chapters = chapter::of_scripts();
    let mut text = HEAD.to_owned();
    for title in PARTS {
        text += &format!("\n## {title}\n");
        for chapter in chapters.iter().filter(|chapter| part(chapter.of) == title) {
            text += &of_chapter(chapter);
        }
    }
    text
}

const PARTS: [&str; 4] = ["Functions", "Modules", "Types", "Texts"];

/// The part that a chapter stands in.
pub(super) fn part(of: Of) -> &'static str {
    let [functions, modules, types, texts] = PARTS;
    match of {
        Of::Functions => functions,
        Of::Module => modules,
        Of::Methods => types,
        Of::Texts | Of::Columns => texts,
    }
}

fn of_chapter(chapter: &Chapter) -> String {
    let mut text = format!("\n### {}\n", chapter.title);
    // A namespace may have nothing to say beyond its name.
    if chapter.doc.trim_end_matches('.') != chapter.title {
        text += &format!("\n{}\n", chapter.doc);
    }
    if !chapter.fields.is_empty() {
        text += "\n| | | |\n|---|---|---|\n";
    }
    for field in &chapter.fields {
        let ty = field.ty.replace('|', "\\|");
        text += &format!("| `{}` | `{ty}` | {} |\n", field.name, field.doc);
    }
    text += &chapter.example.as_deref().map(code).unwrap_or_default();
    for item in &chapter.items {
        text += &format!(
            "\n#### `{}`\n\n{}\n{}",
            item.signature,
            item.doc,
            code(&item.example)
        );
    }
    text
}

fn code(example: &str) -> String {
    format!("\n```lua\n{example}\n```\n")
}
