//! `watch(value)`: a value that is shown again and again, in the same place, until a key is pressed.

use super::echo::{self, Largest};
use crate::lua::api::time;
use crate::lua::call::Call;
use crate::lua::script::Script;
use crate::lua::timers::TimerId;
use mlua::{Lua, MultiValue, Value};

pub(crate) struct Watched {
    value: Value,
    /// ns
    period: u64,
    timer: Option<TimerId>,
}

/// Between two screens, unless it is said, ns.
const PERIOD: u64 = 1_000_000_000;

/// `watch(value[, period])`
pub(crate) fn watch(call: &Call<'_>) -> mlua::Result<Value> {
    let value = call.value(0);
    if value.is_nil() {
        return Err(call.wrong(
            0,
            "a tally, a probe, or a function that gives what is shown",
        ));
    }
    let period = match call.value(1) {
        Value::Nil => PERIOD,
        _ => time::period(call, 1)?,
    };
    end(&call.script);
    *call.script.typed.watched.borrow_mut() = Some(Watched {
        value,
        period,
        timer: None,
    });
    Ok(Value::Nil)
}

pub(super) fn begin(lua: &Lua, script: &Script) -> mlua::Result<()> {
    let period = script.typed.watched.borrow().as_ref().map(|of| of.period);
    let Some(period) = period else { return Ok(()) };
    let action = lua.create_function(|lua, ()| draw(lua, &*Script::of(lua)?))?;
    let timer = script
        .timers
        .add(action, period, true, script.session.now());
    if let Some(watched) = script.typed.watched.borrow_mut().as_mut() {
        watched.timer = Some(timer);
    }
    draw(lua, script)
}

pub(super) fn end(script: &Script) {
    let watched = script.typed.watched.borrow_mut().take();
    if let Some(timer) = watched.and_then(|watched| watched.timer) {
        script.timers.remove(timer);
    }
    script.live.end(&script.timers);
}

fn draw(lua: &Lua, script: &Script) -> mlua::Result<()> {
    let value = script
        .typed
        .watched
        .borrow()
        .as_ref()
        .map(|of| of.value.clone());
    let values = match value {
        None => return Ok(()),
        Some(Value::Function(function)) => function.call::<MultiValue>(())?,
        Some(value) => MultiValue::from_iter([value]),
    };
    script.session.screen();
    values
        .iter()
        .try_for_each(|value| echo::show(lua, script, value, Largest::First))
}
