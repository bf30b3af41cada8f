//! The frames of the stacks that are keys of a tally, or that a span stores: kept once, however often a stack is met.

use crate::sys::map::{Map, MapSpec, MapType};
use moontrace_abi::stack::{INTERNED, StackKey};
use std::collections::HashMap;
use std::io;
use std::mem::size_of;
use std::sync::Mutex;
use std::sync::OnceLock;

/// The map of them, made when the first program is loaded that takes one. All room is made beforehand, a kilobyte a stack:
/// kernels before 6.1 have no other for programs of the clock, and an update is never refused for the lack of memory.
pub(super) struct Stacks {
    entries: u32,
    map: OnceLock<Map>,
    making: Mutex<()>,
}

/// The generation of what a span stores, which are never taken.
pub(super) const OF_SPAN: u64 = 0;

/// Stacks by their ids, each as the kernel half keeps it.
pub(crate) type Interned = HashMap<[u64; 2], Vec<u8>>;

impl Stacks {
    /// With room for so many.
    pub(super) fn new(entries: u32) -> Self {
        Self {
            entries,
            map: OnceLock::new(),
            making: Mutex::default(),
        }
    }

    pub(super) fn map(&self) -> io::Result<&Map> {
        let making = self.making.lock();
        if let Some(map) = self.map.get() {
            return Ok(map);
        }
        let map = Map::create(&MapSpec {
            name: "mt_stacks",
            of: MapType::Hash,
            key_size: size_of::<StackKey>() as u32,
            value_size: INTERNED as u32,
            entries: self.entries,
            flags: 0,
        })?;
        let map = self.map.get_or_init(|| map);
        drop(making);
        Ok(map)
    }

    /// Reads those of a generation that have these ids, unless they are read already.
    pub(super) fn read(
        &self,
        generation: u64,
        ids: impl Iterator<Item = [u64; 2]>,
        read: &mut Interned,
    ) -> io::Result<()> {
        let Some(map) = self.map.get() else {
            return Ok(());
        };
        for id in ids {
            if id[0] == 0 || read.contains_key(&id) {
                continue;
            }
            let mut bytes = vec![0; map.lookup_size()];
            if map.lookup(&key(generation, id), &mut bytes)? {
                read.insert(id, bytes);
            }
        }
        Ok(())
    }

    /// Gives up those of a generation that no program writes to any more.
    pub(super) fn clear(&self, generation: u64) -> io::Result<()> {
        let Some(map) = self.map.get() else {
            return Ok(());
        };
        let (mut old, mut last) = (Vec::new(), None::<Vec<u8>>);
        let mut next = vec![0; map.key_size()];
        while map.next_key(last.as_deref(), &mut next)? {
            if next[..8] == generation.to_le_bytes() {
                old.push(next.clone());
            }
            last = Some(next.clone());
        }
        for key in old {
            map.delete(&key)?;
        }
        Ok(())
    }
}

/// The ids that stand at these places of a row's key, or of a span's value.
pub(super) fn ids<'a>(
    bytes: &'a [u8],
    places: &'a [usize],
) -> impl Iterator<Item = [u64; 2]> + use<'a> {
    let word = |at: usize| Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    let id = move |place: &usize| Some([word(*place)?, word(*place + 8)?]);
    places.iter().filter_map(id)
}

fn key(generation: u64, [a, b]: [u64; 2]) -> Vec<u8> {
    [generation, a, b].map(u64::to_le_bytes).concat()
}
