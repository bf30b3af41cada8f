//! What a case needs of the machine.

use crate::facts::Facts;
use crate::spec::probe;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Why it is not there, where it isn't: `command:NAME` is a program in PATH, `file:PATH` a file, all else a probe.
pub(super) fn lack(need: &str) -> Option<String> {
    if let Some(name) = need.strip_prefix("command:") {
        return (!is_command(name)).then(|| format!("there is no command '{name}'"));
    }
    if let Some(path) = need.strip_prefix("file:") {
        return (!Path::new(path).exists()).then(|| format!("there is no file '{path}'"));
    }
    let found = probe::parse(need).and_then(|patterns| Facts::live().exists(&patterns));
    match found {
        Ok(true) => None,
        Ok(false) => Some(format!("this kernel has no {need}")),
        Err(report) => Some(report.message),
    }
}

fn is_command(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let runs = |file: &Path| {
        let about = std::fs::metadata(file);
        about.is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(&path).any(|folder| runs(&folder.join(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_lacks_nothing() {
        assert_eq!(lack("command:sh"), None);
        assert_eq!(lack("file:/proc/self"), None);
        assert_eq!(
            lack("command:no-such-program").unwrap(),
            "there is no command 'no-such-program'"
        );
        assert!(lack("file:/nowhere").is_some());
        assert!(lack("no probe").is_some());
    }
}
