//! Where the prompt keeps what outlives a session (XDG Base Directory Specification).

use std::path::PathBuf;

/// What is run before the first line.
pub(super) fn startup() -> Option<PathBuf> {
    Some(folder("XDG_CONFIG_HOME", ".config")?.join("init.lua"))
}

/// What was typed.
pub(super) fn history() -> Option<PathBuf> {
    Some(folder("XDG_STATE_HOME", ".local/state")?.join("history"))
}

fn folder(variable: &str, usual: &str) -> Option<PathBuf> {
    let set = std::env::var_os(variable).map(PathBuf::from);
    let set = set.filter(|path| path.is_absolute());
    let base = set.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(usual)))?;
    Some(base.join("moontrace"))
}
