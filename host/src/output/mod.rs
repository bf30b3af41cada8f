//! Rows → text and JSON: pure. One [`Writer`] owns the output stream.

pub mod books;
mod compound;
mod event_rows;
pub mod flame;
mod histogram;
pub mod json;
mod margin;
mod screen;
mod shown;
mod stacks;
mod table;
pub mod voice;
mod writer;

pub use event_rows::EventRows;
pub use margin::{Margin, Use};
pub use table::table;
pub use writer::{Format, Stream, WriteError, Writer, attached};

use crate::rows::{Shown, Stats, Value, escape};

/// A value as people read it. What comes from traced processes can't steer a terminal: control bytes are shown escaped.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Nil => "<fault>".into(),
        Value::Null => "NULL".into(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Unsigned(value) => value.to_string(),
        Value::Str(bytes) | Value::Bytes(bytes) => escape::printable(bytes),
        Value::Float(value) => format!("{value:.2}"),
        Value::Stats(stats) => stats_in_words(stats),
        Value::Hist(histogram) => format!("{} values", histogram.count),
        Value::Named(value, shown) => shown::named(*value, shown),
        Value::List(_) | Value::Struct(_) => compound::compound(value),
        Value::Stack(stack) => stacks::in_line(stack),
    }
}

/// Statistics where they have no columns of their own.
fn stats_in_words(stats: &Stats) -> String {
    let mut words = format!("count {}, sum {}", stats.count, stats.sum);
    if let (Some(average), Some((min, max))) = (stats.average(), stats.ends) {
        words.push_str(&format!(", avg {average:.2}, min {min}, max {max}"));
    }
    words
}

/// Numbers stand at the right of their column, everything else at the left.
fn is_number(value: &Value) -> bool {
    matches!(
        value,
        Value::Int(_) | Value::Unsigned(_) | Value::Float(_) | Value::Named(_, Shown::Time)
    )
}

/// How many columns of a terminal a text takes, nearly: wide characters are counted as one.
fn width(text: &str) -> usize {
    text.chars().count()
}

/// Appends a cell of at least `width` columns.
fn pad(line: &mut String, cell: &str, width: usize, right: bool) {
    let missing = width.saturating_sub(self::width(cell));
    let blanks = |line: &mut String| line.extend(std::iter::repeat_n(' ', missing));
    if right {
        blanks(line);
    }
    line.push_str(cell);
    if !right {
        blanks(line);
    }
}
