//! Functions of the kernel.

use super::{Location, Match, malformed, nothing_left, unknown};
use crate::facts::{Facts, renamed, symbols};
use crate::report::Report;
use crate::spec::probe::{expand, is_plain, matches};
use crate::spec::{Kind, Pattern};
use std::collections::{BTreeSet, HashMap, HashSet};

impl Facts {
    pub(super) fn functions(&self, pattern: &Pattern) -> Result<Vec<Match>, Report> {
        let (module, function) = match pattern.parts.as_slice() {
            [function] => (None, function),
            [module, function] => (Some(module), function),
            _ => return Err(malformed(pattern, &format!("{}:FUNCTION", pattern.kind))),
        };
        let (mut found, mut missing) = (BTreeSet::new(), None);
        for function in expand(function) {
            if !is_plain(&function) {
                found.extend(self.functions_like(pattern.kind, module, &function));
                continue;
            }
            let (name, offset) = written(pattern.kind, &function)?;
            match self.functions_called(module, name)? {
                Ok(modules) => {
                    let places = modules.into_iter();
                    found.extend(places.map(|module| (module, name.to_owned(), offset)));
                }
                Err(report) => {
                    missing.get_or_insert(report);
                }
            }
        }
        nothing_left(found.is_empty(), missing)?;
        if !found.is_empty() {
            self.can_probe_functions(is_by_trampoline(pattern.kind))?;
        }
        for (module, name, offset) in &found {
            self.check_offset(module.as_deref(), name, *offset)?;
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

    /// What a pattern matches, with modules where they were asked for.
    fn functions_like(
        &self,
        kind: Kind,
        module: Option<&String>,
        function: &str,
    ) -> Vec<(Option<String>, String, u64)> {
        let wanted = module.map(|module| expand(module));
        // Trampolines take what BTF knows; where there is none, that is said once, and not of each function.
        let by_types = is_by_trampoline(kind) && self.btf().is_ok();
        let mut typed: HashMap<Option<String>, HashSet<String>> = HashMap::new();
        let mut is_typed = |name: &str, of: &Option<String>| {
            let names = typed
                .entry(of.clone())
                .or_insert_with(|| self.typed_functions(of.as_deref()));
            names.contains(name)
        };
        let all = self.traceable_functions().into_iter();
        let matching = all.filter(|(name, of)| {
            let inside = wanted.as_ref().is_none_or(|wanted| {
                let of = of.as_deref().unwrap_or("vmlinux");
                wanted.iter().any(|wanted| matches(wanted, of))
            });
            inside && matches(function, name) && (!by_types || is_typed(name, of))
        });
        matching
            .map(|(name, of)| (wanted.is_some().then_some(of).flatten(), name, 0))
            .collect()
    }

    /// The modules, as far as they were asked for, that have a function. The inner error: there is no such function.
    fn functions_called(
        &self,
        module: Option<&String>,
        name: &str,
    ) -> Result<Result<Vec<Option<String>>, Report>, Report> {
        if let Some(module) = module {
            let wanted = expand(module);
            let mut inside = self.symbols().modules_with(name);
            inside.retain(|of| {
                let of = of.as_deref().unwrap_or("vmlinux");
                wanted.iter().any(|wanted| matches(wanted, of))
            });
            return Ok(if inside.is_empty() {
                Err(self.no_function_in(module, name))
            } else {
                Ok(inside)
            });
        }
        // Types are found faster than symbols, and have names without what compilers put behind them. A run is told of that
        // when it attaches; who looks, and who may mean another name, goes by the symbols.
        let typed = self.btf().is_ok_and(|btf| btf.has_function(name));
        let known = typed && self.asks && !renamed::is_function(name);
        if known || self.symbols().function(name).is_some() {
            return Ok(Ok(vec![None]));
        }
        let all = self.traceable_functions();
        if all.is_empty() && !typed {
            return Err(
                Report::new(format!("no function '{name}': this kernel lists none"))
                    .help("/proc/kallsyms and /sys/kernel/btf are both unreadable"),
            );
        }
        if all.is_empty() {
            return Ok(Ok(vec![None]));
        }
        Ok(Err(match part_of(name, &all) {
            Some(made) => Report::new(format!("no kernel function called '{name}'")).help(made),
            None => unknown("kernel function", name, all.iter().map(|(name, _)| name)),
        }))
    }

    /// What the compiler has made of a function, in words.
    pub fn made_of(&self, function: &str) -> Option<String> {
        part_of(function, &self.symbols().functions())
    }

    /// Has this kernel what the kind needs, or what may stand in for it?
    fn can_probe_functions(&self, by_trampoline: bool) -> Result<(), Report> {
        const TRACEPOINTS: &str =
            "tracepoint or rawtracepoint would do: 'moontrace list WORD' finds those of a subject";
        match (by_trampoline, self.features().kprobe) {
            (true, Some(_)) => self
                .trampolines()
                .map_err(|why| Report::new(why).help("kprobe and kretprobe would do")),
            (true, None) => self.trampolines().map_err(|why| {
                Report::new(why).help(format!("{TRACEPOINTS} (kprobes are missing, too)"))
            }),
            (false, Some(_)) => Ok(()),
            (false, None) => self.trampolines().map_err(|why| {
                Report::new(format!(
                    "this kernel has no kprobes (they need CONFIG_KPROBES and CONFIG_KPROBE_EVENTS); fentry can't stand in: {why}"
                ))
                .help(TRACEPOINTS)
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

/// `FUNCTION.isra.0` and the like among `all`, in words.
fn part_of(function: &str, all: &[(String, Option<String>)]) -> Option<String> {
    let parts = format!("{function}.");
    let (part, _) = all.iter().find(|(other, _)| other.starts_with(&parts))?;
    Some(format!("the compiler has made '{part}' of it"))
}

fn is_by_trampoline(kind: Kind) -> bool {
    matches!(kind, Kind::Fentry | Kind::Fexit)
}

/// `FUNCTION` or `FUNCTION+OFFSET`, of bytes.
fn written(kind: Kind, place: &str) -> Result<(&str, u64), Report> {
    let Some((name, more)) = place.split_once('+') else {
        return Ok((place, 0));
    };
    let offset = match more.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => more.parse().ok(),
    };
    match offset {
        None => Err(Report::new(format!(
            "'{place}': an offset is a number of bytes"
        ))),
        Some(1..) if kind != Kind::Kprobe => Err(Report::new(format!(
            "'{place}': {kind} takes no offset, kprobe does"
        ))),
        Some(offset) => Ok((name, offset)),
    }
}
