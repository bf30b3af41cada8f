//! What is known of the names that a script can write. One collection ([`chapter`]), made from the tables that register
//! them and from the comments of the Lua modules, is what all of it is written from: help, the reference, and the
//! definitions for editors.

mod chapter;
mod comments;
mod help;
mod lines;
mod meta;
mod reference;

#[cfg(test)]
mod tests;

pub use help::{help, names};
pub use meta::meta;
pub use reference::reference;

/// Every example with the name that it stands at. Each is a script that works as it stands.
pub fn examples() -> Vec<(String, String)> {
    let mut examples = Vec::new();
    for chapter in chapter::of_scripts() {
        examples.extend(chapter.example.map(|example| (chapter.title, example)));
        for item in chapter.items {
            examples.push((item.title, item.example));
        }
    }
    examples
}
