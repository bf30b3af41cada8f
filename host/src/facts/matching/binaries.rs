//! Functions of programs and libraries.

use super::{Location, Match, malformed, nothing_left};
use crate::facts::Facts;
use crate::facts::elf::{self, Binary, Symbol};
use crate::report::Report;
use crate::spec::probe::{expand, is_plain, matches};
use crate::spec::{Kind, Pattern};
use std::path::{Path, PathBuf};

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
            for path in self.files(&file, pid)? {
                let binary = match Binary::open(&path) {
                    Ok(binary) => binary,
                    Err(report) if one => return Err(report),
                    // Of a pattern, what is no program drops out.
                    Err(_) => continue,
                };
                if pattern.kind == Kind::Uretprobe {
                    check_return(&binary, function)?;
                }
                for function in expand(function) {
                    let places = match in_binary(&binary, &function) {
                        Ok(places) => places,
                        Err(report) => {
                            missing.get_or_insert(report);
                            continue;
                        }
                    };
                    let shown = shown(&root, &path);
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

    /// The files that a name means: of a process, those that it has mapped come first.
    pub(super) fn files(&self, name: &str, pid: Option<u32>) -> Result<Vec<PathBuf>, Report> {
        let root = self.root_of(pid);
        if let Some(pid) = pid {
            let mapped = elf::mapped(&self.root, pid)?;
            if !name.contains('/') {
                let meant = mapped.iter().filter(|path| elf::is_called(path, name));
                let meant: Vec<PathBuf> = meant
                    .map(|path| root.join(path.strip_prefix("/").unwrap_or(path)))
                    .filter(|path| path.is_file())
                    .collect();
                if !meant.is_empty() || !is_plain(name) {
                    return Ok(meant);
                }
            }
        }
        elf::candidates(&root, name)
    }
}

/// A file as the process whose root directory this is names it.
pub(super) fn shown(root: &Path, path: &Path) -> String {
    match path.strip_prefix(root) {
        Ok(inner) => format!("/{}", inner.display()),
        Err(_) => path.display().to_string(),
    }
}

fn check_return(binary: &Binary, function: &str) -> Result<(), Report> {
    if binary.is_go {
        return Err(Report::new(format!(
            "{} is a Go program: a return probe would crash it, as its stacks move",
            binary.path.display()
        ))
        .help("use uprobe"));
    }
    if function.contains('+') && binary.symbol(function).is_none() {
        return Err(Report::new(format!(
            "'{function}': a return probe takes no offset"
        )));
    }
    Ok(())
}

/// The functions of a binary that a pattern matches; an error when a plain name isn't there, or the binary names none.
fn in_binary(binary: &Binary, pattern: &str) -> Result<Vec<(String, u64)>, Report> {
    let place = |symbol: &Symbol| (symbol.name.clone(), symbol.offset);
    if is_plain(pattern) {
        let called = binary.called(pattern);
        if !called.is_empty() {
            return Ok(called.iter().map(place).collect());
        }
        let offset = binary.offset_of(pattern)?;
        return Ok(vec![(pattern.to_owned(), offset)]);
    }
    if binary.symbols().is_empty() {
        return Err(binary.unknown(pattern));
    }
    let matching = binary
        .symbols()
        .iter()
        .filter(|symbol| matches(pattern, &symbol.name));
    Ok(matching.map(place).collect())
}
