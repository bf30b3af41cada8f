//! The one table that is printed, and the statistics in it.

use std::fmt;

/// Rows of: what, how much, against what, the ratio of both.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<[String; 4]>,
}

impl Table {
    /// A measured value against one that is to be kept to or compared with, both in `unit`.
    pub(crate) fn row(
        &mut self,
        what: impl Into<String>,
        value: f64,
        unit: &str,
        against: Against,
    ) {
        let show = |value: f64| match value {
            value if value.fract() == 0.0 => format!("{value:.0} {unit}"),
            value if value.abs() < 10.0 => format!("{value:.2} {unit}"),
            value => format!("{value:.1} {unit}"),
        };
        let (against, ratio) = match against {
            Against::Nothing => (String::new(), String::new()),
            Against::Target(most) => (
                format!("at most {}", show(most)),
                format!("{:.2} x", value / most),
            ),
            Against::Hand(hand) => (
                format!("{} by hand", show(hand)),
                format!("{:.3} x", value / hand),
            ),
            Against::Rival(theirs) => (
                format!("{} by bpftrace", show(theirs)),
                format!("{:.3} x", value / theirs),
            ),
            Against::Empty(empty) => (format!("{} empty", show(empty)), String::new()),
        };
        self.rows.push([what.into(), show(value), against, ratio]);
    }
}

/// What a value is compared with.
pub(crate) enum Against {
    Nothing,
    /// The most that it may be.
    Target(f64),
    /// The same, written by hand.
    Hand(f64),
    /// The same by bpftrace.
    Rival(f64),
    /// What there would be without anything of ours.
    Empty(f64),
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            self.rows
                .iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: [usize; 4] = std::array::from_fn(width);
        for [what, value, against, ratio] in &self.rows {
            let [a, b, c, d] = widths;
            writeln!(f, "{what:<a$}  {value:>b$}  {against:>c$}  {ratio:>d$}")?;
        }
        Ok(())
    }
}

/// The value at a share (0 to 1) of the sorted values; 0 of none.
pub(crate) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
    sorted.get(at).copied().unwrap_or(0.0)
}

pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}
