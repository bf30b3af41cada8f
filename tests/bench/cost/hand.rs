//! The hand-written side: the programs of ebpf/src/baseline.rs and their maps.

use anyhow::{Result, anyhow};
use moontrace::kernel::library::Library;
use moontrace::sys::bpf::{ProgramType, raw_tracepoint_open};
use moontrace::sys::map::{Map, MapSpec, MapType, Update};
use moontrace::sys::mapping::RingMapping;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

static BASELINE: &[u8] = include_bytes!("../baseline.bpf.o");

pub(super) struct Hand {
    library: Library,
    /// By name.
    maps: Vec<(String, Map)>,
    ring: RingMapping,
}

/// A program that is attached until it is dropped.
pub(super) struct Attached {
    _link: OwnedFd,
}

impl Hand {
    /// `ring`: bytes of the ring buffer.
    pub(super) fn new(ring: u32) -> Result<Self> {
        let library = Library::open(BASELINE).map_err(|report| anyhow!("{report}"))?;
        let mut maps = Vec::new();
        for wanted in library.map_definitions() {
            let is_ring = wanted.of == MapType::RingBuffer;
            let map = Map::create(&MapSpec {
                name: "hand",
                of: wanted.of,
                key_size: if is_ring { 0 } else { wanted.key_size },
                value_size: if is_ring { 0 } else { wanted.value_size },
                entries: if is_ring { ring } else { wanted.entries },
                flags: wanted.flags,
            })?;
            if let Some(data) = &wanted.data {
                map.update(&0u32.to_le_bytes(), data, Update::Any)?;
            }
            maps.push((wanted.name.clone(), map));
        }
        let events = maps.iter().find(|(name, _)| name == "EVENTS");
        let (_, events) = events.ok_or_else(|| anyhow!("the baseline has no ring"))?;
        let ring = RingMapping::new(events, ring as usize)?;
        Ok(Self {
            library,
            maps,
            ring,
        })
    }

    /// Loads a program and hangs it up, as is done with ours.
    pub(super) fn attach(&self, program: &str) -> Result<Attached> {
        let maps: Vec<_> = self
            .maps
            .iter()
            .map(|(name, map)| (name.as_str(), map.as_fd().as_raw_fd()))
            .collect();
        let linked = self.library.instance(program, &[], &maps, &|_, _| None);
        let linked = linked.map_err(|report| anyhow!("{report}"))?;
        let loaded = self
            .library
            .load(&linked, ProgramType::RawTracepoint, program)
            .map_err(|rejection| anyhow!("{program}: {rejection}\n{}", rejection.log))?;
        Ok(Attached {
            _link: raw_tracepoint_open(&loaded, c"sys_enter", 0)?,
        })
    }

    /// Empties the ring.
    pub(super) fn drain(&mut self) {
        while self.ring.next_record().is_some() {}
    }
}
