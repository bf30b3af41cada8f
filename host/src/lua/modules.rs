//! `require`: modules of the binary, then those that lie beside the script, each run once.

use super::chunks::Chunks;
use super::error::Failure;
use super::stdlib;
use super::vm::Modules;
use crate::report::Report;
use mlua::{Lua, Value};

/// Where the values of the script's modules are kept among the registry's named values.
const LOADED: &str = "moontrace.required";

/// The Lua function `require`: what is not moontrace's own is found by `modules`.
pub(crate) fn require(
    lua: &Lua,
    name: &str,
    chunks: &Chunks,
    modules: &Modules,
) -> mlua::Result<Value> {
    if let Some(module) = stdlib::module(lua, name)? {
        return Ok(module);
    }
    let loaded = match lua.named_registry_value(LOADED)? {
        Value::Table(loaded) => loaded,
        _ => {
            let loaded = lua.create_table()?;
            lua.set_named_registry_value(LOADED, &loaded)?;
            loaded
        }
    };
    let fail = |report: Report| {
        let report = match chunks.here(lua) {
            Some(place) => report.at(place),
            None => report,
        };
        mlua::Error::from(Failure::Reports(vec![chunks.point(report, name)]))
    };
    let from = chunks.here(lua).map_or("".into(), |place| place.file);
    let Some((file, text)) = modules(&from, name).map_err(&fail)? else {
        let help = stdlib::near_module(name);
        return Err(fail(Report::new(format!("no module '{name}'")).help(help)));
    };
    // Two collections may have modules of one name: the file tells them apart.
    match loaded.raw_get(file.as_str())? {
        Value::Nil => {}
        // It is being run.
        Value::Boolean(false) => {
            return Err(fail(Report::new(format!(
                "module '{name}' requires itself"
            ))));
        }
        value => return Ok(value),
    }
    loaded.raw_set(file.as_str(), false)?;
    let run = chunks.load(lua, &file, &text);
    let run = run.and_then(|module| module.call::<Value>(()));
    let value = run.inspect_err(|_| drop(loaded.raw_set(file.as_str(), Value::Nil)))?;
    let value = match value {
        Value::Nil | Value::Boolean(false) => Value::Boolean(true),
        value => value,
    };
    loaded.raw_set(file.as_str(), &value)?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use crate::lua::fake::output;

    #[test]
    fn a_module_is_run_once() {
        let text = "local a, b = require 'shared', require 'shared' print(a.x, a == b)";
        assert_eq!(output(text).unwrap(), "7\ttrue\n");
    }

    #[test]
    fn what_is_wrong_with_one_is_said_where_it_stands() {
        let wrong = |text: &str| output(text).unwrap_err().to_string();
        let none = wrong("require 'sharde'");
        assert!(none.starts_with("test.lua:1: no module 'sharde'"), "{none}");
        assert!(none.contains("'lib' beside the script"), "{none}");
        let round = wrong("require 'round'");
        assert!(
            round.contains("lib/round.lua:1: module 'round' requires itself"),
            "{round}"
        );
        let broken = wrong("\nrequire 'broken'");
        assert!(
            broken.starts_with("lib/broken.lua:2: attempt to index"),
            "{broken}"
        );
        assert!(broken.contains("called at test.lua:2"), "{broken}");
    }
}
