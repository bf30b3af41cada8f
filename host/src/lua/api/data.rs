//! Things that probes share: tallies, sets, variables.

use super::Namespace;
use crate::lua::call::{Call, Entry};
use crate::lua::types::set::Set;
use crate::lua::types::tally::Tally;
use crate::lua::types::variable::{self, Variable};
use mlua::Value;

fn tally(call: &Call<'_>) -> mlua::Result<Value> {
    let tally = Tally::new(call.script.tallies.add(), None);
    Ok(Value::UserData(call.lua.create_userdata(tally)?))
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
            signature: "tally()",
            doc: "A table that several probes may feed, each by `:tally(t, columns)`.",
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
