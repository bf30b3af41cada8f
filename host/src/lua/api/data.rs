//! Things that probes share: tallies, sets, variables.

use super::Namespace;
use crate::lua::call::{Call, Entry};
use crate::lua::types::set::Set;
use crate::lua::types::tally::Tally;
use crate::lua::types::variable::{self, Variable};
use crate::report::did_you_mean;
use crate::spec::Room;
use mlua::Value;

/// Keys of one tally: at 64 bytes a value and a CPU that is a gigabyte a CPU.
const MOST_KEYS: u32 = 1 << 24;
/// Stacks of one tally: at a kilobyte each that is a gigabyte.
const MOST_STACKS: u32 = 1 << 20;

fn tally(call: &Call<'_>) -> mlua::Result<Value> {
    let tally = Tally::new(call.script.tallies.add(room(call)?), None);
    Ok(Value::UserData(call.lua.create_userdata(tally)?))
}

/// `{ keys =, lru =, stacks = }`, which may be left out.
fn room(call: &Call<'_>) -> mlua::Result<Room> {
    const NAMES: [&str; 3] = ["keys", "lru", "stacks"];
    let mut room = Room::default();
    let options = match call.value(0) {
        Value::Nil => return Ok(room),
        Value::Table(options) => options,
        _ => return Err(call.wrong(0, "a table: { keys =, lru =, stacks = }")),
    };
    for pair in options.pairs::<String, Value>() {
        match pair? {
            (name, Value::Integer(keys)) if name == "keys" => {
                room.keys = number(call, "keys", keys, MOST_KEYS)?;
            }
            (name, Value::Integer(stacks)) if name == "stacks" => {
                room.stacks = number(call, "stacks", stacks, MOST_STACKS)?;
            }
            (name, Value::Boolean(lru)) if name == "lru" => room.lru = lru,
            (name, value) if NAMES.contains(&name.as_str()) => {
                let wanted = if name == "lru" {
                    "true or false"
                } else {
                    "a number"
                };
                return Err(call.fail(format!("'{name}' is {wanted}, not a {}", value.type_name())));
            }
            (name, _) => {
                let help = did_you_mean(&name, NAMES);
                return Err(call.fail_with_help(format!("no option '{name}'"), help));
            }
        }
    }
    Ok(room)
}

fn number(call: &Call<'_>, name: &str, value: i64, most: u32) -> mlua::Result<u32> {
    let number = u32::try_from(value).ok();
    let number = number.filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| call.fail(format!("'{name}' is a number from 1 to {most}")))
}

fn set(call: &Call<'_>) -> mlua::Result<Value> {
    let set = Set::new(call.script.next_set());
    match call.value(0) {
        Value::Nil => {}
        Value::Table(members) => {
            for member in members.sequence_values::<Value>() {
                set.insert(call, &member?)?;
            }
        }
        _ => return Err(call.wrong(0, "its first members as a table: set{ 1, 2 }")),
    }
    Ok(Value::UserData(call.lua.create_userdata(set)?))
}

fn var(call: &Call<'_>) -> mlua::Result<Value> {
    let value = variable::checked(call, 0)?;
    let variable = Variable::new(call.script.next_variable(), value);
    Ok(Value::UserData(call.lua.create_userdata(variable)?))
}

pub(crate) static NAMESPACE: Namespace = Namespace {
    doc: "What probes share.",
    functions: &[
        Entry {
            name: "tally",
            signature: "tally{ keys = 4096, lru = false, stacks = 8192 }",
            doc: "A table that several probes may feed, each by `:tally(t, columns)`. It has room for so many keys; when it is full, updates of new keys are lost and counted, or with `lru` the key that was used least recently goes. Of stacks among the keys it has room for `stacks` different ones, a kilobyte each.",
            function: tally,
        },
        Entry {
            name: "set",
            signature: "set{ value, … }",
            doc: "Numbers, strings or tuples that texts look into: `key in $s`, given by `:with`.",
            function: set,
        },
        Entry {
            name: "var",
            signature: "var(value)",
            doc: "A number or string that texts read as `$name`, given by `:with`, and that may change while probes run.",
            function: var,
        },
    ],
};
