//! Maps through bpf(2).

use super::bpf::{btf_load, call, call_with, object_name, open};
use aya_obj::generated::{self, bpf_attr, bpf_cmd, bpf_map_type};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MapType {
    Hash,
    Array,
    PerCpuHash,
    PerCpuArray,
    LruHash,
    LruPerCpuHash,
    RingBuffer,
    /// Values are programs that a program may go on with; the host knows them by their file descriptors.
    Programs,
    /// A value of each thread, which goes with it.
    TaskStorage,
}

/// `BPF_F_NO_PREALLOC` of include/uapi/linux/bpf.h: room for an entry is made when it is added.
pub const NO_PREALLOC: u32 = 1;

/// What a map is made from.
#[derive(Clone, Copy, Debug)]
pub struct MapSpec<'a> {
    /// For people who list the maps of a system; 15 characters of it are kept.
    pub name: &'a str,
    pub of: MapType,
    /// Bytes; 0 for a ring buffer.
    pub key_size: u32,
    /// Bytes; 0 for a ring buffer.
    pub value_size: u32,
    /// For a ring buffer its bytes: a power of two, whole pages.
    pub entries: u32,
    /// `BPF_F_…`
    pub flags: u32,
}

/// A map that we made, with the sizes that make look-ups safe.
#[derive(Debug)]
pub struct Map {
    fd: OwnedFd,
    of: MapType,
    key_size: usize,
    value_size: usize,
    entries: u32,
    /// Values of an entry: the possible CPUs where each has its own, else 1.
    copies: usize,
}

/// Whether an update may make or replace an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    Any,
    /// Fails with EEXIST where the key is there.
    Insert,
    /// Fails with ENOENT where it isn't.
    Replace,
}

/// The CPUs that this machine may ever have: how many values an entry of a per-CPU map has.
pub fn possible_cpus() -> io::Result<usize> {
    aya::util::nr_cpus().map_err(|(_, error)| error)
}

impl MapType {
    fn number(self) -> u32 {
        (match self {
            Self::Hash => bpf_map_type::BPF_MAP_TYPE_HASH,
            Self::Array => bpf_map_type::BPF_MAP_TYPE_ARRAY,
            Self::PerCpuHash => bpf_map_type::BPF_MAP_TYPE_PERCPU_HASH,
            Self::PerCpuArray => bpf_map_type::BPF_MAP_TYPE_PERCPU_ARRAY,
            Self::LruHash => bpf_map_type::BPF_MAP_TYPE_LRU_HASH,
            Self::LruPerCpuHash => bpf_map_type::BPF_MAP_TYPE_LRU_PERCPU_HASH,
            Self::RingBuffer => bpf_map_type::BPF_MAP_TYPE_RINGBUF,
            Self::Programs => bpf_map_type::BPF_MAP_TYPE_PROG_ARRAY,
            Self::TaskStorage => bpf_map_type::BPF_MAP_TYPE_TASK_STORAGE,
        }) as u32
    }

    /// The type of a number; `None` for one that isn't used here.
    pub fn from_number(number: u32) -> Option<Self> {
        [
            Self::Hash,
            Self::Array,
            Self::PerCpuHash,
            Self::PerCpuArray,
            Self::LruHash,
            Self::LruPerCpuHash,
            Self::RingBuffer,
            Self::Programs,
            Self::TaskStorage,
        ]
        .into_iter()
        .find(|of| of.number() == number)
    }

    pub fn is_per_cpu(self) -> bool {
        matches!(
            self,
            Self::PerCpuHash | Self::PerCpuArray | Self::LruPerCpuHash
        )
    }
}

/// The types of [`words_by_number`].
const NUMBER: u32 = 1;
const WORD: u32 = 2;
const WORDS: u32 = 3;

/// Type information as a thread's values want it: of the key, an int, and of a value, so many bytes of words.
fn words_by_number(bytes: u32) -> Vec<u8> {
    const NAMES: &[u8] = b"\0int\0word\0";
    /// The kinds, where they stand in a type's second word.
    const INT: u32 = 1 << 24;
    const ARRAY: u32 = 3 << 24;
    const SIGNED: u32 = 1 << 24;
    let types = [
        [1, INT, 4, SIGNED | 32].as_slice(),
        &[5, INT, 8, 64],
        &[0, ARRAY, 0, WORD, NUMBER, bytes / 8],
    ]
    .concat();
    let length = 4 * types.len() as u32;
    // BTF's magic number, its version, and how long the header is, which ends with where types and names stand.
    let header = [0x0001_eb9f, 24, 0, length, length, NAMES.len() as u32];
    let words = header.into_iter().chain(types);
    let mut btf: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
    btf.extend(NAMES);
    btf
}

