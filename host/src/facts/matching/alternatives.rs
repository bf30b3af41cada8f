//! A whole SPEC: several patterns, of which those that are not there drop out, and names that kernels have changed.

use super::{Location, Match};
use crate::facts::{Facts, renamed};
use crate::report::Report;
use crate::spec::probe::{expand, is_plain};
use crate::spec::{Kind, Pattern};
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// What a SPEC matches.
#[derive(Debug, Default)]
pub struct Found {
    /// Each once, in the order of the patterns.
    pub matches: Vec<Match>,
    /// For each of them: it is of a pattern, or shares its name, so that others do without it.
    pub optional: Vec<bool>,
    /// What this kernel calls otherwise: the probe that was found, and the name that was asked for.
    pub renamed: Vec<(String, String)>,
    /// Why patterns have dropped out, beside others that are there; and what of a binary was left out as it is damaged.
    pub missing: Vec<Report>,
}

impl Found {
    /// Each function of a program once, by the plainest of its names that a pattern has matched: `strdup` and `__strdup`
    /// are one.
    pub fn by_one_name(mut self) -> Self {
        let plainness = |name: &str| {
            let underscores = name.len() - name.trim_start_matches('_').len();
            (underscores, name.len(), name.to_owned())
        };
        let mut plainest = HashMap::new();
        let all = self.matches.iter().zip(&self.optional);
        for (place, name) in all.filter_map(|(found, of_pattern)| function(found, *of_pattern)) {
            let known = plainest.entry(place).or_insert(name);
            if plainness(name) < plainness(known) {
                *known = name;
            }
        }
        let all = self.matches.iter().zip(&self.optional);
        let wanted = all.map(|(found, of_pattern)| {
            let function = function(found, *of_pattern);
            function.is_none_or(|(place, name)| plainest.get(&place) == Some(&name))
        });
        let wanted: Vec<bool> = wanted.collect();
        let (mut of_matches, mut of_optional) = (wanted.iter(), wanted.iter());
        self.matches.retain(|_| *of_matches.next().unwrap_or(&true));
        self.optional
            .retain(|_| *of_optional.next().unwrap_or(&true));
        self
    }
}

/// Where a function of a program is that a pattern has matched, and by which name.
fn function(found: &Match, of_pattern: bool) -> Option<((Kind, &Path, u64), &str)> {
    let Location::Binary {
        path,
        function,
        offset,
    } = &found.location
    else {
        return None;
    };
    of_pattern.then_some(((found.kind, path.as_path(), *offset), function.as_str()))
}

impl Facts {
    /// What the patterns of a SPEC match. Files are looked up as the process `pid` sees them.
    ///
    /// # Errors
    /// When nothing at all matches: why the first pattern doesn't.
    pub fn find(&self, patterns: &[Pattern], pid: Option<u32>) -> Result<Found, Report> {
        let (mut all, mut seen) = (Found::default(), HashSet::new());
        for pattern in patterns {
            let found = self.look_for(pattern, pid, &mut all.missing);
            let found = found.or_else(|report| {
                let other = self.by_another_name(pattern, pid).ok_or(report)?;
                let probes = other.iter().map(|found| found.probe.clone());
                all.renamed
                    .extend(probes.map(|probe| (probe, pattern.to_string())));
                Ok(other)
            });
            match found {
                Ok(found) => {
                    let named = is_named(pattern);
                    for next in found {
                        // Several places may have one name.
                        if seen.insert(next.probe.clone()) || !all.matches.contains(&next) {
                            // Others of its name do without one that takes no probe.
                            all.optional.push(!named || is_namesake(&next));
                            all.matches.push(next);
                        }
                    }
                }
                Err(report) => all.missing.push(report),
            }
        }
        if all.matches.is_empty() && !all.missing.is_empty() {
            return Err(all.missing.swap_remove(0));
        }
        Ok(all)
    }

