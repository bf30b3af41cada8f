//! Standard input that is no terminal: a transcript, each statement run as soon as it is whole.

use super::shell::{Outcome, Shell};
use crate::cli::RunArgs;
use crate::lua::syntax;
use crate::report::{Report, plainly};
use crate::run::Session;
use std::io::{BufRead, stdin};

/// Goes on after a statement that fails; the exit status says that one did.
pub(super) fn run(arguments: RunArgs) -> Result<i32, Report> {
    let mut shell = Shell::new(Session::start(arguments, None)?);
    let mut failed = false;
    let mut open = String::new();
    for line in stdin().lock().split(b'\n') {
        let line = line.map_err(|error| {
            Report::new(format!("standard input can't be read: {}", plainly(&error)))
        })?;
        open.push_str(&String::from_utf8_lossy(&line));
        open.push('\n');
        if !is_whole(&open) {
            continue;
        }
        match shell.execute(&std::mem::take(&mut open)) {
            Outcome::Done => {}
            Outcome::Failed => failed = true,
            Outcome::Over => return Ok(shell.end()),
        }
    }
    // What is not whole at the end is wrong, and is told so.
    if shell.execute(&open) == Outcome::Failed {
        failed = true;
    }
    let status = shell.end();
    Ok(if status == 0 && failed {
        super::FAILED
    } else {
        status
    })
}

/// A question or a command is a line; of Lua, more may have to come.
pub(super) fn is_whole(text: &str) -> bool {
    text.trim_start().starts_with(['?', '.']) || syntax::is_whole(text.trim_start_matches('='))
}