impl Map {
    pub fn create(spec: &MapSpec<'_>) -> io::Result<Self> {
        let copies = if spec.of.is_per_cpu() {
            possible_cpus()?
        } else {
            1
        };
        let types = match spec.of {
            MapType::TaskStorage => Some(btf_load(&words_by_number(spec.value_size), None)?),
            _ => None,
        };
        let fill = |attr: &mut bpf_attr| {
            // SAFETY: BPF_MAP_CREATE reads this member of the union.
            let create = unsafe { &mut attr.__bindgen_anon_1 };
            create.map_type = spec.of.number();
            create.key_size = spec.key_size;
            create.value_size = spec.value_size;
            create.max_entries = spec.entries;
            create.map_flags = spec.flags;
            create.map_name = object_name(spec.name);
            if let Some(types) = &types {
                create.btf_fd = types.as_raw_fd() as u32;
                (create.btf_key_type_id, create.btf_value_type_id) = (NUMBER, WORDS);
            }
        };
        // SAFETY: no addresses are given.
        let fd = unsafe { open(bpf_cmd::BPF_MAP_CREATE, fill)? };
        let (key_size, value_size) = (spec.key_size as usize, spec.value_size as usize);
        Ok(Self {
            fd,
            of: spec.of,
            key_size,
            value_size,
            entries: spec.entries,
            copies,
        })
    }

    pub fn entries(&self) -> u32 {
        self.entries
    }

    pub fn key_size(&self) -> usize {
        self.key_size
    }

    /// Bytes of one value, as the map was made with.
    pub fn value_size(&self) -> usize {
        self.value_size
    }

    /// Values of an entry: the possible CPUs where each has its own, else 1.
    pub fn copies(&self) -> usize {
        self.copies
    }

    /// Bytes of what a look-up gives. Each CPU's value takes its size rounded up to 8.
    pub fn lookup_size(&self) -> usize {
        if self.of.is_per_cpu() {
            self.value_size.next_multiple_of(8) * self.copies
        } else {
            self.value_size
        }
    }

    /// Reads an entry into `out`, which has [`Self::lookup_size`] bytes; `false` where there is none.
    pub fn lookup(&self, key: &[u8], out: &mut [u8]) -> io::Result<bool> {
        self.check(key, Some(out.len()))?;
        let (fd, key, value) = (self.number(), key.as_ptr() as u64, out.as_mut_ptr() as u64);
        // SAFETY: both buffers outlive the call and have the sizes of this map.
        found(unsafe {
            call(bpf_cmd::BPF_MAP_LOOKUP_ELEM, |attr| {
                fill_element(attr, fd, key, value, 0)
            })
        })
    }

    /// Stores `value`, which has [`Self::lookup_size`] bytes.
    pub fn update(&self, key: &[u8], value: &[u8], mode: Update) -> io::Result<()> {
        self.check(key, Some(value.len()))?;
        let (fd, key, value) = (self.number(), key.as_ptr() as u64, value.as_ptr() as u64);
        let flags = match mode {
            Update::Any => generated::BPF_ANY,
            Update::Insert => generated::BPF_NOEXIST,
            Update::Replace => generated::BPF_EXIST,
        };
        // SAFETY: both buffers outlive the call and have the sizes of this map.
        unsafe {
            call(bpf_cmd::BPF_MAP_UPDATE_ELEM, |attr| {
                fill_element(attr, fd, key, value, flags.into())
            })?
        };
        Ok(())
    }

    /// Takes an entry out; `false` where there was none.
    pub fn delete(&self, key: &[u8]) -> io::Result<bool> {
        self.check(key, None)?;
        let (fd, key) = (self.number(), key.as_ptr() as u64);
        // SAFETY: the key outlives the call and has the size of this map's.
        found(unsafe {
            call(bpf_cmd::BPF_MAP_DELETE_ELEM, |attr| {
                fill_element(attr, fd, key, 0, 0)
            })
        })
    }

