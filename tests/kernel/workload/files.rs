//! Deeds with files, mounts and children.

use std::ffi::{CStr, CString};
use std::fs::{DirBuilder, File};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

fn c(text: &str) -> CString {
    CString::new(text).expect("no NUL in a path")
}

#[track_caller]
fn done(result: i32) {
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}

/// A child does the deed at once and has a child, and so on; waits for all of them.
pub(super) fn family(depth: u64, deed: &mut dyn FnMut()) {
    if depth == 0 {
        return;
    }
    // SAFETY: this process has one thread.
    match unsafe { libc::fork() } {
        0 => {
            deed();
            family(depth - 1, deed);
            // SAFETY: nothing of the parent's is put away twice.
            unsafe { libc::_exit(0) }
        }
        child => {
            assert!(child > 0, "a child is born");
            // SAFETY: our own child; its status isn't asked for.
            unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
        }
    }
}

fn sync(file: i32) {
    // SAFETY: it reads nothing of ours; what can't be synced fails, and has made the call.
    unsafe { libc::fsync(file) };
}

fn mount(kind: &CStr, at: &str) {
    // SAFETY: strings that end in NUL, and no data.
    done(unsafe {
        libc::mount(
            c"none".as_ptr(),
            c(at).as_ptr(),
            kind.as_ptr(),
            0,
            std::ptr::null(),
        )
    });
}

/// Mounts of this process alone: one at the folder, one in it.
pub(super) fn everywhere(folder: &str) {
    let inner = format!("{folder}/inner");
    let one = format!("{inner}/one");
    // SAFETY: numbers and strings that end in NUL.
    unsafe {
        done(libc::unshare(libc::CLONE_NEWNS));
        let flags = libc::MS_REC | libc::MS_PRIVATE;
        done(libc::mount(
            c"none".as_ptr(),
            c"/".as_ptr(),
            std::ptr::null(),
            flags,
            std::ptr::null(),
        ));
    }
    mount(c"tmpfs", folder);
    std::fs::create_dir(&inner).expect("a folder is made");
    mount(c"tmpfs", &inner);
    DirBuilder::new()
        .recursive(true)
        .create(format!("{one}/two"))
        .expect("folders are made");
    std::env::set_current_dir(&one).expect("it is there");
    let name = format!("{one}/two/file");
    let file = File::create(&name).expect("a file is made");
    sync(file.as_raw_fd());
    std::fs::remove_file(&name).expect("it is ours");
    sync(file.as_raw_fd());
    sync(File::open("/").expect("there is a root").as_raw_fd());
    let mut pipe = [0; 2];
    // SAFETY: room for two numbers.
    done(unsafe { libc::pipe(pipe.as_mut_ptr()) });
    sync(pipe[0]);
    // SAFETY: plain numbers.
    let (socket, event) = unsafe {
        (
            libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0),
            libc::eventfd(0, 0),
        )
    };
    sync(socket);
    sync(event);
    // SAFETY: a string that ends in NUL.
    done(unsafe { libc::chroot(c(&one).as_ptr()) });
    sync(File::open("/two").expect("it is there").as_raw_fd());
}

/// A folder below many others of one name.
pub(super) fn deep(folder: &str, depth: u64, name: &str) {
    let path = format!("{folder}{}", format!("/{name}").repeat(depth as usize));
    DirBuilder::new()
        .recursive(true)
        .create(&path)
        .expect("folders are made");
    sync(File::open(&path).expect("it is there").as_raw_fd());
}

/// This program from its beginning, with these words.
pub(super) fn become_again(words: &[&str]) {
    let program = std::env::current_exe().expect("a program knows its file");
    let mut command = Command::new(program);
    let error = command
        .args(["--workload", "at-once", "ended"])
        .args(words)
        .exec();
    panic!("it is still the same: {error}");
}

pub(super) fn write(bytes: usize) {
    let data: Vec<u8> = (0..bytes).map(|n| (n * 7) as u8).collect();
    let mut nowhere = File::options()
        .write(true)
        .open("/dev/null")
        .expect("nowhere is there");
    let _ = nowhere.write(&data);
}

pub(super) fn open(path: &str) {
    let path = c(path);
    // SAFETY: a string that ends in NUL; whether it opens is nobody's business.
    unsafe {
        libc::syscall(
            libc::SYS_openat,
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::O_RDONLY,
        )
    };
}
