//! Functions of the kernel.

use super::{Location, Match, malformed, nothing_left, unknown};
use crate::facts::symbols::Namesake;
use crate::facts::{Facts, renamed, symbols};
use crate::report::Report;
use crate::spec::probe::{expand, is_plain, matches};
use crate::spec::{Kind, Pattern};
use std::collections::{BTreeSet, HashMap, HashSet};

/// A function's module, and what tells it from others of its name.
type Named = (Option<String>, Option<Namesake>);

impl Facts {
    pub(super) fn functions(
        &self,
        pattern: &Pattern,
        left_out: &mut Vec<Report>,
    ) -> Result<Vec<Match>, Report> {
        let (module, function) = match pattern.parts.as_slice() {
            [function] => (None, function),
            [module, function] => (Some(module), function),
            _ => return Err(malformed(pattern, &format!("{}:FUNCTION", pattern.kind))),
        };
        let (mut found, mut missing) = (BTreeSet::new(), None);
        for function in expand(function) {
            if !is_plain(&function) {
                found.extend(self.functions_like(pattern.kind, module, &function, left_out));
                continue;
            }
            let (name, offset) = written(pattern.kind, &function)?;
            match self.functions_called(module, name)? {
                Ok(all) => {
                    let places = all.into_iter();
                    found.extend(places.map(|named| (name.to_owned(), named, offset)));
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
        for (name, (of, namesake), offset) in &found {
            let address = namesake.as_ref().map(|namesake| namesake.address);
            self.check_offset(of.as_deref(), name, *offset, address)?;
        }
        let matched = |(name, (of, namesake), offset): (String, Named, u64)| {
            let asked = of.iter().filter(|_| module.is_some());
            let within = asked.flat_map(|module| [module, ":"]);
            let within: String = within.collect();
            Match {
                kind: pattern.kind,
                probe: match offset {
                    0 => format!("{}:{within}{name}", pattern.kind),
                    offset => format!("{}:{within}{name}+{offset}", pattern.kind),
                },
                location: Location::Function {
                    module: of,
                    name,
                    offset,
                    namesake,
                },
            }
        };
        Ok(found.into_iter().map(matched).collect())
    }

    /// What a pattern matches, with modules where they were asked for. Functions of one name that can't be told apart are left
    /// out.
    fn functions_like(
        &self,
        kind: Kind,
        module: Option<&String>,
        function: &str,
        left_out: &mut Vec<Report>,
    ) -> Vec<(String, Named, u64)> {
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
        let (mut all, mut hidden) = (Vec::new(), Vec::new());
        for (name, of) in matching {
            let mut sharing = self.symbols().sharing(&name).to_vec();
            sharing.retain(|other| other.module == of);
            match told_apart(&sharing) {
                _ if sharing.is_empty() => {
                    all.push((name, (wanted.is_some().then_some(of).flatten(), None), 0));
                }
                Some(several) => {
                    all.extend(several.into_iter().map(|named| (name.clone(), named, 0)))
                }
                None => hidden.push(name),
            }
        }
        if let Some(first) = hidden.first() {
            let more = match hidden.len() - 1 {
                0 => String::new(),
                more => format!(", as have {more} more names"),
            };
            let message = format!("several functions are called '{first}'{more}, and {HIDDEN}");
            left_out.push(Report::new(message).help(SEEN));
        }
        all
    }

    /// The functions of a name, in the modules that were asked for. The inner error: there is none.
    fn functions_called(
        &self,
        module: Option<&String>,
        name: &str,
    ) -> Result<Result<Vec<Named>, Report>, Report> {
        let told_apart = |several: &[Namesake]| {
            told_apart(several).ok_or_else(|| {
                let count = several.len();
                let message = format!("{count} functions are called '{name}', and {HIDDEN}");
                Report::new(message).help(SEEN)
            })
        };
        if let Some(module) = module {
            let wanted = expand(module);
            let is_inside = |of: &Option<String>| {
                let of = of.as_deref().unwrap_or("vmlinux");
                wanted.iter().any(|wanted| matches(wanted, of))
            };
            let mut sharing = self.symbols().sharing(name).to_vec();
            sharing.retain(|namesake| is_inside(&namesake.module));
            if !sharing.is_empty() {
                return Ok(told_apart(&sharing));
            }
            let only = self.symbols().function(name);
            return Ok(match only.filter(|only| is_inside(&only.module)) {
                Some(only) => Ok(vec![(only.module, None)]),
                None => Err(self.no_function_in(module, name)),
            });
        }
        if self.may_be_shared(name) {
            let sharing = self.symbols().sharing(name);
            if !sharing.is_empty() {
                return Ok(told_apart(sharing));
            }
        }
        // Types are found faster than symbols, and have names without what compilers put behind them. A run is told of that
        // when it attaches; who looks, and who may mean another name, goes by the symbols.
        let typed = self.btf().is_ok_and(|btf| btf.has_function(name));
        let known = typed && self.asks && !renamed::is_function(name);
        if known || self.symbols().function(name).is_some() {
            return Ok(Ok(vec![(None, None)]));
        }
        let all = self.traceable_functions();
        if all.is_empty() && !typed {
            return Err(
                Report::new(format!("no function '{name}': this kernel lists none"))
                    .help("/proc/kallsyms and /sys/kernel/btf are both unreadable"),
            );
        }
        if all.is_empty() {
            return Ok(Ok(vec![(None, None)]));
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

const HIDDEN: &str = "the kernel hides from this user where each of them is";
const SEEN: &str = "it takes CAP_SYSLOG, and kernel.kptr_restrict below 2";

/// Each of several functions of a name; `None` where it is hidden where they are.
fn told_apart(several: &[Namesake]) -> Option<Vec<Named>> {
    let all = several.iter().map(|namesake| {
        let known = namesake.address != 0;
        known.then(|| (namesake.module.clone(), Some(namesake.clone())))
    });
    all.collect()
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
