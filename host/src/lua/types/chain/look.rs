//! `:within` and `:without`: by what they look into.

use super::{sets, spans, step};
use crate::lua::call::{Call, Entry};
use crate::lua::types::set::Set;
use crate::lua::types::span::Span;
use crate::spec::Look;
use mlua::Value;

fn look(call: &Call<'_>, look: Look) -> mlua::Result<Value> {
    step(call, |chain| match call.value(1) {
        Value::UserData(data) if data.is::<Span>() => spans::look(call, chain, look),
        Value::UserData(data) if data.is::<Set>() => sets::look(call, chain, look == Look::Within),
        _ => Err(call.wrong(1, "a span or a set, and the key that is looked for")),
    })
}

pub(super) const WITHIN: Entry = Entry {
    name: "within",
    signature: ":within(span[, key])",
    doc: "Lets only events through for which something of the span is open under the key (`tid` unless said). It is `from` for what stands behind. With a set, only events whose key is in it, as `:where \"key in $s\"` does: `:within(s, \"pid\")`.",
    takes: &[
        ("span?", "moontrace.span|moontrace.set|false"),
        ("key?", "string"),
    ],
    gives: "moontrace.probe",
    example: r#"local reads = span()
probe "tracepoint:syscalls:sys_enter_read" :start(reads)
probe "tracepoint:syscalls:sys_exit_read" :finish(reads)
probe "tracepoint:exceptions:page_fault_kernel"
  :within(reads) :by "comm" :count()"#,
    function: |call| look(call, Look::Within),
};

pub(super) const WITHOUT: Entry = Entry {
    name: "without",
    signature: ":without(span[, key])",
    doc: "Lets only events through for which nothing of the span is open under the key, or whose key is not in the set.",
    takes: &[
        ("span?", "moontrace.span|moontrace.set|false"),
        ("key?", "string"),
    ],
    gives: "moontrace.probe",
    example: r#"local known = set{ "sshd", "cron" }
probe "tracepoint:syscalls:sys_exit_openat"
  :without(known, "comm") :print "comm, args.filename""#,
    function: |call| look(call, Look::Without),
};
