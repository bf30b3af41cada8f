//! A table that is read and no longer changes: what `t:take()` gives. The methods that it shares with tallies are here.

use super::flame::{flamegraph_of_snapshot, folded};
use super::stack::StackValue;
use super::{Field, Type, register};
use crate::lua::call::{Call, Entry};
use crate::lua::tables;
use crate::lua::tallies::View;
use crate::report::did_you_mean;
use crate::rows::{self, Table};
use mlua::{MetaMethod, UserData, UserDataFields, UserDataMethods, UserDataRegistry, Value};
use std::rc::Rc;
use std::sync::Arc;

pub(crate) struct Snapshot(Rc<Table>);

impl Snapshot {
    pub(crate) fn table(&self) -> &Table {
        &self.0
    }
}

/// What a table of rows can be read from.
pub(crate) trait Readable: 'static {
    fn read(&self, call: &Call<'_>) -> mlua::Result<Rc<Table>>;
}

impl Readable for Snapshot {
    fn read(&self, _: &Call<'_>) -> mlua::Result<Rc<Table>> {
        Ok(Rc::clone(&self.0))
    }
}

/// The snapshot as Lua holds it.
pub(crate) fn snapshot(call: &Call<'_>, table: Table) -> mlua::Result<Value> {
    Ok(Value::UserData(
        call.lua.create_userdata(Snapshot(Rc::new(table)))?,
    ))
}

fn read<T: Readable>(call: &Call<'_>) -> mlua::Result<Rc<Table>> {
    call.this::<T>()?.read(call)
}

pub(crate) fn rows<T: Readable>(call: &Call<'_>) -> mlua::Result<Value> {
    Ok(Value::Table(tables::rows(call.lua, &*read::<T>(call)?)?))
}

pub(crate) fn get<T: Readable>(call: &Call<'_>) -> mlua::Result<Value> {
    let table = read::<T>(call)?;
    let keys: Vec<rows::Value> = call
        .rest(1)
        .map(|value| key(call, value))
        .collect::<mlua::Result<_>>()?;
    if keys.len() != table.keys.len() && !table.columns.is_empty() {
        let names = table.keys.join(", ");
        return Err(call.fail(format!(
            ":get takes the table's {} keys ({names})",
            table.keys.len()
        )));
    }
    let found = tables::find(&table, &keys);
    Ok(Value::Table(tables::row(call.lua, &table, &found)?))
}

fn key(call: &Call<'_>, value: &Value) -> mlua::Result<rows::Value> {
    Ok(match value {
        Value::Nil => rows::Value::Nil,
        Value::Boolean(value) => rows::Value::Bool(*value),
        Value::Integer(value) => rows::Value::Int(*value),
        Value::String(text) => rows::Value::Str(text.as_bytes().to_vec()),
        Value::UserData(data) if let Ok(stack) = data.borrow::<StackValue>() => {
            rows::Value::Stack(Arc::clone(&stack.0))
        }
        other => {
            return Err(call.fail(format!(":get: a {} is no key", other.type_name())));
        }
    })
}

pub(crate) fn top<T: Readable>(call: &Call<'_>) -> mlua::Result<Value> {
    let count = call.integer(1, "how many rows, and by which column")?;
    let count = usize::try_from(count).unwrap_or(0);
    let mut table = (*read::<T>(call)?).clone();
    let largest = match call.value(2) {
        Value::Function(function) => {
            let rows = table.rows.iter().map(|values| {
                let row = tables::row(call.lua, &table, values)?;
                Ok((weight(call, &function.call::<Value>(&row)?)?, row))
            });
            let mut rows = rows.collect::<mlua::Result<Vec<_>>>()?;
            rows.sort_by(|(a, _), (b, _)| b.total_cmp(a));
            rows.into_iter()
                .map(|(_, row)| row)
                .take(count)
                .collect::<Vec<_>>()
        }
        Value::Nil => largest(call, &mut table, None, count)?,
        _ => {
            let column = call.text(2, "a column's name or a function of a row")?;
            largest(call, &mut table, Some(&column), count)?
        }
    };
    Ok(Value::Table(call.lua.create_sequence_from(largest)?))
}

fn largest(
    call: &Call<'_>,
    table: &mut Table,
    column: Option<&str>,
    count: usize,
) -> mlua::Result<Vec<mlua::Table>> {
    if table.rows.is_empty() {
        return Ok(Vec::new());
    }
    let position = position(call, table, column)?;
    tables::sort(table, position);
    table
        .rows
        .iter()
        .rev()
        .take(count)
        .map(|row| tables::row(call.lua, table, row))
        .collect()
}

fn weight(call: &Call<'_>, value: &Value) -> mlua::Result<f64> {
    match value {
        Value::Integer(value) => Ok(*value as f64),
        Value::Number(value) => Ok(*value),
        other => Err(call.fail(format!(
            ":top orders rows by a number: its function gave {}",
            other.type_name()
        ))),
    }
}

pub(crate) fn group<T: Readable>(call: &Call<'_>) -> mlua::Result<Value> {
    let table = read::<T>(call)?;
    let key = call.text(1, "the field that makes groups, and a column to add up")?;
    let column = call.text(2, "the field that makes groups, and a column to add up")?;
    if table.rows.is_empty() {
        let empty = Table {
            keys: vec![key],
            columns: vec![column],
            ..(*table).clone()
        };
        return snapshot(call, empty);
    }
    let (key, column) = (
        position(call, &table, Some(&key))?,
        position(call, &table, Some(&column))?,
    );
    snapshot(call, tables::group(&table, key, column))
}

