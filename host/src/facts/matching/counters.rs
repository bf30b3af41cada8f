//! `software` and `hardware`: counters by name.

use super::{Location, Match, malformed};
use crate::facts::Facts;
use crate::facts::counters::{Counter, HARDWARE, SOFTWARE};
use crate::report::{Report, did_you_mean};
use crate::spec::probe::{count, expand, is_plain, matches};
use crate::spec::{Kind, Pattern};

impl Facts {
    pub(super) fn counters(&self, pattern: &Pattern) -> Result<Vec<Match>, Report> {
        let (event, period) = match pattern.parts.as_slice() {
            [event] => (event, None),
            [event, period] => (event, Some(count(period)?)),
            _ => return Err(malformed(pattern, pattern.kind.form())),
        };
        let all = if pattern.kind == Kind::Hardware {
            HARDWARE
        } else {
            SOFTWARE
        };
        let mut found: Vec<&Counter> = Vec::new();
        let names = expand(event);
        for name in &names {
            let before = found.len();
            if is_plain(name) {
                found.extend(all.iter().filter(|counter| counter.is_called(name)));
            } else {
                found.extend(all.iter().filter(|counter| matches(name, counter.name)));
            }
            if found.len() == before && names.len() == 1 && is_plain(name) {
                return Err(unknown(pattern.kind, name, all));
            }
        }
        if !found.is_empty() && pattern.kind == Kind::Hardware && !self.has_pmu() {
            return Err(no_pmu());
        }
        found.sort_unstable_by_key(|counter| counter.name);
        found.dedup();
        let matched = |counter: &Counter| {
            let period = period.unwrap_or(counter.period);
            Match {
                kind: pattern.kind,
                probe: format!("{}:{}:{period}", pattern.kind, counter.name),
                location: Location::Counter {
                    name: counter.name,
                    number: counter.number,
                    period,
                },
            }
        };
        Ok(found.into_iter().map(matched).collect())
    }

    /// Does the kernel drive this machine's performance monitoring unit? It calls it `cpu`, or `cpu_core` and `cpu_atom`
    /// where there are two kinds of cores (`perf list` looks there, too).
    fn has_pmu(&self) -> bool {
        let devices = std::fs::read_dir(self.root.join("sys/bus/event_source/devices"));
        devices.into_iter().flatten().flatten().any(|device| {
            let name = device.file_name();
            let name = name.to_string_lossy();
            name == "cpu" || name.starts_with("cpu_")
        })
    }
}

/// Why a virtual machine counts no hardware events, and what it has instead.
fn no_pmu() -> Report {
    Report::new("this machine has no performance monitoring unit, so it counts no hardware events")
        .help("virtual machines often have none: software:cpu-clock samples where time is spent, software:page-faults where memory is first touched")
}

fn unknown(kind: Kind, name: &str, all: &[Counter]) -> Report {
    let report = Report::new(format!("no {kind} event called '{name}'"));
    let names = all.iter().flat_map(|counter| [counter.name, counter.alias]);
    match did_you_mean(name, names.filter(|name| !name.is_empty())) {
        Some(help) => report.help(help),
        None => {
            let names: Vec<&str> = all.iter().map(|counter| counter.name).collect();
            report.help(format!("there are {}", names.join(", ")))
        }
    }
}
