//! One statement after the other: what it is, who does it, what is remembered of it.

use super::commands::{self, COMMANDS};
use super::{help, say, say_wrong};
use crate::facts::Facts;
use crate::lua::Written;
use crate::report::Report;
use crate::run::{Answer, Ended, Session};
use crate::sys::terminal;
use std::rc::Rc;

pub(super) struct Shell {
    pub(super) session: Rc<Session>,
    /// What the kernel offers, for questions.
    pub(super) facts: Facts,
    /// What was typed and worked, as a script has it.
    pub(super) script: Vec<String>,
    /// Statements so far.
    count: u32,
}

/// What became of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    Failed,
    /// The session is over.
    Over,
}

impl Shell {
    pub(super) fn new(session: Session) -> Self {
        Self {
            session: Rc::new(session),
            facts: Facts::live(),
            script: Vec::new(),
            count: 0,
        }
    }

    /// Does what a whole text asks for.
    pub(super) fn execute(&mut self, text: &str) -> Outcome {
        let text = text.trim();
        if text.is_empty() {
            return Outcome::Done;
        }
        if let Some(question) = text.strip_prefix('?') {
            return said(help::answer(self, question).map(Some));
        }
        if let Some(command) = text.strip_prefix('.').filter(|rest| is_command(rest)) {
            return commands::run(self, command);
        }
        self.count += 1;
        let name = format!("[{}]", self.count);
        // `=x` is what `x` is, as Lua's own prompt once had it.
        let outcome = self.statement(&name, text.strip_prefix('=').unwrap_or(text), true);
        if outcome == Outcome::Done && is_local(text) {
            say("a local ends with its line: leave out 'local' to use it in the next");
        }
        outcome
    }

    /// Runs a text that messages call `name`.
    pub(super) fn statement(&mut self, name: &str, text: &str, echo: bool) -> Outcome {
        let mut answer = self.session.run(name, text, echo);
        if matches!(answer, Ok(Answer::Screen)) {
            answer = self.until_key();
        }
        match answer {
            Ok(Answer::Done(written)) => {
                self.remember(text, written);
                Outcome::Done
            }
            Ok(Answer::Failed | Answer::Stopped) => Outcome::Failed,
            Ok(Answer::Screen) => Outcome::Done,
            Err(Ended) => Outcome::Over,
        }
    }

    fn remember(&mut self, text: &str, written: Written) {
        self.script.push(match written {
            Written::AsTyped => text.to_owned(),
            Written::Printed(statement) => statement,
            Written::Not => return,
        });
    }

    /// A key, or Ctrl-C, ends what is drawn.
    fn until_key(&self) -> Result<Answer, Ended> {
        const WAIT: i32 = 20;
        loop {
            if let Some(answer) = self.session.answer()? {
                return Ok(answer);
            }
            if terminal::has_key(WAIT) {
                terminal::take_keys();
                return self.session.end_screen();
            }
        }
    }

    /// Ends the session; gives the exit status.
    pub(super) fn end(self) -> i32 {
        match Rc::into_inner(self.session) {
            Some(session) => session.end(),
            None => super::FAILED,
        }
    }
}

/// Prints an answer, or why there is none.
pub(super) fn said(answer: Result<Option<String>, Report>) -> Outcome {
    match answer {
        Ok(text) => {
            if let Some(text) = text {
                say(&text);
            }
            Outcome::Done
        }
        Err(report) => {
            say_wrong(&report);
            Outcome::Failed
        }
    }
}

/// Is what stands behind a dot a command's name, and no number or vararg?
fn is_command(rest: &str) -> bool {
    rest.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// Does nothing but a `local` come of it?
fn is_local(text: &str) -> bool {
    !text.contains('\n') && text.starts_with("local ") && !text.contains([';'])
}

/// What may stand at the beginning of a line.
pub(super) fn command_names() -> impl Iterator<Item = String> {
    COMMANDS.iter().map(|command| format!(".{}", command.name))
}
