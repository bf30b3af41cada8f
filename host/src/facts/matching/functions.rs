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
        let (mut found, mut missing) = (BTreeSet::new(), None);
        for function in expand(function) {
            if is_plain(&function) && module.is_none() {
                match self.function_at(pattern.kind, &function)? {
                    Ok(function) => {
                        found.insert(function);
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
            found.extend(matching.map(|(name, _)| (name, 0)));
        }
        nothing_left(found.is_empty(), missing)?;
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
        if offset > 0 && kind == Kind::Kretprobe {
            return Err(Report::new(format!(
                "'{place}': a return probe takes no offset"
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
