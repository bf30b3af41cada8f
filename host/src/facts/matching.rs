//! What a SPEC's pattern matches on this machine.

use super::Facts;
use super::elf::{self, Binary};
use super::symbols;
use crate::report::{self, Report};
use crate::spec::probe::{expand, is_plain, matches};
use crate::spec::{Kind, Pattern};
use std::collections::BTreeSet;
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
    /// `offset` in bytes from the function's start.
    Function {
        name: String,
        offset: u64,
    },
    /// `offset` in bytes from the file's start.
    Binary {
        path: PathBuf,
        function: String,
        offset: u64,
    },
    /// Timers are nowhere; their numbers are for plan to judge.
    Timer {
        parts: Vec<String>,
    },
}

impl Facts {
    /// What a pattern matches here, sorted. Files are looked up as the process `pid` sees them.
    ///
    /// # Errors
    /// When a plain name does not exist (with the nearest ones), or nothing at all matches.
    pub fn matches(&self, pattern: &Pattern, pid: Option<u32>) -> Result<Vec<Match>, Report> {
        let found = match pattern.kind {
            Kind::Tracepoint => self.tracepoints(pattern)?,
            Kind::RawTracepoint => self.raw_tracepoints(pattern)?,
            Kind::Kprobe | Kind::Kretprobe => self.functions(pattern)?,
            Kind::Uprobe | Kind::Uretprobe => self.binaries(pattern, pid)?,
            Kind::Profile | Kind::Interval => vec![timer(pattern)],
        };
        if found.is_empty() {
            return Err(Report::new(format!(
                "nothing matches '{}'",
                written(pattern)
            )));
        }
        Ok(found)
    }

    /// Everything that can be probed by name, in the syntax that `probe` takes. What can't be read here is left out.
    pub fn list_all(&self) -> Vec<String> {
        let every = |kind, parts: &[&str]| {
            let parts = parts.iter().map(|part| (*part).to_owned()).collect();
            self.matches(&Pattern { kind, parts }, None)
                .unwrap_or_default()
        };
        let mut all = every(Kind::Tracepoint, &["*", "*"]);
        all.extend(every(Kind::RawTracepoint, &["*"]));
        all.extend(every(Kind::Kprobe, &["*"]));
        all.into_iter().map(|found| found.probe).collect()
    }

    fn tracepoints(&self, pattern: &Pattern) -> Result<Vec<Match>, Report> {
        let [category, event] = pattern.parts.as_slice() else {
            return Err(malformed(pattern, "tracepoint:CATEGORY:EVENT"));
        };
        let tracefs = self.tracefs()?;
        let mut found = BTreeSet::new();
        for category in expand(category) {
            let categories = if is_plain(&category) {
                if !tracefs.category_exists(&category) {
                    let all = tracefs.categories();
                    return Err(unknown("category of tracepoints", &category, all.iter()));
                }
                vec![category]
            } else {
                let all = tracefs.categories().into_iter();
                all.filter(|name| matches(&category, name)).collect()
            };
            for event in expand(event) {
                for category in &categories {
                    if !is_plain(&event) {
                        let events = tracefs.events(category).into_iter();
                        let matching = events.filter(|name| matches(&event, name));
                        found.extend(matching.map(|event| (category.clone(), event)));
                    } else if tracefs.exists(category, &event) {
                        found.insert((category.clone(), event.clone()));
                    } else if let [only] = categories.as_slice() {
                        return Err(self.no_event(only, &event));
                    }
                }
            }
        }
        let matched = |(category, event): (String, String)| Match {
            kind: pattern.kind,
            probe: format!("{}:{category}:{event}", pattern.kind),
            location: Location::Tracepoint { category, event },
        };
        Ok(found.into_iter().map(matched).collect())
    }

    fn no_event(&self, category: &str, event: &str) -> Report {
        let Ok(tracefs) = self.tracefs() else {
            return Report::new(format!("no tracepoint '{event}'"));
        };
        let kind = format!("tracepoint in '{category}'");
        let elsewhere = tracefs
            .categories()
            .into_iter()
            .find(|other| tracefs.exists(other, event));
        match elsewhere {
            Some(other) => Report::new(format!("no {kind} called '{event}'"))
                .help(format!("did you mean 'tracepoint:{other}:{event}'?")),
            None => unknown(&kind, event, tracefs.events(category).iter()),
        }
    }

