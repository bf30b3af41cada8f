//! The beginning and the end of a run, and signals meanwhile.

use super::Namespace;
use crate::lua::call::{Call, Entry};
use crate::lua::error::Failure;
use mlua::Value;

/// Statuses of a process have 8 bits.
const STATUSES: std::ops::RangeInclusive<i64> = 0..=255;

fn on_start(call: &Call<'_>) -> mlua::Result<Value> {
    let action = call.function(0)?;
    call.script.at_start.borrow_mut().push_back(action);
    Ok(Value::Nil)
}

fn on_exit(call: &Call<'_>) -> mlua::Result<Value> {
    let action = call.function(0)?;
    call.script.at_exit.borrow_mut().push_back(action);
    Ok(Value::Nil)
}

fn on_signal(call: &Call<'_>) -> mlua::Result<Value> {
    let name = call.text(0, "a signal's name such as \"USR1\"")?;
    let action = call.function(1)?;
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    let signal = call.check(call.script.session.catch_signal(name))?;
    let mut actions = call.script.at_signal.borrow_mut();
    actions.entry(signal).or_default().push(action);
    Ok(Value::Nil)
}

fn exit(call: &Call<'_>) -> mlua::Result<Value> {
    let code = if call.count() == 0 {
        0
    } else {
        call.integer(0, "an exit status")?
    };
    match i32::try_from(code) {
        Ok(status) if STATUSES.contains(&code) => {
            call.script.exited.set(Some(status));
            Err(Failure::Exit(status).into())
        }
        _ => Err(call.fail(format!("exit takes a status from 0 to 255, not {code}"))),
    }
}

fn has_target(call: &Call<'_>) -> mlua::Result<Value> {
    Ok(Value::Boolean(call.script.session.has_target()))
}

pub(crate) static NAMESPACE: Namespace = Namespace {
    doc: "The run.",
    functions: &[
        Entry {
            name: "on_start",
            signature: "on_start(function)",
            doc: "Calls the function once everything is attached.",
            takes: &[("action", "fun()")],
            gives: "",
            example: r#"on_start(function() print "everything is attached" end)"#,
            function: on_start,
        },
        Entry {
            name: "on_exit",
            signature: "on_exit(function)",
            doc: "Calls the function at the end, after the last event.",
            takes: &[("action", "fun()")],
            gives: "",
            example: r#"local opens = 0
probe "tracepoint:syscalls:sys_enter_openat"
  :on(function(e) opens = opens + 1 end)
on_exit(function() print(opens .. " opens") end)"#,
            function: on_exit,
        },
        Entry {
            name: "on_signal",
            signature: "on_signal(name, function)",
            doc: "Calls the function each time moontrace gets that signal: USR1, USR2, HUP and others. Those that end a run are not to be had.",
            takes: &[("name", "string"), ("action", "fun()")],
            gives: "",
            example: r#"on_signal("USR1", function() print "still here" end)"#,
            function: on_signal,
        },
        Entry {
            name: "exit",
            signature: "exit([status])",
            doc: "Ends the run here: no handler runs any more, only the functions of `on_exit`.",
            takes: &[("status?", "integer")],
            gives: "",
            example: r#"probe "tracepoint:syscalls:sys_enter_openat" :on(function(e)
  print("the first one was opened by " .. e.comm)
  exit()
end)"#,
            function: exit,
        },
        Entry {
            name: "has_target",
            signature: "has_target()",
            doc: "Do `-p` or `-c` say which processes are traced? Those are `$target` in texts.",
            takes: &[],
            gives: "boolean",
            example: r#"if not has_target() then print "all processes are traced" end"#,
            function: has_target,
        },
    ],
};
