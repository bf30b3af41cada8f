//! Errors on their way from Lua to the user: the user's own lines, and nothing of ours.

use super::chunks::Chunks;
use crate::report::{Place, Report};
use std::fmt;

/// How a piece of the script ended when it did not just return.
#[derive(Clone, Debug, PartialEq)]
pub enum ScriptError {
    /// Mistakes that were found in what the script asked for.
    Reports(Vec<Report>),
    /// An error of Lua's, or the script's own `error(…)`.
    Lua(LuaError),
    /// [`Interrupter::trigger`](super::interrupt::Interrupter::trigger) stopped it.
    Interrupted,
    /// `exit(N)`: no handler runs any more.
    Exit(i32),
}

#[derive(Clone, Debug, PartialEq)]
pub struct LuaError {
    /// Where the script says it was raised; `None` when no line of the user's had a part in it.
    pub place: Option<Place>,
    /// Without its place.
    pub message: String,
    /// The user's lines that led there, innermost first, without `place` itself.
    pub traceback: Vec<Place>,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reports(reports) => fmt_reports(reports, f),
            Self::Lua(error) => error.fmt(f),
            Self::Interrupted => f.write_str("interrupted"),
            Self::Exit(code) => write!(f, "exit({code})"),
        }
    }
}

impl std::error::Error for ScriptError {}

impl ScriptError {
    /// What a `pcall` of the script's gets: one line, as Lua's own errors are.
    pub(crate) fn caught(&self) -> String {
        match self {
            Self::Reports(reports) => caught(reports),
            Self::Lua(LuaError {
                place: Some(place),
                message,
                ..
            }) => format!("{place}: {message}"),
            Self::Lua(error) => error.message.clone(),
            other => other.to_string(),
        }
    }
}

/// Reports without the text that they point into.
fn caught(reports: &[Report]) -> String {
    let line = |report: &Report| {
        let place = report
            .place
            .as_ref()
            .map_or(String::new(), |place| format!("{place}: "));
        let help = report
            .help
            .as_ref()
            .map_or(String::new(), |help| format!(" ({help})"));
        format!("{place}{}{help}", report.message)
    };
    reports.iter().map(line).collect::<Vec<_>>().join("; ")
}

impl From<Report> for ScriptError {
    fn from(report: Report) -> Self {
        Self::Reports(vec![report])
    }
}

impl LuaError {
    /// The lines that led there stand as its help.
    pub fn report(&self) -> Report {
        let called: Vec<String> = self
            .traceback
            .iter()
            .map(|place| format!("called at {place}"))
            .collect();
        Report {
            place: self.place.clone(),
            message: self.message.clone(),
            excerpt: None,
            help: (!called.is_empty()).then(|| called.join("\n  ")),
        }
    }
}

impl fmt::Display for LuaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.report().fmt(f)
    }
}

/// What a function of the API raises: it travels through Lua untouched unless a `pcall` makes text of it.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    Reports(Vec<Report>),
    Exit(i32),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reports(reports) => f.write_str(&caught(reports)),
            Self::Exit(code) => write!(f, "exit({code})"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<Failure> for mlua::Error {
    fn from(failure: Failure) -> Self {
        Self::external(failure)
    }
}

impl Failure {
    /// The one that an error of mlua's carries.
    pub(crate) fn of(error: &mlua::Error) -> Option<&Self> {
        error.downcast_ref()
    }
}

fn fmt_reports(reports: &[Report], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (index, report) in reports.iter().enumerate() {
        if index > 0 {
            f.write_str("\n")?;
        }
        write!(f, "{report}")?;
    }
    Ok(())
}

/// What an error means to the user. `memory_limit` in bytes.
pub(crate) fn explain(error: &mlua::Error, chunks: &Chunks, memory_limit: usize) -> ScriptError {
    match Failure::of(error) {
        Some(Failure::Reports(reports)) => return ScriptError::Reports(reports.clone()),
        Some(Failure::Exit(code)) => return ScriptError::Exit(*code),
        None => {}
    }
    ScriptError::Lua(explain_text(&text(error), chunks, memory_limit))
}

/// The same of a message that Lua's traceback may follow.
pub(crate) fn explain_text(text: &str, chunks: &Chunks, memory_limit: usize) -> LuaError {
    let (message, trace) = text
        .split_once("\nstack traceback:\n")
        .unwrap_or((text, ""));
    let mut traceback: Vec<Place> = trace
        .lines()
        .filter_map(|line| chunks.split(line.trim_start()).0)
        .collect();
    let (place, message) = chunks.split(message);
    let place = place.or_else(|| traceback.first().cloned());
    if traceback.first() == place.as_ref() && !traceback.is_empty() {
        traceback.remove(0);
    }
    let message = match message {
        "not enough memory" => {
            format!(
                "the script used more than {} MiB of memory",
                memory_limit >> 20
            )
        }
        other => other.to_owned(),
    };
    LuaError {
        place,
        message,
        traceback,
    }
}

/// The message of an error, without what mlua puts around it.
fn text(error: &mlua::Error) -> String {
    match error {
        mlua::Error::CallbackError { traceback, cause } => {
            let inner = text(cause);
            if inner.contains("\nstack traceback:\n") {
                inner
            } else {
                format!("{inner}\n{traceback}")
            }
        }
        mlua::Error::RuntimeError(message)
        | mlua::Error::MemoryError(message)
        | mlua::Error::SyntaxError { message, .. } => message.clone(),
        other => other.to_string(),
    }
}
