//! `set{…}`: a filter that the script may change while its probes run.

use super::{Type, register};
use crate::lua::call::{Call, Entry};
use crate::lua::given::member;
use crate::spec::{Member, SetId};
use mlua::{MetaMethod, UserData, UserDataMethods, UserDataRegistry, Value};
use std::cell::RefCell;
use std::collections::BTreeSet;

pub(crate) struct Set {
    id: SetId,
    /// What the kernel's map holds, so that asking needs no call.
    members: RefCell<BTreeSet<Member>>,
}

impl Set {
    pub(crate) fn new(id: SetId) -> Self {
        Self {
            id,
            members: RefCell::default(),
        }
    }

    pub(crate) fn id(&self) -> SetId {
        self.id
    }

    pub(crate) fn insert(&self, call: &Call<'_>, value: &Value) -> mlua::Result<()> {
        let member = checked(call, value)?;
        call.check(call.script.session.add_to_set(self.id, &member))?;
        self.members.borrow_mut().insert(member);
        Ok(())
    }
}

fn checked(call: &Call<'_>, value: &Value) -> mlua::Result<Member> {
    member(value).ok_or_else(|| {
        call.fail(format!(
            "a {} can't be a member of a set: whole numbers, strings and tuples of them can",
            value.type_name()
        ))
    })
}

fn add(call: &Call<'_>) -> mlua::Result<Value> {
    call.this::<Set>()?.insert(call, &call.value(1))?;
    Ok(Value::Nil)
}

fn remove(call: &Call<'_>) -> mlua::Result<Value> {
    let set = call.this::<Set>()?;
    let member = checked(call, &call.value(1))?;
    call.check(call.script.session.remove_from_set(set.id, &member))?;
    set.members.borrow_mut().remove(&member);
    Ok(Value::Nil)
}

fn has(call: &Call<'_>) -> mlua::Result<Value> {
    let set = call.this::<Set>()?;
    let member = checked(call, &call.value(1))?;
    Ok(Value::Boolean(set.members.borrow().contains(&member)))
}

pub(crate) static TYPE: Type = Type {
    name: "set",
    doc: "Numbers, strings or tuples that texts look into: `key in $s`. A change works at once; `#s` counts them.",
    methods: &[
        Entry {
            name: "add",
            signature: ":add(value)",
            doc: "Puts a member in.",
            function: add,
        },
        Entry {
            name: "remove",
            signature: ":remove(value)",
            doc: "Takes a member out.",
            function: remove,
        },
        Entry {
            name: "has",
            signature: ":has(value)",
            doc: "Is the value a member?",
            function: has,
        },
    ],
    later: &[],
};

impl UserData for Set {
    fn register(registry: &mut UserDataRegistry<Self>) {
        register(registry, &TYPE);
        registry.add_meta_method(MetaMethod::Len, |_, set, _: Value| {
            Ok(set.members.borrow().len())
        });
    }
}
