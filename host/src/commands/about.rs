//! Tools as listings and questions show them: header, level, probes, permissions. Their code is never run.

use crate::collection::Source;
use crate::lua::header::Header;
use crate::permission::{Level, Permission, Permissions};
use crate::report::Report;
use crate::rows::escape::printable;
use std::fmt::Write;

/// A tool by its header.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tool {
    /// As it is run from anywhere.
    pub(super) name: String,
    pub(super) header: Header,
}

impl Tool {
    /// # Errors
    /// The first mistake of its header.
    pub(super) fn read(name: String, source: &Source) -> Result<Self, Report> {
        let header = Header::parse(&source.file.as_str().into(), &source.text);
        let header = header.map_err(|mut reports| reports.remove(0))?;
        Ok(Self { name, header })
    }

    /// What its header says, else what follows from what it may do.
    pub(super) fn level(&self) -> Level {
        let computed = self.header.permissions.level();
        self.header
            .level
            .map_or(computed, |said| said.max(computed))
    }

    /// `net/slowconn  safe  Show slow connects.` and below it what it may do.
    pub(super) fn lines(&self, widest: usize) -> String {
        let (level, summary) = (
            self.level().word(),
            printable(self.header.summary.as_bytes()),
        );
        let mut text = format!("  {:widest$}  {level:9}  {summary}\n", self.name);
        text.push_str(&permissions(&self.header.permissions, "    "));
        text
    }
}

/// Probes and the rest, a line each.
pub(super) fn permissions(permissions: &Permissions, indent: &str) -> String {
    let (mut probes, mut others) = (Vec::new(), Vec::new());
    for permission in permissions.iter() {
        match permission {
            Permission::Probes(pattern) => probes.push(pattern.to_string()),
            other => others.push(other.to_string()),
        }
    }
    let mut text = String::new();
    for (what, list) in [("probes", probes), ("permissions", others)] {
        let list = match list.is_empty() {
            true => "none declared".to_owned(),
            false => printable(list.join(", ").as_bytes()),
        };
        // Writing to a String can't fail.
        let _ = writeln!(text, "{indent}{what:12} {list}");
    }
    text
}
