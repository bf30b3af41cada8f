//! Buckets of histograms: pure arithmetic, tested on the host and used in the kernel.
//!
//! Log2 buckets are negative, 0, 1, [2,4), [4,8), …, [2^63, 2^64); finer ones split each power of two into `2^bits` equal
//! parts.

/// Buckets of a log2 histogram.
pub const BUCKETS: usize = buckets(0);
/// The most bits that a power of two is split by.
pub const FINEST: u8 = 5;

/// Buckets of a histogram whose powers of two are split by so many bits.
pub const fn buckets(bits: u8) -> usize {
    1 + ((65 - bits as usize) << bits)
}

/// The bucket of a value that the kernel calls signed.
#[inline(always)]
pub const fn of_signed(value: i64) -> u32 {
    if value < 0 {
        0
    } else {
        of_unsigned(value as u64)
    }
}

/// The bucket of a value that the kernel calls unsigned: 1 for 0, else 2 + floor(log2(value)).
///
/// Written with shifts and no loop, so that the verifier meets one path of it.
#[inline(always)]
pub const fn of_unsigned(value: u64) -> u32 {
    let mut rest = value;
    let mut bucket = 1 + (value != 0) as u32;
    let mut step = ((rest >> 32) != 0) as u32 * 32;
    rest >>= step;
    bucket += step;
    step = ((rest >> 16) != 0) as u32 * 16;
    rest >>= step;
    bucket += step;
    step = ((rest >> 8) != 0) as u32 * 8;
    rest >>= step;
    bucket += step;
    step = ((rest >> 4) != 0) as u32 * 4;
    rest >>= step;
    bucket += step;
    step = ((rest >> 2) != 0) as u32 * 2;
    rest >>= step;
    bucket += step;
    bucket + ((rest >> 1) != 0) as u32
}

/// The finer bucket of a value that the kernel calls signed.
#[inline(always)]
pub const fn fine_of_signed(value: i64, bits: u32) -> u64 {
    if value < 0 {
        0
    } else {
        fine_of_unsigned(value as u64, bits)
    }
}

/// The finer bucket of a value that the kernel calls unsigned: the power of two that it is below by more than `bits`,
/// and the bits that follow its first.
#[inline(always)]
pub const fn fine_of_unsigned(value: u64, bits: u32) -> u64 {
    // `of_unsigned` is 1 for 0, and 2 for 1: below 2^(bits + 1) each value has a bucket of its own.
    let power = of_unsigned((value >> bits) | 1) as u64 - 2;
    1 + (power << bits) + (value >> power)
}

/// The smallest and the largest value of a bucket, both inclusive; `None` for the bucket of what is negative.
pub const fn bounds(bucket: usize, bits: u8) -> Option<(u64, u64)> {
    let Some(number) = bucket.checked_sub(1) else {
        return None;
    };
    // Values below that have one bucket each.
    if number < 2 << bits {
        return Some((number as u64, number as u64));
    }
    let power = (number >> bits) - 1;
    let first = ((number - (power << bits)) as u64) << power;
    Some((first, first + ((1 << power) - 1)))
}

/// The buckets of a linear histogram: below `min`, steps up to `max`, and what is not below that. The last step is
/// shorter where `step` does not divide what they span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear {
    pub min: i64,
    /// Above `min`.
    pub max: i64,
    /// Above 0.
    pub step: i64,
}

impl Linear {
    /// How many steps there are.
    pub const fn steps(self) -> u64 {
        let span = self.max.wrapping_sub(self.min) as u64;
        span.div_ceil(self.step as u64)
    }

    /// Buckets, the two open ones included.
    pub const fn buckets(self) -> usize {
        self.steps() as usize + 2
    }

    /// The smallest and the largest value of a bucket, both inclusive; `None` is an open end.
    pub fn bounds(self, bucket: usize) -> (Option<i128>, Option<i128>) {
        let (min, max) = (i128::from(self.min), i128::from(self.max));
        let edge = |step: usize| (min + i128::from(self.step) * step as i128).min(max);
        match bucket {
            0 => (None, Some(min - 1)),
            bucket if bucket as u64 > self.steps() => (Some(max), None),
            bucket => (Some(edge(bucket - 1)), Some(edge(bucket) - 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_within_the_bounds_of_its_bucket() {
        let edges = (0..64).flat_map(|bit| {
            let power = 1u64 << bit;
            [power - 1, power, power + (power - 1)]
        });
        for value in edges.chain([u64::MAX, 3, 1000]) {
            let bucket = of_unsigned(value) as usize;
            let (low, high) = bounds(bucket, 0).unwrap();
            assert!(
                bucket < BUCKETS && low <= value && value <= high,
                "{value} in bucket {bucket}"
            );
            assert_eq!(fine_of_unsigned(value, 0), bucket as u64);
            for bits in 1..=FINEST {
                let bucket = fine_of_unsigned(value, bits.into()) as usize;
                let (low, high) = bounds(bucket, bits).unwrap();
                assert!(
                    bucket < buckets(bits) && low <= value && value <= high,
                    "{value} in bucket {bucket} of {bits} bits"
                );
            }
        }
        assert_eq!(of_signed(-1), 0);
        assert_eq!(of_signed(i64::MIN), 0);
        assert_eq!(of_signed(1), 2);
        assert_eq!(fine_of_signed(-1, 3), 0);
    }

    #[test]
    fn steps_cover_what_lies_between_their_ends() {
        let steps = Linear {
            min: -10,
            max: 15,
            step: 10,
        };
        let bounds: Vec<_> = (0..steps.buckets())
            .map(|bucket| steps.bounds(bucket))
            .collect();
        let step = |first, last| (Some(first), Some(last));
        assert_eq!(
            bounds,
            [
                (None, Some(-11)),
                step(-10, -1),
                step(0, 9),
                step(10, 14),
                (Some(15), None)
            ]
        );
        let all = Linear {
            min: i64::MIN,
            max: i64::MAX,
            step: i64::MAX,
        };
        assert_eq!(all.steps(), 3);
        assert_eq!(all.bounds(4), (Some(i64::MAX.into()), None));
    }

    #[test]
    fn buckets_follow_each_other_without_a_gap() {
        for bits in 0..=FINEST {
            let mut next = Some(0);
            for bucket in 1..buckets(bits) {
                let (low, high) = bounds(bucket, bits).unwrap();
                assert_eq!(Some(low), next, "bucket {bucket} of {bits} bits");
                next = high.checked_add(1);
            }
            assert_eq!(next, None, "the last bucket of {bits} bits ends at 2^64");
        }
    }
}
