//! Deeds of which each call of a VFS function is known.

use std::ffi::CString;
use std::fs::{File, OpenOptions, create_dir, remove_dir, remove_file};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

/// In a new file `data` of 1300 bytes: 13 writes of 100, 4 reads of 4096 from byte 1000, which get 300 each, 3 fsync,
/// 2 fdatasync and an msync. Then 6 files by open and 5 by mknod, 4 folders of which 3 go, and all files go.
pub(super) fn every_call(folder: &str) {
    let data = format!("{folder}/data");
    let open = |path: &str| {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)
            .expect("a new file")
    };
    let file = open(&data);
    for _ in 0..13 {
        (&file).write_all(&[7; 100]).expect("it is written");
    }
    let mut buffer = [0; 4096];
    for _ in 0..4 {
        let got = file.read_at(&mut buffer, 1000).expect("it is read");
        assert_eq!(got, 300);
    }
    (0..3).for_each(|_| file.sync_all().expect("it is synced"));
    (0..2).for_each(|_| file.sync_data().expect("it is synced"));
    sync_mapped(&file);
    let name = |kind: &str, n: u32| format!("{folder}/{kind}{n}");
    (0..6).for_each(|n| drop(open(&name("open", n))));
    for n in 0..5 {
        let path = CString::new(name("mknod", n)).expect("no NUL in a path");
        // SAFETY: a string that ends in NUL, and numbers.
        let made = unsafe { libc::mknod(path.as_ptr(), libc::S_IFREG | 0o600, 0) };
        assert_eq!(made, 0, "{}", std::io::Error::last_os_error());
    }
    (0..4).for_each(|n| create_dir(name("folder", n)).expect("a new folder"));
    (0..3).for_each(|n| remove_dir(name("folder", n)).expect("an empty folder"));
    (0..6).for_each(|n| remove_file(name("open", n)).expect("it is there"));
    (0..5).for_each(|n| remove_file(name("mknod", n)).expect("it is there"));
    remove_file(&data).expect("it is there");
}

fn sync_mapped(file: &File) {
    const PAGE: usize = 4096;
    // SAFETY: a mapping of its own, which is given back.
    unsafe {
        let (access, fd) = (libc::PROT_READ | libc::PROT_WRITE, file.as_raw_fd());
        let memory = libc::mmap(std::ptr::null_mut(), PAGE, access, libc::MAP_SHARED, fd, 0);
        assert_ne!(memory, libc::MAP_FAILED, "the file is mapped");
        assert_eq!(libc::msync(memory, PAGE, libc::MS_SYNC), 0);
        libc::munmap(memory, PAGE);
    }
}

/// So many new files, each of a byte.
pub(super) fn many(folder: &str, count: u64) {
    for n in 0..count {
        std::fs::write(format!("{folder}/{n}"), "x").expect("a new file");
    }
}
