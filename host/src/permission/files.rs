//! Paths of files, by patterns: `*` and `?` stay within a name, `**` is any number of names.

use crate::report::Report;
use crate::spec::probe::matches;

/// A pattern as a permission may have it.
///
/// # Errors
/// When it is empty or climbs.
pub(super) fn checked(pattern: &str) -> Result<String, Report> {
    if pattern.is_empty() {
        return Err(Report::new("a path is missing").help("write: read=/proc/net/*"));
    }
    if climbs(pattern) {
        return Err(Report::new(format!(
            "a permitted path has no '..' in it: {pattern}"
        )));
    }
    Ok(pattern.to_owned())
}

/// Does the pattern match the path? Neither is looked up: what has `..` in it matches nothing.
pub(super) fn covers(pattern: &str, path: &str) -> bool {
    let is_absolute = |of: &str| of.starts_with('/');
    if climbs(path) || is_absolute(pattern) != is_absolute(path) {
        return false;
    }
    let pattern: Vec<&str> = names(pattern).collect();
    let path: Vec<&str> = names(path).collect();
    fits(&pattern, &path)
}

fn fits(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), _) => (0..=path.len()).any(|from| fits(rest, &path[from..])),
        (Some((one, rest)), Some((name, more))) => matches(one, name) && fits(rest, more),
        _ => false,
    }
}

fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|name| !matches!(*name, "" | "."))
}

fn climbs(path: &str) -> bool {
    path.split('/').any(|name| name == "..")
}
