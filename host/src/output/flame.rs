//! Stacks with their values: as lines of folded text, and as a flame graph.

use super::shown;
use crate::report::{Report, did_you_mean};
use crate::rows::{Flame, Stack, Table, Value};
use inferno::flamegraph::{self, Options};
use std::collections::BTreeMap;

/// A line for each stack, outermost frame first, and its value: `comm;main;read;vfs_read 12`, in the order of the text.
/// Keys that are no stacks stand before their frames; the process's frames before the kernel's, whose system calls they make.
///
/// # Errors
/// A table without stacks, or without the column.
pub fn folded(table: &Table, flame: &Flame) -> Result<String, Report> {
    let column = column(table, flame)?;
    let mut lines: BTreeMap<String, i128> = BTreeMap::new();
    for row in &table.rows {
        let (keys, columns) = row.split_at(table.keys.len().min(row.len()));
        let value = columns.get(column).and_then(Value::amount).unwrap_or(0);
        *lines.entry(line(keys)).or_default() += value;
    }
    // What is nothing, or less, has no width.
    let lines = lines.into_iter().filter(|(_, value)| *value > 0);
    Ok(lines
        .map(|(line, value)| format!("{line} {value}\n"))
        .collect())
}

/// A flame graph as an SVG image.
///
/// # Errors
/// As [`folded`], and a table that is empty.
pub fn svg(table: &Table, flame: &Flame) -> Result<Vec<u8>, Report> {
    let lines = folded(table, flame)?;
    if lines.is_empty() {
        let message = format!("there is no flame graph of '{}': it is empty", table.name);
        return Err(Report::new(message));
    }
    let mut options = Options::default();
    options.title = flame.title.clone().unwrap_or_else(|| table.name.clone());
    options.count_name = table.columns[column(table, flame)?].clone();
    let mut svg = Vec::new();
    flamegraph::from_lines(&mut options, lines.lines(), &mut svg)
        .map_err(|error| Report::new(format!("no flame graph can be drawn: {error}")))?;
    Ok(svg)
}

/// Which of the columns gives the widths. A table that no program has fed has none yet, and no rows.
fn column(table: &Table, flame: &Flame) -> Result<usize, Report> {
    let is_stack = |row: &Vec<Value>| row.iter().any(|value| matches!(value, Value::Stack(_)));
    if table.rows.first().is_some_and(|row| !is_stack(row)) {
        let message = format!("'{}' has no stack among its keys", table.name);
        return Err(Report::new(message).help("count by one: :by \"kstack\", :by \"comm, ustack\""));
    }
    let Some(name) = &flame.column else {
        return Ok(0);
    };
    let mut names = table.columns.iter();
    match names.position(|known| known == name) {
        Some(place) => Ok(place),
        None if table.columns.is_empty() => Ok(0),
        None => Err(Report {
            help: did_you_mean(name, table.columns.iter().map(String::as_str)),
            ..Report::new(format!("the table has no column '{name}'"))
        }),
    }
}

fn line(keys: &[Value]) -> String {
    let mut parts = Vec::new();
    let (mut users, mut kernels) = (Vec::new(), Vec::new());
    for key in keys {
        match key {
            Value::Stack(stack) if stack.raw.user => users.push(stack),
            Value::Stack(stack) => kernels.push(stack),
            other => parts.push(shown(other)),
        }
    }
    for stack in users.into_iter().chain(kernels) {
        frames(stack, &mut parts);
    }
    if parts.is_empty() {
        parts.push("[no frames]".to_owned());
    }
    let plain = |part: String| part.replace([';', '\n'], ":");
    parts.into_iter().map(plain).collect::<Vec<_>>().join(";")
}

fn frames(stack: &Stack, parts: &mut Vec<String>) {
    parts.extend(stack.mark());
    parts.extend(stack.frames.iter().rev().map(|frame| frame.name()));
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::rows::{Frame, RawEnd, RawStack};
    use std::sync::Arc;

    pub(in crate::output) fn stack(user: bool, symbols: &[&str], end: RawEnd) -> Value {
        let frame = |(number, symbol): (usize, &&str)| Frame {
            address: number as u64,
            symbol: Some((*symbol).into()),
            offset: 16,
            ..Frame::default()
        };
        Value::Stack(Arc::new(Stack {
            raw: RawStack {
                wanted: 127,
                user,
                process: [0, 0],
                addresses: (0..symbols.len() as u64).collect(),
                end,
            },
            frames: symbols.iter().enumerate().map(frame).collect(),
        }))
    }

    fn table(rows: Vec<Vec<Value>>) -> Table {
        Table {
            name: "t".into(),
            keys: ["kstack", "comm", "ustack"].map(String::from).to_vec(),
            columns: ["count", "bytes"].map(String::from).to_vec(),
            absent: vec![Value::Int(0), Value::Int(0)],
            rows,
            ..Table::default()
        }
    }

    fn row(kernel: &[&str], comm: &str, user: &[&str], count: i64, bytes: i64) -> Vec<Value> {
        let end = if user.is_empty() {
            RawEnd::Failed(14)
        } else {
            RawEnd::Whole
        };
        vec![
            stack(false, kernel, RawEnd::Whole),
            Value::Str(comm.into()),
            stack(true, user, end),
            Value::Int(count),
            Value::Int(bytes),
        ]
    }

    #[test]
    fn keys_stand_first_then_the_process_and_then_the_kernel_outermost_first() {
        let rows = vec![
            row(&["vfs_read", "ksys_read"], "a;b", &["read", "main"], 2, 10),
            row(&[], "sh", &[], 1, 5),
            // The same by other addresses.
            row(&[], "sh", &[], 4, -5),
        ];
        let of = table(rows);
        insta::assert_snapshot!(folded(&of, &Flame::default()).unwrap(), @r"
        a:b;main;read;ksys_read;vfs_read 2
        sh;[failed: EFAULT] 5
        ");
        let bytes = Flame {
            column: Some("bytes".into()),
            title: None,
        };
        assert_eq!(
            folded(&of, &bytes).unwrap(),
            "a:b;main;read;ksys_read;vfs_read 10\n"
        );
        let wrong = Flame {
            column: Some("byte".into()),
            title: None,
        };
        let report = folded(&of, &wrong).unwrap_err();
        assert_eq!(report.help.as_deref(), Some("did you mean 'bytes'?"));
    }

    #[test]
    fn a_picture_has_its_title_and_every_function() {
        let rows = vec![row(&["vfs_read"], "sh", &["main"], 2, 10)];
        let flame = Flame {
            column: None,
            title: Some("Reads <here>".into()),
        };
        let svg = String::from_utf8(svg(&table(rows), &flame).unwrap()).unwrap();
        for part in [
            "<svg",
            "Reads &lt;here&gt;",
            "vfs_read (2 count, 100.00%)",
            "main (2 count",
        ] {
            assert!(svg.contains(part), "{part}: {svg}");
        }
    }

    #[test]
    fn what_has_no_stacks_has_no_flames() {
        let plain = Table {
            rows: vec![vec![Value::Str(b"sh".to_vec()), Value::Int(1)]],
            ..table(Vec::new())
        };
        assert!(folded(&plain, &Flame::default()).is_err());
        assert_eq!(folded(&table(Vec::new()), &Flame::default()).unwrap(), "");
        assert!(svg(&table(Vec::new()), &Flame::default()).is_err());
    }
}
