//! What processes map into their memory to run it, from perf's side records (perf_event_open(2)): nothing that is mapped
//! between two readings is missed, however short its process lives.

use super::mapping::Mapping;
use super::perf;
use aya_obj::generated::{
    PERF_FLAG_FD_CLOEXEC, perf_event_attr, perf_event_sample_format::PERF_SAMPLE_TIME,
    perf_sw_ids::PERF_COUNT_SW_DUMMY, perf_type_id::PERF_TYPE_SOFTWARE,
};
use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::Ordering;

/// Something that changes what a process may run. Times are CLOCK_MONOTONIC, ns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A file, or a part of it, can be run at `start`.
    Mapped {
        pid: u32,
        start: u64,
        length: u64,
        /// Bytes from the file's start.
        offset: u64,
        device: (u32, u32),
        inode: u64,
        path: Vec<u8>,
    },
    /// The process has become another program: nothing is mapped yet.
    Executed {
        pid: u32,
    },
    /// A new process has all that its parent has.
    Forked {
        pid: u32,
        parent: u32,
    },
    Ended {
        pid: u32,
    },
    /// So many records came too fast.
    Lost(u64),
}

/// Pages of one CPU's ring: a power of two.
const PAGES: usize = 32;
/// Where the words of the first page stand (struct perf_event_mmap_page).
const HEAD: usize = 1024;
const TAIL: usize = 1032;
const OFFSET: usize = 1040;
const SIZE: usize = 1048;
/// Kinds of records (enum perf_event_type).
const LOST: u32 = 2;
const COMM: u32 = 3;
const EXIT: u32 = 4;
const FORK: u32 = 7;
const MMAP2: u32 = 10;
/// Of a new name: it came by exec (PERF_RECORD_MISC_COMM_EXEC).
const BY_EXEC: u16 = 1 << 13;

/// The rings of all CPUs.
pub struct Changes {
    rings: Vec<Ring>,
}

struct Ring {
    event: OwnedFd,
    memory: Mapping,
    /// Bytes of the data, and where they begin.
    size: u64,
    start: usize,
}

impl Changes {
    /// Watches all processes from now on.
    pub fn open(cpus: &[u32]) -> io::Result<Self> {
        let rings = cpus.iter().map(|cpu| Ring::open(*cpu));
        Ok(Self {
            rings: rings.collect::<io::Result<_>>()?,
        })
    }

    /// What becomes readable when much is waiting.
    pub fn fds(&self) -> Vec<BorrowedFd<'_>> {
        self.rings.iter().map(|ring| ring.event.as_fd()).collect()
    }

    /// All that has happened since the last time, in its order.
    pub fn read(&mut self) -> Vec<(u64, Change)> {
        let mut all = Vec::new();
        for ring in &mut self.rings {
            ring.read(&mut all);
        }
        all.sort_by_key(|(time, _)| *time);
        all
    }
}

