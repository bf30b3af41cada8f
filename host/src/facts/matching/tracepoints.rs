//! Tracepoints by category and event, and raw ones by name.

use super::{Location, Match, malformed, nothing_left, unknown};
use crate::facts::Facts;
use crate::report::Report;
use crate::spec::Pattern;
use crate::spec::probe::{expand, is_plain, matches};
use std::collections::BTreeSet;

impl Facts {
    pub(super) fn tracepoints(&self, pattern: &Pattern) -> Result<Vec<Match>, Report> {
        let [category, event] = pattern.parts.as_slice() else {
            return Err(malformed(pattern, "tracepoint:CATEGORY:EVENT"));
        };
        let tracefs = self.tracefs()?;
        let (mut found, mut missing) = (BTreeSet::new(), None);
        for category in expand(category) {
            let categories = if is_plain(&category) {
                if !tracefs.category_exists(&category) {
                    let all = tracefs.categories();
                    missing.get_or_insert(unknown(
                        "category of tracepoints",
                        &category,
                        all.iter(),
                    ));
                    continue;
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
                        missing.get_or_insert_with(|| self.no_event(only, &event));
                    }
                }
            }
        }
        nothing_left(found.is_empty(), missing)?;
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

    pub(super) fn raw_tracepoints(&self, pattern: &Pattern) -> Result<Vec<Match>, Report> {
        let [name] = pattern.parts.as_slice() else {
            return Err(malformed(pattern, "rawtracepoint:NAME"));
        };
        let (mut found, mut missing) = (BTreeSet::new(), None);
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
                missing.get_or_insert(unknown("raw tracepoint", &name, self.raw_names()?.iter()));
            }
        }
        nothing_left(found.is_empty(), missing)?;
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
}

/// Has this category raw tracepoints of the same names? System calls share two, and `ftrace`'s are no tracepoints.
pub(crate) fn is_traced(category: &str) -> bool {
    !matches!(
        category,
        "syscalls" | "ftrace" | "synthetic" | "kprobes" | "uprobes" | "eprobes" | "fprobes"
    )
}
