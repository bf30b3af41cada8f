//! SPECs: kinds, then what the machine has of each.

use super::machine::{Function, Known};
use super::{Candidate, Completions, files};
use crate::facts::counters::{Counter, HARDWARE, SOFTWARE};
use crate::facts::{Facts, Location, Match};
use crate::spec::probe::{expand, is_plain};
use crate::spec::{Kind, Pattern};
use std::path::Path;
use std::time::SystemTime;

/// The functions, or USDT probes, of the file that a SPEC names.
pub(super) struct Binary {
    kind: Kind,
    name: String,
    changed: Option<SystemTime>,
    /// Sorted.
    found: Vec<String>,
}

/// Rates and periods that people choose.
const RATES: [&str; 2] = ["99", "999"];
const PERIODS: [&str; 4] = ["1s", "5s", "10s", "100ms"];
const UNITS: [&str; 4] = ["hz:", "s:", "ms:", "us:"];

/// Every kind, as a SPEC begins with it.
pub(super) fn kinds() -> Vec<Candidate> {
    let kind = |(kind, name, _): (Kind, &str, &str)| Candidate {
        text: format!("{name}:"),
        shown: kind.form().to_owned(),
    };
    let syscall = Candidate {
        text: "syscall:".to_owned(),
        shown: "syscall:NAME[:return]".to_owned(),
    };
    Kind::ALL.into_iter().map(kind).chain([syscall]).collect()
}

/// Is it what a SPEC begins with?
pub(super) fn is_kind(word: &str) -> bool {
    word == "syscall" || expand(word).iter().any(|word| Kind::named(word).is_some())
}

/// What may stand at the end of a SPEC.
pub(super) fn complete(known: &mut Known<'_>, text: &str) -> Completions {
    let one = &text[last_alternative(text)..];
    let one = one.trim_start();
    let parts: Vec<&str> = one.split(':').collect();
    let Some((typed, before)) = parts.split_last() else {
        return Completions::default();
    };
    // What is a pattern already matches what it matches.
    if !is_plain(typed) || one.matches('{').count() != one.matches('}').count() {
        return Completions::default();
    }
    let all = match before {
        [] => kinds(),
        ["syscall", parts @ ..] => system_calls(known.facts, parts),
        [kind, parts @ ..] => match expand(kind).first().and_then(|kind| Kind::named(kind)) {
            Some(kind) => of_kind(known, kind, parts, typed),
            None => Vec::new(),
        },
    };
    // A path goes on behind its last slash.
    let behind = match before {
        [_] => typed.rfind('/').map_or(0, |slash| slash + 1),
        _ => 0,
    };
    let typed = &typed[behind..];
    Completions::of(text.len() - typed.len(), typed, all)
}

/// Where the alternative begins that a SPEC ends in.
fn last_alternative(text: &str) -> usize {
    let mut depth = 0;
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b',' if depth == 0 => start = at + 1,
            _ => {}
        }
    }
    start
}

fn of_kind(known: &mut Known<'_>, kind: Kind, parts: &[&str], typed: &str) -> Vec<Candidate> {
    match (kind, parts) {
        (Kind::Tracepoint, []) => categories(known.facts),
        (Kind::Tracepoint, [category]) => events(known.facts, category),
        (Kind::RawTracepoint, []) => {
            let found = matches(known.facts, kind, &[&format!("{typed}*")]);
            names_of(found, |location| match location {
                Location::RawTracepoint { name } => Some(name),
                _ => None,
            })
        }
        (Kind::Kprobe | Kind::Kretprobe | Kind::Fentry | Kind::Fexit, [] | [_]) => {
            functions(known, kind, parts.first().copied(), typed)
        }
        (Kind::Uprobe | Kind::Uretprobe | Kind::Usdt, []) => binaries(known.facts, typed),
        (Kind::Uprobe | Kind::Uretprobe | Kind::Usdt, [file, provider @ ..]) => {
            inside(known, kind, file, provider)
        }
        (Kind::Software, []) => counters(SOFTWARE),
        (Kind::Hardware, []) => counters(HARDWARE),
        (Kind::Profile, []) => plain(&UNITS),
        (Kind::Profile, ["hz"]) => plain(&RATES),
        (Kind::Interval, []) => plain(&PERIODS),
        _ => Vec::new(),
    }
}

fn plain(texts: &[&str]) -> Vec<Candidate> {
    let all = texts.iter().map(|text| Candidate::new(*text, ""));
    all.collect()
}

fn named(names: impl IntoIterator<Item = String>) -> Vec<Candidate> {
    let all = names.into_iter().map(|name| Candidate::new(name, ""));
    all.collect()
}

fn matches(facts: &Facts, kind: Kind, parts: &[&str]) -> Vec<Match> {
    let parts = parts.iter().map(|part| (*part).to_owned()).collect();
    let found = facts.matches(&Pattern { kind, parts }, None);
    found.unwrap_or_default()
}

fn names_of(found: Vec<Match>, name: impl Fn(Location) -> Option<String>) -> Vec<Candidate> {
    named(found.into_iter().filter_map(|found| name(found.location)))
}

fn categories(facts: &Facts) -> Vec<Candidate> {
    let all = facts.tracefs().map(|tracefs| tracefs.categories());
    let all = all.unwrap_or_default().into_iter();
    named(all.map(|category| category + ":"))
}

