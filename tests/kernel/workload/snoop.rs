//! Deeds that tools with `snoop` in their names show: opens, stats, execs and signals, by the system call itself.

use std::ffi::{CStr, CString, c_char, c_int, c_long, c_void};
use std::ptr::null;

/// No page is mapped so low.
const UNMAPPED: *const c_char = 16 as *const c_char;

fn number(word: &str) -> c_long {
    word.parse().expect("a number")
}

fn fork(deed: impl FnOnce()) {
    // SAFETY: the child does nothing but the deed, which needs no other thread.
    match unsafe { libc::fork() } {
        0 => {
            deed();
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

/// A copy of a path: as it is, or so that its NUL is the last byte before a page that isn't mapped (`edge:PATH`), or an
/// address that can't be read (`nowhere`).
fn placed(path: &str) -> *const c_char {
    const PAGE: usize = 4096;
    if path == "nowhere" {
        return UNMAPPED;
    }
    let Some(path) = path.strip_prefix("edge:") else {
        return CString::new(path).expect("no NUL in a path").into_raw();
    };
    let path = CString::new(path).expect("no NUL in a path");
    let bytes = path.as_bytes_with_nul();
    assert!(bytes.len() <= PAGE, "a page has room for it");
    // SAFETY: two new pages, of which the second goes; the path lies within the first.
    unsafe {
        let pages = libc::mmap(
            std::ptr::null_mut(),
            2 * PAGE,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        assert_ne!(pages, libc::MAP_FAILED, "there is memory");
        let pages = pages.cast::<u8>();
        libc::munmap(pages.add(PAGE).cast::<c_void>(), PAGE);
        let start = pages.add(PAGE - bytes.len());
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), start, bytes.len());
        start.cast()
    }
}

fn folder(path: &str) -> c_int {
    let path = CString::new(path).expect("no NUL in a path");
    // SAFETY: a string that ends in NUL.
    let fd = unsafe { libc::open(path.as_ptr(), libc::O_PATH | libc::O_DIRECTORY) };
    assert!(fd >= 0, "there is such a folder");
    fd
}

/// `open-by CALL FLAGS MODE PATH`: CALL is open, openat, openat2, or openat:FOLDER.
pub(super) fn open_by(call: &str, flags: &str, mode: &str, path: &str) {
    let (flags, mode, path) = (number(flags), number(mode), placed(path));
    // SAFETY: whether the paths can be read is what tests are after; `how` is as long as said.
    unsafe {
        match call {
            "open" => libc::syscall(libc::SYS_open, path, flags, mode),
            "openat2" => {
                let how = [flags as u64, mode as u64, 0];
                let size = size_of_val(&how);
                libc::syscall(libc::SYS_openat2, libc::AT_FDCWD, path, &how, size)
            }
            _ => {
                let dir = call.strip_prefix("openat:").map_or(libc::AT_FDCWD, folder);
                libc::syscall(libc::SYS_openat, dir, path, flags, mode)
            }
        }
    };
}

/// Has so many descriptors open that the next ones are 1000 and more.
pub(super) fn many_descriptors() {
    // SAFETY: standard error's descriptor, which is ours.
    while unsafe { libc::dup(2) } < 999 {
        assert_ne!(
            std::io::Error::last_os_error().raw_os_error(),
            Some(libc::EMFILE)
        );
    }
}

/// Each system call of the stat family: for a path, and beside a folder that it is in.
pub(super) fn stat_all(dir: &str, name: &str) {
    let (fd, name) = (folder(dir), placed(name));
    let whole = placed(dir);
    let (empty, none) = (c"".as_ptr(), null::<c_char>());
    let mut out = [0_u64; 512];
    let out = out.as_mut_ptr();
    let (cwd, own) = (libc::AT_FDCWD, libc::AT_EMPTY_PATH);
    // SAFETY: `out` has room for any of the results; paths that can't be read are what tests are after.
    unsafe {
        libc::syscall(libc::SYS_stat, whole, out);
        libc::syscall(libc::SYS_lstat, whole, out);
        libc::syscall(libc::SYS_fstat, fd, out);
        libc::syscall(libc::SYS_newfstatat, cwd, whole, out, 0);
        libc::syscall(libc::SYS_newfstatat, fd, name, out, 0);
        libc::syscall(libc::SYS_newfstatat, fd, empty, out, own);
        libc::syscall(libc::SYS_statx, cwd, whole, 0, 0, out);
        libc::syscall(libc::SYS_statx, fd, name, 0, 0, out);
        libc::syscall(libc::SYS_statx, fd, empty, own, 0, out);
        libc::syscall(libc::SYS_statx, fd, none, own, 0, out);
        libc::syscall(libc::SYS_statfs, whole, out);
        libc::syscall(libc::SYS_fstatfs, fd, out);
        libc::syscall(libc::SYS_stat, UNMAPPED, out);
        libc::syscall(libc::SYS_stat, empty, out);
        libc::syscall(libc::SYS_fstat, -1, out);
    };
}

/// `exec-by HOW FILE WORD…`: a child calls execve, or stays and ends where that fails.
///
/// HOW is `plain`; `bare`, without even a first argument; `fd`, execveat of its descriptor; `beside`, from one of four
/// threads; `nowhere`, with a path that can't be read; `unread`, with arguments that can't be.
pub(super) fn exec_by(how: &str, file: &str, words: &[&str]) {
    let file = CString::new(file).expect("no NUL in a path");
    let words: Vec<CString> = words
        .iter()
        .map(|word| CString::new(*word).expect("no NUL in a word"))
        .collect();
    fork(|| match how {
        "bare" => exec(file.as_ptr(), &[]),
        "nowhere" => exec(UNMAPPED, &words),
        "unread" => {
            // SAFETY: the call fails, which is what it is made for.
            unsafe { libc::syscall(libc::SYS_execve, file.as_ptr(), UNMAPPED, null::<c_char>()) };
        }
        "fd" => exec_descriptor(&file, &words),
        "beside" => std::thread::scope(|threads| {
            for _ in 0..3 {
                threads.spawn(|| {
                    // SAFETY: it waits until the exec ends it.
                    unsafe { libc::pause() }
                });
            }
            threads.spawn(|| exec(file.as_ptr(), &words));
        }),
        _ => exec(file.as_ptr(), &words),
    });
}

fn pointers(words: &[CString]) -> Vec<*const c_char> {
    let words = words.iter().map(|word| word.as_ptr());
    words.chain([null()]).collect()
}

fn exec(file: *const c_char, words: &[CString]) {
    let environment = [null::<c_char>()];
    // SAFETY: arrays that end in a null pointer, of strings that end in NUL.
    unsafe { libc::execve(file, pointers(words).as_ptr(), environment.as_ptr()) };
}

fn exec_descriptor(file: &CStr, words: &[CString]) {
    let (environment, empty) = ([null::<c_char>()], c"".as_ptr());
    // SAFETY: strings that end in NUL, and arrays that end in a null pointer.
    unsafe {
        let fd = libc::open(file.as_ptr(), libc::O_PATH);
        libc::syscall(
            libc::SYS_execveat,
            fd,
            empty,
            pointers(words).as_ptr(),
            environment.as_ptr(),
            libc::AT_EMPTY_PATH,
        );
    }
}

/// `signal CALL SIGNAL PID`: by kill, tkill, tgkill, rt_sigqueueinfo or rt_tgsigqueueinfo; `self` is its own PID.
pub(super) fn signal(call: &str, signal: &str, pid: &str) {
    let pid = match pid {
        "self" => c_long::from(std::process::id() as i32),
        pid => number(pid),
    };
    let signal = number(signal);
    // SAFETY: plain numbers, and a siginfo of zeroes but for its code, which says that a process has made it.
    unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        info.si_code = libc::SI_QUEUE;
        match call {
            "tkill" => libc::syscall(libc::SYS_tkill, pid, signal),
            "tgkill" => libc::syscall(libc::SYS_tgkill, pid, pid, signal),
            "rt_sigqueueinfo" => libc::syscall(libc::SYS_rt_sigqueueinfo, pid, signal, &info),
            "rt_tgsigqueueinfo" => {
                libc::syscall(libc::SYS_rt_tgsigqueueinfo, pid, pid, signal, &info)
            }
            _ => libc::syscall(libc::SYS_kill, pid, signal),
        }
    };
}
