//! Memory that is shared with the kernel: values of maps, and ring buffers.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// In the length word of a ring buffer's record: still being written, and not to be read.
const BUSY: u32 = 1 << 31;
const DISCARDED: u32 = 1 << 30;
/// Bytes of the head of a ring buffer's record: its length, and a word for the kernel.
const RECORD_HEAD: usize = 8;

/// Mapped memory that somebody else writes too: reached by atomic words only.
#[derive(Debug)]
pub struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: the memory belongs to the process, and is reached by atomics only.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps the values of an array map made with `BPF_F_MMAPABLE`: `length` bytes, readable and writable.
    pub fn of_array(map: impl AsFd, length: usize) -> io::Result<Self> {
        Self::new(map, 0, length, libc::PROT_READ | libc::PROT_WRITE)
    }

    /// Maps the ring of a perf event: its first page, and `pages` of data behind it.
    pub(super) fn of_perf(event: impl AsFd, pages: usize) -> io::Result<Self> {
        let length = (1 + pages) * page_size();
        Self::new(event, 0, length, libc::PROT_READ | libc::PROT_WRITE)
    }

    fn new(
        file: impl AsFd,
        offset: usize,
        length: usize,
        protection: libc::c_int,
    ) -> io::Result<Self> {
        let length = length.max(1).next_multiple_of(page_size());
        let fd = file.as_fd().as_raw_fd();
        // SAFETY: a new mapping, at an address that the kernel chooses.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                protection,
                libc::MAP_SHARED,
                fd,
                offset as libc::off_t,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self { start, length })
    }

    /// The word at `offset`, a multiple of 8; `None` outside of the mapping.
    pub fn word(&self, offset: usize) -> Option<&AtomicU64> {
        let at = self.place(offset, size_of::<AtomicU64>())?;
        // SAFETY: within the mapping and aligned; it lives as long as `self`.
        Some(unsafe { at.cast().as_ref() })
    }

    /// The half word at `offset`, a multiple of 4; `None` outside of the mapping.
    pub fn half(&self, offset: usize) -> Option<&AtomicU32> {
        let at = self.place(offset, size_of::<AtomicU32>())?;
        // SAFETY: within the mapping and aligned; it lives as long as `self`.
        Some(unsafe { at.cast().as_ref() })
    }

    fn place(&self, offset: usize, size: usize) -> Option<NonNull<u8>> {
        if !offset.is_multiple_of(size) || offset.checked_add(size)? > self.length {
            return None;
        }
        // SAFETY: within the mapping.
        Some(unsafe { self.start.add(offset) })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this length, and nobody borrows from it any more.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}

/// The reader's side of a ring buffer map. There must be one reader only.
#[derive(Debug)]
pub struct RingMapping {
    /// The page with our position.
    reader: Mapping,
    /// The page with the kernel's position; behind it the bytes, twice, so that no record is ever split.
    writer: Mapping,
    /// Bytes of the ring, a power of two.
    size: usize,
    /// Where the bytes begin in `writer`: a page.
    bytes: usize,
    /// Bytes of the record that was handed out last: the kernel does not have them back yet.
    lent: u64,
    /// Where the next record begins, but for what is lent.
    position: u64,
    /// Up to where the kernel has the room back.
    returned: u64,
    /// Up to where the kernel had written when it was last asked.
    seen: u64,
}

