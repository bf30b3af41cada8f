//! What a SPEC's pattern matches on this machine: one file a kind of place.

mod alternatives;
mod binaries;
mod counters;
mod function_offset;
mod functions;
mod tracepoints;
mod usdt;

pub(crate) use tracepoints::is_traced;

#[cfg(test)]
mod tests;

pub use alternatives::Found;

use super::symbols::Namesake;
use super::{Facts, elf};
use crate::report::{self, Report};
use crate::spec::{Kind, Pattern};
use std::path::PathBuf;

/// One thing that a pattern matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    pub kind: Kind,
    /// As `probe` takes it: `tracepoint:sched:sched_switch`.
    pub probe: String,
    pub location: Location,
}

/// Where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    Tracepoint {
        category: String,
        event: String,
    },
    RawTracepoint {
        name: String,
    },
    /// `offset` in bytes from the function's start; `module` where it was asked for, or tells functions of a name apart.
    Function {
        module: Option<String>,
        name: String,
        offset: u64,
        /// Where the name is not its own.
        namesake: Option<Namesake>,
    },
    /// `offset` in bytes from the file's start.
    Binary {
        path: PathBuf,
        function: String,
        offset: u64,
    },
    /// Several may have one name.
    Usdt {
        path: PathBuf,
        place: elf::Usdt,
    },
    /// A counter of the kernel's, and how many events are a hit.
    Counter {
        name: &'static str,
        number: u64,
        period: u64,
    },
    /// Timers are nowhere; their numbers are for plan to judge.
    Timer {
        parts: Vec<String>,
    },
}

impl Facts {
    /// What a pattern matches here, sorted. Files are looked up as the process `pid` sees them. Of names in braces, those
    /// that don't exist drop out.
    ///
    /// # Errors
    /// When a plain name does not exist (with the nearest ones), or nothing at all matches.
    pub fn matches(&self, pattern: &Pattern, pid: Option<u32>) -> Result<Vec<Match>, Report> {
        self.look_for(pattern, pid, &mut Vec::new())
    }

    /// The same; what is left out, as it is damaged or hidden, is told.
    fn look_for(
        &self,
        pattern: &Pattern,
        pid: Option<u32>,
        left_out: &mut Vec<Report>,
    ) -> Result<Vec<Match>, Report> {
        let found = match pattern.kind {
            Kind::Tracepoint => self.tracepoints(pattern)?,
            Kind::RawTracepoint => self.raw_tracepoints(pattern)?,
            Kind::Kprobe | Kind::Kretprobe | Kind::Fentry | Kind::Fexit => {
                self.functions(pattern, left_out)?
            }
            Kind::Uprobe | Kind::Uretprobe => self.binaries(pattern, pid)?,
            Kind::Usdt => self.usdt_probes(pattern, pid, left_out)?,
            Kind::Profile | Kind::Interval => vec![timer(pattern)],
            Kind::Software | Kind::Hardware => self.counters(pattern)?,
        };
        if found.is_empty() {
            return Err(Report::new(format!("nothing matches '{pattern}'")));
        }
        Ok(found)
    }

    /// Everything that can be probed by name, each name once, in the syntax that `probe` takes. What can't be read here is left out.
    pub fn list_all(&self) -> Vec<String> {
        let every = |kind, parts: &[&str]| {
            let parts = parts.iter().map(|part| (*part).to_owned()).collect();
            self.matches(&Pattern { kind, parts }, None)
                .unwrap_or_default()
        };
        let mut all = every(Kind::Tracepoint, &["*", "*"]);
        all.extend(every(Kind::RawTracepoint, &["*"]));
        all.extend(every(Kind::Kprobe, &["*"]));
        all.extend(every(Kind::Software, &["*"]));
        all.extend(every(Kind::Hardware, &["*"]));
        let mut probes: Vec<String> = all.into_iter().map(|found| found.probe).collect();
        probes.dedup();
        probes
    }
}

fn timer(pattern: &Pattern) -> Match {
    Match {
        kind: pattern.kind,
        probe: pattern.to_string(),
        location: Location::Timer {
            parts: pattern.parts.clone(),
        },
    }
}

/// Of several names in braces, those that are missing drop out; of nothing at all, the first one's report says why.
fn nothing_left(nothing: bool, missing: Option<Report>) -> Result<(), Report> {
    match missing {
        Some(report) if nothing => Err(report),
        _ => Ok(()),
    }
}

fn malformed(pattern: &Pattern, form: &str) -> Report {
    Report::new(format!("'{pattern}' is no SPEC")).help(format!("write {form}"))
}

fn unknown<'a>(what: &str, name: &str, all: impl Iterator<Item = &'a String>) -> Report {
    let report = Report::new(format!("no {what} called '{name}'"));
    match report::did_you_mean(name, all.map(String::as_str)) {
        Some(help) => report.help(help),
        None => report,
    }
}
