//! Files as nobody writes them: for tests that no reader of them panics, loops or takes memory without end.

use proptest::prelude::*;
use proptest::sample::Index;
use std::ops::Range;
use std::time::{Duration, Instant};

/// What is written into a file: values at the edges of what its numbers can be, and any.
fn value() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        Just(1),
        Just(u64::MAX),
        Just(u64::MAX - 8),
        Just(1 << 31),
        Just(1 << 63),
        0..64u64,
        any::<u64>(),
    ]
}

/// The bytes with up to `most` places in one of the regions written over, and sometimes cut off.
pub(in crate::facts) fn mutated(
    bytes: Vec<u8>,
    regions: impl IntoIterator<Item = Range<usize>>,
    most: usize,
) -> impl Strategy<Value = Vec<u8>> {
    let regions: Vec<Range<usize>> = regions.into_iter().collect();
    let place = (
        any::<Index>(),
        any::<Index>(),
        prop_oneof![Just(1), Just(2), Just(4), Just(8)],
        value(),
    );
    let cut = prop_oneof![9 => Just(None), 1 => any::<Index>().prop_map(Some)];
    (prop::collection::vec(place, 1..=most), cut).prop_map(move |(places, cut)| {
        let mut bytes = bytes.clone();
        for (region, at, width, value) in places {
            let region = region.get(&regions);
            let at = region.start + at.index(region.len());
            let end = bytes.len().min(at + width);
            bytes[at..end].copy_from_slice(&value.to_le_bytes()[..end - at]);
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        bytes
    })
}

/// What is done with a damaged file ends soon.
#[track_caller]
pub(in crate::facts) fn soon<T>(deed: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let made = deed();
    // A thousand times what a sound file takes, on a busy machine.
    assert!(began.elapsed() < Duration::from_secs(20));
    made
}
