//! USDT probes of programs and libraries.

use super::binaries::shown;
use super::{Location, Match, malformed, nothing_left, unknown};
use crate::facts::Facts;
use crate::facts::elf::{self, Probes};
use crate::report::Report;
use crate::spec::Pattern;
use crate::spec::probe::{expand, is_plain, matches};
use std::path::Path;

impl Facts {
    /// Each place of a probe is a match, all of the probe's name. What is damaged is told.
    pub(super) fn usdt_probes(
        &self,
        pattern: &Pattern,
        pid: Option<u32>,
        damaged: &mut Vec<Report>,
    ) -> Result<Vec<Match>, Report> {
        let (file, provider, name) = match pattern.parts.as_slice() {
            [file, name] => (file, None, name),
            [file, provider, name] => (file, Some(provider.as_str()), name),
            _ => return Err(malformed(pattern, pattern.kind.form())),
        };
        let root = self.root_of(pid);
        let (mut found, mut none) = (Vec::new(), None);
        for file in expand(file) {
            let one = is_plain(&file);
            for path in self.files(&file, pid)? {
                let probes = match elf::usdt(&path) {
                    Ok(probes) => probes,
                    Err(report) if one => return Err(report),
                    // Of a pattern, what is no program drops out.
                    Err(_) => continue,
                };
                let shown = shown(&root, &path);
                if one && probes.places.is_empty() {
                    none.get_or_insert_with(|| missing(&path, &probes, provider, name));
                }
                // Places of a plain name, too, may have been there.
                if let Some(damage) = &probes.damage {
                    damaged.push(Report::new(format!("of {shown}: {damage}")));
                }
                let wanted = |name: &str, place: &elf::Usdt| {
                    provider.is_none_or(|of| matches(of, &place.provider))
                        && matches(name, &place.name)
                };
                for name in expand(name) {
                    let before = found.len();
                    let places = probes.places.iter().filter(|place| wanted(&name, place));
                    found.extend(places.map(|place| Match {
                        kind: pattern.kind,
                        probe: format!(
                            "{}:{shown}:{}:{}",
                            pattern.kind, place.provider, place.name
                        ),
                        location: Location::Usdt {
                            path: path.clone(),
                            place: place.clone(),
                        },
                    }));
                    let must = one && is_plain(&name) && provider.is_none_or(is_plain);
                    if must && found.len() == before {
                        return Err(missing(&path, &probes, provider, &name));
                    }
                }
            }
        }
        nothing_left(found.is_empty(), none)?;
        // Stable: places of one name stay in the order of the file.
        found.sort_by(|a, b| a.probe.cmp(&b.probe));
        found.dedup();
        Ok(found)
    }
}

fn missing(path: &Path, probes: &Probes, provider: Option<&str>, name: &str) -> Report {
    let shown = path.display();
    if let Some(damage) = &probes.damage {
        return Report::new(format!("{shown} is damaged: {damage}"))
            .help(format!("what can be read is listed by 'usdt:{shown}:*'"));
    }
    if probes.places.is_empty() {
        return Report::new(format!("{shown} has no USDT probes"))
            .help("uprobe reaches its functions; USDT probes are compiled in (sys/sdt.h)");
    }
    let written: Vec<String> = probes
        .places
        .iter()
        .map(|place| match provider {
            Some(_) => format!("{}:{}", place.provider, place.name),
            None => place.name.clone(),
        })
        .collect();
    let wrong = provider.map_or_else(|| name.to_owned(), |of| format!("{of}:{name}"));
    unknown(&format!("USDT probe of {shown}"), &wrong, written.iter())
}
