//! Timers.

use super::Namespace;
use crate::lua::call::{Call, Entry};
use crate::spec::duration::duration;
use mlua::Value;

/// A duration as a text or, as options of the type TIME give it, in ns.
pub(crate) fn period(call: &Call<'_>, index: usize) -> mlua::Result<u64> {
    let ns = match call.value(index) {
        Value::Integer(ns) => ns,
        Value::String(text) => {
            let text = text.to_string_lossy();
            duration(&text).map_err(|message| call.fail(message))?
        }
        _ => return Err(call.wrong(index, "a duration such as \"1s\"")),
    };
    match u64::try_from(ns) {
        Ok(ns) if ns > 0 => Ok(ns),
        _ => Err(call.fail(format!("{} takes a duration above 0", call.name()))),
    }
}

fn timer(call: &Call<'_>, repeats: bool) -> mlua::Result<Value> {
    let period = period(call, 0)?;
    let action = call.function(1)?;
    call.script
        .timers
        .add(action, period, repeats, call.script.session.now());
    Ok(Value::Nil)
}

pub(crate) static NAMESPACE: Namespace = Namespace {
    doc: "Time: timers count from when everything is attached.",
    functions: &[
        Entry {
            name: "every",
            signature: "every(period, function)",
            doc: "Calls the function again and again.",
            takes: &[("period", "string|integer"), ("action", "fun()")],
            gives: "",
            example: r#"every("1s", function() print(strftime "%H:%M:%S") end)"#,
            function: |call| timer(call, true),
        },
        Entry {
            name: "after",
            signature: "after(delay, function)",
            doc: "Calls the function once.",
            takes: &[("delay", "string|integer"), ("action", "fun()")],
            gives: "",
            example: r#"after("5s", exit)"#,
            function: |call| timer(call, false),
        },
        Entry {
            name: "now",
            signature: "now()",
            doc: "The time by the clock of `e.time`, in ns.",
            takes: &[],
            gives: "integer",
            example: r#"local began = now()
on_exit(function() printf("%d ms\n", (now() - began) // 1000000) end)"#,
            function: |call| Ok(Value::Integer(call.script.session.now() as i64)),
        },
    ],
};
