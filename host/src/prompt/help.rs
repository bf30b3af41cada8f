//! `?name` and `??name`: what something is, and its source.

use super::shell::Shell;
use crate::collection;
use crate::commands;
use crate::lua::header::Header;
use crate::lua::{docs, options};
use crate::report::{Report, did_you_mean};
use crate::rows::escape::lines;
use crate::spec::probe::is_plain;
use std::time::Duration;

/// Lines of a listing that are shown.
const LINES: usize = 60;
/// What a busy session gets to answer.
const PATIENCE: Duration = Duration::from_millis(500);

/// `question` is what stands behind the first `?`.
pub(super) fn answer(shell: &Shell, question: &str) -> Result<String, Report> {
    match question.strip_prefix('?') {
        Some(name) => source(shell, name.trim()),
        None => about(shell, question.trim()),
    }
}

fn about(shell: &Shell, what: &str) -> Result<String, Report> {
    if what.is_empty() {
        return Err(
            Report::new("of what?").help("?probe, ?:where, ?tracepoint:sched:*, ?opensnoop")
        );
    }
    // A method has its colon in front, a probe has it behind its kind.
    if what
        .find(':')
        .is_some_and(|at| at > 0 && docs::help(what).is_none())
    {
        return kernel(shell, what);
    }
    if let Some(text) = docs::help(what) {
        return Ok(text);
    }
    if let Some(text) = value(shell, what) {
        return Ok(text);
    }
    if let Some((tool, _)) = collection::tool_of_all(what)? {
        let header = Header::parse(&tool.file.as_str().into(), &tool.text);
        let header = header.map_err(|mut reports| reports.remove(0))?;
        return Ok(lines(options::help(&header, what).as_bytes()));
    }
    if what.starts_with("struct ") || what.starts_with("union ") || what.starts_with("enum ") {
        return commands::described(&shell.facts, what);
    }
    let unknown = unknown(what);
    match commands::listed(&shell.facts, what) {
        Ok(found) if unknown.help.is_none() && !found.is_empty() => Ok(short(&found)),
        _ => Err(unknown),
    }
}

/// What the kernel has: a list where several are meant, else all that is known of one.
fn kernel(shell: &Shell, what: &str) -> Result<String, Report> {
    match is_plain(what) {
        true => commands::described(&shell.facts, what),
        false => commands::listed(&shell.facts, what).map(|found| short(&found)),
    }
}

/// A value of the session: its type's page.
fn value(shell: &Shell, path: &str) -> Option<String> {
    let asked = path.to_owned();
    let of = shell
        .session
        .look(PATIENCE, move |vm| vm.type_of(&asked))??;
    let page = docs::help(of).unwrap_or_default();
    Some(format!("{path} is a {of}\n{page}"))
}

fn source(shell: &Shell, name: &str) -> Result<String, Report> {
    let asked = name.to_owned();
    let typed = shell.session.look(PATIENCE, move |vm| vm.source_of(&asked));
    if let Some(text) = typed.flatten() {
        return Ok(text);
    }
    if let Some((tool, _)) = collection::tool_of_all(name)? {
        return Ok(lines(tool.text.as_bytes()));
    }
    // What is written in another language, or not a function, has no text to show.
    about(shell, name)
}

fn short(found: &str) -> String {
    let lines: Vec<&str> = found.lines().collect();
    let mut text = lines[..lines.len().min(LINES)].join("\n");
    if lines.len() > LINES {
        text.push_str(&format!("\n… {} more", lines.len() - LINES));
    }
    text
}

fn unknown(what: &str) -> Report {
    let tools = collection::tool_names();
    let names = docs::names();
    let near = did_you_mean(what, names.iter().chain(&tools).map(String::as_str));
    Report {
        help: near,
        ..Report::new(format!("nothing is known of '{what}'"))
    }
}
