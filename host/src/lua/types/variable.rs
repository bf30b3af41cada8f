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
    example: r#"local least = var(100)
probe "tracepoint:syscalls:sys_exit_read"
  :with{ least = least } :where "retval >= $least" :print "comm, retval"
on_signal("USR1", function() least:set(least:get() * 2) end)"#,
    fields: &[],
    methods: &[
        Entry {
            name: "set",
            signature: ":set(value)",
            doc: "Changes the value; its type stays.",
            takes: &[("value", "integer|string")],
            gives: "",
            example: r#"local least = var(0)
probe "tracepoint:syscalls:sys_exit_read"
  :with{ least = least } :where "retval > $least"
  :on(function(e) least:set(e.retval) end)"#,
            function: set,
        },
        Entry {
            name: "get",
            signature: ":get()",
            doc: "The value.",
            takes: &[],
            gives: "integer|string",
            example: r#"local longest = var(0)
probe "tracepoint:syscalls:sys_exit_read"
  :with{ longest = longest } :where "retval > $longest"
  :on(function(e) longest:set(e.retval) end)
on_exit(function() print("the longest read: " .. longest:get()) end)"#,
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
