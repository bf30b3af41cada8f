//! The texts that the user gave to Lua, and where in them a call stands.

use crate::report::{Place, Report};
use mlua::chunk::ChunkMode;
use mlua::{Function, Lua};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Lua shortens longer names of chunks in its messages (`LUA_IDSIZE`, with its NUL).
const SHORT_NAME: usize = 60;

/// Frames that a search for the user's line goes up at most: Lua's own stack holds fewer C calls.
const DEEPEST: usize = 200;

/// Every text that was run, by the file's name as the user wrote it.
#[derive(Default)]
pub(crate) struct Chunks {
    texts: RefCell<BTreeMap<Arc<str>, Arc<str>>>,
}

impl Chunks {
    pub(crate) fn add(&self, name: &str, text: &str) {
        self.texts.borrow_mut().insert(name.into(), text.into());
    }

    /// A text that is to be run. `file` is as the user named it, or `-e`.
    pub(crate) fn load(&self, lua: &Lua, file: &str, text: &str) -> mlua::Result<Function> {
        self.add(file, text);
        // `#!` is no Lua, but its line counts.
        let text = match text.starts_with('#') {
            true => format!("--{text}"),
            false => text.to_owned(),
        };
        let chunk = lua.load(text).set_name(format!("@{file}"));
        chunk.set_mode(ChunkMode::Text).into_function()
    }

    /// A file's name and text.
    pub(crate) fn get(&self, name: &str) -> Option<(Arc<str>, Arc<str>)> {
        let texts = self.texts.borrow();
        texts
            .get_key_value(name)
            .map(|(name, text)| (Arc::clone(name), Arc::clone(text)))
    }

    /// The innermost line of the user's that is being run, from `level` frames up.
    pub(crate) fn here(&self, lua: &Lua) -> Option<Place> {
        (0..DEEPEST)
            .map_while(|level| lua.inspect_stack(level, |frame| self.frame(frame)))
            .flatten()
            .next()
    }

    fn frame(&self, frame: &mlua::debug::Debug<'_>) -> Option<Place> {
        let source = frame.source().source?;
        let (file, _) = self.get(source.strip_prefix('@')?)?;
        Some(Place {
            file,
            line: u32::try_from(frame.current_line()?).ok()?,
        })
    }

    /// Splits `FILE:LINE: message`, where FILE is one of the user's as Lua shortens it.
    pub(crate) fn split<'m>(&self, message: &'m str) -> (Option<Place>, &'m str) {
        for name in self.texts.borrow().keys() {
            let Some(rest) = message.strip_prefix(&*short(name)) else {
                continue;
            };
            let Some((line, rest)) = rest.strip_prefix(':').and_then(|rest| rest.split_once(':'))
            else {
                continue;
            };
            if let Ok(line) = line.parse() {
                return (
                    Some(Place {
                        file: Arc::clone(name),
                        line,
                    }),
                    rest.trim_start(),
                );
            }
        }
        (None, message)
    }

    /// Points a report at a word of its line.
    pub(crate) fn point(&self, report: Report, word: &str) -> Report {
        let Some(place) = &report.place else {
            return report;
        };
        let Some((_, text)) = self.get(&place.file) else {
            return report;
        };
        let line = place
            .line
            .checked_sub(1)
            .and_then(|line| text.lines().nth(line as usize));
        let text = line.unwrap_or_default().trim();
        match find_word(text, word) {
            Some(at) => report.pointing(text, at..at + word.len()),
            None => report,
        }
    }
}

/// Where a word stands by itself in a line.
fn find_word(text: &str, word: &str) -> Option<usize> {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).map(|(at, _)| at).find(|&at| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

/// A chunk's name as Lua's messages have it.
fn short(name: &str) -> String {
    const DOTS: &str = "...";
    if name.len() < SHORT_NAME {
        return name.to_owned();
    }
    let mut cut = name.len() - (SHORT_NAME - 1 - DOTS.len());
    while !name.is_char_boundary(cut) {
        cut += 1;
    }
    format!("{DOTS}{}", &name[cut..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_split_at_its_place_even_when_lua_shortens_the_file() {
        let long = format!("/{}/tool.lua", "directory/".repeat(20));
        let chunks = Chunks::default();
        chunks.add(&long, "x = 1");
        chunks.add("-e", "");
        let lua = Lua::new();
        let error = lua
            .load("local t = nil\nt.x = 1")
            .set_name(format!("@{long}"))
            .exec();
        let message = error.unwrap_err().to_string();
        let message = message.strip_prefix("runtime error: ").unwrap_or(&message);
        let (place, rest) = chunks.split(message);
        assert_eq!(
            place.unwrap(),
            Place {
                file: long.into(),
                line: 2
            }
        );
        assert!(rest.starts_with("attempt to index"), "{rest}");
        assert_eq!(chunks.split("-e:7: boom").0.unwrap().line, 7);
        assert_eq!(chunks.split("-ex:7: boom").0, None);
    }

    #[test]
    fn a_word_is_found_by_itself() {
        assert_eq!(find_word("probe(prob)", "prob"), Some(6));
        assert_eq!(find_word("é prob", "prob"), Some(3));
        assert_eq!(find_word("problem", "prob"), None);
    }
}
