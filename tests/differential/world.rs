//! What random trees look at: memory of this process, the context, the thread, variables and sets, each known on both sides.

use crate::random::Rng;
use moontrace::expr::eval::PartValue;
use moontrace::expr::types::{Int, Type};
use moontrace::facts::Facts;
use std::collections::HashSet;
use std::ptr::NonNull;

/// Bytes of the buffer; behind it lies nothing that can be read.
pub(crate) const BUFFER: usize = 4096;
/// Variables that are integers; strings follow.
pub(crate) const INT_VARIABLES: usize = 8;
pub(crate) const STRING_VARIABLES: usize = 3;
/// Bytes of the variables' value.
pub(crate) const VARIABLES: usize = 4096;
/// Where strings stand in the buffer.
const STRINGS: usize = 12;

impl Set {
    /// Bytes of its map's key.
    pub(crate) fn key_size(&self) -> u32 {
        self.parts
            .iter()
            .map(|part| part.map_or(8, |capacity| u32::from(capacity).next_multiple_of(8)))
            .sum()
    }

    /// A member as it stands in the map.
    pub(crate) fn key(&self, member: &[PartValue]) -> Vec<u8> {
        let mut key = Vec::new();
        for (part, value) in self.parts.iter().zip(member) {
            let end = key.len() + usize::from(part.unwrap_or(8)).next_multiple_of(8);
            match value {
                PartValue::Int(value) => key.extend(value.to_le_bytes()),
                PartValue::Text(text) => key.extend(text),
            }
            key.resize(end, 0);
        }
        key
    }
}

/// A set of the script, with the lengths of its strings; `None` is an integer.
pub(crate) struct Set {
    pub(crate) parts: Vec<Option<u16>>,
    pub(crate) members: HashSet<Vec<PartValue>>,
}

