//! Cgroups of the second version, by their folders.

use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

/// `CGROUP2_SUPER_MAGIC` (include/uapi/linux/magic.h)
const CGROUPS: i64 = 0x6367_7270;

/// The number of the cgroup with that folder: its inode's. `None` where there is no such folder.
pub fn id(folder: &str) -> Option<u64> {
    let flags = libc::O_DIRECTORY | libc::O_PATH;
    let folder = File::options().read(true).custom_flags(flags).open(folder);
    let folder = folder.ok()?;
    let inode = folder.metadata().ok()?.ino();
    (file_system(&folder)? == CGROUPS).then_some(inode)
}

/// The kind of file system that a file is in.
fn file_system(file: &File) -> Option<i64> {
    let mut answer = MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the file is open, and there is room for the answer, which is read only where it was given.
    unsafe {
        let failed = libc::fstatfs(file.as_raw_fd(), answer.as_mut_ptr());
        (failed == 0).then(|| answer.assume_init().f_type)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_folders_are_none() {
        assert_eq!(id("/proc"), None);
        assert_eq!(id("/no/such/folder"), None);
    }
}
