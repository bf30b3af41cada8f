//! Lua's values as people read them: strings quoted, tables by their keys, what is small in a line.

use crate::rows::escape;
use mlua::{Table, Value};
use std::cmp::Ordering;
use std::ffi::c_void;

/// Columns that a table may take in a line of its own.
const LINE: usize = 76;
/// Entries that are shown of a table.
const ENTRIES: usize = 100;
/// Tables in tables that are shown.
const DEPTH: usize = 6;

/// Strings as a program would write them, and everything else.
pub(super) fn inspect(value: &Value) -> String {
    inner(value, 0, &mut Vec::new())
}

fn inner(value: &Value, depth: usize, above: &mut Vec<*const c_void>) -> String {
    match value {
        Value::String(text) => quoted(&text.as_bytes()),
        Value::Table(table) => {
            let address = value.to_pointer();
            if above.contains(&address) {
                return "{ itself }".into();
            }
            if depth == DEPTH {
                return "{ … }".into();
            }
            above.push(address);
            let text = entries(table, depth, above);
            above.pop();
            text
        }
        Value::Function(function) => {
            let info = function.info();
            match (info.source.as_deref(), info.line_defined) {
                (Some(source), Some(line)) if source.starts_with('@') => {
                    format!("function at {}:{line}", &source[1..])
                }
                _ => "function".into(),
            }
        }
        Value::Number(number) => {
            // As Lua writes it: a float stays one.
            let text = format!("{number:?}");
            text.strip_suffix("inf")
                .map_or(text.clone(), |sign| format!("{sign}inf"))
        }
        Value::UserData(_) => value.to_string().unwrap_or_else(|_| "userdata".into()),
        Value::Thread(_) => "coroutine".into(),
        other => other
            .to_string()
            .unwrap_or_else(|_| other.type_name().into()),
    }
}

fn entries(table: &Table, depth: usize, above: &mut Vec<*const c_void>) -> String {
    let length = table.raw_len();
    let in_order = |key: &Value| match key {
        Value::Integer(key) => usize::try_from(*key).is_ok_and(|key| (1..=length).contains(&key)),
        _ => false,
    };
    let mut named: Vec<(Value, Value)> = Vec::new();
    for pair in table.pairs::<Value, Value>().flatten() {
        if !in_order(&pair.0) {
            named.push(pair);
        }
    }
    named.sort_by(|(a, _), (b, _)| order(a, b));
    let total = length + named.len();
    let mut parts: Vec<String> = (1..=length.min(ENTRIES))
        .filter_map(|index| table.raw_get::<Value>(index).ok())
        .map(|value| inner(&value, depth + 1, above))
        .collect();
    for (key, value) in named.iter().take(ENTRIES.saturating_sub(parts.len())) {
        parts.push(format!(
            "{} = {}",
            self::key(key),
            inner(value, depth + 1, above)
        ));
    }
    if total > parts.len() {
        parts.push(format!("… {} more", total - parts.len()));
    }
    laid_out(&parts)
}

/// In a line where there is room, else a line each.
fn laid_out(parts: &[String]) -> String {
    if parts.is_empty() {
        return "{}".into();
    }
    let line = format!("{{ {} }}", parts.join(", "));
    if line.chars().count() <= LINE && !line.contains('\n') {
        return line;
    }
    let indented = |part: &String| format!("  {},\n", part.replace('\n', "\n  "));
    format!("{{\n{}}}", parts.iter().map(indented).collect::<String>())
}

fn key(key: &Value) -> String {
    match key {
        Value::String(text) if is_name(&text.as_bytes()) => text.to_string_lossy(),
        other => format!("[{}]", inspect(other)),
    }
}

fn is_name(bytes: &[u8]) -> bool {
    let first = bytes.first().is_some_and(|byte| !byte.is_ascii_digit());
    first
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// Numbers, then texts, then the rest.
fn order(a: &Value, b: &Value) -> Ordering {
    let number = |value: &Value| match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Number(number) => Some(*number),
        _ => None,
    };
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.as_bytes()[..].cmp(&b.as_bytes()[..]),
        _ => match (number(a), number(b)) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            _ => matches!(b, Value::String(_)).cmp(&matches!(a, Value::String(_))),
        },
    }
}

/// As Lua would read it, and safe to be shown on a terminal.
fn quoted(bytes: &[u8]) -> String {
    let mut marked = Vec::with_capacity(bytes.len());
    for byte in bytes {
        if matches!(byte, b'"' | b'\\') {
            marked.push(b'\\');
        }
        marked.push(*byte);
    }
    format!("\"{}\"", escape::printable(&marked))
}

#[cfg(test)]
mod tests {
    use super::inspect;
    use mlua::{Lua, Value};

    fn shown(text: &str) -> String {
        let lua = Lua::new();
        let value: Value = lua.load(text).eval().unwrap();
        inspect(&value)
    }

    #[test]
    fn values_are_written_as_a_program_writes_them() {
        assert_eq!(shown("return 42"), "42");
        assert_eq!(shown("return 1.5"), "1.5");
        assert_eq!(shown("return 3.0"), "3.0");
        assert_eq!(shown("return nil"), "nil");
        assert_eq!(
            shown(r#"return "a\"b\n\27[2J\255""#),
            r#""a\"b\n\x1b[2J\xff""#
        );
        assert_eq!(shown("return {}"), "{}");
        assert_eq!(
            shown("return { 1, 'two', b = 2, a = { x = true }, [10] = 0, ['a b'] = 1 }"),
            r#"{ 1, "two", [10] = 0, a = { x = true }, ["a b"] = 1, b = 2 }"#
        );
        assert_eq!(shown("local t = {} t.t = t return t"), "{ t = { itself } }");
    }

    #[test]
    fn what_has_no_room_in_a_line_has_a_line_an_entry_and_long_tables_end_early() {
        let rows = shown(
            "local t = {} for i = 1, 3 do t[i] = { comm = ('x'):rep(30), count = i } end return t",
        );
        assert_eq!(rows.lines().count(), 5, "{rows}");
        assert!(rows.contains("  { comm = \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\", count = 1 },\n"));
        let long = shown("local t = {} for i = 1, 1000 do t[i] = i end return t");
        assert!(long.ends_with("  … 900 more,\n}"), "{long}");
    }
}
