//! A tally: the table in the kernel that probes feed.

use super::flame::{flamegraph_of_tally, folded};
use super::snapshot::{self, Readable, get, group, rows, top};
use super::{Type, register};
use crate::lua::api::time::period;
use crate::lua::call::{Call, Entry};
use crate::lua::error::Failure;
use crate::lua::live::{self, Shown};
use crate::lua::script::Script;
use crate::lua::tables;
use crate::lua::tallies::View;
use crate::report::{Place, Report};
use crate::rows::Table;
use crate::spec::{ProbeId, TallyId};
use mlua::{UserData, UserDataRegistry, Value};
use std::rc::Rc;

pub(crate) struct Tally {
    id: TallyId,
    /// The probe whose ending gave it.
    probe: Option<ProbeId>,
}

impl Tally {
    pub(crate) fn new(id: TallyId, probe: Option<ProbeId>) -> Self {
        Self { id, probe }
    }

    pub(crate) fn id(&self) -> TallyId {
        self.id
    }
}

impl Readable for Tally {
    fn read(&self, call: &Call<'_>) -> mlua::Result<Rc<Table>> {
        call.script.tallies.set_seen(self.id);
        call.check(call.script.session.read_tally(self.id, false))
            .map(Rc::new)
    }
}

fn take(call: &Call<'_>) -> mlua::Result<Value> {
    let id = call.this::<Tally>()?.id;
    call.script.tallies.set_seen(id);
    let table = call.check(call.script.session.read_tally(id, true))?;
    snapshot::snapshot(call, table)
}

fn clear(call: &Call<'_>) -> mlua::Result<Value> {
    let id = call.this::<Tally>()?.id;
    call.check(call.script.session.read_tally(id, true))?;
    Ok(Value::Nil)
}

fn print(call: &Call<'_>) -> mlua::Result<Value> {
    let view = snapshot::view(call, 1)?;
    let tally = call.this::<Tally>()?;
    if call.script.in_body.get() {
        call.script.tallies.set_view(tally.id, view);
    } else {
        snapshot::show(call, &*tally.read(call)?, &view)?;
    }
    Ok(call.value(0))
}

/// Is the period nil or false, as that of an option that was not given is? Then nothing is said.
fn is_left_out(call: &Call<'_>) -> bool {
    call.count() > 1 && matches!(call.value(1), Value::Nil | Value::Boolean(false))
}

fn every(call: &Call<'_>) -> mlua::Result<Value> {
    if is_left_out(call) {
        return Ok(call.value(0));
    }
    let id = call.this::<Tally>()?.id;
    let (period, view, place) = (period(call, 1)?, snapshot::view(call, 2)?, call.place());
    call.script.tallies.set_seen(id);
    let view = Rc::new(view);
    let printed = |even_empty: bool| {
        let (view, place) = (Rc::clone(&view), place.clone());
        call.lua.create_function(move |lua, ()| {
            let script = Script::of(lua)?;
            let table = taken(&script, id, &view, &place)?;
            if even_empty || !table.rows.is_empty() {
                script.session.table(&table, view.title.as_deref());
            }
            Ok(())
        })
    };
    let now = call.script.session.now();
    call.script.timers.add(printed(true)?, period, true, now);
    // What has come since the last time.
    let mut at_exit = call.script.at_exit.borrow_mut();
    at_exit.push_back(printed(false)?);
    Ok(call.value(0))
}

fn live(call: &Call<'_>) -> mlua::Result<Value> {
    if is_left_out(call) {
        return Ok(call.value(0));
    }
    let tally = call.this::<Tally>()?.id;
    let (period, view) = (period(call, 1)?, snapshot::view(call, 2)?);
    call.script.tallies.set_seen(tally);
    let shown = Shown {
        tally,
        view,
        place: call.place(),
    };
    live::show(call, period, shown)?;
    Ok(call.value(0))
}

