//! What is known of the names that a script can write. One collection ([`chapter`]), made from the tables that register
//! them and from the comments of the Lua modules, is what all of it is written from: help, the reference, and the
//! definitions for editors.

mod chapter;
mod comments;
mod help;
mod lines;
mod meta;
mod reference;
mod values;

#[cfg(test)]
mod tests;

pub use help::{help, names};
pub use meta::meta;
pub use reference::reference;
pub use values::{functions, given_by, methods};

/// A script that works as it stands.
pub struct Example {
    /// `Functions`, `Modules`, `Types` or `Texts`.
    pub part: &'static str,
    /// The name that it stands at: `probe:where`.
    pub title: String,
    pub script: String,
}

/// Every example.
pub fn examples() -> Vec<Example> {
    let mut examples = Vec::new();
    for chapter in chapter::of_scripts() {
        let part = reference::part(chapter.of);
        let example = |title, script| Example {
            part,
            title,
            script,
        };
        examples.extend(chapter.example.map(|script| example(chapter.title, script)));
        let items = chapter.items.into_iter();
        examples.extend(items.map(|item| example(item.title, item.example)));
    }
    examples
}
