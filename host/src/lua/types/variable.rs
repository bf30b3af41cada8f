//! `var(x)`: a value in running filters that the script may change.

use super::{Type, register};
use crate::lua::call::{Call, Entry};
use crate::lua::given::member;
use crate::spec::{Given, Member, VarId};
use mlua::{UserData, UserDataRegistry, Value};
use std::cell::RefCell;
use std::mem::discriminant;

pub(crate) struct Variable {
    id: VarId,
    value: RefCell<Member>,
}

impl Variable {
    pub(crate) fn new(id: VarId, value: Member) -> Self {
        Self {
            id,
            value: RefCell::new(value),
        }
    }

    pub(crate) fn given(&self) -> Given {
        Given::Var(self.id, self.value.borrow().clone())
    }
}

/// A whole number or a string: what a variable can hold.
pub(crate) fn checked(call: &Call<'_>, index: usize) -> mlua::Result<Member> {
    match member(&call.value(index)) {
        Some(value @ (Member::Int(_) | Member::Str(_))) => Ok(value),
        _ => Err(call.wrong(index, "a whole number or a string")),
    }
}

fn set(call: &Call<'_>) -> mlua::Result<Value> {
    let variable = call.this::<Variable>()?;
    let value = checked(call, 1)?;
    if discriminant(&value) != discriminant(&*variable.value.borrow()) {
        return Err(call.fail(
            "a variable keeps the type of its first value: running filters are built for it",
        ));
    }
    call.check(call.script.session.set_variable(variable.id, &value))?;
    *variable.value.borrow_mut() = value;
    Ok(Value::Nil)
}

fn get(call: &Call<'_>) -> mlua::Result<Value> {
    Ok(match &*call.this::<Variable>()?.value.borrow() {
        Member::Int(value) => Value::Integer(*value),
        Member::Str(text) => Value::String(call.lua.create_string(text)?),
        Member::Tuple(_) => Value::Nil,
    })
}

pub(crate) static TYPE: Type = Type {
    name: "variable",
    doc: "A value that texts read as `$name` (given by `:with`). A change works at once in running probes.",
    methods: &[
        Entry {
            name: "set",
            signature: ":set(value)",
            doc: "Changes the value; its type stays.",
            function: set,
        },
        Entry {
            name: "get",
            signature: ":get()",
            doc: "The value.",
            function: get,
        },
    ],
    later: &[],
};

impl UserData for Variable {
    fn register(registry: &mut UserDataRegistry<Self>) {
        register(registry, &TYPE);
    }
}
