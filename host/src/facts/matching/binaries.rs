//! Functions of programs and libraries.

use super::{Location, Match, malformed};
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
                let binary = match self.binaries.open(&path) {
                    Ok(binary) => binary,
                    Err(report) if one => return Err(report),
                    // Of a pattern, what is no program drops out.
                    Err(_) => continue,
                };
                if pattern.kind == Kind::Uretprobe {
                    check_return(&binary, function)?;
                }
                for function in expand(function) {
                    let Some(places) = in_binary(&binary, &function) else {
                        missing.get_or_insert_with(|| (binary.clone(), function));
                        continue;
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
        // Looking for the nearest names takes its time: of names that drop out nobody asks.
        if let (true, Some((binary, function))) = (found.is_empty(), missing) {
            return Err(why_not(&binary, &function));
        }
        found.sort_by(|a, b| a.probe.cmp(&b.probe));
        found.dedup();
        Ok(found)
    }

    /// Names of programs in `PATH` and of libraries, shortened as far as a SPEC may have them: `libc`.
    pub fn binary_names(&self) -> Vec<String> {
        let names = elf::names(&self.root).into_iter();
        names.map(|name| elf::stem(&name).to_owned()).collect()
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

/// The functions of a binary that a pattern matches; `None` when a plain name isn't there, or the binary names none.
fn in_binary(binary: &Binary, pattern: &str) -> Option<Vec<(String, u64)>> {
    let place = |symbol: &Symbol| (symbol.name.clone(), symbol.offset);
    if is_plain(pattern) {
        let called = binary.called(pattern);
        if !called.is_empty() {
            return Some(called.iter().map(place).collect());
        }
        if !Binary::is_offset(pattern) {
            return None;
        }
        let offset = binary.offset_of(pattern).ok()?;
        return Some(vec![(pattern.to_owned(), offset)]);
    }
    if binary.symbols().is_empty() {
        return None;
    }
    let matching = binary
        .symbols()
        .iter()
        .filter(|symbol| matches(pattern, &symbol.name));
    Some(matching.map(place).collect())
}

/// Why a pattern is not in a binary.
fn why_not(binary: &Binary, pattern: &str) -> Report {
    let offset = binary.offset_of(pattern);
    offset.err().unwrap_or_else(|| binary.unknown(pattern))
}