pub(crate) struct World {
    buffer: NonNull<u8>,
    pub(crate) variables: Vec<u8>,
    pub(crate) sets: Vec<Set>,
    pub(crate) strings: [usize; STRINGS],
    pub(crate) long_strings: [&'static [u8]; 2],
    /// Fields of `struct task_struct` whose values are known: pid and tgid.
    pub(crate) task_fields: [(u32, Int); 2],
    pub(crate) task_comm: u32,
    /// The same where a program may read it there.
    pub(crate) padded_comm: Option<i16>,
    pub(crate) task_parent: u32,
    pub(crate) comm: Vec<u8>,
    /// The words of the context; the last one is the buffer's address.
    pub(crate) context: [u64; 12],
}

impl World {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        let length = 2 * BUFFER;
        // SAFETY: a new mapping; its second half is then made unreadable.
        let buffer = unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let start = libc::mmap(
                std::ptr::null_mut(),
                length,
                libc::PROT_READ | libc::PROT_WRITE,
                flags,
                -1,
                0,
            );
            assert_ne!(start, libc::MAP_FAILED);
            assert_eq!(
                libc::mprotect(start.byte_add(BUFFER), BUFFER, libc::PROT_NONE),
                0
            );
            NonNull::new(start.cast()).unwrap()
        };
        let task = TaskLayout::read();
        let mut world = Self {
            buffer,
            variables: vec![0; VARIABLES],
            sets: Vec::new(),
            strings: std::array::from_fn(|index| BUFFER / 2 + index * 160),
            long_strings: [&[b'a'; 63], &[b'b'; 130]],
            task_fields: [(task.pid, Int::I32), (task.tgid, Int::I32)],
            task_comm: task.comm,
            padded_comm: Facts::live().padded_comm(),
            task_parent: task.real_parent,
            comm: Vec::new(),
            context: [0; 12],
        };
        for parts in [
            vec![None],
            vec![Some(16)],
            vec![None, Some(8)],
            vec![Some(17), None, Some(8)],
        ] {
            let members = (0..24).map(|_| world.member(rng, &parts)).collect();
            world.sets.push(Set { parts, members });
        }
        world.change(rng);
        world
    }

    fn member(&self, rng: &mut Rng, parts: &[Option<u16>]) -> Vec<PartValue> {
        let part = |part: &Option<u16>| match part {
            None => PartValue::Int((rng.below(4) as i64 - 1) as u64),
            Some(capacity) => PartValue::Text(rng.letters(u64::from(*capacity).min(4) - 1)),
        };
        parts.iter().map(part).collect()
    }

    /// Other memory, another context, another name of the thread.
    pub(crate) fn change(&mut self, rng: &mut Rng) {
        for at in (0..BUFFER).step_by(8) {
            let word = if rng.one_in(2) {
                rng.next()
            } else {
                rng.edge() as u64
            };
            self.write(at, &word.to_le_bytes());
        }
        for at in self.strings {
            let mut text = match rng.below(6) {
                0 => self.long_strings[0].to_vec(),
                1 => self.long_strings[1].to_vec(),
                2 => rng.letters(150),
                _ => rng.letters(12),
            };
            text.push(0);
            self.write(at, &text);
        }
        self.write(BUFFER - 1, &[0]);
        for word in &mut self.context {
            *word = if rng.one_in(3) {
                rng.next()
            } else {
                rng.edge() as u64
            };
        }
        if rng.one_in(2) {
            self.context[3] = u64::from_le_bytes(*b"abab\0abb");
        }
        // Strings in the context end before its end.
        self.context[10] &= u64::MAX >> 8;
        self.context[11] = self.buffer.as_ptr() as u64;
        for variable in self.variables.chunks_exact_mut(8).take(INT_VARIABLES) {
            variable.copy_from_slice(&(rng.edge() as u64).to_le_bytes());
        }
        for index in 0..STRING_VARIABLES {
            let text = if rng.one_in(4) {
                self.long_strings[0].to_vec()
            } else {
                rng.letters(20)
            };
            let slot = &mut self.variables[INT_VARIABLES * 8 + index * 64..][..64];
            slot.fill(0);
            slot[..text.len()].copy_from_slice(&text);
        }
        self.comm = rng.letters(15);
        let mut name = self.comm.clone();
        name.push(0);
        // SAFETY: a string with its NUL.
        assert_eq!(unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) }, 0);
    }

    fn write(&mut self, at: usize, bytes: &[u8]) {
        assert!(at + bytes.len() <= BUFFER);
        // SAFETY: within the mapping, which nobody borrows from.
        unsafe {
            self.buffer
                .as_ptr()
                .add(at)
                .copy_from_nonoverlapping(bytes.as_ptr(), bytes.len())
        };
    }

    /// Memory of this process, read so that nonsense is an error; what is there is present then, as the kernel wants it.
    pub(crate) fn read_user(&self, address: u64, out: &mut [u8]) -> Option<()> {
        let local = libc::iovec {
            iov_base: out.as_mut_ptr().cast(),
            iov_len: out.len(),
        };
        let remote = libc::iovec {
            iov_base: address as *mut libc::c_void,
            iov_len: out.len(),
        };
        // SAFETY: writes into `out`, with its length; the remote address may be anything.
        let read = unsafe { libc::process_vm_readv(libc::getpid(), &local, 1, &remote, 1, 0) };
        (read == out.len() as isize).then_some(())
    }

    pub(crate) fn context_bytes(&self) -> Vec<u8> {
        self.context
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // SAFETY: mapped in `new` with this length.
        unsafe { libc::munmap(self.buffer.as_ptr().cast(), 2 * BUFFER) };
    }
}

/// Offsets in `struct task_struct`, in bytes, of this kernel.
struct TaskLayout {
    pid: u32,
    tgid: u32,
    comm: u32,
    real_parent: u32,
}

impl TaskLayout {
    fn read() -> Self {
        let facts = Facts::live();
        let btf = facts.btf().expect("this kernel's BTF");
        let Some(Type::Struct(task)) = btf.named("struct task_struct") else {
            panic!("no struct task_struct")
        };
        let offset = |name: &str| {
            let member = btf.member(&task, name);
            member
                .unwrap_or_else(|| panic!("task_struct has no {name}"))
                .bit_offset
                / 8
        };
        Self {
            pid: offset("pid"),
            tgid: offset("tgid"),
            comm: offset("comm"),
            real_parent: offset("real_parent"),
        }
    }
}
