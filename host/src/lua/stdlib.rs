//! What is part of the binary: Lua modules, `require "json"`, globals that load theirs when they are first read, and definitions
//! for texts.

use super::api::probe::definition;
use super::error::Failure;
use super::script::Script;
use crate::report::{Place, Report, did_you_mean};
use crate::spec::Definition;
use mlua::{Lua, Table, Value};

pub(crate) struct Module {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
    /// The fields of the module that are globals, too.
    pub(crate) globals: &'static [&'static str],
}

macro_rules! module {
    ($name:literal, $($global:literal),*) => {
        Module {
            name: $name,
            text: include_str!(concat!("../../../lua-stdlib/", $name, ".lua")),
            globals: &[$($global),*],
        }
    };
}

pub(crate) const MODULES: &[Module] = &[
    module!("json", "json"),
    module!(
        "names",
        "errno",
        "signal",
        "tcp_state",
        "capability",
        "syscall"
    ),
    module!("text", "strftime", "hexdump", "ntop", "cls", "columns"),
];

/// A definition a line; what begins with `--` is none.
pub(crate) const DEFINITIONS: &str = include_str!("../../../lua-stdlib/definitions.txt");
/// Where they stand, as messages say it.
const DEFINITIONS_FILE: &str = "moontrace:definitions";

/// The definitions that every script has.
pub fn definitions() -> Vec<Definition> {
    let lines = DEFINITIONS.lines().zip(1..);
    let definitions = lines.filter(|(line, _)| !line.starts_with("--"));
    definitions
        .filter_map(|(line, number)| {
            let place = Place {
                file: DEFINITIONS_FILE.into(),
                line: number,
            };
            definition(line, place)
        })
        .collect()
}

/// Is it one of those, and not the script's own?
pub(crate) fn is_ours(definition: &Definition) -> bool {
    &*definition.place.file == DEFINITIONS_FILE
}

/// Where loaded modules are kept among the registry's named values.
const LOADED: &str = "moontrace.modules";

/// A name by which messages and tracebacks don't take a chunk for the user's.
pub(crate) fn chunk_name(module: &str) -> String {
    format!("=moontrace:{module}")
}

/// The text of the module that [`chunk_name`] names.
pub(crate) fn text_of(chunk: &str) -> Option<&'static str> {
    let mut modules = MODULES.iter();
    let module = modules.find(|module| chunk_name(module.name) == chunk)?;
    Some(module.text)
}

/// The names of the modules that `require` gives without a file.
pub fn modules() -> impl Iterator<Item = &'static str> {
    MODULES.iter().map(|module| module.name)
}

/// The names that [`global`] knows.
pub(crate) fn globals() -> impl Iterator<Item = &'static str> {
    MODULES.iter().flat_map(|module| module.globals).copied()
}

/// The value of a module's global; `None` when no module has one of that name.
pub(crate) fn global(lua: &Lua, name: &str) -> mlua::Result<Option<Value>> {
    let Some(module) = MODULES.iter().find(|module| module.globals.contains(&name)) else {
        return Ok(None);
    };
    load(lua, module)?.raw_get(name).map(Some)
}

/// What `require` gives for a module; `None` when there is none of that name.
pub(crate) fn module(lua: &Lua, name: &str) -> mlua::Result<Option<Value>> {
    let Some(module) = MODULES.iter().find(|module| module.name == name) else {
        return Ok(None);
    };
    let fields = load(lua, module)?;
    match module.globals {
        [only] if *only == name => fields.raw_get(*only).map(Some),
        _ => Ok(Some(Value::Table(fields))),
    }
}

/// What may have been meant by a wrong name.
pub(crate) fn near_module(name: &str) -> String {
    let names = || MODULES.iter().map(|module| module.name);
    did_you_mean(name, names()).unwrap_or_else(|| {
        let names = names().collect::<Vec<_>>().join(", ");
        format!("there are {names}, and those in the folder 'lib' beside the script")
    })
}

fn load(lua: &Lua, module: &Module) -> mlua::Result<Table> {
    let loaded: Table = match lua.named_registry_value(LOADED)? {
        Value::Table(loaded) => loaded,
        _ => {
            let loaded = lua.create_table()?;
            lua.set_named_registry_value(LOADED, &loaded)?;
            loaded
        }
    };
    if let Value::Table(fields) = loaded.raw_get(module.name)? {
        return Ok(fields);
    }
    let fields: Table = lua
        .load(module.text)
        .set_name(chunk_name(module.name))
        .call(host(lua)?)?;
    loaded.raw_set(module.name, &fields)?;
    Ok(fields)
}

/// What modules need of the running program.
fn host(lua: &Lua) -> mlua::Result<Table> {
    let host = lua.create_table()?;
    host.raw_set(
        "now",
        lua.create_function(|lua, ()| Ok(Script::of(lua)?.session.now() as i64))?,
    )?;
    let time_of_day = |lua: &Lua, ()| Ok(Script::of(lua)?.session.time_of_day() as i64);
    host.raw_set("time_of_day", lua.create_function(time_of_day)?)?;
    let syscall_name = |lua: &Lua, number: i64| Ok(Script::of(lua)?.session.syscall_name(number));
    host.raw_set("syscall_name", lua.create_function(syscall_name)?)?;
    let print = |lua: &Lua, text: mlua::LuaString| {
        let script = Script::of(lua)?;
        let bytes = text.as_bytes();
        script
            .meter
            .print(bytes.len())
            .map_err(|message| Failure::Reports(vec![Report::new(message).at(script.here(lua))]))?;
        script.session.print(&bytes);
        Ok(())
    };
    host.raw_set("print", lua.create_function(print)?)?;
    let screen = |lua: &Lua, ()| {
        Script::of(lua)?.session.screen();
        Ok(())
    };
    host.raw_set("screen", lua.create_function(screen)?)?;
    Ok(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_module_has_the_globals_that_it_is_said_to_have_and_no_name_is_had_twice() {
        let vm = crate::lua::fake::vm();
        let mut seen = BTreeSet::new();
        for name in globals() {
            assert!(seen.insert(name), "{name} twice");
            assert!(
                !matches!(global(vm.lua(), name), Ok(None | Some(Value::Nil))),
                "{name}"
            );
        }
    }
}
