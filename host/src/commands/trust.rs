//! `moontrace trust NAME`: a yes, said beforehand, to what a collection's tools ask for.

use super::about::Tool;
use crate::collection::store::{Store, none};
use crate::collection::{Collection, Part, Shared};
use crate::consent::Request;
use crate::permission::{Permission, Permissions};
use crate::report::Report;
use std::fmt::Write;
use std::sync::Arc;

/// Says yes for a tool (`net/slowconn`, or its name alone) or for all tools of a collection, to its files as they are now.
///
/// # Errors
/// When there is none of that name, a header is malformed, or the lock can't be written.
pub(super) fn trust(name: &str) -> Result<String, Report> {
    let (found, tools) = meant(name)?;
    let mut text = String::new();
    for path in found.accept()? {
        let _ = writeln!(text, "{}/{path} is taken as it is now", found.name);
    }
    // The lock has changed by now.
    let (shared, _) = meant(&found.name)?;
    for tool in tools {
        let name = shared.full_name(&tool);
        let Some(source) = Collection::from(Arc::clone(&shared)).get(Part::Tool, &tool)? else {
            continue;
        };
        let Tool { name, header } = Tool::read(name, &source)?;
        let asked = &header.permissions;
        let _ = match asked.is_empty() {
            true => writeln!(text, "{name} asks for nothing"),
            false => write!(
                text,
                "{name} may, as long as it stays what it is:\n{}",
                asked.lines()
            ),
        };
        let request = Request {
            shared: &shared,
            key: &tool,
            name: &name,
            summary: &header.summary,
            content: shared.digest(&tool)?,
            asked,
        };
        request.grant()?;
    }
    if name == shared.name
        && !Collection::from(Arc::clone(&shared))
            .names(Part::Test)
            .is_empty()
    {
        let asked = Permissions::from_iter([Permission::Run]);
        let _ = write!(text, "its tests may:\n{}", asked.lines());
        let request = Request {
            shared: &shared,
            key: Request::TESTS,
            name: &shared.name,
            summary: "",
            content: shared.digest_of_all()?,
            asked: &asked,
        };
        request.grant()?;
    }
    Ok(text)
}

/// Takes the yes back: who runs them is asked again.
///
/// # Errors
/// When there is none of that name, or the lock can't be written.
pub(super) fn revoke(name: &str) -> Result<String, Report> {
    let (shared, tools) = meant(name)?;
    for tool in &tools {
        shared.trust(tool, None)?;
    }
    if name == shared.name {
        shared.trust(Request::TESTS, None)?;
    }
    let names = tools.iter().map(|tool| shared.full_name(tool));
    let names: Vec<String> = names.collect();
    Ok(format!(
        "nothing is allowed to {} any more\n",
        names.join(", ")
    ))
}

/// The collection that is meant, and the tools of it. Nothing is read: they may have changed.
fn meant(name: &str) -> Result<(Arc<Shared>, Vec<String>), Report> {
    let all = match Store::of_user() {
        Some(store) => store.all()?,
        None => Vec::new(),
    };
    if let Some(shared) = all.iter().find(|shared| shared.name == name) {
        let tools = Collection::from(Arc::clone(shared)).names(Part::Tool);
        return Ok((Arc::clone(shared), tools));
    }
    let (collection, tool) = match name.split_once('/') {
        Some((collection, tool)) => (Some(collection), tool),
        None => (None, name),
    };
    let mut found = all.iter().filter(|shared| {
        let has = |shared: &Arc<Shared>| {
            let tools = Collection::from(Arc::clone(shared)).names(Part::Tool);
            tools.iter().any(|of| of == tool)
        };
        collection.is_none_or(|name| shared.name == name) && has(shared)
    });
    match (found.next(), found.next()) {
        (Some(shared), None) => Ok((Arc::clone(shared), vec![tool.to_owned()])),
        (Some(one), Some(other)) => {
            let report = Report::new(format!("several collections have a tool '{tool}'"));
            let (one, other) = (one.full_name(tool), other.full_name(tool));
            Err(report.help(format!("say which: {one} or {other}")))
        }
        (None, _) => Err(none(name, all.iter().map(|shared| shared.name.as_str()))),
    }
}
