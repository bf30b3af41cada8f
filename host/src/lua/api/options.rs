//! The script's own options.

use super::Namespace;
use crate::lua::call::{Call, Entry};
use crate::lua::error::Failure;
use crate::lua::options::OptionValue;
use crate::lua::script::Script;
use crate::report::{Report, did_you_mean};
use mlua::{Lua, MetaMethod, Table, Value};

fn to_lua(lua: &Lua, value: &OptionValue) -> mlua::Result<Value> {
    Ok(match value {
        OptionValue::Nil => Value::Nil,
        OptionValue::Bool(value) => Value::Boolean(*value),
        OptionValue::Int(value) => Value::Integer(*value),
        OptionValue::Number(value) => Value::Number(*value),
        OptionValue::Str(text) => Value::String(lua.create_string(text)?),
        OptionValue::List(values) => {
            let values = values.iter().map(|value| to_lua(lua, value));
            Value::Table(lua.create_sequence_from(values.collect::<mlua::Result<Vec<_>>>()?)?)
        }
    })
}

fn options(call: &Call<'_>) -> mlua::Result<Value> {
    let table = call.lua.create_table()?;
    for (name, value) in &call.script.options {
        table.raw_set(name.as_str(), to_lua(call.lua, value)?)?;
    }
    let metatable = call.lua.create_table()?;
    metatable.raw_set(MetaMethod::Index.name(), call.lua.create_function(absent)?)?;
    table.set_metatable(Some(metatable))?;
    Ok(Value::Table(table))
}

/// What reading an option without a value gives: nil when the header declares it.
fn absent(lua: &Lua, (_, key): (Table, Value)) -> mlua::Result<Value> {
    let script = Script::of(lua)?;
    let name = key.to_string()?;
    if script.options.contains_key(&name) {
        return Ok(Value::Nil);
    }
    let help = did_you_mean(&name, script.options.keys().map(String::as_str));
    let message = format!("the script's header declares no option '{name}'");
    let report = Report {
        help,
        ..Report::new(message)
    }
    .at(script.here(lua));
    Err(Failure::Reports(vec![script.chunks.point(report, &name)]).into())
}

pub(crate) static NAMESPACE: Namespace = Namespace {
    doc: "Options.",
    functions: &[Entry {
        name: "options",
        signature: "options()",
        doc: "The values of the options that the script's header declares: `opt.no_clear` for `--no-clear`.",
        takes: &[],
        gives: "table<string, any>",
        example: r#"--- Print what is opened.
--
-- Usage: opens [--least N]
--   --least N   from this descriptor on [0]
local opt = options()
probe "tracepoint:syscalls:sys_exit_openat"
  :where "retval >= $least" :print "comm, retval"
print("from " .. opt.least)"#,
        function: options,
    }],
};