    fn raw_tracepoints(&self, pattern: &Pattern) -> Result<Vec<Match>, Report> {
        let [name] = pattern.parts.as_slice() else {
            return Err(malformed(pattern, "rawtracepoint:NAME"));
        };
        let mut found = BTreeSet::new();
        for name in expand(name) {
            if !is_plain(&name) {
                found.extend(
                    self.raw_names()?
                        .into_iter()
                        .filter(|known| matches(&name, known)),
                );
            } else if self.is_raw_tracepoint(&name)? {
                found.insert(name);
            } else {
                return Err(unknown("raw tracepoint", &name, self.raw_names()?.iter()));
            }
        }
        let matched = |name: String| Match {
            kind: pattern.kind,
            probe: format!("{}:{name}", pattern.kind),
            location: Location::RawTracepoint { name },
        };
        Ok(found.into_iter().map(matched).collect())
    }

    /// Most have an event of the same name, which is found faster than a type.
    fn is_raw_tracepoint(&self, name: &str) -> Result<bool, Report> {
        if let Ok(tracefs) = self.tracefs() {
            let categories = tracefs.categories();
            if categories
                .iter()
                .any(|of| is_traced(of) && tracefs.exists(of, name))
            {
                return Ok(true);
            }
        }
        match self.btf() {
            Ok(btf) => Ok(btf.has_raw_tracepoint(name)),
            Err(report) => self.tracefs().map(|_| false).map_err(|_| report),
        }
    }

    fn raw_names(&self) -> Result<BTreeSet<String>, Report> {
        let types = self.btf();
        let events = self.tracefs();
        if let (Err(report), Err(_)) = (&types, &events) {
            return Err(report.clone());
        }
        let mut names: BTreeSet<String> = types
            .iter()
            .flat_map(|btf| btf.raw_tracepoints())
            .map(str::to_owned)
            .collect();
        if let Ok(tracefs) = events {
            let events = tracefs.tracepoints().into_iter();
            names.extend(
                events
                    .filter(|(of, _)| is_traced(of))
                    .map(|(_, event)| event),
            );
        }
        Ok(names)
    }

    fn functions(&self, pattern: &Pattern) -> Result<Vec<Match>, Report> {
        let (module, function) = match pattern.parts.as_slice() {
            [function] => (None, function),
            [module, function] => (Some(module), function),
            _ => return Err(malformed(pattern, &format!("{}:FUNCTION", pattern.kind))),
        };
        let mut found = BTreeSet::new();
        for function in expand(function) {
            if is_plain(&function) && module.is_none() {
                found.insert(self.function_at(pattern.kind, &function)?);
                continue;
            }
            let wanted = module.map(|module| expand(module));
            let all = self.traceable_functions().into_iter();
            let matching = all.filter(|(name, of)| {
                let of = of.as_deref().unwrap_or("vmlinux");
                let inside = wanted.iter().flatten().any(|wanted| matches(wanted, of));
                matches(&function, name) && (wanted.is_none() || inside)
            });
            found.extend(matching.map(|(name, _)| (name, 0)));
        }
        if !found.is_empty() && self.features().kprobe.is_none() {
            return Err(Report::new("this kernel has no kprobes")
                .help("they need a kernel with CONFIG_KPROBES and CONFIG_KPROBE_EVENTS"));
        }
        let matched = |(name, offset): (String, u64)| Match {
            kind: pattern.kind,
            probe: match offset {
                0 => format!("{}:{name}", pattern.kind),
                offset => format!("{}:{name}+{offset}", pattern.kind),
            },
            location: Location::Function { name, offset },
        };
        Ok(found.into_iter().map(matched).collect())
    }

    /// `FUNCTION` or `FUNCTION+OFFSET`.
    fn function_at(&self, kind: Kind, place: &str) -> Result<(String, u64), Report> {
        let (name, offset) = match place.split_once('+') {
            None => (place, 0),
            Some((name, more)) => {
                let offset = match more.strip_prefix("0x") {
                    Some(digits) => u64::from_str_radix(digits, 16).ok(),
                    None => more.parse().ok(),
                };
                let Some(offset) = offset else {
                    return Err(Report::new(format!(
                        "'{place}': an offset is a number of bytes"
                    )));
                };
                (name, offset)
            }
        };
        if offset > 0 && kind == Kind::Kretprobe {
            return Err(Report::new(format!(
                "'{place}': a return probe takes no offset"
            )));
        }
        let known = self.btf().is_ok_and(|btf| btf.has_function(name));
        if known || self.symbols().function(name).is_some() {
            return Ok((name.to_owned(), offset));
        }
        let all = self.traceable_functions();
        if all.is_empty() {
            return Err(
                Report::new(format!("no function '{name}': this kernel lists none"))
                    .help("/proc/kallsyms and /sys/kernel/btf are both unreadable"),
            );
        }
        Err(unknown(
            "kernel function",
            name,
            all.iter().map(|(name, _)| name),
        ))
    }

