//! `moontrace update`: shows what another commit of a collection would change, and takes it when it is agreed to.

use super::about::Tool;
use super::add::{change, fetch, left_out, store, tools};
use crate::collection::store::Content;
use crate::collection::{Part, Shared, short};
use crate::consent;
use crate::report::Report;
use crate::rows::escape::printable;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};

/// Which collections, and whether they are asked about.
pub struct Wanted {
    /// All of them where there is none.
    pub name: Option<String>,
    /// Another tag, branch or commit from now on.
    pub at: Option<String>,
    pub yes: bool,
}

/// Updates collections, one after the other; says what it does on the way.
///
/// # Errors
/// The first that fails; those before it are updated.
pub(super) fn update(wanted: &Wanted) -> Result<String, Report> {
    let names = match &wanted.name {
        Some(name) => vec![name.clone()],
        None => {
            let all = store()?.all()?;
            all.iter().map(|shared| shared.name.clone()).collect()
        }
    };
    if names.is_empty() {
        return Ok("no collection is installed: 'moontrace add URL' gets one\n".to_owned());
    }
    let mut text = String::new();
    for name in names {
        match one(&name, wanted) {
            Ok(more) => text.push_str(&more),
            Err(report) => {
                super::say(text.as_bytes());
                return Err(report);
            }
        }
    }
    Ok(text)
}

/// # Errors
/// When there is no update that could be taken back.
pub(super) fn take_back(name: &str) -> Result<String, Report> {
    let shared = change()?.take_back(name)?;
    let (version, commit) = (&shared.entry.now.version, shared.short_commit());
    Ok(format!("{name} is at {version} (commit {commit}) again\n"))
}

fn one(name: &str, wanted: &Wanted) -> Result<String, Report> {
    let change = change()?;
    let there = change.get(name)?;
    let at = wanted.at.as_ref().or(there.entry.now.at.as_ref());
    let content = fetch(&change, &there.entry.url, at.map(String::as_str))?;
    let (now, url) = (&there.entry.now, &there.entry.url);
    let is_same = content.commit == now.commit && there.changed().is_empty();
    if is_same && content.at == now.at {
        let (version, commit) = (&now.version, there.short_commit());
        let at = at.map_or(String::new(), |at| {
            format!(", as {} says", printable(at.as_bytes()))
        });
        return Ok(format!(
            "{name} is at {version} (commit {commit}) already{at}\n"
        ));
    }
    if content.manifest.name != *name {
        let other = &content.manifest.name;
        let report = Report::new(format!(
            "what is at {url} is called '{other}' now, and not '{name}'"
        ));
        return Err(report.help(format!(
            "'moontrace remove {name}', then add it by its new name"
        )));
    }
    let differs = difference(&there, &content)?;
    let version = &content.manifest.version;
    if !wanted.yes && !agreed(name, &differs)? {
        return Ok(format!(
            "{name} stays at {} (commit {})\n",
            now.version,
            there.short_commit()
        ));
    }
    change.install(&content)?;
    let said = if wanted.yes { differs } else { String::new() };
    Ok(format!(
        "{said}updated {name} to {version}; 'moontrace update {name} --back' takes it back\n"
    ))
}

/// Shows it and asks a person.
///
/// # Errors
/// When there is no person.
fn agreed(name: &str, differs: &str) -> Result<bool, Report> {
    let mut out = io::stdout();
    let shown = out.write_all(differs.as_bytes()).and_then(|()| out.flush());
    if !io::stdin().is_terminal() || shown.is_err() {
        let report = Report::new(format!(
            "{name} is not updated: there is no terminal to ask on"
        ));
        return Err(report.help(format!("'moontrace update {name} --yes' takes it")));
    }
    Ok(consent::ask("take it? [y/N] "))
}

