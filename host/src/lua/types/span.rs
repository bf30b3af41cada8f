//! `span([list])`: things that have begun.

use super::snapshot::snapshot;
use super::{Type, register};
use crate::lua::call::{Call, Entry};
use crate::spec::{self, duration::duration};
use mlua::{UserData, UserDataRegistry, Value};

pub(crate) struct Span(spec::Span);

impl Span {
    pub(crate) fn new(span: spec::Span) -> Self {
        Self(span)
    }

    pub(crate) fn spec(&self) -> spec::Span {
        self.0.clone()
    }
}

/// A duration as a text, or in ns; nothing is none.
fn age(call: &Call<'_>) -> mlua::Result<u64> {
    let ns = match call.value(1) {
        Value::Nil => 0,
        Value::Integer(ns) => ns,
        Value::String(text) => {
            duration(&text.to_string_lossy()).map_err(|message| call.fail(message))?
        }
        _ => return Err(call.wrong(1, "an age such as \"1s\"")),
    };
    u64::try_from(ns).map_err(|_| call.fail(":open takes an age of 0 or more"))
}

fn open(call: &Call<'_>) -> mlua::Result<Value> {
    let (id, age) = (call.this::<Span>()?.0.id, age(call)?);
    let table = call.check(call.script.session.read_span(id, age))?;
    snapshot(call, table)
}

pub(crate) static TYPE: Type = Type {
    name: "span",
    doc: "Things that have begun, by key: chains put them in by `:start`, add to them by `:mark`, and find them by `:within` and `:finish`.",
    example: r#"local naps = span()
probe "tracepoint:syscalls:sys_enter_clock_nanosleep"
  :fetch "clock = args.which_clock" :start(naps)
probe "tracepoint:syscalls:sys_exit_clock_nanosleep"
  :finish(naps) :print "comm, from.clock, elapsed / 1ms""#,
    fields: &[],
    methods: &[Entry {
        name: "open",
        signature: ":open([age])",
        doc: "What has begun and not ended, at least so old: a table of the key, the fields, `age` and `time` in ns, oldest last.",
        takes: &[("age?", "string|integer")],
        gives: "moontrace.table",
        example: r#"local naps = span()
probe "tracepoint:syscalls:sys_enter_clock_nanosleep"
  :fetch "comm" :start(naps)
probe "tracepoint:syscalls:sys_exit_clock_nanosleep" :finish(naps)
every("1s", function() naps:open("100ms"):print() end)"#,
        function: open,
    }],
    later: &[],
};

impl UserData for Span {
    fn register(registry: &mut UserDataRegistry<Self>) {
        register(registry, &TYPE);
    }
}
