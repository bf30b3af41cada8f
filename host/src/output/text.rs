//! Rows as people read them.

use super::histogram;
use crate::rows::{Table, Value};

/// A value on its own. What came from traced processes can't change the terminal: control bytes are shown escaped.
pub fn value(value: &Value) -> String {
    match value {
        Value::Nil => "<fault>".into(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Unsigned(value) => value.to_string(),
        Value::Str(bytes) => printable(bytes),
        Value::Hist(histogram) => format!("{} values", histogram.count),
    }
}

fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if !text.contains(char::is_control) {
        return text.into_owned();
    }
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}

fn is_number(value: &Value) -> bool {
    matches!(value, Value::Int(_) | Value::Unsigned(_))
}

/// The columns of `:print`: a heading before the first row, and widths that grow but never shrink.
#[derive(Debug, Default)]
pub struct Columns {
    names: Vec<String>,
    widths: Vec<usize>,
}

impl Columns {
    /// The line of a row, with the heading before it when its fields are not those of the row before.
    pub fn row(&mut self, fields: &[(&str, Value)]) -> String {
        let cells: Vec<String> = fields.iter().map(|(_, of)| value(of)).collect();
        let mut out = String::new();
        if self.names.len() != fields.len() || self.names.iter().zip(fields).any(|(there, (name, _))| there != name) {
            self.names = fields.iter().map(|(name, _)| (*name).to_string()).collect();
            self.widths = fields.iter().map(|(name, of)| first_width(name, of)).collect();
            let headings: Vec<String> = self.names.iter().map(|name| name.to_uppercase()).collect();
            out = self.line(&headings, fields);
        }
        for (width, cell) in self.widths.iter_mut().zip(&cells) {
            *width = (*width).max(cell.chars().count());
        }
        out + &self.line(&cells, fields)
    }

    /// Numbers stand right, but for the last column, which is as wide as it is.
    fn line(&self, cells: &[String], fields: &[(&str, Value)]) -> String {
        let mut out = String::new();
        for (number, (cell, width)) in cells.iter().zip(&self.widths).enumerate() {
            let last = number + 1 == cells.len();
            let right = fields.get(number).is_some_and(|(_, of)| is_number(of));
            match (right, last) {
                (true, _) => out.push_str(&format!("{cell:>width$}")),
                (false, true) => out.push_str(cell),
                (false, false) => out.push_str(&format!("{cell:width$}")),
            }
            out.push_str(if last { "\n" } else { " " });
        }
        out
    }
}

/// Widths that most values of a kind fit into, so that columns seldom move.
fn first_width(name: &str, of: &Value) -> usize {
    let usual = match (name, of) {
        ("time", _) => 15,
        ("comm", _) => 16,
        (_, Value::Int(_) | Value::Unsigned(_)) => 7,
        (_, Value::Str(_)) => 12,
        _ => 5,
    };
    usual.max(name.chars().count())
}

/// A tally as a table, its largest row last. Histograms are drawn one under the other.
pub fn table(table: &Table, title: Option<&str>) -> String {
    let mut out = title.map_or(String::new(), |title| format!("{title}\n"));
    let hists: Vec<usize> = columns_of(table, |of| matches!(of, Value::Hist(_)));
    if !hists.is_empty() {
        return out + &drawn(table, &hists);
    }
    if table.keys.is_empty() {
        for row in &table.rows {
            for (name, of) in table.columns.iter().zip(row) {
                out.push_str(&format!("{}: {}\n", heading(table, name), value(of)));
            }
        }
        return out;
    }
    let headings: Vec<String> = table.keys.iter().chain(&table.columns).map(|name| name.to_uppercase()).collect();
    let cells: Vec<Vec<String>> = table.rows.iter().map(|row| row.iter().map(value).collect()).collect();
    let width = |column: usize| {
        let longest = cells.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
        longest.unwrap_or(0).max(headings[column].chars().count())
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let numbers = columns_of(table, is_number);
    for row in std::iter::once(&headings).chain(&cells) {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = widths[column];
            let padded = if numbers.contains(&column) { format!("{cell:>width$}") } else { format!("{cell:width$}") };
            line.push_str(&padded);
            line.push_str("  ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// Columns in which every row has a value that is one.
fn columns_of(table: &Table, is: impl Fn(&Value) -> bool) -> Vec<usize> {
    let width = table.keys.len() + table.columns.len();
    let all = |column: &usize| !table.rows.is_empty() && table.rows.iter().all(|row| row.get(*column).is_some_and(&is));
    (0..width).filter(all).collect()
}

/// `@name`, with its column where that says more.
fn heading(table: &Table, column: &str) -> String {
    if table.columns.len() > 1 { format!("@{} {column}", table.name) } else { format!("@{}", table.name) }
}

fn drawn(table: &Table, hists: &[usize]) -> String {
    let mut out = String::new();
    for row in &table.rows {
        let keys: Vec<String> = row.iter().take(table.keys.len()).map(value).collect();
        let key = if keys.is_empty() { String::new() } else { format!("[{}]", keys.join(", ")) };
        for (column, of) in row.iter().enumerate().skip(table.keys.len()) {
            let name = table.columns.get(column - table.keys.len()).map_or("", String::as_str);
            let heading = heading(table, name);
            match of {
                Value::Hist(histogram) if hists.contains(&column) => {
                    out.push_str(&format!("{heading}{key}:\n{}\n", histogram::draw(histogram)));
                }
                other => out.push_str(&format!("{heading}{key}: {}\n", value(other))),
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned_with_its_largest_row_last() {
        let shown = Table {
            name: "n".into(),
            keys: vec!["comm".into()],
            columns: vec!["count".into()],
            rows: vec![
                vec![Value::Str(b"sh".to_vec()), Value::Int(9)],
                vec![Value::Str(b"x\x1b[2J".to_vec()), Value::Int(12345)],
            ],
        };
        assert_eq!(table(&shown, None), "COMM         COUNT\nsh               9\nx\\u{1b}[2J  12345\n");
    }

    #[test]
    fn a_tally_without_keys_is_a_line() {
        let shown =
            Table { name: "n".into(), keys: vec![], columns: vec!["count".into()], rows: vec![vec![Value::Int(7)]] };
        assert_eq!(table(&shown, None), "@n: 7\n");
    }

    #[test]
    fn rows_of_events_have_a_heading_once_and_keep_their_columns() {
        let mut columns = Columns::default();
        let row = |pid, comm: &str| [("pid", Value::Int(pid)), ("comm", Value::Str(comm.into()))];
        assert_eq!(columns.row(&row(1, "a")), "    PID COMM\n      1 a\n");
        assert_eq!(columns.row(&row(123_456_789, "b")), "123456789 b\n");
        assert_eq!(columns.row(&row(2, "c")), "        2 c\n");
    }
}
