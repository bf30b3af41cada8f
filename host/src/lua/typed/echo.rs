//! What a value at the prompt shows of itself.

use super::inspect::inspect;
use crate::lua::script::Script;
use crate::lua::session::{Standing, State};
use crate::lua::types::chain::Probe;
use crate::lua::types::histogram::Hist;
use crate::lua::types::snapshot::Snapshot;
use crate::lua::types::stack::StackValue;
use crate::lua::types::tally::Tally;
use crate::report::Report;
use crate::rows::{Table, Value as Row, grouped};
use mlua::{AnyUserData, Lua, Value};
use std::sync::Arc;

/// Which rows of a table stand where there is always room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Largest {
    /// At the end, above the next line that is typed.
    Last,
    /// At the top of a screen, which is cut at its end.
    First,
}

pub(super) fn show(
    lua: &Lua,
    script: &Script,
    value: &Value,
    largest: Largest,
) -> mlua::Result<()> {
    match value {
        Value::UserData(data) => of_ours(lua, script, data, largest),
        other => {
            say(script, &inspect(other));
            Ok(())
        }
    }
}

pub(super) fn is_table_of_rows(value: &Value) -> bool {
    match value {
        Value::UserData(data) => data.is::<Tally>() || data.is::<Snapshot>(),
        _ => false,
    }
}

fn of_ours(lua: &Lua, script: &Script, data: &AnyUserData, largest: Largest) -> mlua::Result<()> {
    let failed =
        |report: Report| mlua::Error::from(crate::lua::error::Failure::Reports(vec![report]));
    if let Ok(tally) = data.borrow::<Tally>() {
        script.tallies.set_seen(tally.id());
        let mut table = script
            .session
            .read_tally(tally.id(), false)
            .map_err(failed)?;
        if largest == Largest::First {
            table.rows.reverse();
        }
        script.session.table(&table, None);
        return stand(script, |of| of.tally == Some(tally.id()));
    }
    if let Ok(table) = data.borrow::<Snapshot>() {
        script.session.table(table.table(), None);
        return Ok(());
    }
    if let Ok(probe) = data.borrow::<Probe>() {
        return stand(script, |of| of.id == probe.id());
    }
    if let Ok(histogram) = data.borrow::<Hist>() {
        let table = Table {
            columns: vec!["hist".into()],
            rows: vec![vec![Row::Hist(Arc::clone(&histogram.0))]],
            ..Table::default()
        };
        script.session.table(&table, None);
        return Ok(());
    }
    if let Ok(stack) = data.borrow::<StackValue>() {
        say(script, &stack.0.lines().collect::<Vec<_>>().join("\n"));
        return Ok(());
    }
    let text = lua.coerce_string(Value::UserData(data.clone()))?;
    let text = text.map_or_else(
        || inspect(&Value::UserData(data.clone())),
        |text| text.to_string_lossy(),
    );
    say(script, &text);
    Ok(())
}

/// Where the probes stand that are meant.
fn stand(script: &Script, is_meant: impl Fn(&Standing) -> bool) -> mlua::Result<()> {
    let standings = script.session.standings();
    let standings =
        standings.map_err(|report| crate::lua::error::Failure::Reports(vec![report]))?;
    let meant = standings.iter().filter(|of| is_meant(of)).map(line);
    let lines: Vec<String> = meant.collect();
    match lines.as_slice() {
        [] => say(script, "no probe feeds it"),
        lines => say(script, &lines.join("\n")),
    }
    Ok(())
}

/// `tracepoint:sched:sched_switch: attached, 12,340 hits, none lost`.
fn line(of: &Standing) -> String {
    let state = match of.state {
        State::Attaching => "being attached".to_owned(),
        State::Attached(1) => "attached".to_owned(),
        State::Attached(places) => format!("attached at {} places", grouped(places as u64)),
        State::Detached => "detached".to_owned(),
    };
    let (hits, lost) = (of.books.hits(), of.books.losses());
    let mut words = format!("{}: {state}, {} hit", of.name, grouped(hits));
    if hits != 1 {
        words.push('s');
    }
    if of.books.filtered > 0 {
        words.push_str(&format!(" ({} filtered)", grouped(of.books.filtered)));
    }
    match lost {
        0 => words.push_str(", none lost"),
        lost => {
            let causes = of.books.lost.iter();
            let causes: Vec<String> = causes
                .map(|(cause, count)| format!("{cause} {}", grouped(*count)))
                .collect();
            words.push_str(&format!(", {} lost ({})", grouped(lost), causes.join(", ")));
        }
    }
    if let Some(missed) = of.books.missed.filter(|missed| *missed > 0) {
        words.push_str(&format!(", {} missed by the kernel", grouped(missed)));
    }
    words
}

fn say(script: &Script, text: &str) {
    script.session.print(format!("{text}\n").as_bytes());
}

/// Every probe that runs, as a table.
pub(crate) fn running(standings: Vec<Standing>) -> Table {
    let row = |(number, of): (usize, &Standing)| {
        let attached = match of.state {
            State::Attached(places) => places as i64,
            _ => 0,
        };
        vec![
            Row::Int(number as i64 + 1),
            Row::Str(of.name.clone().into_bytes()),
            Row::Int(attached),
            Row::Unsigned(of.books.hits()),
            Row::Unsigned(of.books.losses()),
        ]
    };
    let running = standings.iter().filter(|of| of.state != State::Detached);
    Table {
        name: "probes".into(),
        keys: vec!["id".into(), "probe".into()],
        columns: ["attached", "hits", "lost"].map(str::to_owned).to_vec(),
        absent: vec![Row::Int(0); 3],
        rows: running.enumerate().map(row).collect(),
        growing: vec![false, true, true],
        seconds: 0.0,
    }
}
