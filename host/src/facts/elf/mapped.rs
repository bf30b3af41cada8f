//! The files that a process has mapped: for it, they come before those that the loader would find.

use crate::report::Report;
use crate::spec::probe;
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Programs and libraries that a process runs code from, as it names them, each once and sorted. `root` is this
/// machine's (`/`).
///
/// # Errors
/// When there is no such process here, or this user may not look into it.
pub fn mapped(root: &Path, pid: u32) -> Result<Vec<PathBuf>, Report> {
    let path = root.join(format!("proc/{pid}/maps"));
    let maps = std::fs::read(&path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => gone(pid),
        // A process that has ended and is not waited for yet has no memory.
        _ if error.raw_os_error() == Some(libc::ESRCH) => gone(pid),
        _ => Report::new(format!(
            "what process {pid} has mapped can't be read: {error}"
        )),
    })?;
    let files: BTreeSet<PathBuf> = String::from_utf8_lossy(&maps)
        .lines()
        .filter_map(executable)
        .map(PathBuf::from)
        .collect();
    Ok(files.into_iter().collect())
}

/// Does a pattern without `/` mean the file: by its name, or a library's short one (`libc`, `c`)?
pub fn is_called(path: &Path, pattern: &str) -> bool {
    let Some(file) = path.file_name().and_then(|name| name.to_str()) else {
        return false;
    };
    let short = file.find(".so").map(|at| &file[..at]);
    let bare = short.and_then(|short| short.strip_prefix("lib"));
    let names = [Some(file), short, bare];
    names
        .into_iter()
        .flatten()
        .any(|name| probe::matches(pattern, name))
}

/// What is said of a process that isn't there.
pub fn gone(pid: u32) -> Report {
    Report::new(format!("there is no process {pid}"))
        .help("it has ended, or its number is that of another pid namespace: ps shows those that can be traced from here")
}

/// The file of a line of `maps` (proc_pid_maps(5)) whose memory may be executed.
fn executable(line: &str) -> Option<&str> {
    let mut words = line.splitn(6, ' ');
    let permissions = words.nth(1)?;
    let path = words.nth(3)?.trim_start();
    (permissions.contains('x') && path.starts_with('/') && !path.ends_with(" (deleted)"))
        .then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn code_of_files_is_listed() {
        let line = "7f00-7f10 r-xp 00001000 08:01 42                 /usr/lib/a file.so";
        assert_eq!(executable(line), Some("/usr/lib/a file.so"));
        for other in [
            "7f00-7f10 rw-p 00001000 08:01 42                 /usr/lib/libc.so.6",
            "7f00-7f10 r-xp 00001000 08:01 42                 /usr/lib/x (deleted)",
            "7f00-7f10 r-xp 00000000 00:00 0                  [vdso]",
            "7f00-7f10 r-xp 00000000 00:00 0 ",
            "",
        ] {
            assert_eq!(executable(other), None);
        }
        let own = mapped(Path::new("/"), std::process::id()).unwrap();
        assert!(own.contains(&std::env::current_exe().unwrap()), "{own:?}");
    }

    #[test]
    fn libraries_have_short_names() {
        let called = |pattern| is_called(Path::new("/usr/lib/libc.so.6"), pattern);
        assert!(
            ["c", "libc", "libc.so.6", "lib*", "*"]
                .into_iter()
                .all(called)
        );
        assert!(!called("lib") && !called("libc.so.7"));
    }

    #[test]
    fn a_process_that_is_gone_is_named() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        let report = mapped(Path::new("/"), pid).unwrap_err().to_string();
        assert!(report.contains(&format!("no process {pid}")), "{report}");
        assert!(report.contains("namespace"), "{report}");
    }

    proptest! {
        #[test]
        fn a_line_of_any_text_is_read(line in "([0-9a-f]{1,17}|[-rwxp]{1,5}|[ /:()]{1,3}|\\PC){0,30}") {
            if let Some(path) = executable(&line) {
                prop_assert!(path.starts_with('/') && line.ends_with(path));
            }
        }
    }
}