impl Ring {
    fn open(cpu: u32) -> io::Result<Self> {
        // SAFETY: a struct of integers; all zero is valid.
        let mut attr: perf_event_attr = unsafe { zeroed() };
        attr.size = size_of::<perf_event_attr>() as u32;
        attr.type_ = PERF_TYPE_SOFTWARE as u32;
        attr.config = PERF_COUNT_SW_DUMMY as u64;
        attr.sample_type = PERF_SAMPLE_TIME as u64;
        attr.set_sample_id_all(1);
        attr.set_mmap(1);
        attr.set_mmap2(1);
        attr.set_comm(1);
        attr.set_comm_exec(1);
        attr.set_task(1);
        attr.set_use_clockid(1);
        attr.clockid = libc::CLOCK_MONOTONIC;
        attr.set_watermark(1);
        attr.__bindgen_anon_2.wakeup_watermark = (PAGES * super::mapping::page_size() / 4) as u32;
        let event = perf::open_attr(&attr, -1, cpu as i32, PERF_FLAG_FD_CLOEXEC.into())?;
        let memory = Mapping::of_perf(&event, PAGES)?;
        let word = |offset| {
            memory
                .word(offset)
                .map_or(0, |word| word.load(Ordering::Relaxed))
        };
        let (size, start) = (word(SIZE), word(OFFSET) as usize);
        if !size.is_power_of_two() {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
        Ok(Self {
            event,
            memory,
            size,
            start,
        })
    }

    fn read(&mut self, out: &mut Vec<(u64, Change)>) {
        let (Some(head), Some(tail)) = (self.memory.word(HEAD), self.memory.word(TAIL)) else {
            return;
        };
        let (end, mut at) = (head.load(Ordering::Acquire), tail.load(Ordering::Relaxed));
        let mut record = Vec::new();
        while at < end {
            let length = self.word(at) >> 48 & 0xffff;
            // Records are whole words.
            if length < 8 || at + length > end {
                at = end;
                break;
            }
            record.clear();
            let words = (at..at + length).step_by(8);
            words.for_each(|place| record.extend(self.word(place).to_ne_bytes()));
            out.extend(parse(&record));
            at += length;
        }
        tail.store(at, Ordering::Release);
    }

    /// The word of the data at a position that only grows, a multiple of 8.
    fn word(&self, position: u64) -> u64 {
        let place = self.start + (position & (self.size - 1)) as usize;
        self.memory
            .word(place)
            .map_or(0, |word| word.load(Ordering::Relaxed))
    }
}

/// A record with its time; `None` of one that says nothing here.
fn parse(record: &[u8]) -> Option<(u64, Change)> {
    let half = |at: usize| Some(u32::from_ne_bytes(*record.get(at..)?.first_chunk()?));
    let word = |at: usize| Some(u64::from_ne_bytes(*record.get(at..)?.first_chunk()?));
    let misc = u16::from_ne_bytes(*record.get(4..)?.first_chunk()?);
    // Behind each record stands what `sample_type` asks for: its time.
    let end = record.len().checked_sub(8)?;
    let (pid, other) = (half(8)?, half(12)?);
    let change = match half(0)? {
        MMAP2 => {
            let path = record.get(72..end)?;
            let path = path.split(|byte| *byte == 0).next()?;
            Change::Mapped {
                pid,
                start: word(16)?,
                length: word(24)?,
                offset: word(32)?,
                device: (half(40)?, half(44)?),
                inode: word(48)?,
                path: path.to_vec(),
            }
        }
        COMM if misc & BY_EXEC != 0 => Change::Executed { pid },
        // Of threads, the process's number stands there as that of the parent, too.
        FORK if pid != other => Change::Forked { pid, parent: other },
        EXIT if half(16)? == pid => Change::Ended { pid },
        LOST => Change::Lost(word(16)?),
        _ => return None,
    };
    Some((word(end)?, change))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u32, misc: u16, body: &[u8], time: u64) -> Vec<u8> {
        let length = (8 + body.len() + 8) as u16;
        let head = [
            &kind.to_ne_bytes()[..],
            &misc.to_ne_bytes(),
            &length.to_ne_bytes(),
        ]
        .concat();
        [&head[..], body, &time.to_ne_bytes()].concat()
    }

    #[test]
    fn records_are_read_as_the_kernel_writes_them() {
        let mut body = Vec::new();
        body.extend([7u32, 8].map(u32::to_ne_bytes).concat());
        body.extend([0x1000u64, 0x2000, 0x3000].map(u64::to_ne_bytes).concat());
        body.extend([8u32, 1].map(u32::to_ne_bytes).concat());
        body.extend([99u64, 5].map(u64::to_ne_bytes).concat());
        body.extend([5u32, 2].map(u32::to_ne_bytes).concat());
        body.extend(b"/bin/x\0\0");
        let mapped = Change::Mapped {
            pid: 7,
            start: 0x1000,
            length: 0x2000,
            offset: 0x3000,
            device: (8, 1),
            inode: 99,
            path: b"/bin/x".to_vec(),
        };
        assert_eq!(parse(&record(MMAP2, 0, &body, 44)), Some((44, mapped)));
        let task = |pid: u32, parent: u32, tid: u32| {
            [pid, parent, tid, tid, 0, 0].map(u32::to_ne_bytes).concat()
        };
        let (new, thread) = (task(9, 7, 9), task(7, 7, 8));
        let forked = Change::Forked { pid: 9, parent: 7 };
        assert_eq!(parse(&record(FORK, 0, &new, 1)), Some((1, forked)));
        assert_eq!(parse(&record(FORK, 0, &thread, 1)), None);
        assert_eq!(parse(&record(EXIT, 0, &thread, 1)), None);
        let ended = Change::Ended { pid: 9 };
        assert_eq!(parse(&record(EXIT, 0, &new, 1)), Some((1, ended)));
        let name = [
            &9u32.to_ne_bytes()[..],
            &9u32.to_ne_bytes(),
            b"cat\0\0\0\0\0",
        ]
        .concat();
        assert_eq!(parse(&record(COMM, 0, &name, 1)), None);
        let executed = Change::Executed { pid: 9 };
        assert_eq!(parse(&record(COMM, BY_EXEC, &name, 1)), Some((1, executed)));
        assert_eq!(parse(&[1, 2, 3]), None);
    }
}
