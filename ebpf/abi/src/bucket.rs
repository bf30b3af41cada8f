//! Log2 histogram buckets: pure arithmetic, tested on the host and used in the kernel.

/// Buckets of one histogram: negative, 0, 1, [2,4), [4,8), …, [2^63, 2^64).
pub const BUCKETS: usize = 66;

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

/// The smallest and the largest value of a bucket, both inclusive; `None` is an open end.
pub const fn bounds(bucket: usize) -> (Option<u64>, Option<u64>) {
    match bucket {
        0 => (None, None),
        1 => (Some(0), Some(0)),
        _ => {
            let low = 1u64 << (bucket - 2);
            (Some(low), Some(low + (low - 1)))
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
            let (low, high) = bounds(bucket);
            assert!(
                bucket < BUCKETS && low.unwrap() <= value && value <= high.unwrap(),
                "{value} in bucket {bucket}"
            );
        }
        assert_eq!(of_signed(-1), 0);
        assert_eq!(of_signed(i64::MIN), 0);
        assert_eq!(of_signed(1), 2);
    }
}
