//! What may stand where the cursor is.
//!
//! cursor → what is asked for. Names of Lua are the session's to tell, all else is looked up in machine, on a thread of its
//! own: nothing that a person types waits for the kernel for long.

mod chain;
mod cursor;
mod fields;
mod files;
mod machine;
mod names;
mod offers;
mod session;
mod specs;
#[cfg(test)]
mod tests;

use crate::facts::Facts;
use crate::lua::lex::{End, Typed};
use cursor::Asked;
use machine::Machine;
use session::Patient;
use std::time::Duration;

/// How long a person waits for a machine that is busy, rather than press Tab once more. An idle one answers within 100 ms.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the machine gets of it, however long the session took to answer.
const AT_LEAST: Duration = Duration::from_millis(20);

/// What may take the place of the text between `start` and the cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completions {
    /// Bytes of the text before it.
    pub start: usize,
    pub candidates: Vec<Candidate>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What is put in.
    pub text: String,
    /// What is listed: the name and, where it has one, its type.
    pub shown: String,
}

/// What the session's Lua knows, as it is now.
pub trait LuaNames {
    /// Names in a value, each with what it is (`function`, `tally`, `number`): of `""` the globals, of `a.b` what is in that
    /// table or, for a value of the API, its methods with how they are called (`:rows()`).
    fn names_in(&self, path: &str) -> Vec<(String, String)>;
    /// The texts of the definitions that were made with `define`.
    fn definitions(&self) -> Vec<String>;
}

/// What completes lines. What it has found out about the machine it keeps.
pub struct Completer {
    commands: Vec<String>,
    machine: Machine,
    patience: Duration,
}

impl Completer {
    /// `commands` are the prompt's own, `.help` and the like.
    pub fn new(commands: Vec<String>) -> Self {
        Self {
            commands,
            machine: Machine::new(Facts::live),
            patience: PATIENCE,
        }
    }

    /// What may stand at byte `at` of all that was typed of a statement. What can't be found out in time, or at all, is
    /// nothing.
    pub fn complete(&mut self, text: &str, at: usize, lua: &dyn LuaNames) -> Completions {
        let Some(text) = text.get(..at) else {
            return Completions::default();
        };
        if let Some(found) = self.command(text, lua) {
            return found;
        }
        let typed = Typed::read(text);
        let lua = Patient::new(lua, self.patience);
        match typed.end {
            End::Comment => Completions::default(),
            End::Code => names::complete(text, &typed.tokens, &lua),
            End::String(body) => self.string(text, &typed, body, &lua),
        }
    }

    /// A line that is the prompt's own: `.load FILE`, `?NAME`.
    fn command(&self, text: &str, lua: &dyn LuaNames) -> Option<Completions> {
        let line = text.trim_start();
        let start = text.len() - line.len();
        if let Some(asked) = line.strip_prefix('?') {
            let name = asked.trim_start_matches('?').trim_start();
            return Some(self.question(name, lua).moved(text.len() - name.len()));
        }
        if !line.starts_with('.') {
            return None;
        }
        let Some((command, rest)) = line.split_once(' ') else {
            let all = self.commands.iter().map(|of| Candidate::new(of, ""));
            return Some(Completions::of(start, line, all));
        };
        let known = self.commands.iter().any(|of| of == command);
        let file = rest.trim_start();
        Some(match known {
            true => self.ask(
                text.len() - file.len(),
                file.to_owned(),
                Asked::File,
                self.patience,
            ),
            false => Completions::default(),
        })
    }

    /// What `?` can be asked for.
    fn question(&self, name: &str, lua: &dyn LuaNames) -> Completions {
        let asked = match name.split_once([':', ' ']) {
            Some((kind, _)) if specs::is_kind(kind) => Some(Asked::Spec),
            Some(("struct" | "union", _)) => Some(Asked::Struct),
            _ => None,
        };
        match asked {
            Some(asked) => self.ask(0, name.to_owned(), asked, self.patience),
            None => names::documented(name, specs::kinds(), lua),
        }
    }

    /// Within the quotes of a string, whose text begins at byte `body`.
    fn string(&self, text: &str, typed: &Typed<'_>, body: usize, lua: &Patient<'_>) -> Completions {
        let inside = text.get(body..).unwrap_or_default();
        let inside = match text.as_bytes().get(body.wrapping_sub(1)) {
            Some(b'[') => inside.to_owned(),
            _ => cursor::without_escapes(inside),
        };
        match cursor::asked(&typed.tokens, lua) {
            Some(asked) => self.ask(body, inside, asked, lua.left().max(AT_LEAST)),
            None => Completions::default(),
        }
    }

    fn ask(&self, start: usize, text: String, asked: Asked, patience: Duration) -> Completions {
        let found = self.machine.ask(text, asked, patience);
        found.unwrap_or_default().moved(start)
    }
}
