//! Calls that are under way, of which something is kept until they return.

use crate::sys::map::{Map, MapSpec, MapType};
use moontrace_abi::limits::CALL_KEY;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// Those that may be under way at a probe's sites at once. A thread that is killed in one leaves it there.
const CALLS: u32 = 16_384;

/// The maps that the programs of one attachment keep them in: those that keep as much share one.
#[derive(Default)]
pub(super) struct Calls(Mutex<BTreeMap<u32, Arc<Map>>>);

impl Calls {
    /// The map of those of which so many bytes are kept.
    pub(super) fn of(&self, bytes: u32) -> io::Result<Arc<Map>> {
        let mut maps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(map) = maps.get(&bytes) {
            return Ok(map.clone());
        }
        let map = Arc::new(Map::create(&MapSpec {
            name: "mt_calls",
            of: MapType::Hash,
            key_size: 8 * CALL_KEY as u32,
            value_size: bytes,
            entries: CALLS,
            // All entries are made beforehand: else each call would take memory, and give it back.
            flags: 0,
        })?);
        maps.insert(bytes, map.clone());
        Ok(map)
    }
}
