//! Lua's values as the script's texts get them: members of sets, values of `:with`.

use super::call::Call;
use super::options::whole;
use super::types::set::Set;
use super::types::variable::Variable;
use crate::spec::{Given, Member};
use mlua::{Table, Value};

/// A number, a string or, as a table, a tuple of them. `None` when it is none of these.
pub(crate) fn member(value: &Value) -> Option<Member> {
    match value {
        Value::Table(parts) => tuple(parts),
        other => scalar(other),
    }
}

fn scalar(value: &Value) -> Option<Member> {
    match value {
        Value::Integer(value) => Some(Member::Int(*value)),
        Value::Number(value) => whole(*value).map(Member::Int),
        Value::String(text) => Some(Member::Str(text.as_bytes().to_vec())),
        _ => None,
    }
}

fn tuple(parts: &Table) -> Option<Member> {
    let parts = parts
        .sequence_values::<Value>()
        .map(|part| scalar(&part.ok()?));
    parts
        .collect::<Option<Vec<_>>>()
        .filter(|parts| !parts.is_empty())
        .map(Member::Tuple)
}

/// What `$name` means after `:with{ name = value }`.
pub(crate) fn given(call: &Call<'_>, name: &str, value: &Value) -> mlua::Result<Given> {
    let given = match value {
        Value::Boolean(value) => Some(Given::Bool(*value)),
        Value::UserData(data) => {
            let set = data.borrow::<Set>().ok().map(|set| Given::Set(set.id()));
            set.or_else(|| {
                data.borrow::<Variable>()
                    .ok()
                    .map(|variable| variable.given())
            })
        }
        Value::Table(members) => {
            let members = members
                .sequence_values::<Value>()
                .map(|value| member(&value.ok()?));
            members.collect::<Option<Vec<_>>>().map(Given::List)
        }
        other => match scalar(other) {
            Some(Member::Int(value)) => Some(Given::Int(value)),
            Some(Member::Str(text)) => Some(Given::Str(text)),
            _ => None,
        },
    };
    given.ok_or_else(|| {
        call.fail(format!(
            "'{name}' is a {}: a text takes whole numbers, strings, true and false, lists of them, sets and variables",
            value.type_name()
        ))
    })
}
