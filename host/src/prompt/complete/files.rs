//! Paths of files, and modules.

use super::{Candidate, Completions};
use std::path::Path;

/// More names than any directory has that is worth listing.
const MOST: usize = 20_000;

/// A path as far as it is typed; a directory goes on behind its `/`.
pub(super) fn path(typed: &str) -> Completions {
    let start = typed.rfind('/').map_or(0, |slash| slash + 1);
    let directory = match &typed[..start] {
        "" => ".",
        directory => directory,
    };
    let name = &typed[start..];
    Completions::of(start, name, entries(directory, name))
}

/// One below `/proc` or `/sys`.
pub(super) fn kernels(typed: &str) -> Completions {
    const ROOTS: [&str; 2] = ["/proc/", "/sys/"];
    if ROOTS.iter().any(|root| typed.starts_with(root)) && !typed.contains("..") {
        return path(typed);
    }
    let roots = ROOTS.iter().map(|root| Candidate::new(*root, ""));
    Completions::of(0, typed, roots)
}

/// What `require` gives: modules of the binary, and those in `lib` here.
pub(super) fn module(typed: &str) -> Completions {
    let own = crate::lua::modules().map(|name| Candidate::new(name, ""));
    let files = entries("lib", typed).into_iter().filter_map(|file| {
        let name = file.text.strip_suffix(".lua")?;
        Some(Candidate::new(name, ""))
    });
    Completions::of(0, typed, own.chain(files))
}

/// The entries of a directory that begin as `typed` does. Hidden ones are left out until a dot is typed.
pub(super) fn entries(directory: &str, typed: &str) -> Vec<Candidate> {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Vec::new();
    };
    let fits =
        |name: &str| name.starts_with(typed) && (typed.starts_with('.') || !name.starts_with('.'));
    let found = entries.take(MOST).flatten().filter_map(|entry| {
        let name = entry
            .file_name()
            .into_string()
            .ok()
            .filter(|name| fits(name))?;
        let is_directory = match entry.file_type() {
            Ok(kind) if kind.is_symlink() => Path::new(directory).join(&name).is_dir(),
            kind => kind.is_ok_and(|kind| kind.is_dir()),
        };
        Some(match is_directory {
            true => Candidate::new(name + "/", ""),
            false => Candidate::new(name, ""),
        })
    });
    found.collect()
}
