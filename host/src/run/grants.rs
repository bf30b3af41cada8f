//! With which permissions a script runs: one's own may do everything, a stranger's what somebody said yes to.

use super::permit::Permit;
use super::script::Script;
use crate::cli::{Allow, RunArgs};
use crate::collection::Collection;
use crate::consent::Request;
use crate::lua::header::ValueType;
use crate::lua::options::OptionValue;
use crate::permission::{Permission, Permissions};
use crate::report::Report;
use std::collections::BTreeMap;

/// What a script may do that is looked at and not run: what it declares, if it is a stranger's or part of a collection, whose
/// users will be asked for that.
///
/// # Errors
/// None.
pub(super) fn to_look_at(
    arguments: &RunArgs,
    script: &Script,
    options: &BTreeMap<String, OptionValue>,
) -> Result<Permit, Report> {
    let is_held = script.collection.is_published();
    let declared = || is_held.then(|| script.header.permissions.clone());
    let named = files_named(script, options);
    let allowed = allowed(arguments, script).or_else(declared);
    Ok(Permit {
        declared: is_held,
        allowed: allowed.map(|allowed| joined(&allowed, &named)),
        ..with_denied(arguments, script)
    })
}

/// What a script may do that is to run. A stranger's asks for what it declares, once, and is remembered.
///
/// # Errors
/// When it was not allowed, or there is nobody to ask.
pub(super) fn to_run(
    arguments: &RunArgs,
    script: &Script,
    options: &BTreeMap<String, OptionValue>,
) -> Result<Permit, Report> {
    let allowed = allowed(arguments, script);
    let permit = with_denied(arguments, script);
    let Collection::Shared(shared) = &script.collection else {
        let named = files_named(script, options);
        return Ok(Permit {
            allowed: allowed.map(|allowed| joined(&allowed, &named)),
            declared: arguments.allow == [Allow::Declared],
            ..permit
        });
    };
    let given = allowed.unwrap_or_default();
    let declared = &script.header.permissions;
    let missing = declared.beyond(&given);
    let asked: Permissions = missing
        .iter()
        .filter(|one| !permit.denied.cover(one))
        .cloned()
        .collect();
    if !asked.is_empty() {
        let tool = script.tool();
        let request = Request {
            shared,
            key: &tool,
            name: &shared.full_name(&tool),
            summary: &script.header.summary,
            content: shared.digest(&tool)?,
            asked: &asked,
        };
        request.obtain()?;
    }
    let named = files_named(script, options);
    Ok(Permit {
        allowed: Some(joined(&joined(&given, declared), &named)),
        declared: true,
        ..permit
    })
}

/// What `--allow` says, where it was given.
fn allowed(arguments: &RunArgs, script: &Script) -> Option<Permissions> {
    let mut all = arguments.allow.iter().peekable();
    all.peek()?;
    let all = all.map(|allow| match allow {
        Allow::Declared => &script.header.permissions,
        Allow::These(these) => these,
    });
    Some(all.fold(Permissions::default(), |all, more| joined(&all, more)))
}

fn with_denied(arguments: &RunArgs, script: &Script) -> Permit {
    let denied = arguments.deny.iter();
    Permit {
        denied: denied.fold(Permissions::default(), |all, more| joined(&all, more)),
        level: script.header.level,
        ..Permit::default()
    }
}

/// The files that the user has named to the script, as its options: those it may read and write.
fn files_named(script: &Script, options: &BTreeMap<String, OptionValue>) -> Permissions {
    let files = script.header.options.iter();
    let files = files.filter(|option| option.kind == ValueType::File);
    // A default is the script's word, not the user's.
    let values = files.flat_map(|option| {
        let words = options
            .get(&option.key)
            .into_iter()
            .flat_map(OptionValue::words);
        words.filter(|word| Some(*word) != option.default.as_deref())
    });
    let paths = values.map(str::to_owned);
    let both = |path: String| [Permission::Read(path.clone()), Permission::Write(path)];
    paths.flat_map(both).collect()
}

fn joined(one: &Permissions, other: &Permissions) -> Permissions {
    one.iter().chain(other.iter()).cloned().collect()
}
