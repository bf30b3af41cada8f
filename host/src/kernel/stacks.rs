//! The frames of the stacks that are keys of a tally: kept once, however often a stack is counted.

use super::table::Entry;
use crate::plan::{KeyContent, TallyShape};
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
    /// Where ids stand in a row's key.
    places: Vec<usize>,
    map: OnceLock<Map>,
    making: Mutex<()>,
}

impl Stacks {
    /// Those of a tally; `None` where no key is a stack.
    pub(super) fn of(shape: &TallyShape) -> Option<Self> {
        let places: Vec<usize> = shape
            .keys
            .iter()
            .filter(|key| matches!(key.content, KeyContent::Stack { .. }))
            .map(|key| key.offset as usize)
            .collect();
        (!places.is_empty()).then(|| Self {
            entries: shape.room.stacks,
            places,
            map: OnceLock::new(),
            making: Mutex::default(),
        })
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

    /// The stacks that rows of a generation name, by their ids.
    pub(super) fn read(
        &self,
        generation: u64,
        rows: &[Entry],
    ) -> io::Result<HashMap<[u64; 2], Vec<u8>>> {
        let mut all = HashMap::new();
        let Some(map) = self.map.get() else {
            return Ok(all);
        };
        let ids = rows
            .iter()
            .flat_map(|row| self.places.iter().filter_map(|place| id(&row.key, *place)));
        for id in ids {
            if id[0] == 0 || all.contains_key(&id) {
                continue;
            }
            let mut bytes = vec![0; map.lookup_size()];
            if map.lookup(&key(generation, id), &mut bytes)? {
                all.insert(id, bytes);
            }
        }
        Ok(all)
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

fn id(key: &[u8], place: usize) -> Option<[u64; 2]> {
    let word = |at: usize| Some(u64::from_le_bytes(*key.get(at..)?.first_chunk()?));
    Some([word(place)?, word(place + 8)?])
}

fn key(generation: u64, [a, b]: [u64; 2]) -> Vec<u8> {
    [generation, a, b].map(u64::to_le_bytes).concat()
}