    /// Functions that kprobes may be put on, with their modules, sorted.
    pub fn traceable_functions(&self) -> Vec<(String, Option<String>)> {
        let listed = self
            .tracefs()
            .ok()
            .and_then(|tracefs| tracefs.traceable_functions());
        match listed {
            Some(text) => symbols::traceable(&text),
            None => self.symbols().functions(),
        }
    }

    fn binaries(&self, pattern: &Pattern, pid: Option<u32>) -> Result<Vec<Match>, Report> {
        let [file, function] = pattern.parts.as_slice() else {
            return Err(malformed(
                pattern,
                &format!("{}:FILE:FUNCTION", pattern.kind),
            ));
        };
        let root = self.root_of(pid);
        let mut found = Vec::new();
        for file in expand(file) {
            let one = is_plain(&file);
            for path in elf::candidates(&root, &file)? {
                let binary = match Binary::open(&path) {
                    Ok(binary) => binary,
                    Err(report) if one => return Err(report),
                    // Of a pattern, what is no program drops out.
                    Err(_) => continue,
                };
                if binary.is_go && pattern.kind == Kind::Uretprobe {
                    return Err(Report::new(format!(
                        "{} is a Go program: a return probe would crash it, as its stacks move",
                        path.display()
                    ))
                    .help("use uprobe"));
                }
                for function in expand(function) {
                    let places = in_binary(&binary, &function, one)?;
                    let shown = path.strip_prefix(&root).map_or_else(
                        |_| path.display().to_string(),
                        |inner| format!("/{}", inner.display()),
                    );
                    found.extend(places.into_iter().map(|(function, offset)| Match {
                        kind: pattern.kind,
                        probe: format!("{}:{shown}:{function}", pattern.kind),
                        location: Location::Binary {
                            path: path.clone(),
                            function,
                            offset,
                        },
                    }));
                }
            }
        }
        found.sort_by(|a, b| a.probe.cmp(&b.probe));
        found.dedup();
        Ok(found)
    }
}

/// The functions of a binary that a pattern matches; a plain name that `must` be there is an error when it isn't.
fn in_binary(binary: &Binary, pattern: &str, must: bool) -> Result<Vec<(String, u64)>, Report> {
    if !is_plain(pattern) {
        let matching = binary
            .symbols()
            .iter()
            .filter(|symbol| matches(pattern, &symbol.name));
        return Ok(matching
            .map(|symbol| (symbol.name.clone(), symbol.offset))
            .collect());
    }
    match binary.offset_of(pattern) {
        Ok(offset) => Ok(vec![(pattern.to_owned(), offset)]),
        Err(report) if must => Err(report),
        Err(_) => Ok(Vec::new()),
    }
}

/// Has this category raw tracepoints of the same names? System calls share two, and `ftrace`'s are no tracepoints.
fn is_traced(category: &str) -> bool {
    !matches!(
        category,
        "syscalls" | "ftrace" | "synthetic" | "kprobes" | "uprobes" | "eprobes" | "fprobes"
    )
}

fn timer(pattern: &Pattern) -> Match {
    Match {
        kind: pattern.kind,
        probe: written(pattern),
        location: Location::Timer {
            parts: pattern.parts.clone(),
        },
    }
}

fn written(pattern: &Pattern) -> String {
    format!("{}:{}", pattern.kind, pattern.parts.join(":"))
}

fn malformed(pattern: &Pattern, form: &str) -> Report {
    Report::new(format!("'{}' is no SPEC", written(pattern))).help(format!("write {form}"))
}

