//! Stacks as Lua has them: equal ones are one userdata, so that they are equal as keys of a table, too.

use super::types::stack::StackValue;
use crate::rows::{RawEnd, Stack};
use mlua::{Lua, Table, Value};
use std::sync::Arc;

/// Those that the script holds, by their bytes: a table that keeps none alive.
const HELD: &str = "moontrace.stacks";

/// The userdata of a stack.
pub(super) fn userdata(lua: &Lua, stack: &Arc<Stack>) -> mlua::Result<Value> {
    let held = match lua.named_registry_value::<Value>(HELD)? {
        Value::Table(held) => held,
        _ => {
            let (held, weak) = (lua.create_table()?, lua.create_table()?);
            weak.raw_set("__mode", "v")?;
            held.set_metatable(Some(weak))?;
            lua.set_named_registry_value(HELD, &held)?;
            held
        }
    };
    intern(lua, &held, stack)
}

fn intern(lua: &Lua, held: &Table, stack: &Arc<Stack>) -> mlua::Result<Value> {
    let key = lua.create_string(bytes(stack))?;
    match held.raw_get(&key)? {
        Value::Nil => {
            let made = lua.create_userdata(StackValue(Arc::clone(stack)))?;
            held.raw_set(key, &made)?;
            Ok(Value::UserData(made))
        }
        there => Ok(there),
    }
}

/// What tells it from all others.
fn bytes(stack: &Stack) -> Vec<u8> {
    let raw = &stack.raw;
    let end: i32 = match raw.end {
        RawEnd::Whole => 0,
        RawEnd::Truncated => -1,
        RawEnd::Gone => -2,
        RawEnd::Failed(number) => number,
    };
    let mut bytes = vec![u8::from(raw.user)];
    bytes.extend(end.to_ne_bytes());
    let words = raw.process.iter().chain(&raw.addresses);
    words.for_each(|word| bytes.extend(word.to_ne_bytes()));
    bytes
}
