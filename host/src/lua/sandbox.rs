//! Lua as a script gets it: nothing in it reaches files, programs, the environment or Lua's own innards.
//!
//! And nothing in it runs for long where an interrupt does not reach it (`patterns`, `long_calls`), but for these: what goes once
//! over as much memory as a script may have (`string.upper`, `utf8.len`, `table.concat`, `load` of a text of that size, a full
//! `collectgarbage()`) takes its seconds; and `table.insert`, `remove`, `concat`, `unpack` and `sort` believe a `__len`, an
//! `__index` and a comparison that are C functions themselves.

use super::error::Failure;
use super::interrupt::Interrupter;
use super::script::Script;
use super::{api, long_calls, patterns, stdlib};
use crate::report::{Report, did_you_mean};
use mlua::{Lua, LuaOptions, MetaMethod, StdLib, Table, Value};

/// Lua's names that scripts don't have, and why.
const WITHHELD: [(&str, &str); 8] = [
    (
        "io",
        "scripts reach no files: 'readfile' reads those of /proc and /sys",
    ),
    ("debug", "a script can't look into Lua itself"),
    (
        "package",
        "'require' gets modules: those of moontrace, and those in 'lib' beside the script",
    ),
    (
        "dofile",
        "'require' gets modules: those of moontrace, and those in 'lib' beside the script",
    ),
    (
        "loadfile",
        "'require' gets modules: those of moontrace, and those in 'lib' beside the script",
    ),
    ("warn", "'print' and 'printf' print"),
    ("loadstring", "Lua calls it 'load'"),
    ("unpack", "Lua calls it 'table.unpack'"),
];

/// What is left of `os`.
const CLOCKS: [&str; 4] = ["time", "clock", "date", "difftime"];

const PRELUDE: &str = include_str!("../../../lua-stdlib/prelude.lua");

/// A new Lua with only the safe libraries. `memory_limit` in bytes.
pub(crate) fn lua(memory_limit: usize) -> mlua::Result<Lua> {
    let libraries = StdLib::COROUTINE
        | StdLib::TABLE
        | StdLib::STRING
        | StdLib::UTF8
        | StdLib::MATH
        | StdLib::OS;
    let lua = Lua::new_with(libraries, LuaOptions::new().catch_rust_panics(false))?;
    lua.set_memory_limit(memory_limit)?;
    Ok(lua)
}

/// Closes it and puts the API in. The script must be its app data by now.
pub(crate) fn furnish(lua: &Lua, script: &Script) -> mlua::Result<()> {
    let globals = lua.globals();
    for (name, _) in WITHHELD {
        globals.raw_set(name, Value::Nil)?;
    }
    globals.raw_set("os", clocks(lua)?)?;
    patterns::install(lua)?;
    long_calls::install(lua)?;
    let (enter, leave) = Interrupter::functions(lua)?;
    let host = lua.create_table()?;
    host.raw_set("enter", enter)?;
    host.raw_set("leave", leave)?;
    host.raw_set("caught", lua.create_function(caught)?)?;
    host.raw_set(
        "uncatchable",
        lua.create_function(|_, problem| Ok(is_uncatchable(&problem)))?,
    )?;
    lua.load(PRELUDE)
        .set_name(stdlib::chunk_name("prelude"))
        .call::<()>(host)?;
    api::register(lua, script, &globals)?;
    guard(lua, &globals)
}

/// Makes reading a global that was never set an error. (One that was set to nil is nil.)
fn guard(lua: &Lua, globals: &Table) -> mlua::Result<()> {
    let ever_set = lua.create_table()?;
    let known = ever_set.clone();
    let read = move |lua: &Lua, (globals, key): (Table, Value)| {
        if known.contains_key(&key)? {
            Ok(Value::Nil)
        } else {
            undefined(lua, &globals, &key)
        }
    };
    let write = move |_: &Lua, (globals, key, value): (Table, Value, Value)| {
        ever_set.raw_set(&key, true)?;
        globals.raw_set(key, value)
    };
    let metatable = lua.create_table()?;
    metatable.raw_set(MetaMethod::Index.name(), lua.create_function(read)?)?;
    metatable.raw_set(MetaMethod::NewIndex.name(), lua.create_function(write)?)?;
    metatable.raw_set("__metatable", false)?;
    globals.set_metatable(Some(metatable))
}

fn clocks(lua: &Lua) -> mlua::Result<Table> {
    let all: Table = lua.globals().raw_get("os")?;
    let kept = lua.create_table()?;
    for name in CLOCKS {
        kept.raw_set(name, all.raw_get::<Value>(name)?)?;
    }
    let metatable = lua.create_table()?;
    let missing = |lua: &Lua, (_, key): (Table, Value)| -> mlua::Result<Value> {
        let script = Script::of(lua)?;
        let name = key.to_string()?;
        let message =
            format!("no 'os.{name}' in a script: it reaches no files, programs or environment");
        let report = Report::new(message).at(script.here(lua));
        Err(Failure::Reports(vec![script.chunks.point(report, &format!("os.{name}"))]).into())
    };
    metatable.raw_set(MetaMethod::Index.name(), lua.create_function(missing)?)?;
    kept.set_metatable(Some(metatable))?;
    Ok(kept)
}

/// What a read of an undefined global gives: a module's function, loaded now, or the error.
fn undefined(lua: &Lua, globals: &Table, key: &Value) -> mlua::Result<Value> {
    let script = Script::of(lua)?;
    let name = key.to_string()?;
    if let Some(value) = stdlib::global(lua, &name)? {
        globals.raw_set(name, &value)?;
        return Ok(value);
    }
    let withheld = WITHHELD.iter().find(|(withheld, _)| *withheld == name);
    let help = match withheld {
        Some((_, why)) => Some((*why).to_owned()),
        None => {
            let mut names: Vec<String> = stdlib::globals().map(str::to_owned).collect();
            for pair in globals.pairs::<Value, Value>() {
                names.push(pair?.0.to_string()?);
            }
            did_you_mean(&name, names.iter().map(String::as_str))
        }
    };
    let message = match api::later(&name) {
        true => format!("'{name}' comes in a later version"),
        false => format!("no global '{name}'"),
    };
    let report = Report {
        help,
        ..Report::new(message)
    }
    .at(script.here(lua));
    Err(Failure::Reports(vec![script.chunks.point(report, &name)]).into())
}

/// May no `pcall` keep this error? Those of `exit`, and whatever comes while the script is being stopped.
fn is_uncatchable(problem: &Value) -> bool {
    match problem {
        Value::Error(error) => matches!(Failure::of(error), Some(Failure::Exit(_))),
        _ => false,
    }
}

/// What `pcall` gives for an error: the host's as text, others as they are.
fn caught(lua: &Lua, problem: Value) -> mlua::Result<Value> {
    match problem {
        Value::Error(error) if is_uncatchable(&Value::Error(error.clone())) => Err(*error),
        Value::Error(error) => {
            let text = Script::of(lua)?.explain(&error).caught();
            Ok(Value::String(lua.create_string(text)?))
        }
        other => Ok(other),
    }
}
