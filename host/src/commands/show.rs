//! `moontrace show NAME`: a tool with its source, or a collection, to look at before it is run.

use super::about::{self, Tool};
use super::add::store;
use crate::collection::store::none;
use crate::collection::{self, Collection, Part, Shared, Source, manifest};
use crate::lua::options;
use crate::report::Report;
use crate::rows::escape::lines;
use std::fmt::Write;

/// # Errors
/// When there is nothing of that name.
pub(super) fn show(name: &str) -> Result<String, Report> {
    let text = match collection::tool(name.strip_prefix("moontrace/").unwrap_or(name)) {
        Some(source) => tool(name, &source, "comes with moontrace"),
        None => installed(name)?,
    };
    Ok(lines(text.as_bytes()))
}

fn installed(name: &str) -> Result<String, Report> {
    let store = store()?;
    if let Some(shared) = store.get(name)? {
        return whole(&shared);
    }
    if let Some((of, tool)) = name.split_once('/')
        && let Some(shared) = store.get(of)?
        && let Some(text) = one(&shared, tool)
    {
        return text;
    }
    let all = store.all()?;
    if let [shared] = with_tool(&all, name)[..]
        && let Some(text) = one(shared, name)
    {
        return text;
    }
    // What is wrong with the name is said as it is when such a tool is to run.
    match collection::tool_of_all(name)? {
        Some((source, _)) => Ok(tool(name, &source, "is installed")),
        None => {
            let names = all.iter().map(|shared| shared.name.as_str());
            let report = Report::new(format!("there is no tool and no collection '{name}'"));
            let help = collection::meant(name).or_else(|| none(name, names).help);
            Err(Report { help, ..report })
        }
    }
}

fn with_tool<'a>(all: &'a [std::sync::Arc<Shared>], tool: &str) -> Vec<&'a Shared> {
    let path = format!("{tool}.lua");
    let has = |shared: &&std::sync::Arc<Shared>| shared.entry.now.files.contains_key(&path);
    all.iter().filter(has).map(|shared| &**shared).collect()
}

/// A tool as it lies there now, also where it may not run. None where there is none.
fn one(shared: &Shared, name: &str) -> Option<Result<String, Report>> {
    let path = format!("{name}.lua");
    if !shared.entry.now.files.contains_key(&path) {
        return None;
    }
    let about = |source: Source| {
        let mut from = format!(
            "{}\nlies at {}",
            origin(shared),
            shared.folder.join(&path).display()
        );
        if shared.changed().contains(&path) {
            let collection = &shared.name;
            let _ = write!(
                from,
                "\nwas CHANGED since it was added, and is refused until 'moontrace trust {collection}'"
            );
        }
        tool(&shared.full_name(name), &source, &from)
    };
    Some(shared.present(&path).map(about))
}

fn origin(shared: &Shared) -> String {
    let now = &shared.entry.now;
    let at = now.at.as_ref();
    let at = at.map_or(String::new(), |at| format!(", as {at} says"));
    format!(
        "is of the collection {} {} (commit {}{at}) from {}",
        shared.name, now.version, now.commit, shared.entry.url
    )
}

fn tool(name: &str, source: &Source, from: &str) -> String {
    let mut text = format!("{name} {from}\n\n");
    match Tool::read(name.to_owned(), source) {
        Ok(tool) => {
            text.push_str(&options::help(&tool.header, name));
            let _ = writeln!(text, "\nlevel        {}", tool.level().word());
            text.push_str(&about::permissions(&tool.header.permissions, ""));
        }
        Err(report) => {
            let _ = writeln!(text, "its header is malformed: {report}");
        }
    }
    let _ = write!(text, "\n{}", source.text);
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// A collection: where it is from, what it says of itself, its tools and what else lies there.
fn whole(shared: &Shared) -> Result<String, Report> {
    let mut text = format!("{} {}\n", shared.name, origin(shared));
    let _ = writeln!(text, "it lies at {}", shared.folder.display());
    if let Some(before) = &shared.entry.before {
        let (version, commit) = (&before.version, collection::short(&before.commit));
        let _ = writeln!(
            text,
            "'moontrace update {} --back' brings {version} (commit {commit}) again",
            shared.name
        );
    }
    let said = shared.present(manifest::FILE)?;
    let _ = write!(text, "\n{}", indented(&said.text));
    let of = Collection::from(std::sync::Arc::new(shared.clone()));
    let names = of.names(Part::Tool);
    let widest = names.iter().map(|name| shared.full_name(name).len()).max();
    if !names.is_empty() {
        text.push_str("\ntools\n");
    }
    for name in names {
        let source = shared.present(&format!("{name}.lua"))?;
        match Tool::read(shared.full_name(&name), &source) {
            Ok(tool) => text.push_str(&tool.lines(widest.unwrap_or(0))),
            Err(report) => {
                let _ = writeln!(text, "  its header is malformed: {report}");
            }
        }
    }
    let others = shared
        .entry
        .now
        .files
        .keys()
        .filter(|path| Part::Tool.name(path).is_none());
    let others: Vec<&str> = others.map(String::as_str).collect();
    let _ = writeln!(text, "\nother files: {}", others.join(", "));
    for path in shared.changed() {
        let _ = writeln!(
            text,
            "\n{path} was CHANGED since it was added; this is what it is now:"
        );
        match shared.present(&path) {
            Ok(source) => text.push_str(&indented(&source.text)),
            Err(report) => {
                let _ = writeln!(text, "  {report}");
            }
        }
    }
    Ok(text)
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