    /// Is there anything that these patterns match?
    ///
    /// # Errors
    /// When that can't be told, as this user may not see the kernel's tracepoints.
    pub fn exists(&self, patterns: &[Pattern]) -> Result<bool, Report> {
        let found = self.find(patterns, None);
        let tracepoints = patterns
            .iter()
            .any(|pattern| pattern.kind == Kind::Tracepoint);
        if found.is_err() && tracepoints {
            self.tracefs()?;
        }
        Ok(found.is_ok_and(|found| !found.matches.is_empty()))
    }

    fn by_another_name(&self, pattern: &Pattern, pid: Option<u32>) -> Option<Vec<Match>> {
        if !pattern.parts.iter().all(|part| is_plain(part)) {
            return None;
        }
        let mut others = renamed::probes(pattern).into_iter();
        others.find_map(|other| self.matches(&other, pid).ok())
    }
}

/// Is it one of several functions of the kernel that have its name?
fn is_namesake(found: &Match) -> bool {
    matches!(
        found.location,
        Location::Function {
            namesake: Some(_),
            ..
        }
    )
}

/// Has it no wildcard, so that it names what must be there?
fn is_named(pattern: &Pattern) -> bool {
    let mut names = pattern.parts.iter().flat_map(|part| expand(part));
    names.all(|name| is_plain(&name))
}

#[cfg(test)]
mod tests {
    use super::{Found, Location, Match};
    use crate::facts::fixture::Machine;
    use crate::spec::Kind;
    use crate::spec::probe::parse;

    #[test]
    fn of_the_names_of_a_function_a_pattern_means_the_plainest() {
        let all = [
            ("__strdup", 1, true),
            ("strdup", 1, true),
            ("strdup_r", 1, true),
            ("strfry", 2, true),
            ("strfry", 3, true),
            ("__strtol", 4, false),
            ("strtol", 4, false),
        ];
        let matched = |(name, offset, _)| Match {
            kind: Kind::Uprobe,
            probe: format!("uprobe:c:{name}"),
            location: Location::Binary {
                path: "/lib/c".into(),
                function: String::from(name),
                offset,
            },
        };
        let found = Found {
            matches: all.map(matched).into(),
            optional: all.map(|(.., optional)| optional).into(),
            ..Found::default()
        };
        let found = found.by_one_name();
        let names = found
            .matches
            .iter()
            .map(|found| &found.probe["uprobe:c:".len()..]);
        let names: Vec<&str> = names.collect();
        assert_eq!(names, ["strdup", "strfry", "strfry", "__strtol", "strtol"]);
        assert_eq!(found.optional, [true, true, true, false, false]);
    }

    #[test]
    fn of_several_patterns_the_missing_ones_drop_out() {
        let machine = Machine::new();
        let facts = machine.facts();
        let found = facts
            .find(&parse("kprobe:vfs_raed, kprobe:vfs_read").unwrap(), None)
            .unwrap();
        assert_eq!(found.matches.len(), 1);
        assert!(found.missing[0].to_string().contains("'vfs_read'"));
        let nothing = facts.find(&parse("kprobe:vfs_raed, kprobe:x").unwrap(), None);
        assert!(nothing.unwrap_err().message.contains("vfs_raed"));
    }

    #[test]
    fn a_renamed_probe_is_found_by_its_other_name() {
        let machine = Machine::new();
        machine.write(
            "proc/kallsyms",
            b"ffffffff81000000 t __blk_account_io_start\n",
        );
        let facts = machine.facts();
        let spec = parse("tracepoint:block:block_io_start").unwrap();
        let found = facts.find(&spec, None).unwrap();
        assert_eq!(
            found.renamed,
            [(
                "kprobe:__blk_account_io_start".to_owned(),
                "tracepoint:block:block_io_start".to_owned()
            )]
        );
        assert_eq!(facts.exists(&spec), Ok(true));
        assert_eq!(
            facts.exists(&parse("kprobe:finish_task_switch").unwrap()),
            Ok(false)
        );
    }
}