fn unknown<'a>(what: &str, name: &str, all: impl Iterator<Item = &'a String>) -> Report {
    let report = Report::new(format!("no {what} called '{name}'"));
    match report::did_you_mean(name, all.map(String::as_str)) {
        Some(help) => report.help(help),
        None => report,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::fixture::Machine;

    fn pattern(kind: Kind, parts: &str) -> Pattern {
        Pattern { kind, parts: parts.split(':').map(str::to_owned).collect() }
    }

    fn probes(facts: &Facts, kind: Kind, parts: &str) -> Vec<String> {
        let found = facts.matches(&pattern(kind, parts), None).unwrap();
        found.into_iter().map(|found| found.probe).collect()
    }

    fn refused(facts: &Facts, kind: Kind, parts: &str) -> String {
        facts.matches(&pattern(kind, parts), None).unwrap_err().to_string()
    }

    #[test]
    fn patterns_match_and_plain_names_must_exist() {
        let machine = Machine::new();
        let facts = machine.facts();
        let of = |parts| probes(&facts, Kind::Tracepoint, parts);
        assert_eq!(
            of("syscalls:sys_{enter,exit}_openat"),
            ["tracepoint:syscalls:sys_enter_openat", "tracepoint:syscalls:sys_exit_openat"]
        );
        assert_eq!(of("sched:*"), ["tracepoint:sched:sched_process_exec", "tracepoint:sched:sched_switch"]);
        assert_eq!(of("*:sched_switch"), ["tracepoint:sched:sched_switch"]);
        let no = |parts| refused(&facts, Kind::Tracepoint, parts);
        assert!(no("syscals:sys_enter_openat").contains("'syscalls'"));
        assert!(no("syscalls:sys_enter_opnat").contains("'sys_enter_openat'"));
        assert!(no("syscalls:sched_switch").contains("'tracepoint:sched:sched_switch'"));
        // Of braces, each name must be there.
        assert!(no("syscalls:sys_enter_{openat,opnat}").contains("'sys_enter_openat'"));
        assert!(no("sched:x*").contains("nothing matches"));
        assert!(no("sched").contains("CATEGORY:EVENT"));
    }

    #[test]
    fn functions_come_from_btf_or_kallsyms() {
        let machine = Machine::new();
        let facts = machine.facts();
        assert_eq!(probes(&facts, Kind::Kprobe, "vfs_read+0x10"), ["kprobe:vfs_read+16"]);
        assert_eq!(probes(&facts, Kind::Kretprobe, "vfs_*"), ["kretprobe:vfs_read", "kretprobe:vfs_write"]);
        assert_eq!(probes(&facts, Kind::Kprobe, "ext4:*"), ["kprobe:ext4_sync_file"]);
        assert!(refused(&facts, Kind::Kprobe, "vfs_raed").contains("'vfs_read'"));
        assert!(refused(&facts, Kind::Kretprobe, "vfs_read+4").contains("no offset"));
    }

    #[test]
    fn a_kernel_without_kprobes_says_so_behind_a_wrong_name() {
        let machine = Machine::new();
        machine.remove("sys/bus/event_source/devices/kprobe/type");
        let facts = machine.facts();
        assert!(refused(&facts, Kind::Kprobe, "vfs_raed").contains("'vfs_read'"));
        assert!(refused(&facts, Kind::Kprobe, "vfs_read").contains("CONFIG_KPROBES"));
    }

    #[test]
    fn raw_tracepoints_are_events_too() {
        let machine = Machine::new();
        let facts = machine.facts();
        assert_eq!(probes(&facts, Kind::RawTracepoint, "sched_switch"), ["rawtracepoint:sched_switch"]);
        assert_eq!(
            probes(&facts, Kind::RawTracepoint, "sys_*"),
            ["rawtracepoint:sys_enter", "rawtracepoint:sys_exit"]
        );
        assert!(refused(&facts, Kind::RawTracepoint, "sched_swich").contains("'sched_switch'"));
        assert!(refused(&facts, Kind::RawTracepoint, "sys_enter_openat").contains("no raw tracepoint"));
    }

    #[test]
    fn functions_of_programs_are_found_in_their_files() {
        let facts = Facts::at("/");
        let own = std::env::current_exe().unwrap();
        let own = own.to_str().unwrap();
        let found = probes(&facts, Kind::Uprobe, &format!("{own}:moontrace_a_function_*"));
        assert_eq!(found, [format!("uprobe:{own}:moontrace_a_function_to_find")]);
        let wrong = refused(&facts, Kind::Uprobe, &format!("{own}:moontrace_a_function_to_fid"));
        assert!(wrong.contains("moontrace_a_function_to_find"), "{wrong}");
        assert!(refused(&facts, Kind::Uprobe, "/nonexistent:main").contains("/nonexistent"));
    }
}
