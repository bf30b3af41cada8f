//! What names of the session stand for. Nothing of the user's is called: metatables are left alone.

use crate::lua::script::Script;
use crate::lua::stdlib;
use crate::lua::types::{self, Type};
use mlua::{AnyUserData, Lua, Table, Value};

pub(super) fn names_in(lua: &Lua, path: &str) -> Vec<(String, String)> {
    if path.is_empty() {
        let mut all = members(&lua.globals());
        let unread = stdlib::globals().filter(|name| !all.iter().any(|(known, _)| known == name));
        let unread: Vec<_> = unread
            .map(|name| (name.to_owned(), "function".to_owned()))
            .collect();
        all.extend(unread);
        all.sort();
        return all;
    }
    match value(lua, path) {
        Some(Value::Table(table)) => members(&table),
        Some(Value::String(_)) => match lua.globals().raw_get("string") {
            Ok(Value::Table(strings)) => members(&strings),
            _ => Vec::new(),
        },
        Some(Value::UserData(data)) => methods(&data),
        _ => Vec::new(),
    }
}

pub(super) fn type_of(lua: &Lua, path: &str) -> Option<&'static str> {
    match value(lua, path)? {
        Value::UserData(data) => types::of(&data).map(|of| of.name),
        other => Some(kind(&other)),
    }
}

pub(super) fn source_of(lua: &Lua, script: &Script, path: &str) -> Option<String> {
    let Value::Function(function) = value(lua, path)? else {
        return None;
    };
    let info = function.info();
    let (first, last) = (info.line_defined?, info.last_line_defined?);
    let source = info.source?;
    let name = source.trim_start_matches(['@', '=']);
    let text = match script.chunks.get(name) {
        Some((_, text)) => text,
        None => stdlib::text_of(&source)?.into(),
    };
    let lines = text.lines().skip(first.checked_sub(1)?);
    let lines: Vec<&str> = lines.take(last + 1 - first).collect();
    Some(format!("-- {name}:{first}\n{}", lines.join("\n")))
}

/// What `a.b.c` stands for, of what was set or loaded.
fn value(lua: &Lua, path: &str) -> Option<Value> {
    let mut names = path.split(['.', ':']);
    let first = names.next()?;
    let mut value: Value = lua.globals().raw_get(first).ok()?;
    if value.is_nil() && stdlib::globals().any(|name| name == first) {
        value = stdlib::global(lua, first).ok()??;
    }
    for name in names {
        value = match &value {
            Value::Table(table) => table.raw_get(name).ok()?,
            _ => return None,
        };
    }
    (!value.is_nil()).then_some(value)
}

fn members(table: &Table) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = table
        .pairs::<Value, Value>()
        .flatten()
        .filter_map(|(key, value)| match key {
            Value::String(name) => Some((name.to_str().ok()?.to_owned(), kind(&value).to_owned())),
            _ => None,
        })
        .collect();
    all.sort();
    all
}

fn methods(data: &AnyUserData) -> Vec<(String, String)> {
    let methods = types::of(data).map_or(&[][..], |of: &Type| of.methods);
    methods
        .iter()
        .map(|entry| (entry.name.to_owned(), entry.signature.to_owned()))
        .collect()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::UserData(data) => types::of(data).map_or("userdata", |of| of.name),
        Value::Integer(_) => "number",
        other => other.type_name(),
    }
}