/// What an update changes, for a person to decide on.
///
/// # Errors
/// When a header of the new commit is malformed.
fn difference(there: &Shared, content: &Content) -> Result<String, Report> {
    let (name, now) = (&there.name, &there.entry.now);
    let (old, new) = (short(&now.commit), short(&content.commit));
    let mut text = format!(
        "{name} {} → {} (commit {old} → {new}) from {}\n",
        now.version,
        content.manifest.version,
        printable(content.url.as_bytes())
    );
    let before = tools_there(there);
    let after: BTreeMap<String, Tool> = tools(content)?
        .into_iter()
        .map(|tool| (tool.name.clone(), tool))
        .collect();
    let differing = differing(there, content);
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let widest = names.iter().map(|name| name.len()).max().unwrap_or(0);
    for tool in names {
        match (before.get(tool), after.get(tool)) {
            (None, Some(new)) => text.push_str(&format!(
                "new      {}",
                new.lines(widest).trim_start_matches("  ")
            )),
            (Some(_), None) => text.push_str(&format!("gone     {tool}\n")),
            (Some(old), Some(new)) => text.push_str(&changes(&differing, old.as_ref(), new)),
            (None, None) => {}
        }
    }
    for path in &differing {
        if Part::Tool.name(path).is_none() {
            // Writing to a String can't fail.
            let what = match (
                now.files.contains_key(*path),
                content.files.contains_key(*path),
            ) {
                (false, _) => "new",
                (_, false) => "gone",
                _ => "changed",
            };
            let _ = writeln!(text, "{what:8} {name}/{path}");
        }
    }
    for path in there.changed() {
        let _ = writeln!(
            text,
            "changed here since it was added, and replaced: {name}/{path}"
        );
    }
    for (other, url) in &content.manifest.requires {
        if now.requires.get(other) != Some(url) {
            let url = printable(url.as_bytes());
            let _ = writeln!(text, "requires {other} from {url}");
        }
    }
    text.push_str(&left_out(content));
    Ok(text)
}

/// Those that are installed; nothing is known of one whose header can't be read.
fn tools_there(there: &Shared) -> BTreeMap<String, Option<Tool>> {
    let paths = there.entry.now.files.keys();
    let tools = paths.filter_map(|path| Some((path, there.full_name(Part::Tool.name(path)?))));
    let read = |(path, name): (&String, String)| {
        let source = there.file(path).ok().flatten();
        let tool = source.and_then(|source| Tool::read(name.clone(), &source).ok());
        (name, tool)
    };
    tools.map(read).collect()
}

/// Files whose content is another one, or that are new or gone.
fn differing<'a>(there: &'a Shared, content: &'a Content) -> BTreeSet<&'a String> {
    let now = &there.entry.now.files;
    let hashes = content.hashes();
    let paths = now.keys().chain(content.files.keys());
    let differs = |path: &&String| now.get(*path) != hashes.get(*path);
    paths.filter(differs).collect()
}

/// How one tool changes; nothing where it doesn't.
fn changes(differing: &BTreeSet<&String>, old: Option<&Tool>, new: &Tool) -> String {
    let path = format!("{}.lua", new.name.rsplit('/').next().unwrap_or_default());
    let is_same = !differing.contains(&path);
    let Some(old) = old else {
        return format!("changed  {} (what it was can't be read)\n", new.name);
    };
    if is_same {
        return String::new();
    }
    let mut text = format!("changed  {}\n", new.name);
    if old.level() != new.level() {
        // Writing to a String can't fail.
        let _ = writeln!(
            text,
            "  level        {} → {}",
            old.level().word(),
            new.level().word()
        );
    }
    let (was, is) = (&old.header.permissions, &new.header.permissions);
    for (what, list) in [
        ("may now also", is.beyond(was)),
        ("no longer", was.beyond(is)),
    ] {
        if !list.is_empty() {
            let list: Vec<String> = list.iter().map(ToString::to_string).collect();
            let list = printable(list.join(", ").as_bytes());
            let _ = writeln!(text, "  {what:12} {list}");
        }
    }
    text
}
