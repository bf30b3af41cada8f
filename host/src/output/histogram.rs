//! Histograms as bpftrace draws them.

use crate::rows::{Bucket, Histogram};
use std::fmt::Write;

/// Columns of the longest bar.
const BAR: usize = 52;

/// A line a bucket.
pub(super) fn draw(histogram: &Histogram) -> String {
    let most = histogram
        .buckets
        .iter()
        .map(|bucket| bucket.count)
        .max()
        .unwrap_or(0);
    let mut out = String::new();
    for bucket in &histogram.buckets {
        line(&mut out, bucket, most);
    }
    out
}

fn line(out: &mut String, bucket: &Bucket, most: u64) {
    let label = label(bucket);
    let count = bucket.count;
    let filled = u128::from(count) * BAR as u128 / u128::from(most.max(1));
    let bar = "@".repeat(filled as usize);
    // Writing to a String can't fail.
    let _ = writeln!(out, "{label:<16} {count:>8} |{bar:<BAR$}|");
}

/// `[min, max)` with an exclusive end, as bpftrace writes it; `max` is inclusive here.
fn label(bucket: &Bucket) -> String {
    match (bucket.min, bucket.max) {
        (None, None) => "(..., ...)".into(),
        (None, Some(max)) => format!("(..., {})", scaled(max.saturating_add(1))),
        (Some(min), None) => format!("[{}, ...)", scaled(min)),
        (Some(min), Some(max)) if min == max => format!("[{}]", scaled(min)),
        (Some(min), Some(max)) => format!("[{}, {})", scaled(min), scaled(max.saturating_add(1))),
    }
}

/// Multiples of powers of 1024 by their letters.
fn scaled(value: i128) -> String {
    let mut rest = value;
    let mut letter = "";
    for next in ["K", "M", "G", "T", "P", "E"] {
        if rest.unsigned_abs() < 1024 || rest % 1024 != 0 {
            break;
        }
        rest /= 1024;
        letter = next;
    }
    format!("{rest}{letter}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use moontrace_abi::bucket::{BUCKETS, bounds};

    /// As event makes them of the kernel's words.
    fn histogram(counts: &[(usize, u64)]) -> Histogram {
        let (first, last) = match counts {
            [] => return Histogram::default(),
            [first, ..] => (first.0, counts[counts.len() - 1].0),
        };
        let bucket = |bucket: usize| {
            let bounds = bounds(bucket, 0);
            let filled = counts.iter().find(|(number, _)| *number == bucket);
            Bucket {
                min: bounds.map(|(min, _)| min.into()),
                max: Some(bounds.map_or(-1, |(_, max)| max.into())),
                count: filled.map_or(0, |(_, count)| *count),
            }
        };
        Histogram {
            count: counts.iter().map(|(_, count)| count).sum(),
            buckets: (first..=last).map(bucket).collect(),
        }
    }

    #[test]
    fn a_histogram_is_drawn_as_bpftrace_draws_it() {
        insta::assert_snapshot!(draw(&histogram(&[(1, 12), (2, 4), (5, 90), (7, 1), (12, 3)])), @r"
        [0]                    12 |@@@@@@                                              |
        [1]                     4 |@@                                                  |
        [2, 4)                  0 |                                                    |
        [4, 8)                  0 |                                                    |
        [8, 16)                90 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|
        [16, 32)                0 |                                                    |
        [32, 64)                1 |                                                    |
        [64, 128)               0 |                                                    |
        [128, 256)              0 |                                                    |
        [256, 512)              0 |                                                    |
        [512, 1K)               0 |                                                    |
        [1K, 2K)                3 |@                                                   |
        ");
    }

    #[test]
    fn negative_values_have_one_bucket_before_all_others() {
        insta::assert_snapshot!(draw(&histogram(&[(0, 2), (2, 1)])), @r"
        (..., 0)                2 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|
        [0]                     0 |                                                    |
        [1]                     1 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |
        ");
    }

    #[test]
    fn the_largest_values_are_drawn_without_overflow() {
        let drawn = draw(&histogram(&[
            (0, u64::MAX / 2),
            (BUCKETS - 1, u64::MAX / 2),
        ]));
        assert_eq!(drawn.lines().count(), BUCKETS);
        assert!(
            drawn
                .lines()
                .last()
                .is_some_and(|line| line.starts_with("[8E, 16E)")),
            "{drawn}"
        );
        assert_eq!(draw(&Histogram::default()), "");
    }
}
