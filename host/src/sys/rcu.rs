//! Waiting until every run of a program that began earlier has ended.

use super::bpf::{call, open};
use super::map::{Map, MapSpec, MapType};
use aya_obj::generated::{bpf_cmd, bpf_map_type::BPF_MAP_TYPE_ARRAY_OF_MAPS};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// Replacing a map within a map makes the kernel wait for the programs that may still use the old one
/// (kernel/bpf/syscall.c, maybe_wait_bpf_programs), on machines with one CPU, too. Some ms a wait.
#[derive(Debug)]
pub struct Barrier {
    outer: OwnedFd,
    inner: Map,
}

impl Barrier {
    pub fn new() -> io::Result<Self> {
        let inner = Map::create(&MapSpec {
            name: "mt_barrier",
            of: MapType::Array,
            key_size: 4,
            value_size: 4,
            entries: 1,
            flags: 0,
        })?;
        let fd = inner.as_fd().as_raw_fd() as u32;
        // SAFETY: no addresses are given.
        let outer = unsafe {
            open(bpf_cmd::BPF_MAP_CREATE, |attr| {
                attr.__bindgen_anon_1.map_type = BPF_MAP_TYPE_ARRAY_OF_MAPS as u32;
                attr.__bindgen_anon_1.key_size = 4;
                attr.__bindgen_anon_1.value_size = 4;
                attr.__bindgen_anon_1.max_entries = 1;
                attr.__bindgen_anon_1.inner_map_fd = fd;
            })?
        };
        Ok(Self { outer, inner })
    }

    /// Returns when no program is running any more that ran when it was called.
    pub fn wait(&self) -> io::Result<()> {
        let (key, value) = (0u32, self.inner.as_fd().as_raw_fd() as u32);
        let (key, value) = (&raw const key as u64, &raw const value as u64);
        // SAFETY: key and value are 4 bytes each and outlive the call.
        unsafe {
            call(bpf_cmd::BPF_MAP_UPDATE_ELEM, |attr| {
                attr.__bindgen_anon_2.map_fd = self.outer.as_raw_fd() as u32;
                attr.__bindgen_anon_2.key = key;
                attr.__bindgen_anon_2.__bindgen_anon_1.value = value;
            })?
        };
        Ok(())
    }
}
