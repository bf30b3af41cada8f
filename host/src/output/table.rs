//! A tally as people read it: a table, or histograms drawn one under the other.

use super::stacks::{below, is_stack};
use super::{histogram, is_number, pad, shown, width};
use crate::rows::{Table, Value};

/// Columns that a cell may make a column grow to; a longer one sticks out of its own row only.
const WIDEST: usize = 60;

/// A tally, its largest row last.
///
/// With keys, a heading of key and column names and a line a row; without, a line a column. Where a column is a
/// histogram, each row's is drawn below a line of its key and its other columns. The frames of stacks stand below their row.
pub fn table(table: &Table, title: Option<&str>) -> String {
    let mut out = title.map_or_else(String::new, |title| format!("{title}\n"));
    let is_histogram = |value: &Value| matches!(value, Value::Hist(_));
    if table.rows.is_empty() {
        out.push_str(&format!("@{}: nothing yet\n", table.name));
    } else if table.rows.iter().flatten().any(is_histogram) {
        draw(&mut out, table);
    } else if table.keys.is_empty() {
        for (column, value) in table.columns.iter().zip(table.rows.iter().flatten()) {
            out.push_str(&format!("{}: {}\n", called(table, column), cell(value)));
        }
    } else {
        align(&mut out, table);
    }
    out
}

/// `@name`, and which of its columns where it has several.
fn called(table: &Table, column: &str) -> String {
    match table.columns.len() {
        0 | 1 => format!("@{}", table.name),
        _ => format!("@{} {column}", table.name),
    }
}

/// A column of the table as it is printed: its heading, and a cell a row.
struct Printed {
    heading: String,
    cells: Vec<String>,
    right: bool,
}

/// Statistics have a column for each of theirs.
fn printed(table: &Table) -> Vec<Printed> {
    let mut all = Vec::new();
    for (number, name) in table.keys.iter().chain(&table.columns).enumerate() {
        let values: Vec<&Value> = table
            .rows
            .iter()
            .filter_map(|row| row.get(number))
            .collect();
        if values.iter().any(|value| is_stack(value)) {
            continue;
        }
        let is_stats = |value: &&Value| matches!(value, Value::Stats(_));
        if values.iter().any(is_stats) {
            let parts = STATS.iter().zip(0..);
            all.extend(parts.map(|(part, index)| {
                Printed {
                    heading: match name.as_str() {
                        "stats" => part.to_uppercase(),
                        name => format!("{name}.{part}").to_uppercase(),
                    },
                    cells: values
                        .iter()
                        .map(|value| stats_cell(value, index))
                        .collect(),
                    right: true,
                }
            }));
            continue;
        }
        let is_key = number < table.keys.len();
        let mut known = values.iter().filter(|value| ***value != Value::Nil);
        all.push(Printed {
            heading: name.to_uppercase(),
            right: !is_key || known.next().is_some_and(|value| is_number(value)),
            cells: match is_key {
                true => values.iter().map(|value| shown(value)).collect(),
                false => values.iter().map(|value| cell(value)).collect(),
            },
        });
    }
    all
}

/// A value of a column: of no values there is no average, nor a smallest one.
fn cell(value: &Value) -> String {
    match value {
        Value::Nil => "-".to_owned(),
        value => shown(value),
    }
}

const STATS: [&str; 5] = ["count", "sum", "avg", "min", "max"];

/// Of statistics the one at that place of [`STATS`].
fn stats_cell(value: &Value, index: usize) -> String {
    let Value::Stats(stats) = value else {
        return shown(value);
    };
    let part = match index {
        0 => Some(stats.count.to_string()),
        1 => Some(stats.sum.to_string()),
        2 => stats.average().map(|average| shown(&Value::Float(average))),
        3 => stats.ends.map(|(min, _)| min.to_string()),
        _ => stats.ends.map(|(_, max)| max.to_string()),
    };
    part.unwrap_or_else(|| "-".to_owned())
}

fn align(out: &mut String, table: &Table) {
    let columns = printed(table);
    let widths: Vec<usize> = columns
        .iter()
        .map(|column| {
            let cells = column.cells.iter().map(|cell| width(cell).min(WIDEST));
            cells.max().unwrap_or(0).max(width(&column.heading))
        })
        .collect();
    let line = |cell: &dyn Fn(&Printed) -> Option<&String>| {
        let mut line = String::new();
        for (number, (column, width)) in columns.iter().zip(&widths).enumerate() {
            line.push_str(if number == 0 { "" } else { "  " });
            pad(
                &mut line,
                cell(column).map_or("", |cell| cell),
                *width,
                column.right,
            );
        }
        line.truncate(line.trim_end_matches(' ').len());
        line.push('\n');
        line
    };
    out.push_str(&line(&|column| Some(&column.heading)));
    for row in 0..table.rows.len() {
        out.push_str(&line(&|column| column.cells.get(row)));
        let stacks = below(table.rows.get(row).into_iter().flatten());
        out.push_str(&stacks);
        // Rows of several lines stand apart.
        if !stacks.is_empty() && row + 1 < table.rows.len() {
            out.push('\n');
        }
    }
}

