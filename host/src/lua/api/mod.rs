//! The script's functions, one file a namespace. A function is an entry in its namespace's table.

pub(crate) mod data;
pub(crate) mod options;
pub(crate) mod probe;
pub(crate) mod prompt;
pub(crate) mod run;
pub(crate) mod system;
pub(crate) mod time;

use super::call::{Call, Entry};
use super::printer;
use super::script::Script;
use mlua::{Lua, MultiValue, Table};

/// Functions that belong together.
pub(crate) struct Namespace {
    pub(crate) doc: &'static str,
    pub(crate) functions: &'static [Entry],
}

/// Every namespace of scripts, as the documentation lists them.
pub(crate) const ALL: [&Namespace; 6] = [
    &probe::NAMESPACE,
    &data::NAMESPACE,
    &time::NAMESPACE,
    &run::NAMESPACE,
    &options::NAMESPACE,
    &system::NAMESPACE,
];

/// What only the prompt has.
pub(crate) const OF_PROMPT: [&Namespace; 1] = [&prompt::NAMESPACE];

/// Functions that the design names and this version lacks.
const LATER: [&str; 1] = ["open"];

pub(crate) fn later(name: &str) -> bool {
    LATER.contains(&name)
}

/// Makes every function a global.
pub(crate) fn register(lua: &Lua, script: &Script, globals: &Table) -> mlua::Result<()> {
    for namespace in ALL {
        add(lua, namespace, globals)?;
    }
    for native in &printer::FUNCTIONS {
        globals.raw_set(native.name, script.printer.function(lua, native)?)?;
    }
    Ok(())
}

/// Makes the functions of a namespace globals.
pub(crate) fn add(lua: &Lua, namespace: &'static Namespace, globals: &Table) -> mlua::Result<()> {
    for entry in namespace.functions {
        let call = move |lua: &Lua, args: MultiValue| Call::run(lua, entry, false, args);
        globals.raw_set(entry.name, lua.create_function(call)?)?;
    }
    Ok(())
}