fn position(call: &Call<'_>, table: &Table, name: Option<&str>) -> mlua::Result<usize> {
    tables::position(table, name).map_err(|(message, help)| call.fail_with_help(message, help))
}

fn print(call: &Call<'_>) -> mlua::Result<Value> {
    let view = view(call, 1)?;
    show(call, &*read::<Snapshot>(call)?, &view)?;
    Ok(Value::Nil)
}

/// Prints a table now.
pub(crate) fn show(call: &Call<'_>, table: &Table, view: &View) -> mlua::Result<()> {
    let table =
        tables::view(table, view).map_err(|(message, help)| call.fail_with_help(message, help))?;
    call.script.session.table(&table, view.title.as_deref());
    Ok(())
}

/// `{ top =, sort =, title =, rate = }`, which may be left out.
pub(crate) fn view(call: &Call<'_>, index: usize) -> mlua::Result<View> {
    const NAMES: [&str; 4] = ["top", "sort", "title", "rate"];
    let options = match call.value(index) {
        Value::Nil => return Ok(View::default()),
        Value::Table(options) => options,
        _ => return Err(call.wrong(index, "a table: { top =, sort =, title =, rate = }")),
    };
    let mut view = View::default();
    for pair in options.pairs::<String, Value>() {
        let (name, value) = pair?;
        match (name.as_str(), &value) {
            ("top", Value::Integer(rows)) if *rows >= 0 => view.top = usize::try_from(*rows).ok(),
            ("sort", Value::String(column)) => view.sort = Some(column.to_string_lossy()),
            ("title", Value::String(title)) => view.title = Some(title.to_string_lossy()),
            ("rate", Value::Boolean(rate)) => view.rate = *rate,
            (known, _) if NAMES.contains(&known) => {
                let wanted = match known {
                    "top" => "a number of rows",
                    "rate" => "true or false",
                    _ => "a text",
                };
                return Err(call.fail(format!(
                    "'{known}' is {wanted}, not a {}",
                    value.type_name()
                )));
            }
            (other, _) => {
                let help = did_you_mean(other, NAMES);
                return Err(call.fail_with_help(format!("no option '{other}'"), help));
            }
        }
    }
    Ok(view)
}

pub(crate) static TYPE: Type = Type {
    name: "table",
    doc: "A tally as it was taken: it does not change any more.",
    example: r#"local opens = probe "tracepoint:syscalls:sys_enter_openat"
  :by "comm" :count()
every("1s", function()
  local taken = opens:take()
  printf("%d programs in %.1f s\n", #taken, taken.seconds)
end)"#,
    fields: &[
        Field {
            name: "#",
            ty: "integer",
            doc: "Its rows.",
        },
        Field {
            name: "seconds",
            ty: "number",
            doc: "The time in which they came together.",
        },
    ],
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
  for _, row in ipairs(opens:take():rows()) do
    print(row.comm, row.count)
  end
end)"#,
            function: rows::<Snapshot>,
        },
        Entry {
            name: "get",
            signature: ":get(key…)",
            doc: "The row of these keys; one with zeros where there is none.",
            takes: &[("...", "any")],
            gives: "moontrace.row",
            example: r#"local opens = probe "tracepoint:syscalls:sys_enter_openat"
  :by "comm" :count()
every("1s", function() print(opens:take():get("cat").count) end)"#,
            function: get::<Snapshot>,
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
  for _, row in ipairs(opens:take():top(3)) do
    print(row.comm, row.count)
  end
end)"#,
            function: top::<Snapshot>,
        },
        Entry {
            name: "group",
            signature: ":group(field, column)",
            doc: "A row for each value of the field: the sum of the column, and how many rows there were.",
            takes: &[("field", "string"), ("column", "string")],
            gives: "moontrace.table",
            example: r#"local opens = probe "tracepoint:syscalls:sys_enter_openat"
  :by "comm, pid" :count()
every("1s", function() opens:take():group("comm", "count"):print() end)"#,
            function: group::<Snapshot>,
        },
        Entry {
            name: "print",
            signature: ":print{ top =, sort =, title =, rate = }",
            doc: "Prints the table, largest last.",
            takes: &[(
                "options?",
                "{ top?: integer, sort?: string, title?: string, rate?: boolean }",
            )],
            gives: "",
            example: r#"local opens = probe "tracepoint:syscalls:sys_enter_openat"
  :by "comm" :count()
every("1s", function() opens:take():print{ sort = "comm" } end)"#,
            function: print,
        },
        Entry {
            name: "flamegraph",
            signature: ":flamegraph(file[, { column =, title = }])",
            doc: "Draws the stacks among the keys as a flame graph, an SVG image; keys that are no stacks are its roots. Frames are as wide as the first column says, or the one that is named.",
            takes: &[
                ("file", "string"),
                ("options?", "{ column?: string, title?: string }"),
            ],
            gives: "",
            example: r#"local samples = probe "profile:hz:99" :by "ustack" :count()
on_exit(function()
  samples:take():flamegraph("cpu.svg", { title = "the whole run" })
end)"#,
            function: flamegraph_of_snapshot,
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
on_exit(function() samples:take():folded "cpu.folded" end)"#,
            function: folded::<Snapshot>,
        },
    ],
    later: &[],
};

impl UserData for Snapshot {
    fn register(registry: &mut UserDataRegistry<Self>) {
        register(registry, &TYPE);
        registry.add_field_method_get("seconds", |_, table| Ok(table.0.seconds));
        registry.add_meta_method(MetaMethod::Len, |_, table, _: Value| Ok(table.0.rows.len()));
    }
}
