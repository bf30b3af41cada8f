//! Rows of `:print` as aligned columns under a heading.

use super::stacks::{below, is_stack};
use super::{is_number, pad, shown, width};
use crate::rows::Value;

/// Columns that a cell may make a column grow to; a longer one sticks out of its own row only.
const WIDEST: usize = 40;

/// The rows of all probes. Those with the same fields share their heading and columns.
#[derive(Debug, Default)]
pub struct EventRows {
    kinds: Vec<Kind>,
}

/// Rows with the same fields.
#[derive(Debug)]
struct Kind {
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    name: String,
    width: usize,
    /// Does it hold numbers? Not known while its values are nil.
    right: Option<bool>,
}

impl EventRows {
    /// The line of a row, the heading before it where its fields were not seen before, and its stacks below. Columns grow
    /// and never shrink.
    pub fn row(&mut self, all: &[(&str, Value)]) -> String {
        let fields = all.iter().filter(|(_, value)| !is_stack(value)).cloned();
        let fields: Vec<(&str, Value)> = fields.collect();
        let mut out = self.plain(&fields);
        let stacks = below(all.iter().map(|(_, value)| value));
        if !stacks.is_empty() {
            out.push_str(&stacks);
            // Rows of several lines stand apart.
            out.push('\n');
        }
        out
    }

    fn plain(&mut self, fields: &[(&str, Value)]) -> String {
        if fields.is_empty() {
            return String::new();
        }
        let cells: Vec<String> = fields.iter().map(|(_, value)| shown(value)).collect();
        let known = self.kinds.iter().position(|kind| kind.has(fields));
        let number = known.unwrap_or_else(|| {
            self.kinds.push(Kind::new(fields));
            self.kinds.len() - 1
        });
        let kind = &mut self.kinds[number];
        kind.fit(fields, &cells);
        let mut out = String::new();
        if known.is_none() {
            let headings: Vec<String> =
                fields.iter().map(|(name, _)| name.to_uppercase()).collect();
            kind.line(&mut out, &headings);
        }
        kind.line(&mut out, &cells);
        out
    }
}

impl Kind {
    fn new(fields: &[(&str, Value)]) -> Self {
        let column = |(name, value): &(&str, Value)| Column {
            name: (*name).into(),
            width: usual_width(name, value).max(width(name)),
            right: None,
        };
        Self {
            columns: fields.iter().map(column).collect(),
        }
    }

    fn has(&self, fields: &[(&str, Value)]) -> bool {
        let names = self.columns.iter().map(|column| column.name.as_str());
        names.eq(fields.iter().map(|(name, _)| *name))
    }

    fn fit(&mut self, fields: &[(&str, Value)], cells: &[String]) {
        for ((column, (_, value)), cell) in self.columns.iter_mut().zip(fields).zip(cells) {
            column.width = column.width.max(width(cell).min(WIDEST));
            if column.right.is_none() && *value != Value::Nil {
                column.right = Some(is_number(value));
            }
        }
    }

    fn line(&self, out: &mut String, cells: &[String]) {
        let mut line = String::new();
        for (column, cell) in self.columns.iter().zip(cells) {
            if !line.is_empty() {
                line.push(' ');
            }
            pad(&mut line, cell, column.width, column.right.unwrap_or(false));
        }
        out.push_str(line.trim_end_matches(' '));
        out.push('\n');
    }
}

/// What most values of a kind fit into, so that columns seldom move.
fn usual_width(name: &str, value: &Value) -> usize {
    match (name, value) {
        // Nanoseconds since boot, for some weeks.
        ("time", _) => 16,
        // The kernel's own limit.
        ("comm", _) => 15,
        (_, Value::Int(_) | Value::Unsigned(_)) => 7,
        (_, Value::Str(_) | Value::Bytes(_)) => 12,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Str(text.into())
    }

    #[test]
    fn a_heading_comes_once_and_columns_never_shrink() {
        let mut rows = EventRows::default();
        let row = |pid, file: &str| {
            [
                ("pid", Value::Int(pid)),
                ("file", text(file)),
                ("ret", Value::Int(-2)),
            ]
        };
        assert_eq!(
            rows.row(&row(1, "/etc")),
            "    PID FILE             RET\n      1 /etc              -2\n"
        );
        assert_eq!(
            rows.row(&row(123_456_789, "/a/longer/path")),
            "123456789 /a/longer/path      -2\n"
        );
        assert_eq!(rows.row(&row(2, "b")), "        2 b                   -2\n");
    }

    #[test]
    fn a_very_long_cell_moves_its_own_row_only() {
        let mut rows = EventRows::default();
        let row = |file: &str| [("file", text(file)), ("n", Value::Int(1))];
        rows.row(&row(&"x".repeat(200)));
        assert_eq!(
            rows.row(&row("short")),
            format!("{:40} {:>7}\n", "short", 1)
        );
    }

    #[test]
    fn a_value_that_could_not_be_read_keeps_its_place() {
        let mut rows = EventRows::default();
        let row = |size| [("size", size), ("comm", text("sh\x1b[0m"))];
        assert_eq!(
            rows.row(&row(Value::Nil)),
            "SIZE    COMM\n<fault> sh\\x1b[0m\n"
        );
        assert_eq!(rows.row(&row(Value::Unsigned(5))), "      5 sh\\x1b[0m\n");
    }

    #[test]
    fn rows_with_other_fields_have_a_heading_of_their_own() {
        let mut rows = EventRows::default();
        rows.row(&[("pid", Value::Int(1))]);
        assert_eq!(rows.row(&[("tid", Value::Int(2))]), "    TID\n      2\n");
        assert_eq!(rows.row(&[("pid", Value::Int(3))]), "      3\n");
    }
}
