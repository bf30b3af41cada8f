//! The reference, as a page.

use super::chapter::{self, Chapter, Of};

const HEAD: &str = "\
# Reference

What a script can call, beside Lua's own functions. The prompt says the same: `?probe`, `?tally:top`, `?:where`. What texts are made
of is in [EXPRESSIONS.md](EXPRESSIONS.md).
";

/// lua-stdlib/REFERENCE.md.
pub fn reference() -> String {
    let chapters = chapter::of_scripts();
    let mut text = HEAD.to_owned();
    for (title, is_there) in PARTS {
        text += &format!("\n## {title}\n");
        for chapter in chapters.iter().filter(|chapter| is_there(chapter.of)) {
            text += &of_chapter(chapter);
        }
    }
    text
}

type Part = (&'static str, fn(Of) -> bool);
const PARTS: [Part; 3] = [
    ("Functions", |of| matches!(of, Of::Functions)),
    ("Modules", |of| matches!(of, Of::Module)),
    ("Types", |of| matches!(of, Of::Methods(_))),
];

fn of_chapter(chapter: &Chapter) -> String {
    let mut text = format!("\n### {}\n\n{}\n", chapter.title, chapter.doc);
    if let Of::Methods(of) = chapter.of {
        if !of.fields.is_empty() {
            text += "\n| | | |\n|---|---|---|\n";
        }
        for field in of.fields {
            let ty = field.ty.replace('|', "\\|");
            text += &format!("| `{}` | `{ty}` | {} |\n", field.name, field.doc);
        }
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