    /// The key behind `key`, or the first; `false` behind the last. `next` has [`Self::key_size`] bytes.
    pub fn next_key(&self, key: Option<&[u8]>, next: &mut [u8]) -> io::Result<bool> {
        self.check(key.unwrap_or(next), None)?;
        self.check(next, None)?;
        let (fd, key, next) = (
            self.number(),
            key.map_or(0, |key| key.as_ptr() as u64),
            next.as_mut_ptr() as u64,
        );
        // SAFETY: both buffers outlive the call and have the size of this map's key.
        found(unsafe {
            call(bpf_cmd::BPF_MAP_GET_NEXT_KEY, |attr| {
                fill_element(attr, fd, key, next, 0)
            })
        })
    }

    /// All entries of a hash, each with its key and its value, while programs go on changing it. (A walk from key to key
    /// begins anew whenever the one that it stands at is taken out; this one goes from bucket to bucket.)
    pub fn entries_now(&self) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let (key_size, value_size) = (self.key_size, self.lookup_size());
        let mut room = self.entries.min(4096);
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        let (mut entries, mut bucket) = (Vec::new(), None::<u64>);
        loop {
            keys.resize(room as usize * key_size, 0);
            values.resize(room as usize * value_size, 0);
            let mut next = 0u64;
            // SAFETY: a union of integers; all zero is valid.
            let mut attr: bpf_attr = unsafe { std::mem::zeroed() };
            attr.batch = generated::bpf_attr__bindgen_ty_3 {
                in_batch: bucket
                    .as_ref()
                    .map_or(0, |bucket| &raw const *bucket as u64),
                out_batch: &raw mut next as u64,
                keys: keys.as_mut_ptr() as u64,
                values: values.as_mut_ptr() as u64,
                count: room,
                map_fd: self.number(),
                elem_flags: 0,
                flags: 0,
            };
            // SAFETY: the buffers outlive the call and have room for so many keys and values of this map.
            let done = unsafe { call_with(bpf_cmd::BPF_MAP_LOOKUP_BATCH, &mut attr) };
            let last = match done.as_ref().map_err(io::Error::raw_os_error) {
                Ok(_) => false,
                Err(Some(libc::ENOENT)) => true,
                // A bucket has more.
                Err(Some(libc::ENOSPC)) if room < self.entries => {
                    room = room.saturating_mul(2).min(self.entries);
                    continue;
                }
                Err(_) => return done.map(|_| entries),
            };
            // SAFETY: the kernel has written the number of entries there.
            let count = unsafe { attr.batch.count } as usize;
            let all = keys
                .chunks_exact(key_size)
                .zip(values.chunks_exact(value_size));
            let all = all.map(|(key, value)| (key.to_vec(), value.to_vec()));
            entries.extend(all.take(count));
            if last {
                return Ok(entries);
            }
            bucket = Some(next);
        }
    }

    /// Makes the map constant for everybody, which lets the verifier read its values.
    pub fn freeze(&self) -> io::Result<()> {
        let fd = self.number();
        let fill = |attr: &mut bpf_attr| {
            attr.__bindgen_anon_2.map_fd = fd;
        };
        // SAFETY: no addresses are given.
        unsafe { call(bpf_cmd::BPF_MAP_FREEZE, fill)? };
        Ok(())
    }

    fn number(&self) -> u32 {
        self.fd.as_raw_fd() as u32
    }

    /// The kernel reads and writes by the map's sizes, whatever the length of our buffers.
    fn check(&self, key: &[u8], value: Option<usize>) -> io::Result<()> {
        if key.len() != self.key_size || value.is_some_and(|length| length != self.lookup_size()) {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        Ok(())
    }
}

fn fill_element(attr: &mut bpf_attr, fd: u32, key: u64, value: u64, flags: u64) {
    // SAFETY: the commands on elements read this member of the union.
    let element = unsafe { &mut attr.__bindgen_anon_2 };
    element.map_fd = fd;
    element.key = key;
    element.__bindgen_anon_1.value = value;
    element.flags = flags;
}

/// ENOENT is an answer.
fn found(result: io::Result<libc::c_long>) -> io::Result<bool> {
    match result {
        Ok(_) => Ok(true),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(false),
        Err(error) => Err(error),
    }
}

impl AsFd for Map {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
