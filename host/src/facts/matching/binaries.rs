//! Functions of programs and libraries.

use super::{Location, Match, malformed, nothing_left};
use crate::facts::Facts;
use crate::facts::elf::{self, Binary};
use crate::report::Report;
use crate::spec::probe::{expand, is_plain, matches};
use crate::spec::{Kind, Pattern};

impl Facts {
    pub(super) fn binaries(
        &self,
        pattern: &Pattern,
        pid: Option<u32>,
    ) -> Result<Vec<Match>, Report> {
        let [file, function] = pattern.parts.as_slice() else {
            return Err(malformed(
                pattern,
                &format!("{}:FILE:FUNCTION", pattern.kind),
            ));
        };
        let root = self.root_of(pid);
        let (mut found, mut missing) = (Vec::new(), None);
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
                    let places = match in_binary(&binary, &function) {
                        Ok(places) => places,
                        Err(report) => {
                            missing.get_or_insert(report);
                            continue;
                        }
                    };
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
        nothing_left(found.is_empty(), missing)?;
        found.sort_by(|a, b| a.probe.cmp(&b.probe));
        found.dedup();
        Ok(found)
    }
}

/// The functions of a binary that a pattern matches; an error when a plain name isn't there.
fn in_binary(binary: &Binary, pattern: &str) -> Result<Vec<(String, u64)>, Report> {
    if is_plain(pattern) {
        let offset = binary.offset_of(pattern)?;
        return Ok(vec![(pattern.to_owned(), offset)]);
    }
    let matching = binary
        .symbols()
        .iter()
        .filter(|symbol| matches(pattern, &symbol.name));
    Ok(matching
        .map(|symbol| (symbol.name.clone(), symbol.offset))
        .collect())
}
