//! Histograms as bpftrace draws them.

use crate::rows::{Bucket, Histogram};
use std::fmt::Write;

/// Columns of a bar.
const BAR: usize = 52;

/// A line a bucket, from the lowest to the highest that has anything; empty ones between them are shown.
pub(super) fn draw(histogram: &Histogram) -> String {
    let most = histogram.buckets.iter().map(|bucket| bucket.count).max().unwrap_or(0).max(1);
    let mut out = String::new();
    let mut next = None;
    for bucket in &histogram.buckets {
        while let Some(empty) = next.filter(|empty: &Bucket| empty.min < bucket.min) {
            line(&mut out, &empty, most);
            next = after(&empty);
        }
        line(&mut out, bucket, most);
        next = after(bucket);
    }
    out
}

/// The log2 bucket behind one, empty.
fn after(bucket: &Bucket) -> Option<Bucket> {
    let max = bucket.max?;
    let (min, max) = if max < 0 { (0, 0) } else { (max + 1, if max == 0 { 1 } else { 2 * max + 1 }) };
    Some(Bucket { min: Some(min), max: Some(max), count: 0 })
}

fn line(out: &mut String, bucket: &Bucket, most: u64) {
    let label = match (bucket.min, bucket.max) {
        (None, _) => "(..., 0)".into(),
        (Some(min), Some(max)) if min == max => format!("[{}]", short(min)),
        (Some(min), None) => format!("[{}, ...)", short(min)),
        (Some(min), Some(max)) => format!("[{}, {})", short(min), short(max + 1)),
    };
    let filled = (u128::from(bucket.count) * BAR as u128 / u128::from(most)) as usize;
    // Writing to a String can't fail.
    let _ = writeln!(out, "{label:16} {:>8} |{:BAR$}|", bucket.count, "@".repeat(filled));
}

/// Powers of 1024 by their letters.
fn short(value: i128) -> String {
    let mut value = value;
    for letter in ["", "K", "M", "G", "T", "P"] {
        if value < 1024 || value % 1024 != 0 {
            return format!("{value}{letter}");
        }
        value /= 1024;
    }
    format!("{value}E")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(min: Option<i128>, max: Option<i128>, count: u64) -> Bucket {
        Bucket { min, max, count }
    }

    #[test]
    fn a_histogram_is_drawn_as_bpftrace_draws_it() {
        let histogram = Histogram {
            count: 13,
            buckets: vec![
                bucket(None, Some(-1), 2),
                bucket(Some(1), Some(1), 1),
                bucket(Some(4), Some(7), 4),
                bucket(Some(1024), Some(2047), 6),
            ],
        };
        let drawn = draw(&histogram);
        let lines: Vec<&str> = drawn.lines().collect();
        assert_eq!(lines[0], format!("(..., 0)                2 |{:52}|", "@".repeat(17)));
        assert_eq!(lines[1], format!("[0]                     0 |{:52}|", ""));
        assert_eq!(lines[2], format!("[1]                     1 |{:52}|", "@".repeat(8)));
        assert_eq!(lines[3], format!("[2, 4)                  0 |{:52}|", ""));
        assert_eq!(lines.last(), Some(&format!("[1K, 2K)                6 |{:52}|", "@".repeat(52)).as_str()));
        assert_eq!(lines.len(), 13);
    }
}