/// Below the line of a row's first histogram stand its others, each below a line of its own.
fn draw(out: &mut String, table: &Table) {
    for row in &table.rows {
        let (keys, values) = row.split_at(table.keys.len().min(row.len()));
        let stacks = below(keys);
        let keys = keys.iter().filter(|key| !is_stack(key));
        let keys: Vec<String> = keys.map(shown).collect();
        let key = if keys.is_empty() {
            String::new()
        } else {
            format!("[{}]", keys.join(", "))
        };
        let (mut histograms, mut others) = (Vec::new(), String::new());
        for (name, value) in table.columns.iter().zip(values) {
            match value {
                Value::Hist(of) => histograms.push((name, of)),
                other => others.push_str(&format!(" {name} {}", cell(other))),
            }
        }
        for (name, of) in &histograms {
            let name = if histograms.len() > 1 {
                format!(" {name}")
            } else {
                String::new()
            };
            let others = std::mem::take(&mut others);
            out.push_str(&format!(
                "@{}{key}{name}:{others}\n{stacks}{}\n",
                table.name,
                histogram::draw(of)
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{Bucket, Histogram, Stats};
    use std::sync::Arc;

    fn of(keys: &[&str], columns: &[&str], rows: Vec<Vec<Value>>) -> Table {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Table {
            name: "reads".into(),
            keys: owned(keys),
            columns: owned(columns),
            rows,
            ..Table::default()
        }
    }

    fn text(text: &str) -> Value {
        Value::Str(text.into())
    }

    fn values(count: u64) -> Value {
        let bucket = Bucket {
            min: Some(1),
            max: Some(1),
            count,
        };
        Value::Hist(Arc::new(Histogram {
            count,
            buckets: vec![bucket],
        }))
    }

    #[test]
    fn columns_are_aligned_below_their_names() {
        let rows = vec![
            vec![
                text("sh"),
                Value::Int(-1),
                Value::Int(9),
                Value::Unsigned(u64::MAX),
            ],
            vec![
                text("x\x1b[2J"),
                Value::Int(1234),
                Value::Int(12345),
                Value::Nil,
            ],
        ];
        insta::assert_snapshot!(table(&of(&["comm", "fd"], &["count", "sum"], rows), Some("Reads by command")), @r"
        Reads by command
        COMM        FD  COUNT                   SUM
        sh          -1      9  18446744073709551615
        x\x1b[2J  1234  12345                     -
        ");
    }

    #[test]
    fn without_keys_there_is_a_line_a_column() {
        let row = || vec![vec![Value::Int(7), Value::Int(-3)]];
        assert_eq!(
            table(&of(&[], &["count"], vec![vec![Value::Int(7)]]), None),
            "@reads: 7\n"
        );
        assert_eq!(
            table(&of(&[], &["count", "sum"], row()), None),
            "@reads count: 7\n@reads sum: -3\n"
        );
    }

    #[test]
    fn statistics_have_columns_of_their_own_and_nothing_is_a_dash() {
        let stats = Value::Stats(Stats {
            count: 3,
            sum: -10,
            ends: Some((-20, 9)),
        });
        let rows = vec![
            vec![text("sh"), Value::Stats(Stats::default()), Value::Nil],
            vec![text("dd"), stats.clone(), Value::Float(2.5)],
        ];
        insta::assert_snapshot!(table(&of(&["comm"], &["stats", "avg"], rows), None), @r"
        COMM  COUNT  SUM    AVG  MIN  MAX   AVG
        sh        0    0      -    -    -     -
        dd        3  -10  -3.33  -20    9  2.50
        ");
        assert_eq!(
            table(&of(&[], &["stats"], vec![vec![stats]]), None),
            "@reads: count 3, sum -10, avg -3.33, min -20, max 9\n"
        );
    }

    #[test]
    fn an_empty_tally_says_so() {
        assert_eq!(
            table(&of(&["comm"], &["count"], Vec::new()), None),
            "@reads: nothing yet\n"
        );
    }

    #[test]
    fn each_key_stands_before_its_histogram_with_the_other_columns() {
        let rows = vec![
            vec![
                text("sh"),
                Value::Int(3),
                Value::Int(40),
                values(40),
                values(2),
            ],
            vec![
                text("dd"),
                Value::Int(4),
                Value::Int(50),
                values(50),
                values(5),
            ],
        ];
        insta::assert_snapshot!(table(&of(&["comm", "fd"], &["count", "took", "size"], rows), None), @r"
        @reads[sh, 3] took: count 40
        [1]                    40 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|

        @reads[sh, 3] size:
        [1]                     2 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|

        @reads[dd, 4] took: count 50
        [1]                    50 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|

        @reads[dd, 4] size:
        [1]                     5 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|
        ");
        let plain = of(&[], &["hist"], vec![vec![values(3)]]);
        insta::assert_snapshot!(table(&plain, None), @r"
        @reads:
        [1]                     3 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|
        ");
    }
}
