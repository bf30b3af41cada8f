//! Functions of programs and libraries.

use super::{Location, Match, malformed};
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
