//! The kernel's own instructions, from `/proc/kcore`: an ELF file whose segments are ranges of kernel memory.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Where `Elf64_Ehdr` and `Elf64_Phdr` of include/uapi/linux/elf.h have what is read here, in bytes.
mod at {
    pub(super) const PHOFF: usize = 32;
    pub(super) const PHENTSIZE: usize = 54;
    pub(super) const PHNUM: usize = 56;
    pub(super) const HEADER: usize = 64;

    pub(super) const TYPE: usize = 0;
    pub(super) const OFFSET: usize = 8;
    pub(super) const ADDRESS: usize = 16;
    pub(super) const SIZE: usize = 40;
    pub(super) const SEGMENT: usize = 56;
}

/// `PT_LOAD`
const LOAD: u64 = 1;

/// `length` bytes of kernel memory at `address`; fewer where the segment ends. `None` where this kernel (CONFIG_PROC_KCORE,
/// lockdown) or this user (CAP_SYS_RAWIO) can't have them.
pub(super) fn read(root: &Path, address: u64, length: usize) -> Option<Vec<u8>> {
    let file = File::open(root.join("proc/kcore")).ok()?;
    let mut header = [0; at::HEADER];
    file.read_exact_at(&mut header, 0).ok()?;
    let first = number(&header, at::PHOFF, 8)?;
    let entry = number(&header, at::PHENTSIZE, 2)?;
    let count = number(&header, at::PHNUM, 2)?;
    if !header.starts_with(b"\x7fELF") || entry < at::SEGMENT as u64 {
        return None;
    }
    for index in 0..count {
        let mut segment = [0; at::SEGMENT];
        let place = first.checked_add(index * entry)?;
        file.read_exact_at(&mut segment, place).ok()?;
        let start = number(&segment, at::ADDRESS, 8)?;
        let size = number(&segment, at::SIZE, 8)?;
        let within = address.checked_sub(start).filter(|within| *within < size);
        if let Some(within) = within
            && number(&segment, at::TYPE, 4)? == LOAD
        {
            let length = (size - within).min(length as u64) as usize;
            let mut bytes = vec![0; length];
            let place = number(&segment, at::OFFSET, 8)?.checked_add(within)?;
            file.read_exact_at(&mut bytes, place).ok()?;
            return Some(bytes);
        }
    }
    None
}

/// `bytes` bytes at `at`, as an integer.
fn number(of: &[u8], at: usize, bytes: usize) -> Option<u64> {
    let mut word = [0; 8];
    word.get_mut(..bytes)?
        .copy_from_slice(of.get(at..at + bytes)?);
    Some(u64::from_le_bytes(word))
}

/// A kcore with one segment.
#[cfg(test)]
pub(super) fn sample(address: u64, code: &[u8]) -> Vec<u8> {
    let mut file = vec![0; at::HEADER + at::SEGMENT];
    let mut put = |place: usize, bytes: &[u8]| {
        file[place..place + bytes.len()].copy_from_slice(bytes);
    };
    put(0, b"\x7fELF");
    put(at::PHOFF, &(at::HEADER as u64).to_le_bytes());
    put(at::PHENTSIZE, &(at::SEGMENT as u16).to_le_bytes());
    put(at::PHNUM, &1u16.to_le_bytes());
    let behind = (at::HEADER + at::SEGMENT) as u64;
    put(at::HEADER + at::TYPE, &(LOAD as u32).to_le_bytes());
    put(at::HEADER + at::OFFSET, &behind.to_le_bytes());
    put(at::HEADER + at::ADDRESS, &address.to_le_bytes());
    put(at::HEADER + at::SIZE, &(code.len() as u64).to_le_bytes());
    file.extend(code);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(kcore: &[u8]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("proc")).unwrap();
        std::fs::write(root.path().join("proc/kcore"), kcore).unwrap();
        root
    }

    #[test]
    fn memory_is_found_in_its_segment() {
        let base = 0xffff_ffff_8100_0000;
        let root = root(&sample(base, b"abcdef"));
        let read = |address, length| read(root.path(), address, length);
        assert_eq!(read(base + 2, 3).unwrap(), b"cde");
        assert_eq!(read(base + 4, 100).unwrap(), b"ef");
        assert_eq!(read(base + 6, 1), None);
        assert_eq!(read(base - 1, 1), None);
    }

    #[test]
    fn what_is_cut_or_hostile_gives_nothing() {
        let whole = sample(0, b"code");
        for length in 0..whole.len() {
            assert_eq!(read(root(&whole[..length]).path(), 0, 4), None, "{length}");
        }
        let mut wild = whole;
        wild[at::PHOFF..at::PHOFF + 8].copy_from_slice(&u64::MAX.to_le_bytes());
        wild[at::PHNUM..at::PHNUM + 2].copy_from_slice(&u16::MAX.to_le_bytes());
        assert_eq!(read(root(&wild).path(), 0, 4), None);
    }
}
