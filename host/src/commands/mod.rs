//! The commands that run no script: thin printers over facts and collections.

mod about;
mod add;
mod describe;
mod info;
mod list;
mod new;
mod query;
mod show;
mod tools;
mod trust;
mod types;
mod update;

pub use update::Wanted as UpdateWanted;

use crate::facts::Facts;
use crate::output::{Format, Stream, WriteError, Writer, voice};
use crate::report::Report;
use std::path::Path;

/// Prints the probes that match, and gives the exit status.
pub fn list(pattern: Option<&str>, pid: Option<u32>, format: Format) -> i32 {
    let found = list::probes(&Facts::live(), pattern, pid);
    show(found.map(|(found, missing)| {
        leave_out(&missing);
        list::lines(&found, format)
    }))
}

/// Prints what a probe offers or what a type is made of, and gives the exit status.
pub fn describe(what: &str, format: Format) -> i32 {
    let facts = Facts::live();
    show(match format {
        Format::Text => describe::describe(&facts, what),
        Format::Json => describe::json(&facts, what),
    })
}

/// Prints what this machine offers, and gives the exit status.
pub fn info() -> i32 {
    show(Ok(info::info(&Facts::live())))
}

/// Writes the definitions for editors into a folder, says where, and gives the exit status.
pub fn types(folder: &Path) -> i32 {
    show(types::write(folder))
}

/// Prints the tools at hand that a query is about, and gives the exit status.
pub fn tools(query: &[String], format: Format) -> i32 {
    let found = tools::tools(query, format);
    show(found.map(|(text, missing)| {
        leave_out(&missing);
        text
    }))
}

/// Installs a collection, prints what came, and gives the exit status.
pub fn add(what: &str, at: Option<&str>) -> i32 {
    show(add::add(what, at))
}

/// Takes a collection away, and gives the exit status.
pub fn remove(name: &str) -> i32 {
    show(add::remove(name))
}

/// Brings what is new of collections, and gives the exit status.
pub fn update(wanted: &UpdateWanted) -> i32 {
    show(update::update(wanted))
}

/// Takes the last update of a collection back, and gives the exit status.
pub fn take_back(name: &str) -> i32 {
    show(update::take_back(name))
}

/// Prints a tool or a collection to look at, and gives the exit status.
pub fn show_named(name: &str) -> i32 {
    show(show::show(name))
}

/// Writes the start of a collection, and gives the exit status.
pub fn new_collection(folder: &Path) -> i32 {
    show(new::collection(folder))
}

/// Writes the start of a tool into the collection of the current folder, and gives the exit status.
pub fn new_tool(name: &str) -> i32 {
    show(new::tool(name))
}

/// Allows a tool or a collection what it asks for, and gives the exit status.
pub fn trust(name: &str) -> i32 {
    show(trust::trust(name))
}

/// Takes that back, and gives the exit status.
pub fn revoke(name: &str) -> i32 {
    show(trust::revoke(name))
}

/// What [`list`] prints, as text.
pub fn listed(facts: &Facts, pattern: &str) -> Result<String, Report> {
    let (found, _) = list::probes(facts, Some(pattern), None)?;
    Ok(list::lines(&found, Format::Text))
}

/// What [`describe`] prints, as text.
pub fn described(facts: &Facts, what: &str) -> Result<String, Report> {
    describe::describe(facts, what)
}

/// Says what a listing lacks.
fn leave_out(missing: &[Report]) {
    for report in missing {
        // With nobody to read it, what is there is still right.
        voice::say(&format!("left out: {report}"));
    }
}

fn show(text: Result<String, Report>) -> i32 {
    match text {
        Ok(text) => say(text.as_bytes()),
        Err(report) => fail(&report),
    }
}

/// Writes to standard output; nobody reading it any more is no error. Gives the exit status.
pub fn say(bytes: &[u8]) -> i32 {
    let written = Stream::open(None)
        .map_err(WriteError::Failed)
        .and_then(|stream| {
            let mut writer = Writer::new(stream, Format::Text);
            writer.text(bytes);
            writer.finish()
        });
    match written {
        Err(WriteError::Failed(report)) => fail(&report),
        Ok(()) | Err(WriteError::Closed) => 0,
    }
}

fn fail(report: &Report) -> i32 {
    voice::say(&report.to_string());
    1
}
