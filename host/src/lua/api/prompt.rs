//! What only a prompt has: looking at what runs.

use super::Namespace;
use crate::lua::call::{Call, Entry};
use crate::lua::typed;
use crate::lua::types::snapshot::snapshot;
use mlua::Value;

fn probes(call: &Call<'_>) -> mlua::Result<Value> {
    let standings = call.check(call.script.session.standings())?;
    snapshot(call, typed::running(standings))
}

pub(crate) static NAMESPACE: Namespace = Namespace {
    doc: "The prompt.",
    functions: &[
        Entry {
            name: "probes",
            signature: "probes()",
            doc: "What runs: each probe with the places where it is attached, its hits, and what was lost. At the prompt only.",
            takes: &[],
            gives: "moontrace.table",
            example: "probes()",
            function: probes,
        },
        Entry {
            name: "watch",
            signature: "watch(value[, period])",
            doc: "Shows a tally, a probe, or what a function gives, again and again until a key is pressed. At the prompt only.",
            takes: &[("value", "any"), ("period?", "string|number")],
            gives: "",
            example: r#"p = probe "syscall:openat" :by "comm" :count()
watch(p)"#,
            function: typed::watch,
        },
    ],
};
