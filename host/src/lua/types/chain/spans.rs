//! Where spans begin, are added to and end.

use super::{Chain, end, on_open, source, step};
use crate::lua::call::{Call, Entry};
use crate::lua::types::span::Span;
use crate::spec::{Ending, Look, Step, Tie};
use mlua::Value;

/// The span and the key that were given, with their line.
fn tie(call: &Call<'_>) -> mlua::Result<Tie> {
    let span = match call.value(1) {
        Value::UserData(data) => data.borrow::<Span>().ok().map(|span| span.spec()),
        _ => None,
    };
    let span = span.ok_or_else(|| call.wrong(1, "a span, and the key that it is found by"))?;
    let key = match call.value(2) {
        Value::Nil => None,
        _ => Some(source(call, 2, "a key as a text behind its span")?),
    };
    let place = call.place();
    Ok(Tie { span, key, place })
}

/// The step of a chain that looks into a span.
pub(super) fn look(call: &Call<'_>, chain: &mut Chain, look: Look) -> mlua::Result<()> {
    chain.steps.push(Step::Look(look, tie(call)?));
    Ok(())
}

fn begin(call: &Call<'_>, marks: bool) -> mlua::Result<Value> {
    on_open(call, |chain| {
        let tie = tie(call)?;
        end(call, chain, Ending::Begin { marks, tie })
    })?;
    Ok(call.value(0))
}

pub(super) const FINISH: Entry = Entry {
    name: "finish",
    signature: ":finish(span[, key])",
    doc: "As `:within`, and takes out what it finds: behind it are `from.NAME`, `from.time` and `elapsed`. A chain that has no ending then prints nothing.",
    takes: &[("span?", "moontrace.span|false"), ("key?", "string")],
    gives: "moontrace.probe",
    example: r#"local reads = span()
probe "tracepoint:syscalls:sys_enter_read"
  :fetch "args.count" :start(reads)
probe "tracepoint:syscalls:sys_exit_read"
  :finish(reads) :where "retval < from.count"
  :print "comm, from.count, retval, elapsed / 1us""#,
    function: |call| step(call, |chain| look(call, chain, Look::Finish)),
};

pub(super) const START: Entry = Entry {
    name: "start",
    signature: ":start(span[, key])",
    doc: "Ends the chain: something begins, known by the key (`tid` unless said). What the chain fetches is stored. One that is open already begins anew, and keeps what is not stored again.",
    takes: &[("span", "moontrace.span"), ("key?", "string")],
    gives: "moontrace.probe",
    example: r#"local calls = span()
probe "tracepoint:syscalls:sys_enter_execve"
  :fetch "caller = comm" :start(calls)
probe "tracepoint:syscalls:sys_exit_execve"
  :finish(calls) :print "from.caller, comm, elapsed / 1us""#,
    function: |call| begin(call, false),
};

pub(super) const MARK: Entry = Entry {
    name: "mark",
    signature: ":mark(span[, key])",
    doc: "Ends the chain: adds what the chain fetches to what is open under the key.",
    takes: &[("span", "moontrace.span"), ("key?", "string")],
    gives: "moontrace.probe",
    example: r#"local runs = span()
probe "tracepoint:sched:sched_process_exec"
  :fetch "file = args.filename" :start(runs)
probe "tracepoint:syscalls:sys_enter_exit_group"
  :fetch "status = args.error_code" :mark(runs)
probe "tracepoint:sched:sched_process_exit"
  :finish(runs) :print "from.file, from.status, elapsed / 1ms""#,
    function: |call| begin(call, true),
};
