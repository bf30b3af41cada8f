//! Stacks as people read them: below the row that they are part of, a line a frame.

use crate::rows::escape;
use crate::rows::{Stack, Value};

/// How far frames are indented.
const INDENT: &str = "    ";

/// The frames of a row's stacks, one stack under the other with a line between. One without frames is said where it is
/// alone.
pub(super) fn below<'a>(values: impl IntoIterator<Item = &'a Value>) -> String {
    let stacks = values.into_iter().filter_map(|value| match value {
        Value::Stack(stack) => Some(frames(stack)),
        _ => None,
    });
    let stacks: Vec<String> = stacks.collect();
    let some = stacks.iter().filter(|frames| !frames.is_empty());
    let some: Vec<&str> = some.map(String::as_str).collect();
    match (some.is_empty(), stacks.is_empty()) {
        (true, false) => format!("{INDENT}[no frames]\n"),
        _ => some.join(&format!("{INDENT}--\n")),
    }
}

fn frames(stack: &Stack) -> String {
    let line = |text: String| format!("{INDENT}{}\n", escape::printable(text.as_bytes()));
    stack.lines().map(line).collect()
}

/// A stack within something else: in one line.
pub(super) fn in_line(stack: &Stack) -> String {
    let lines = stack.lines().map(|line| escape::printable(line.as_bytes()));
    lines.collect::<Vec<_>>().join(" < ")
}

pub(super) fn is_stack(value: &Value) -> bool {
    matches!(value, Value::Stack(_))
}

#[cfg(test)]
mod tests {
    use super::super::flame::tests::stack;
    use super::super::{EventRows, json, table};
    use super::*;
    use crate::rows::{RawEnd, Table};

    fn row(comm: &str, kernel: &[&str], end: RawEnd, count: i64) -> Vec<Value> {
        vec![
            Value::Str(comm.into()),
            stack(false, kernel, end),
            stack(true, &["read", "ma\x1bin"], RawEnd::Whole),
            Value::Int(count),
        ]
    }

    fn of(columns: &[&str], rows: Vec<Vec<Value>>) -> Table {
        Table {
            name: "t".into(),
            keys: ["comm", "kstack", "ustack"].map(String::from).to_vec(),
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
            absent: vec![Value::Int(0)],
            rows,
            ..Table::default()
        }
    }

    #[test]
    fn frames_stand_below_the_row_that_they_are_of() {
        let rows = vec![
            row("sh", &[], RawEnd::Whole, 7),
            row(
                "a-longer-one",
                &["vfs_read", "ksys_read"],
                RawEnd::Truncated,
                1234,
            ),
        ];
        insta::assert_snapshot!(table(&of(&["count"], rows), None), @r"
        COMM          COUNT
        sh                7
            read+16
            ma\x1bin+16

        a-longer-one   1234
            vfs_read+16
            ksys_read+16
            [truncated]
            --
            read+16
            ma\x1bin+16
        ");
    }

    #[test]
    fn rows_of_events_stand_apart_where_they_have_stacks() {
        let mut rows = EventRows::default();
        let first = rows.row(&[
            ("pid", Value::Int(1)),
            ("kstack", stack(false, &["f", "g"], RawEnd::Failed(14))),
        ]);
        let second = rows.row(&[
            ("pid", Value::Int(22)),
            ("kstack", stack(false, &["f"], RawEnd::Whole)),
        ]);
        insta::assert_snapshot!(first + &second, @r"
            PID
              1
            f+16
            g+16
            [failed: EFAULT]

             22
            f+16
        ");
        let alone = EventRows::default().row(&[("kstack", stack(false, &["f"], RawEnd::Whole))]);
        assert_eq!(alone, "    f+16\n\n");
        let none = stack(false, &[], RawEnd::Whole);
        let empty = EventRows::default().row(&[("kstack", none.clone()), ("ustack", none)]);
        assert_eq!(empty, "    [no frames]\n\n");
    }

    #[test]
    fn programs_get_frames_as_objects_and_what_is_missing_as_a_symbol() {
        let frames = stack(false, &["f", "g"], RawEnd::Truncated);
        let line = json::event("p", 1, 0, &[("kstack", frames)]);
        let data = r#"{"kstack":[{"addr":0,"symbol":"f","offset":16},{"addr":1,"symbol":"g","offset":16},{"symbol":"[truncated]"}]}"#;
        assert!(line.contains(data), "{line}");
    }
}