impl RingMapping {
    /// `size` is what the map was made with.
    pub fn new(map: impl AsFd, size: usize) -> io::Result<Self> {
        if !size.is_power_of_two() {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        let page = page_size();
        let reader = Mapping::new(&map, 0, page, libc::PROT_READ | libc::PROT_WRITE)?;
        let writer = Mapping::new(&map, page, page + 2 * size, libc::PROT_READ)?;
        Ok(Self {
            reader,
            writer,
            size,
            bytes: page,
            lent: 0,
            position: 0,
            returned: 0,
            seen: 0,
        })
    }

    /// Bytes up to which the kernel has reserved records, since the ring was made.
    pub fn written(&self) -> u64 {
        self.writer
            .word(0)
            .map_or(0, |word| word.load(Ordering::Acquire))
    }

    /// The next finished record, oldest first; `None` when there is none, or the next is still being written. The kernel
    /// gets the room of records back when there is none, or when they take an eighth of the ring: its CPU and ours
    /// fight for each word that both use.
    pub fn next_record(&mut self) -> Option<&[u8]> {
        loop {
            self.position = self.position.wrapping_add(std::mem::take(&mut self.lent));
            if self.position == self.seen {
                self.give_back();
                self.seen = self.written();
                if self.position == self.seen {
                    return None;
                }
            } else if self.position.wrapping_sub(self.returned) >= (self.size / 8) as u64 {
                self.give_back();
            }
            let at = self.bytes + (self.position as usize & (self.size - 1));
            let head = self.writer.half(at)?.load(Ordering::Acquire);
            if head & BUSY != 0 {
                self.give_back();
                return None;
            }
            let length = (head & !DISCARDED) as usize;
            self.lent = (RECORD_HEAD + length).next_multiple_of(8) as u64;
            if head & DISCARDED == 0 {
                return self.record(at + RECORD_HEAD, length);
            }
        }
    }

    /// Gives the kernel the room of all records before `position` back.
    fn give_back(&mut self) {
        if let Some(word) = self.reader.word(0) {
            word.store(self.position, Ordering::Release);
        }
        self.returned = self.position;
    }

    /// Is there nothing, finished or not, behind what was read?
    pub fn is_empty(&mut self) -> bool {
        self.position = self.position.wrapping_add(std::mem::take(&mut self.lent));
        self.give_back();
        self.position == self.written()
    }

    /// The bytes of a record that is finished and not yet given back: the kernel leaves them alone.
    fn record(&self, at: usize, length: usize) -> Option<&[u8]> {
        if at.checked_add(length)? > self.writer.length {
            return None;
        }
        // SAFETY: within the mapping, and nobody writes there until the reader's position has passed it.
        Some(unsafe { std::slice::from_raw_parts(self.writer.start.as_ptr().add(at), length) })
    }
}

pub(super) fn page_size() -> usize {
    // SAFETY: has no preconditions.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Write;

    /// A file laid out as a ring buffer map is: both positions' pages and, doubled here by hand, the bytes.
    fn ring(records: &[(u32, &[u8])]) -> RingMapping {
        let page = page_size();
        let mut bytes = Vec::new();
        for (flags, body) in records {
            bytes.extend((body.len() as u32 | flags).to_le_bytes());
            bytes.extend([0; 4]);
            bytes.extend(*body);
            bytes.resize(bytes.len().next_multiple_of(8), 0);
        }
        let written = bytes.len() as u64;
        bytes.resize(page, 0);
        let mut file: File = tempfile::tempfile().unwrap();
        file.write_all(&vec![0; page]).unwrap();
        file.write_all(&written.to_le_bytes()).unwrap();
        file.write_all(&vec![0; page - 8]).unwrap();
        file.write_all(&bytes).unwrap();
        file.write_all(&bytes).unwrap();
        RingMapping::new(&file, page).unwrap()
    }

    #[test]
    fn finished_records_are_read_in_order_up_to_one_that_is_being_written() {
        let mut ring = ring(&[
            (0, b"first"),
            (DISCARDED, b"gone"),
            (0, b"second"),
            (BUSY, b"unfinished"),
            (0, b"later"),
        ]);
        assert_eq!(ring.next_record(), Some(&b"first"[..]));
        assert_eq!(ring.next_record(), Some(&b"second"[..]));
        assert_eq!(ring.next_record(), None);
        assert_eq!(
            ring.reader.word(0).unwrap().load(Ordering::Relaxed),
            16 + 16 + 16
        );
        assert!(!ring.is_empty());
    }

    #[test]
    fn records_are_given_back_when_there_is_no_other() {
        let mut ring = ring(&[(0, b"one"), (0, b"two")]);
        assert_eq!(ring.next_record(), Some(&b"one"[..]));
        let word = |ring: &RingMapping| ring.reader.word(0).unwrap().load(Ordering::Relaxed);
        assert_eq!(word(&ring), 0);
        assert_eq!(ring.next_record(), Some(&b"two"[..]));
        assert_eq!(word(&ring), 0);
        assert_eq!(ring.next_record(), None);
        assert_eq!(word(&ring), 32);
        assert!(ring.is_empty());
    }

    #[test]
    fn words_outside_of_a_mapping_are_none() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(page_size() as u64).unwrap();
        let mapping = Mapping::of_array(&file, 16).unwrap();
        mapping.word(8).unwrap().store(7, Ordering::Relaxed);
        assert_eq!(mapping.half(8).unwrap().load(Ordering::Relaxed), 7);
        assert!(mapping.word(4).is_none());
        assert!(mapping.word(page_size()).is_none());
        assert!(mapping.word(usize::MAX - 7).is_none());
    }
}