fn events(facts: &Facts, category: &str) -> Vec<Candidate> {
    if is_plain(category) {
        let all = facts.tracefs().map(|tracefs| tracefs.events(category));
        return named(all.unwrap_or_default());
    }
    let found = matches(facts, Kind::Tracepoint, &[category, "*"]);
    names_of(found, |location| match location {
        Location::Tracepoint { event, .. } => Some(event),
        _ => None,
    })
}

fn system_calls(facts: &Facts, parts: &[&str]) -> Vec<Candidate> {
    match parts {
        [] => {
            let all = facts.tracefs().map(|tracefs| tracefs.events("syscalls"));
            let all = all.unwrap_or_default();
            let names = all.iter().filter_map(|of| of.strip_prefix("sys_enter_"));
            names.map(|name| Candidate::new(name, "")).collect()
        }
        [_] => plain(&["return"]),
        _ => Vec::new(),
    }
}

fn functions(
    known: &mut Known<'_>,
    kind: Kind,
    module: Option<&str>,
    typed: &str,
) -> Vec<Candidate> {
    let all = known.functions();
    let beginning = beginning(&all, typed);
    let by_trampoline = matches!(kind, Kind::Fentry | Kind::Fexit);
    let wanted = |of: &Option<String>| match module {
        Some("vmlinux") => of.is_none(),
        Some(module) => of.as_deref() == Some(module),
        None => true,
    };
    let mut found = Vec::new();
    for (name, of) in beginning.iter().filter(|(_, of)| wanted(of)) {
        if !by_trampoline || known.has_types(name, of) {
            found.push(Candidate::new(name, of.as_deref().unwrap_or_default()));
        }
    }
    if module.is_none() {
        let mut modules: Vec<&str> = all.iter().filter_map(|(_, of)| of.as_deref()).collect();
        modules.sort_unstable();
        modules.dedup();
        let modules = modules.into_iter().map(|module| Candidate {
            text: format!("{module}:"),
            shown: format!("{module}:  module"),
        });
        found.extend(modules);
    }
    found
}

/// Those of a sorted list that begin so.
fn beginning<'f>(all: &'f [Function], typed: &str) -> &'f [Function] {
    let first = all.partition_point(|(name, _)| name.as_str() < typed);
    let rest = &all[first..];
    &rest[..rest.partition_point(|(name, _)| name.starts_with(typed))]
}

impl Known<'_> {
    fn has_types(&mut self, function: &str, module: &Option<String>) -> bool {
        let at = self.typed.iter().position(|(of, _)| of == module);
        let at = at.unwrap_or_else(|| {
            let names = self.facts.typed_functions(module.as_deref());
            self.typed.push((module.clone(), names));
            self.typed.len() - 1
        });
        self.typed[at].1.contains(function)
    }
}

/// Programs in `PATH` and libraries by their names, or files by their paths.
fn binaries(facts: &Facts, typed: &str) -> Vec<Candidate> {
    let with_colon = |name: String| match name.ends_with('/') {
        true => name,
        false => name + ":",
    };
    let names = match typed.rfind('/') {
        Some(slash) => {
            let found = files::entries(&typed[..=slash], &typed[slash + 1..]);
            found.into_iter().map(|of| of.text).collect()
        }
        None => facts.binary_names(),
    };
    named(names.into_iter().map(with_colon))
}

/// What of a file can be probed.
fn inside(known: &mut Known<'_>, kind: Kind, file: &str, provider: &[&str]) -> Vec<Candidate> {
    let changed = Path::new(file).metadata().and_then(|of| of.modified()).ok();
    let is_there = known
        .binary
        .as_ref()
        .is_some_and(|there| there.kind == kind && there.name == file && there.changed == changed);
    if !is_there {
        let mut found: Vec<String> = match kind {
            Kind::Usdt => {
                let found = matches(known.facts, kind, &[file, "*"]).into_iter();
                let name = |location: Location| match location {
                    Location::Usdt { place, .. } => {
                        Some(format!("{}:{}", place.provider, place.name))
                    }
                    _ => None,
                };
                found.filter_map(|found| name(found.location)).collect()
            }
            kind => {
                let found = matches(known.facts, kind, &[file, "*"]).into_iter();
                let name = |location: Location| match location {
                    Location::Binary { function, .. } => Some(function),
                    _ => None,
                };
                found.filter_map(|found| name(found.location)).collect()
            }
        };
        found.sort_unstable();
        found.dedup();
        known.binary = Some(Binary {
            kind,
            name: file.to_owned(),
            changed,
            found,
        });
    }
    let found = known.binary.iter().flat_map(|there| &there.found);
    match (kind, provider) {
        (Kind::Usdt, []) => {
            // Either may follow: the provider, or the name by itself.
            let split = found.filter_map(|probe| probe.split_once(':'));
            let both = split.flat_map(|(provider, name)| [format!("{provider}:"), name.to_owned()]);
            named(both)
        }
        (Kind::Usdt, [provider]) => {
            let names = found.filter_map(|probe| probe.strip_prefix(provider)?.strip_prefix(':'));
            names.map(|name| Candidate::new(name, "")).collect()
        }
        (_, []) => named(found.cloned()),
        _ => Vec::new(),
    }
}

fn counters(all: &[Counter]) -> Vec<Candidate> {
    let names = all.iter().flat_map(|of| [of.name, of.alias]);
    let names = names.filter(|name| !name.is_empty());
    names.map(|name| Candidate::new(name, "")).collect()
}
