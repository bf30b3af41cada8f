//! Functions of the kernel.

use super::{Location, Match, malformed, nothing_left, unknown};
use crate::facts::{Facts, symbols};
use crate::report::Report;
use crate::spec::probe::{expand, is_plain, matches};
use crate::spec::{Kind, Pattern};
use std::collections::BTreeSet;

impl Facts {
    pub(super) fn functions(&self, pattern: &Pattern) -> Result<Vec<Match>, Report> {
        let (module, function) = match pattern.parts.as_slice() {
            [function] => (None, function),
            [module, function] => (Some(module), function),
            _ => return Err(malformed(pattern, &format!("{}:FUNCTION", pattern.kind))),
        };
        let by_trampoline = matches!(pattern.kind, Kind::Fentry | Kind::Fexit);
        let (mut found, mut missing) = (BTreeSet::new(), None);
        for function in expand(function) {
            if is_plain(&function) && module.is_none() {
                match self.function_at(pattern.kind, &function)? {
                    Ok((name, offset)) => {
                        found.insert((None, name, offset));
                    }
                    Err(report) => {
                        missing.get_or_insert(report);
                    }
                }
                continue;
            }
            let wanted = module.map(|module| expand(module));
            let all = self.traceable_functions().into_iter();
            let matching = all.filter(|(name, of)| {
                let of = of.as_deref().unwrap_or("vmlinux");
                let inside = wanted.iter().flatten().any(|wanted| matches(wanted, of));
                matches(&function, name) && (wanted.is_none() || inside)
            });
            let inside = |of: Option<String>| wanted.is_some().then_some(of).flatten();
            let before = found.len();
            found.extend(matching.map(|(name, of)| (inside(of), name, 0)));
            if is_plain(&function)
                && let Some(module) = module.filter(|module| is_plain(module))
                && found.len() == before
            {
                missing.get_or_insert_with(|| self.no_function_in(module, &function));
            }
        }
        nothing_left(found.is_empty(), missing)?;
        if by_trampoline && let Ok(btf) = self.btf() {
            let names = btf.function_names();
            // Of modules, BTF is asked when one is attached: they have sections of their own.
            found.retain(|(module, name, _)| module.is_some() || names.contains(name.as_str()));
        }
        if !found.is_empty() {
            self.can_probe_functions(by_trampoline)?;
        }
        let matched = |(module, name, offset): (Option<String>, String, u64)| {
            let within = module.iter().flat_map(|module| [module, ":"]);
            let within: String = within.collect();
            Match {
                kind: pattern.kind,
                probe: match offset {
                    0 => format!("{}:{within}{name}", pattern.kind),
                    offset => format!("{}:{within}{name}+{offset}", pattern.kind),
                },
                location: Location::Function {
                    module,
                    name,
                    offset,
                },
            }
        };
        Ok(found.into_iter().map(matched).collect())
    }

    /// `FUNCTION` or `FUNCTION+OFFSET`. The inner error: there is no such function.
    fn function_at(
        &self,
        kind: Kind,
        place: &str,
    ) -> Result<Result<(String, u64), Report>, Report> {
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
        if offset > 0 && kind != Kind::Kprobe {
            return Err(Report::new(format!(
                "'{place}': {kind} takes no offset, kprobe does"
            )));
        }
        let known = self.btf().is_ok_and(|btf| btf.has_function(name));
        if known || self.symbols().function(name).is_some() {
            return Ok(Ok((name.to_owned(), offset)));
        }
        let all = self.traceable_functions();
        if all.is_empty() {
            return Err(
                Report::new(format!("no function '{name}': this kernel lists none"))
                    .help("/proc/kallsyms and /sys/kernel/btf are both unreadable"),
            );
        }
        Ok(Err(unknown(
            "kernel function",
            name,
            all.iter().map(|(name, _)| name),
        )))
    }

    /// Has this kernel what the kind needs, or what may stand in for it?
    fn can_probe_functions(&self, by_trampoline: bool) -> Result<(), Report> {
        let trampolines = self.trampolines();
        match (by_trampoline, self.features().kprobe) {
            (true, kprobe) => trampolines.map_err(|why| {
                let instead = if kprobe.is_some() {
                    "kprobe and kretprobe would do"
                } else {
                    "a tracepoint may do: this kernel has no kprobes, either"
                };
                Report::new(why).help(instead)
            }),
            (false, Some(_)) => Ok(()),
            (false, None) => trampolines.map_err(|why| {
                Report::new("this kernel has no kprobes").help(format!(
                    "they need a kernel with CONFIG_KPROBES and CONFIG_KPROBE_EVENTS; fentry can't stand in: {why}"
                ))
            }),
        }
    }

    fn no_function_in(&self, module: &str, function: &str) -> Report {
        let all = self.traceable_functions();
        let inside = |of: &Option<String>| of.as_deref().unwrap_or("vmlinux") == module;
        match all.iter().find(|(name, _)| name == function) {
            Some((_, of)) => {
                let of = of.as_deref().unwrap_or("vmlinux");
                Report::new(format!("'{module}' has no function '{function}'"))
                    .help(format!("it is in {of}: write {of}:{function}"))
            }
            None => unknown(
                &format!("function of '{module}'"),
                function,
                all.iter()
                    .filter(|(_, of)| inside(of))
                    .map(|(name, _)| name),
            ),
        }
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
}
