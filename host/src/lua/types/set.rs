//! `set{…}`: a filter that the script may change while its probes run.

use super::{Field, Type, register};
use crate::lua::call::{Call, Entry};
use crate::lua::error::Failure;
use crate::lua::given::member;
use crate::lua::script::Script;
use crate::spec::{Member, SetId};
use mlua::{MetaMethod, UserData, UserDataMethods, UserDataRegistry, Value};

/// What it holds is the session's to know: probes change sets, too.
pub(crate) struct Set {
    id: SetId,
}

impl Set {
    pub(crate) fn new(id: SetId) -> Self {
        Self { id }
    }

    pub(crate) fn id(&self) -> SetId {
        self.id
    }

    pub(crate) fn insert(&self, call: &Call<'_>, value: &Value) -> mlua::Result<()> {
        let member = checked(call, value)?;
        call.check(call.script.session.add_to_set(self.id, &member))
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
    Ok(Value::Nil)
}

fn has(call: &Call<'_>) -> mlua::Result<Value> {
    let set = call.this::<Set>()?;
    let member = checked(call, &call.value(1))?;
    let found = call.check(call.script.session.is_in_set(set.id, &member))?;
    Ok(Value::Boolean(found))
}

pub(crate) static TYPE: Type = Type {
    name: "set",
    doc: "Numbers, strings or tuples that texts look into (`key in $s`, `:within(s, key)`) and that probes change (`:add(s, key)`, `:remove(s, key)`). A change works at once.",
    example: r#"local seen = set{}
probe "tracepoint:syscalls:sys_enter_openat"
  :without(seen, "comm")
  :on(function(e)
    seen:add(e.comm)
    print("a new program: " .. e.comm)
  end)"#,
    fields: &[Field {
        name: "#",
        ty: "integer",
        doc: "Its members.",
    }],
    methods: &[
        Entry {
            name: "add",
            signature: ":add(value)",
            doc: "Puts a member in.",
            takes: &[("value", "moontrace.member")],
            gives: "",
            example: r#"local files = set{ "/etc/passwd" }
files:add "/etc/hosts"
probe "tracepoint:syscalls:sys_exit_openat"
  :within(files, "args.filename") :print "comm, args.filename""#,
            function: add,
        },
        Entry {
            name: "remove",
            signature: ":remove(value)",
            doc: "Takes a member out.",
            takes: &[("value", "moontrace.member")],
            gives: "",
            example: r#"local programs = set{ "cat", "ls" }
probe "tracepoint:syscalls:sys_exit_openat"
  :within(programs, "comm") :print "comm, args.filename"
after("5s", function() programs:remove "cat" end)"#,
            function: remove,
        },
        Entry {
            name: "has",
            signature: ":has(value)",
            doc: "Is the value a member? What probes have added counts, too.",
            takes: &[("value", "moontrace.member")],
            gives: "boolean",
            example: r#"local seen = set{}
probe "tracepoint:syscalls:sys_enter_openat" :add(seen, "comm")
on_exit(function() print(seen:has "cat", #seen) end)"#,
            function: has,
        },
    ],
    later: &[],
};

impl UserData for Set {
    fn register(registry: &mut UserDataRegistry<Self>) {
        register(registry, &TYPE);
        registry.add_meta_method(MetaMethod::Len, |lua, set, _: Value| {
            let script = Script::of(lua)?;
            let size = script.session.size_of_set(set.id);
            size.map_err(|report| Failure::Reports(vec![report.at(script.here(lua))]).into())
        });
    }
}
