//! The bytes of a file that the kernel makes up: mapped where it allows that, else read.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Deref;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::ptr::NonNull;

/// The whole content of a file that can't shrink while it is open: those of sysfs.
pub struct MappedFile(Content);

enum Content {
    Mapped { start: NonNull<u8>, length: usize },
    Read(Vec<u8>),
}

impl MappedFile {
    /// Maps the file (`/sys/kernel/btf/vmlinux` can be since Linux 6.16), or reads it.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let length = usize::try_from(file.metadata()?.len()).unwrap_or(0);
        if path.starts_with("/sys")
            && let Some(start) = map(&file, length)
        {
            return Ok(Self(Content::Mapped { start, length }));
        }
        let mut bytes = Vec::with_capacity(length);
        file.read_to_end(&mut bytes)?;
        Ok(Self(Content::Read(bytes)))
    }
}

impl From<Vec<u8>> for MappedFile {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Content::Read(bytes))
    }
}

fn map(file: &File, length: usize) -> Option<NonNull<u8>> {
    if length == 0 {
        return None;
    }
    // SAFETY: a new private read-only mapping, at an address of the kernel's choice.
    let start = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            length,
            libc::PROT_READ,
            libc::MAP_PRIVATE,
            file.as_raw_fd(),
            0,
        )
    };
    if start == libc::MAP_FAILED {
        None
    } else {
        NonNull::new(start.cast())
    }
}

impl Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            // SAFETY: `length` bytes are mapped at `start` until drop, and the kernel's own data behind them is constant.
            Content::Mapped { start, length } => unsafe {
                std::slice::from_raw_parts(start.as_ptr(), *length)
            },
            Content::Read(bytes) => bytes,
        }
    }
}

impl Drop for MappedFile {
    fn drop(&mut self) {
        if let Content::Mapped { start, length } = self.0 {
            // SAFETY: unmaps what `map` has mapped; nothing borrows it any more.
            unsafe { libc::munmap(start.as_ptr().cast(), length) };
        }
    }
}
