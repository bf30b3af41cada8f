//! The prompt: lines that a person types, on their way to the VM; what it says of them, and what it offers before they are whole.

mod batch;
mod commands;
pub mod complete;
mod editor;
mod help;
mod places;
mod shell;

use crate::cli::RunArgs;
use crate::report::Report;
use std::io::{IsTerminal, Write, stderr, stdin, stdout};

/// Where the session could not begin.
const FAILED: i32 = 1;

/// Reads statements, runs each, and says what became of it; gives the exit status. Where nobody watches, what is read is a
/// transcript.
pub fn prompt(arguments: RunArgs) -> i32 {
    let done = match stdin().is_terminal() && stdout().is_terminal() {
        true => editor::run(arguments),
        false => batch::run(arguments),
    };
    done.unwrap_or_else(|report| {
        say_wrong(&report);
        FAILED
    })
}

/// What answers a line. A terminal that is gone is noticed when the next line is read.
fn say(text: &str) {
    let mut out = stdout().lock();
    let _ = writeln!(out, "{}", text.trim_end_matches('\n'));
    let _ = out.flush();
}

fn say_wrong(report: &Report) {
    let _ = writeln!(stderr(), "{report}");
}
