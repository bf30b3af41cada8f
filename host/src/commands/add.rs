//! `moontrace add` and `moontrace remove`: collections come and go. Nothing of them is run.

use super::about::Tool;
use crate::collection::store::{Change, Content, Store};
use crate::collection::{Part, Shared, Source, git, short};
use crate::report::Report;
use crate::rows::escape::printable;
use std::fmt::Write as _;
use std::io::Write as _;

/// Installs a collection; what came, as text.
///
/// # Errors
/// When it can't be had, is none, or one of its name is there. Nothing has changed then.
pub(super) fn add(what: &str, at: Option<&str>) -> Result<String, Report> {
    let url = git::source(what)?;
    let change = change()?;
    let content = fetch(&change, &url, at)?;
    let tools = tools(&content)?;
    let name = content.manifest.name.clone();
    if change.names().any(|other| other == name) {
        return Err(taken(&*change.get(&name)?));
    }
    let missing: Vec<(String, String)> = content
        .manifest
        .requires
        .iter()
        .filter(|(other, _)| !change.names().any(|name| name == *other))
        .map(|(name, url)| (name.clone(), url.clone()))
        .collect();
    change.install(&content)?;
    let (version, commit) = (&content.manifest.version, short(&content.commit));
    let mut text = format!(
        "added {name} {version} (commit {commit}) from {}\n",
        printable(url.as_bytes())
    );
    let widest = tools.iter().map(|tool| tool.name.len()).max().unwrap_or(0);
    for tool in &tools {
        text.push_str(&tool.lines(widest));
    }
    if tools.is_empty() {
        text.push_str("  no tools; its modules are for collections that require it\n");
    }
    text.push_str(&left_out(&content));
    for (other, url) in missing {
        let url = printable(url.as_bytes());
        // Writing to a String can't fail.
        let _ = writeln!(text, "it requires {other}: 'moontrace add {url}' gets it");
    }
    Ok(text)
}

/// # Errors
/// When there is none of that name, or it can't be taken away.
pub(super) fn remove(name: &str) -> Result<String, Report> {
    let change = change()?;
    let shared = change.get(name)?;
    change.remove(name)?;
    let (version, commit, url) = (
        &shared.entry.now.version,
        shared.short_commit(),
        printable(shared.entry.url.as_bytes()),
    );
    Ok(format!(
        "removed {name} {version} (commit {commit}), which was from {url}\n"
    ))
}

pub(super) fn store() -> Result<Store, Report> {
    Store::of_user().ok_or_else(|| {
        Report::new("there is no folder for collections").help("HOME or XDG_DATA_HOME names one")
    })
}

pub(super) fn change() -> Result<Change, Report> {
    store()?.change(|| {
        // With nobody to read it, waiting is still right.
        let _ = writeln!(
            std::io::stderr(),
            "another moontrace changes the collections: waiting for it"
        );
    })
}

pub(super) fn fetch(change: &Change, url: &str, at: Option<&str>) -> Result<Content, Report> {
    git::fetch(&change.scratch("fetch")?, url, at)
}

/// The tools of a collection that is not installed yet, by their full names.
///
/// # Errors
/// The first mistake in a header.
pub(super) fn tools(content: &Content) -> Result<Vec<Tool>, Report> {
    let name = &content.manifest.name;
    let files = content.files.iter();
    let tools = files.filter_map(|(path, bytes)| {
        let tool = Part::Tool.name(path)?;
        let text = String::from_utf8_lossy(bytes).into_owned();
        let file = format!("{name}/{path}");
        Some((format!("{name}/{tool}"), Source { file, text }))
    });
    tools
        .map(|(name, source)| Tool::read(name, &source))
        .collect()
}

/// What of the repository was not taken.
pub(super) fn left_out(content: &Content) -> String {
    match content.left_out.is_empty() {
        true => String::new(),
        false => format!("left out: {}\n", content.left_out.join(", ")),
    }
}

fn taken(there: &Shared) -> Report {
    let (name, url) = (&there.name, &there.entry.url);
    let commit = there.short_commit();
    Report::new(format!("a collection '{name}' is there already (commit {commit}), from {url}")).help(format!(
        "'moontrace update {name}' brings what is new there, 'moontrace remove {name}' makes room for another"
    ))
}
