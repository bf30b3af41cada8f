//! From a name as people write it (`bash`, `libc`, `/bin/ls`) to the file that it means.

use super::cache;
use crate::report::{self, Report};
use crate::spec::probe;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Where libraries are when the cache doesn't say (musl, small containers).
const LIBRARIES: [&str; 6] = [
    "lib/x86_64-linux-gnu",
    "usr/lib/x86_64-linux-gnu",
    "lib64",
    "usr/lib64",
    "lib",
    "usr/lib",
];

/// Where programs are when `PATH` doesn't say.
const PROGRAMS: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// More files than anyone probes at once.
const MATCHES: usize = 1000;

/// The file that `name` means below `root` (`/`, or `/proc/PID/root` of a process in a container): a path, a program in
/// `PATH`, or a library by its name (`libc.so.6`, `libc`, `c`).
///
/// # Errors
/// When there is no such file.
pub fn locate(root: &Path, name: &str) -> Result<PathBuf, Report> {
    if name.contains('/') {
        let path = if name.starts_with('/') {
            below(root, name)
        } else {
            PathBuf::from(name)
        };
        return match path.metadata() {
            Ok(found) if found.is_file() => Ok(path),
            Ok(_) => Err(Report::new(format!("{} is not a file", path.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(Report::new(format!("there is no file {}", path.display())))
            }
            Err(error) => Err(Report::new(format!(
                "{} can't be probed: {error}",
                path.display()
            ))),
        };
    }
    if let Some(path) = program(root, name).or_else(|| library(root, name)) {
        return Ok(path);
    }
    let report = Report::new(format!("there is no program or library '{name}'"));
    let names = names(root);
    Err(
        match report::did_you_mean(name, names.iter().map(String::as_str)) {
            Some(help) => report.help(help),
            None => report.help("give the path of its file"),
        },
    )
}

/// All files that a path with `*` and `?` in it means, sorted; of a plain name, the one.
///
/// # Errors
/// As [`locate`].
pub fn candidates(root: &Path, name: &str) -> Result<Vec<PathBuf>, Report> {
    if probe::is_plain(name) {
        return locate(root, name).map(|path| vec![path]);
    }
    let (mut found, absolute) = match name.strip_prefix('/') {
        Some(_) => (vec![root.to_owned()], true),
        None => (vec![PathBuf::from(".")], false),
    };
    if !absolute && !name.contains('/') {
        let matching = names(root)
            .into_iter()
            .filter(|known| probe::matches(name, known));
        return Ok(matching
            .filter_map(|known| locate(root, &known).ok())
            .take(MATCHES)
            .collect());
    }
    for part in name.split('/').filter(|part| !part.is_empty()) {
        found = found
            .iter()
            .flat_map(|directory| step(directory, part))
            .take(MATCHES)
            .collect();
    }
    found.retain(|path| path.is_file());
    found.sort_unstable();
    Ok(found)
}

/// What one part of a path leads to.
fn step(directory: &Path, part: &str) -> Vec<PathBuf> {
    if probe::is_plain(part) {
        let path = directory.join(part);
        return if path.exists() {
            vec![path]
        } else {
            Vec::new()
        };
    }
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| {
            entry
                .file_name()
                .to_str()
                .is_some_and(|name| probe::matches(part, name))
        })
        .map(|entry| entry.path())
        .collect()
}

fn below(root: &Path, absolute: &str) -> PathBuf {
    root.join(absolute.trim_start_matches('/'))
}

/// The first file of this name in `PATH` that may be executed.
fn program(root: &Path, name: &str) -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_else(|_| PROGRAMS.to_owned());
    path.split(':')
        .filter(|directory| directory.starts_with('/'))
        .map(|directory| below(root, directory).join(name))
        .find(|path| {
            path.metadata()
                .is_ok_and(|of| of.is_file() && of.permissions().mode() & 0o111 != 0)
        })
}

/// A library by its full name, else by its name without `lib`, or without `.so` and what follows.
fn library(root: &Path, name: &str) -> Option<PathBuf> {
    let bytes = std::fs::read(below(root, "/etc/ld.so.cache")).unwrap_or_default();
    let known = cache::libraries(&bytes);
    let full = |(so, _): &&(&str, &str)| *so == name;
    let short =
        |(so, _): &&(&str, &str)| stem(so) == name || stem(so).strip_prefix("lib") == Some(name);
    if let Some((_, file)) = known.iter().find(full).or_else(|| known.iter().find(short)) {
        return Some(below(root, file)).filter(|path| path.is_file());
    }
    LIBRARIES.iter().find_map(|directory| {
        let directory = root.join(directory);
        let exact = directory.join(name);
        if exact.is_file() {
            return Some(exact);
        }
        let entries = std::fs::read_dir(directory).ok()?.flatten();
        let mut found: Vec<PathBuf> = entries
            .filter(|entry| {
                entry.file_name().to_str().is_some_and(|so| {
                    so.contains(".so")
                        && (stem(so) == name || stem(so).strip_prefix("lib") == Some(name))
                })
            })
            .map(|entry| entry.path())
            .collect();
        found.sort_unstable();
        found.into_iter().next()
    })
}

/// `libc.so.6` → `libc`
pub fn stem(so: &str) -> &str {
    so.find(".so").map_or(so, |at| &so[..at])
}

/// Names of programs and, as their files are called, of libraries: those that [`locate`] finds without a path.
pub fn names(root: &Path) -> Vec<String> {
    let bytes = std::fs::read(below(root, "/etc/ld.so.cache")).unwrap_or_default();
    let mut names: Vec<String> = cache::libraries(&bytes)
        .into_iter()
        .map(|(so, _)| so.to_owned())
        .collect();
    let path = std::env::var("PATH").unwrap_or_else(|_| PROGRAMS.to_owned());
    for directory in path
        .split(':')
        .filter(|directory| directory.starts_with('/'))
    {
        let Ok(entries) = std::fs::read_dir(below(root, directory)) else {
            continue;
        };
        names.extend(
            entries
                .flatten()
                .filter_map(|entry| entry.file_name().into_string().ok()),
        );
    }
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_as_the_loader_and_the_shell_do() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("usr/lib/x86_64-linux-gnu");
        std::fs::create_dir_all(&directory).unwrap();
        for name in ["libz.so.1", "libzstd.so.1", "libz.a"] {
            std::fs::write(directory.join(name), "").unwrap();
        }
        let found = |name| locate(root.path(), name).ok();
        assert_eq!(found("z"), Some(directory.join("libz.so.1")));
        assert_eq!(found("libz"), Some(directory.join("libz.so.1")));
        assert_eq!(found("libzstd.so.1"), Some(directory.join("libzstd.so.1")));
        assert_eq!(
            found("/usr/lib/x86_64-linux-gnu/libz.a"),
            Some(directory.join("libz.a"))
        );
        assert_eq!(found("lib"), None);
        let all = candidates(root.path(), "/usr/lib/*/libz*.so.?").unwrap();
        assert_eq!(
            all,
            [directory.join("libz.so.1"), directory.join("libzstd.so.1")]
        );
    }

    #[test]
    fn a_missing_file_is_named() {
        let report = locate(Path::new("/"), "/nonexistent").unwrap_err();
        assert!(report.message.contains("/nonexistent"), "{report}");
    }
}
