//! Types by their names: found by a pass over all of them at first, and by an index when many are asked for.

use super::blob::{Blob, Raw};
use std::cell::{Cell, OnceCell};

/// So many passes take as long as the index.
const PASSES: u32 = 16;

/// Of one section's own types.
#[derive(Default)]
pub(super) struct Index {
    passes: Cell<u32>,
    /// Each type's number below the hash of its name, sorted.
    sorted: OnceCell<Vec<u64>>,
}

impl Blob {
    /// The number of the first type of a name that is wanted; those of the base come first.
    pub(super) fn find(&self, name: &str, wanted: &dyn Fn(&Raw<'_>) -> bool) -> Option<u32> {
        let base = self.base();
        let of_base = base.and_then(|base| base.find_own(name, wanted));
        of_base.or_else(|| self.find_own(name, wanted))
    }

    /// The same among this section's own, without its base's.
    pub(super) fn find_own(&self, name: &str, wanted: &dyn Fn(&Raw<'_>) -> bool) -> Option<u32> {
        if name.is_empty() {
            return None;
        }
        let index = self.index();
        let passes = index.passes.get();
        if passes < PASSES {
            index.passes.set(passes + 1);
            return self.pass(name, wanted);
        }
        let sorted = index.sorted.get_or_init(|| self.sorted());
        let low = hash(name) << 32;
        let from = sorted.partition_point(|entry| *entry < low);
        let all = sorted.get(from..).unwrap_or_default().iter();
        let alike = all.take_while(|entry| *entry >> 32 == low >> 32);
        let mut numbers = alike.map(|entry| *entry as u32);
        numbers.find(|id| {
            let raw = self.raw(*id);
            raw.is_some_and(|raw| wanted(&raw) && self.string(raw.name) == name)
        })
    }

    fn pass(&self, name: &str, wanted: &dyn Fn(&Raw<'_>) -> bool) -> Option<u32> {
        let offsets = self.offsets_of(name);
        if offsets == [None, None] {
            return None;
        }
        let mut own = self.own_names();
        let found = own.find(|(id, name)| {
            offsets.contains(&Some(*name)) && self.raw(*id).is_some_and(|raw| wanted(&raw))
        });
        found.map(|(id, _)| id)
    }

    fn sorted(&self) -> Vec<u64> {
        let named = self.own_names().filter(|(_, name)| *name != 0);
        let mut sorted: Vec<u64> = named
            .map(|(id, name)| hash(self.string(name)) << 32 | u64::from(id))
            .collect();
        sorted.sort_unstable();
        sorted
    }
}

/// FNV-1a, of 32 bits.
fn hash(name: &str) -> u64 {
    let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    name.bytes().fold(0x811c_9dc5, step).into()
}
