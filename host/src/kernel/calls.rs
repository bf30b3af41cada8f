//! Calls that are under way, of which something is kept until they return.

use crate::codegen::Code;
use crate::sys::map::{Map, MapSpec, MapType, NO_PREALLOC};
use moontrace_abi::limits::CALL_KEY;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// Those that may be under way at a probe's sites at once. A thread that is killed in one leaves it there.
const CALLS: u32 = 16_384;

/// So many bytes of each, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kept {
    ByKey(u32),
    /// With the thread, as long as it lives.
    ByThread(u32),
}

impl Kept {
    /// Where they are, by the code of their calls' key.
    pub(super) fn of(key: Option<&Code>, bytes: u32) -> Self {
        match key {
            Some(_) => Self::ByKey(bytes),
            None => Self::ByThread(bytes),
        }
    }
}

/// The maps that the programs of one attachment keep them in: those that keep as much share one.
#[derive(Default)]
pub(super) struct Calls(Mutex<BTreeMap<Kept, Arc<Map>>>);

impl Calls {
    /// The map of those of which that is kept.
    pub(super) fn of(&self, kept: Kept) -> io::Result<Arc<Map>> {
        let mut maps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(map) = maps.get(&kept) {
            return Ok(map.clone());
        }
        let map = Arc::new(Map::create(&match kept {
            Kept::ByKey(bytes) => MapSpec {
                name: "mt_calls",
                of: MapType::Hash,
                key_size: 8 * CALL_KEY as u32,
                value_size: bytes,
                entries: CALLS,
                // All entries are made beforehand: else each call would take memory, and give it back.
                flags: 0,
            },
            Kept::ByThread(bytes) => MapSpec {
                name: "mt_calls",
                of: MapType::TaskStorage,
                key_size: 4,
                // A word in front says whose call it is.
                value_size: 8 + bytes,
                entries: 0,
                flags: NO_PREALLOC,
            },
        })?);
        maps.insert(kept, map.clone());
        Ok(map)
    }
}
