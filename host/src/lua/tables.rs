//! Tables as Lua reads them: rows, order, look-ups, groups.

use super::tallies::View;
use super::types::histogram::Hist;
use crate::report::did_you_mean;
use crate::rows::{Stats, Table, Value};
use mlua::Lua;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A value of Lua's. Integers keep their 64 bits: what is above `i64::MAX` shows as negative, and prints with `%u`, `%x`.
pub(crate) fn to_lua(lua: &Lua, value: &Value) -> mlua::Result<mlua::Value> {
    Ok(match value {
        Value::Nil | Value::Null => mlua::Value::Nil,
        Value::Bool(value) => mlua::Value::Boolean(*value),
        Value::Int(value) => mlua::Value::Integer(*value),
        Value::Unsigned(value) => mlua::Value::Integer(*value as i64),
        Value::Str(bytes) | Value::Bytes(bytes) => mlua::Value::String(lua.create_string(bytes)?),
        Value::Hist(hist) => mlua::Value::UserData(lua.create_userdata(Hist(Arc::clone(hist)))?),
        Value::Named(value, _) => mlua::Value::Integer(*value as i64),
        Value::Float(value) => mlua::Value::Number(*value),
        Value::Stats(stats) => mlua::Value::Table(self::stats(lua, stats)?),
        Value::List(elements) => {
            let table = lua.create_table_with_capacity(elements.len(), 0)?;
            for (number, element) in elements.iter().enumerate() {
                table.raw_set(number, to_lua(lua, element)?)?;
            }
            mlua::Value::Table(table)
        }
        Value::Stack(stack) => super::stacks::userdata(lua, stack)?,
        Value::Struct(members) => {
            let table = lua.create_table_with_capacity(0, members.len())?;
            for (name, member) in members {
                table.raw_set(&**name, to_lua(lua, member)?)?;
            }
            mlua::Value::Table(table)
        }
    })
}

/// `count`, `sum`, and of any values `avg`, `min` and `max`.
fn stats(lua: &Lua, stats: &Stats) -> mlua::Result<mlua::Table> {
    let integer = |value: i128| to_lua(lua, &Value::of_integer(value));
    let table = lua.create_table_with_capacity(0, 5)?;
    table.raw_set("count", stats.count as i64)?;
    table.raw_set("sum", integer(stats.sum)?)?;
    table.raw_set("avg", stats.average())?;
    if let Some((min, max)) = stats.ends {
        table.raw_set("min", integer(min)?)?;
        table.raw_set("max", integer(max)?)?;
    }
    Ok(table)
}

/// A row as a plain table: keys and columns by name.
pub(crate) fn row(lua: &Lua, table: &Table, values: &[Value]) -> mlua::Result<mlua::Table> {
    let names = table.keys.iter().chain(&table.columns);
    let row = lua.create_table_with_capacity(0, values.len())?;
    for (name, value) in names.zip(values) {
        row.raw_set(name.as_str(), to_lua(lua, value)?)?;
    }
    Ok(row)
}

pub(crate) fn rows(lua: &Lua, table: &Table) -> mlua::Result<mlua::Table> {
    let rows = table.rows.iter().map(|values| row(lua, table, values));
    lua.create_sequence_from(rows.collect::<mlua::Result<Vec<_>>>()?)
}

/// The place of a key or column among a row's values; the first column for `None`.
pub(crate) fn position(
    table: &Table,
    name: Option<&str>,
) -> Result<usize, (String, Option<String>)> {
    let Some(name) = name else {
        return Ok(table.keys.len());
    };
    let names = || table.keys.iter().chain(&table.columns).map(String::as_str);
    names().position(|known| known == name).ok_or_else(|| {
        (
            format!("the table has no column '{name}'"),
            did_you_mean(name, names()),
        )
    })
}

/// Orders rows by one value, smallest first; rows that are equal there stay in their order.
pub(crate) fn sort(table: &mut Table, position: usize) {
    let value = |row: &[Value]| row.get(position).cloned().unwrap_or(Value::Nil);
    table.rows.sort_by(|a, b| value(a).order(&value(b)));
}

/// The table as it is to be printed.
pub(crate) fn view(table: &Table, view: &View) -> Result<Table, (String, Option<String>)> {
    let mut table = table.clone();
    if let Some(column) = &view.sort
        && !table.rows.is_empty()
    {
        let position = position(&table, Some(column))?;
        sort(&mut table, position);
    }
    if let Some(top) = view.top {
        let rest = table.rows.len().saturating_sub(top);
        table.rows.drain(..rest);
    }
    Ok(if view.rate { rates(table) } else { table })
}

/// Counts and sums as so much a second, over the time in which they came together.
fn rates(mut table: Table) -> Table {
    let keys = table.keys.len();
    let growing = std::mem::take(&mut table.growing);
    for (column, _) in growing.iter().enumerate().filter(|(_, grows)| **grows) {
        if let Some(name) = table.columns.get_mut(column) {
            name.push_str("/s");
        }
        for row in &mut table.rows {
            if let Some(value) = row.get_mut(keys + column)
                && let Some(amount) = value.integer()
                && table.seconds > 0.0
            {
                *value = Value::Float(amount as f64 / table.seconds);
            }
        }
    }
    table
}

