//! Things that probes share: tallies, sets, variables.

use super::Namespace;
use crate::lua::call::{Call, Entry};
use crate::lua::types::set::Set;
use crate::lua::types::span::Span;
use crate::lua::types::tally::Tally;
use crate::lua::types::variable::{self, Variable};
use crate::report::did_you_mean;
use crate::spec::{self, Room, SET_KEYS, STACKS, Source};
use mlua::{Table, Value};

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
    let mut room = Room {
        open: true,
        ..Room::default()
    };
    let options = match call.value(0) {
        Value::Nil => return Ok(room),
        Value::Table(options) => options,
        _ => return Err(call.wrong(0, "a table: { keys =, lru =, stacks = }")),
    };
    for pair in options.pairs::<String, Value>() {
        match pair? {
            (name, value @ Value::Integer(_)) if name == "keys" => {
                room.keys = count_of_keys(call, &value)?;
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

fn span(call: &Call<'_>) -> mlua::Result<Value> {
    const NAMES: [&str; 2] = ["keys", "stacks"];
    let (fields, options) = match call.value(0) {
        Value::Nil => (None, 1),
        Value::Table(_) => (None, 0),
        _ => {
            let text = call.text(
                0,
                "a list of what each start stores, and { keys =, stacks = }",
            )?;
            let place = call.place();
            (Some(Source { text, place }), 1)
        }
    };
    let (mut keys, mut stacks) = (spec::Span::KEYS, STACKS);
    match call.value(options) {
        Value::Nil => {}
        Value::Table(options) => {
            for pair in options.pairs::<String, Value>() {
                match pair? {
                    (name, wanted @ Value::Integer(_)) if name == "keys" => {
                        keys = count_of_keys(call, &wanted)?;
                    }
                    (name, Value::Integer(wanted)) if name == "stacks" => {
                        stacks = number(call, "stacks", wanted, MOST_STACKS)?;
                    }
                    (name, value) if NAMES.contains(&name.as_str()) => {
                        let found = value.type_name();
                        return Err(call.fail(format!("'{name}' is a number, not a {found}")));
                    }
                    (name, _) => {
                        let help = did_you_mean(&name, NAMES);
                        return Err(call.fail_with_help(format!("no option '{name}'"), help));
                    }
                }
            }
        }
        _ => return Err(call.wrong(options, "a table behind its list: { keys =, stacks = }")),
    }
    let id = call.script.next_span();
    let span = Span::new(spec::Span {
        id,
        fields,
        keys,
        stacks,
    });
    Ok(Value::UserData(call.lua.create_userdata(span)?))
}

fn set(call: &Call<'_>) -> mlua::Result<Value> {
    let members = match call.value(0) {
        Value::Nil => None,
        Value::Table(members) => Some(members),
        _ => return Err(call.wrong(0, "its first members as a table: set{ 1, 2 }")),
    };
    let mut keys = SET_KEYS;
    for pair in members.iter().flat_map(Table::pairs::<Value, Value>) {
        let (Value::String(name), value) = pair? else {
            continue;
        };
        let name = name.to_string_lossy();
        if name != "keys" {
            let help = did_you_mean(&name, ["keys"]);
            return Err(call.fail_with_help(format!("no option '{name}'"), help));
        }
        keys = count_of_keys(call, &value)?;
    }
    let set = Set::new(call.script.next_set());
    call.script.session.make_set(set.id(), keys);
    for member in members.iter().flat_map(Table::sequence_values::<Value>) {
        set.insert(call, &member?)?;
    }
    Ok(Value::UserData(call.lua.create_userdata(set)?))
}

/// What `keys =` says.
fn count_of_keys(call: &Call<'_>, value: &Value) -> mlua::Result<u32> {
    let keys = value.as_i64().and_then(|keys| u32::try_from(keys).ok());
    let keys = keys.filter(|keys| (1..=MOST_KEYS).contains(keys));
    keys.ok_or_else(|| call.fail(format!("'keys' is a number from 1 to {MOST_KEYS}")))
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
            takes: &[(
                "options?",
                "{ keys?: integer, lru?: boolean, stacks?: integer }",
            )],
            gives: "moontrace.tally",
            example: r#"local calls = tally{ keys = 100 }
probe "tracepoint:syscalls:sys_exit_read"
  :where "retval > 0" :by "comm"
  :tally(calls, "count(), bytes = sum(retval)")
probe "tracepoint:syscalls:sys_exit_write"
  :where "retval > 0" :by "comm"
  :tally(calls, "count(), bytes = sum(retval)")"#,
            function: tally,
        },
        Entry {
            name: "span",
            signature: "span([list,] { keys = 16384, stacks = 8192 })",
            doc: "Things that have begun, by key. Each start stores the time, what the list says, what it fetches, and what is read of it as `from.NAME`. There is room for so many open ones; when it is full, starts are lost and counted. Of stacks that are stored it has room for `stacks` different ones, a kilobyte each.",
            takes: &[
                ("list?", "string|{ keys?: integer, stacks?: integer }"),
                ("options?", "{ keys?: integer, stacks?: integer }"),
            ],
            gives: "moontrace.span",
            example: r#"local calls = span()
probe "tracepoint:syscalls:sys_enter_openat" :start(calls)
probe "tracepoint:syscalls:sys_exit_openat"
  :finish(calls) :hist "elapsed / 1us""#,
            function: span,
        },
        Entry {
            name: "set",
            signature: "set{ value, …, keys = 65536 }",
            doc: "Numbers, strings or tuples that texts look into (`key in $s`, given by `:with`) and that probes change. It has room for so many; what finds none is lost and counted, in a handler an error.",
            takes: &[(
                "members?",
                "{ [integer]: moontrace.member, keys?: integer }",
            )],
            gives: "moontrace.set",
            example: r#"local programs = set{ "cat", "ls" }
probe "tracepoint:syscalls:sys_exit_openat" :with{ programs = programs }
  :where "comm in $programs" :print "comm, args.filename""#,
            function: set,
        },
        Entry {
            name: "var",
            signature: "var(value)",
            doc: "A number or string that texts read as `$name`, given by `:with`, and that may change while probes run.",
            takes: &[("value", "integer|string")],
            gives: "moontrace.variable",
            example: r#"local least = var(100)
probe "tracepoint:syscalls:sys_exit_read"
  :with{ least = least } :where "retval >= $least" :print "comm, retval"
after("5s", function() least:set(1000) end)"#,
            function: var,
        },
    ],
};