/// Takes a tally, as it is to be printed.
pub(crate) fn taken(
    script: &Script,
    id: TallyId,
    view: &View,
    place: &Place,
) -> Result<Table, Failure> {
    let failed = |report: Report| Failure::Reports(vec![report.at(place.clone())]);
    let table = script.session.read_tally(id, true).map_err(failed)?;
    tables::view(&table, view).map_err(|(message, help)| {
        failed(Report {
            help,
            ..Report::new(message)
        })
    })
}

fn name(call: &Call<'_>) -> mlua::Result<Value> {
    let name = call.text(1, "a name")?;
    if !call.script.tallies.set_name(call.this::<Tally>()?.id, name) {
        return Err(call
            .fail(":name after the ending of a chain that feeds the tally: it stands before it"));
    }
    Ok(call.value(0))
}

fn detach(call: &Call<'_>) -> mlua::Result<Value> {
    let probe = call.this::<Tally>()?.probe.ok_or_else(|| {
        call.fail("several probes may feed this tally: call :detach on the probe")
    })?;
    call.check(call.script.session.detach(probe))?;
    Ok(Value::Nil)
}

pub(crate) static TYPE: Type = Type {
    name: "tally",
    doc: "A table in the kernel that probes feed. One that the script neither reads nor prints is printed at exit.",
    example: r#"local opens = probe "tracepoint:syscalls:sys_enter_openat"
  :by "comm" :count()
every("1s", function()
  for _, row in ipairs(opens:top(5)) do print(row.comm, row.count) end
  opens:clear()
end)"#,
    fields: &[],
    methods: &[
        Entry {
            name: "rows",
            signature: ":rows()",
            doc: "Every row as a plain table, largest last.",
            takes: &[],
            gives: "moontrace.row[]",
            example: r#"local opens = probe "tracepoint:syscalls:sys_enter_openat"
  :by "comm" :count()
on_exit(function()
  for _, row in ipairs(opens:rows()) do print(row.comm, row.count) end
end)"#,
            function: rows::<Tally>,
        },
        Entry {
            name: "get",
            signature: ":get(key…)",
            doc: "The row of these keys; one with zeros where there is none.",
            takes: &[("...", "any")],
            gives: "moontrace.row",
            example: r#"local opens = probe "tracepoint:syscalls:sys_enter_openat"
  :by "comm" :count()
on_exit(function() print(opens:get("cat").count) end)"#,
            function: get::<Tally>,
        },
        Entry {
            name: "top",
            signature: ":top(n[, column|function])",
            doc: "The n largest rows by a column or by a function of a row, largest first.",
            takes: &[
                ("n", "integer"),
                ("by?", "string|fun(row: moontrace.row): number"),
            ],
            gives: "moontrace.row[]",
            example: r#"local opens = probe "tracepoint:syscalls:sys_enter_openat"
  :by "comm" :count()
on_exit(function()
  for _, row in ipairs(opens:top(3)) do print(row.comm, row.count) end
end)"#,
            function: top::<Tally>,
        },
        Entry {
            name: "group",
            signature: ":group(field, column)",
            doc: "A row for each value of the field: the sum of the column, and how many rows there were.",
            takes: &[("field", "string"), ("column", "string")],
            gives: "moontrace.table",
            example: r#"local opens = probe "tracepoint:syscalls:sys_enter_openat"
  :by "comm, pid" :count()
on_exit(function() opens:group("comm", "count"):print() end)"#,
            function: group::<Tally>,
        },
        Entry {
            name: "take",
            signature: ":take()",
            doc: "Reads and empties the tally; no event is lost between. Returns a table with the same methods for reading.",
            takes: &[],
            gives: "moontrace.table",
            example: r#"local opens = probe "tracepoint:syscalls:sys_enter_openat"
  :by "comm" :count()
every("1s", function() opens:take():print{ top = 5 } end)"#,
            function: take,
        },
        Entry {
            name: "clear",
            signature: ":clear()",
            doc: "Empties the tally.",
            takes: &[],
            gives: "",
            example: r#"local opens = probe "tracepoint:syscalls:sys_enter_openat"
  :by "comm" :count()
on_signal("USR1", function() opens:clear() end)"#,
            function: clear,
        },
        Entry {
            name: "print",
            signature: ":print{ top =, sort =, title =, rate = }",
            doc: "Prints the tally, largest last; with `rate`, counts and sums are so much a second. In the body of a script it says how it is printed at exit.",
            takes: &[(
                "options?",
                "{ top?: integer, sort?: string, title?: string, rate?: boolean }",
            )],
            gives: "moontrace.tally",
            example: r#"probe "tracepoint:syscalls:sys_enter_openat"
  :by "comm" :count() :print{ top = 5, title = "opens" }"#,
            function: print,
        },
        Entry {
            name: "flamegraph",
            signature: ":flamegraph(file[, { column =, title = }])",
            doc: "Draws the stacks among the keys as a flame graph, an SVG image; keys that are no stacks are its roots. Frames are as wide as the first column says, or the one that is named. In the body of a script it says how the tally is shown at exit.",
            takes: &[
                ("file", "string"),
                ("options?", "{ column?: string, title?: string }"),
            ],
            gives: "moontrace.tally",
            example: r#"probe "profile:hz:99" :by "ustack" :count() :flamegraph "cpu.svg""#,
            function: flamegraph_of_tally,
        },
        Entry {
            name: "folded",
            signature: ":folded([file][, { column = }])",
            doc: "The stacks as lines of folded text, `comm;main;read 12`, outermost frame first: returned, or written to a file.",
            takes: &[
                ("file?", "string|{ column?: string }"),
                ("options?", "{ column?: string }"),
            ],
            gives: "string?",
            example: r#"local samples = probe "profile:hz:99" :by "comm, kstack" :count()
on_exit(function() printf("%s", samples:folded()) end)"#,
            function: folded::<Tally>,
        },
        Entry {
            name: "every",
            signature: ":every(period[, { top =, sort =, title =, rate = }])",
            doc: "Takes and prints the tally again and again, and at the end what is left. Without a period (nil or false) it says nothing.",
            takes: &[
                ("period?", "string|integer|false"),
                (
                    "options?",
                    "{ top?: integer, sort?: string, title?: string, rate?: boolean }",
                ),
            ],
            gives: "moontrace.tally",
            example: r#"probe "tracepoint:syscalls:sys_enter_openat"
  :by "comm" :count() :every("1s", { top = 5 })"#,
            function: every,
        },
        Entry {
            name: "live",
            signature: ":live(period[, { top =, sort =, title =, rate = }])",
            doc: "Takes the tally again and again and draws it in the same place, largest first, with all others that are live. Not on a terminal, one stands below the other. Without a period (nil or false) it says nothing.",
            takes: &[
                ("period?", "string|integer|false"),
                (
                    "options?",
                    "{ top?: integer, sort?: string, title?: string, rate?: boolean }",
                ),
            ],
            gives: "moontrace.tally",
            example: r#"probe "tracepoint:raw_syscalls:sys_enter"
  :by "comm" :count() :live("1s", { rate = true })"#,
            function: live,
        },
        Entry {
            name: "name",
            signature: ":name(text)",
            doc: "What output calls the tally, said before a probe feeds it.",
            takes: &[("text", "string")],
            gives: "moontrace.tally",
            example: r#"local calls = tally() :name "calls"
probe "tracepoint:raw_syscalls:sys_enter"
  :by "comm" :tally(calls, "count()")"#,
            function: name,
        },
        Entry {
            name: "detach",
            signature: ":detach()",
            doc: "Takes away the probe whose ending gave this tally. It stays readable.",
            takes: &[],
            gives: "",
            example: r#"local opens = probe "tracepoint:syscalls:sys_enter_openat"
  :by "comm" :count()
after("1s", function() opens:detach() end)"#,
            function: detach,
        },
    ],
    later: &[],
};

impl UserData for Tally {
    fn register(registry: &mut UserDataRegistry<Self>) {
        register(registry, &TYPE);
    }
}