/// The row whose keys these are; where there is none, one that says that nothing was counted.
pub(crate) fn find(table: &Table, keys: &[Value]) -> Vec<Value> {
    let same = |row: &&Vec<Value>| {
        let prefix = row.get(..keys.len()).unwrap_or_default();
        prefix.iter().zip(keys).all(|(a, b)| a.order(b).is_eq())
    };
    if let Some(row) = table.rows.iter().find(same) {
        return row.clone();
    }
    let nothing = table.absent.iter().cloned();
    keys.iter().cloned().chain(nothing).collect()
}

/// One row for each value at `key`: how many rows had it (`count`), and the sum of their values at `column`.
pub(crate) fn group(table: &Table, key: usize, column: usize) -> Table {
    let mut groups: BTreeMap<Ordered, (i128, i128)> = BTreeMap::new();
    for row in &table.rows {
        let (Some(key), Some(value)) = (row.get(key), row.get(column)) else {
            continue;
        };
        let (count, sum) = groups.entry(Ordered(key.clone())).or_default();
        *count += 1;
        *sum += value.amount().unwrap_or(0);
    }
    let names = || table.keys.iter().chain(&table.columns);
    let name = |position: usize| names().nth(position).cloned().unwrap_or_default();
    let counted = name(column) == "count";
    let rows = groups.into_iter().map(|(key, (count, sum))| {
        let mut row = vec![key.0, integer(sum)];
        if !counted {
            row.push(integer(count));
        }
        row
    });
    let of = column.checked_sub(table.keys.len());
    let grows = of.and_then(|column| table.growing.get(column)).copied();
    let (mut columns, mut growing) = (vec![name(column)], vec![grows.unwrap_or(false)]);
    if !counted {
        columns.push("count".to_owned());
        growing.push(false);
    }
    let mut grouped = Table {
        name: table.name.clone(),
        keys: vec![name(key)],
        absent: vec![Value::Int(0); columns.len()],
        columns,
        growing,
        rows: rows.collect(),
        seconds: table.seconds,
    };
    sort(&mut grouped, 1);
    grouped
}

/// 64 bits of it, as the kernel's own sums wrap.
fn integer(value: i128) -> Value {
    match (i64::try_from(value), u64::try_from(value)) {
        (Ok(value), _) => Value::Int(value),
        (_, Ok(value)) => Value::Unsigned(value),
        _ => Value::Int(value as i64),
    }
}

/// A value as the key of a map.
struct Ordered(Value);

impl PartialEq for Ordered {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.order(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let row = |comm: &str, pid, count| {
            vec![
                Value::Str(comm.into()),
                Value::Unsigned(pid),
                Value::Unsigned(count),
            ]
        };
        Table {
            name: "t".to_owned(),
            keys: vec!["comm".to_owned(), "pid".to_owned()],
            columns: vec!["count".to_owned()],
            absent: vec![Value::Int(0)],
            rows: vec![row("sh", 1, 2), row("ls", 2, 3), row("sh", 3, u64::MAX)],
            growing: vec![true],
            seconds: 4.0,
        }
    }

    #[test]
    fn a_view_keeps_the_largest_rows_and_shows_them_last() {
        let top = View {
            top: Some(2),
            ..View::default()
        };
        assert_eq!(view(&table(), &top).unwrap().rows, table().rows[1..]);
        let sorted = View {
            top: Some(1),
            sort: Some("comm".to_owned()),
            ..View::default()
        };
        assert_eq!(
            view(&table(), &sorted).unwrap().rows,
            [table().rows[2].clone()]
        );
        let wrong = View {
            sort: Some("cuont".to_owned()),
            ..View::default()
        };
        let (_, help) = view(&table(), &wrong).unwrap_err();
        assert_eq!(help.unwrap(), "did you mean 'count'?");
    }

    #[test]
    fn rates_are_of_what_grows_by_the_time_that_was_measured() {
        let rate = View {
            rate: true,
            ..View::default()
        };
        let rates = view(&table(), &rate).unwrap();
        assert_eq!(
            (&*rates.columns[0], &rates.keys),
            ("count/s", &table().keys)
        );
        let first = [
            Value::Str(b"sh".to_vec()),
            Value::Unsigned(1),
            Value::Float(0.5),
        ];
        assert_eq!(rates.rows[0], first);
        let mut still = table();
        still.growing = vec![false];
        assert_eq!(view(&still, &rate).unwrap().rows, table().rows);
    }

    #[test]
    fn a_row_is_found_by_its_keys_whatever_their_sign_and_else_counts_nothing() {
        let found = find(&table(), &[Value::Str(b"ls".to_vec()), Value::Int(2)]);
        assert_eq!(found[2], Value::Unsigned(3));
        let absent = find(&table(), &[Value::Str(b"ps".to_vec()), Value::Int(2)]);
        assert_eq!(absent[2], Value::Int(0));
    }

    #[test]
    fn groups_add_up() {
        let grouped = group(&table(), 0, 1);
        assert_eq!(grouped.columns, ["pid", "count"]);
        let row = |comm: &str, pid, count| {
            vec![Value::Str(comm.into()), Value::Int(pid), Value::Int(count)]
        };
        assert_eq!(grouped.rows, [row("ls", 2, 1), row("sh", 4, 2)]);
        assert_eq!(group(&table(), 0, 2).columns, ["count"]);
    }
}
