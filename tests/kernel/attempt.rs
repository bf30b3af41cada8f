//! Things that a process tries, one a run of this binary: `kernel --attempt WALLS NAME FOLDER`. The status says how the kernel
//! answered: see [`Answer`].

use moontrace::sys::confine::{self, Needs};
use moontrace::sys::{map, perf};
use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Walls {
    None,
    /// Without Landlock, as for a script that looks into other processes.
    Seeing,
    /// With it, and no folder open.
    Blind,
    /// With it, and the folder `open` of the attempt's.
    Writing,
}

const WALLS: [(&str, Walls); 4] = [
    ("none", Walls::None),
    ("seeing", Walls::Seeing),
    ("blind", Walls::Blind),
    ("writing", Walls::Writing),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Done,
    /// EPERM, EACCES, or ENOSYS where libraries are to fall back.
    Denied,
    /// Any other error: the kernel has looked at what was wanted.
    Failed,
}

/// Runs it in a process of its own, in a new folder with a file `file`, a folder `open` and a link `link`.
#[track_caller]
pub(crate) fn answer(walls: Walls, name: &str) -> Answer {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("file"), "text").expect("a file");
    fs::create_dir(folder.path().join("open")).expect("a folder");
    let (word, _) = WALLS
        .iter()
        .find(|(_, of)| *of == walls)
        .expect("it is listed");
    let status = Command::new(crate::worker::executable())
        .args(["--attempt", word, name])
        .arg(folder.path())
        .stdin(Stdio::null())
        .status()
        .expect("this binary starts");
    match status.code() {
        Some(0) => Answer::Done,
        Some(10) => Answer::Denied,
        Some(11) => Answer::Failed,
        other => panic!("{name} ({walls:?}): {other:?}, {status}"),
    }
}

/// The process of an attempt.
pub(crate) fn run(words: &[String]) -> ExitCode {
    let [walls, name, folder] = words else {
        return ExitCode::from(2);
    };
    let folder = Path::new(folder);
    std::env::set_current_dir(folder).expect("the folder is there");
    let (_, walls) = WALLS.iter().find(|(word, _)| word == walls).expect("walls");
    let needs = Needs {
        processes: *walls == Walls::Seeing,
        folders: match walls {
            Walls::Writing => vec!["open".into()],
            _ => Vec::new(),
        },
    };
    if *walls != Walls::None {
        confine::put_up(&needs).expect("walls");
    }
    let attempts = CHANGES
        .iter()
        .chain(ELSEWHERE)
        .chain(WORKS)
        .chain(DOORS)
        .chain(LOOKS);
    let (_, attempt) = attempts
        .clone()
        .find(|(of, _)| of == name)
        .expect("an attempt");
    match attempt() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => match error.raw_os_error() {
            Some(libc::EPERM | libc::EACCES | libc::ENOSYS) => ExitCode::from(10),
            _ => ExitCode::from(11),
        },
    }
}

pub(crate) type Attempt = (&'static str, fn() -> io::Result<()>);

/// What changes files.
pub(crate) const CHANGES: &[Attempt] = &[
    ("create", || File::create("new").map(drop)),
    ("overwrite", || {
        File::options().write(true).open("file").map(drop)
    }),
    ("append", || {
        File::options().append(true).open("file").map(drop)
    }),
    ("read_and_write", || {
        File::options()
            .read(true)
            .write(true)
            .open("file")
            .map(drop)
    }),
    ("open_to_truncate", || {
        // SAFETY: a NUL-terminated name.
        result(unsafe { libc::open(c"file".as_ptr(), libc::O_RDONLY | libc::O_TRUNC) }.into())
    }),
    ("open_to_make", || {
        // SAFETY: a NUL-terminated name.
        result(unsafe { libc::open(c"new".as_ptr(), libc::O_RDONLY | libc::O_CREAT, 0o600) }.into())
    }),
    ("open_the_old_way", || {
        call(
            libc::SYS_open,
            [
                name(c"new"),
                libc::O_WRONLY as u64 | libc::O_CREAT as u64,
                0o600,
                0,
                0,
            ],
        )
    }),
    ("openat2", || {
        let how = [libc::O_WRONLY as u64, 0, 0];
        call(
            libc::SYS_openat2,
            [
                libc::AT_FDCWD as u64,
                name(c"file"),
                how.as_ptr() as u64,
                24,
                0,
            ],
        )
    }),
    ("creat", || {
        call(libc::SYS_creat, [name(c"new"), 0o600, 0, 0, 0])
    }),
    ("truncate", || {
        call(libc::SYS_truncate, [name(c"file"), 1, 0, 0, 0])
    }),
    ("unlink", || fs::remove_file("file")),
    ("rename", || fs::rename("file", "other")),
    ("mkdir", || fs::create_dir("new")),
    ("rmdir", || fs::remove_dir("open")),
    ("link", || fs::hard_link("file", "other")),
    ("symlink", || std::os::unix::fs::symlink("file", "other")),
    ("mkfifo", || {
        call(
            libc::SYS_mknodat,
            [
                libc::AT_FDCWD as u64,
                name(c"new"),
                u64::from(libc::S_IFIFO),
                0,
                0,
            ],
        )
    }),
    ("chmod", || {
        call(
            libc::SYS_fchmodat,
            [libc::AT_FDCWD as u64, name(c"file"), 0o777, 0, 0],
        )
    }),
    ("fchmod", || {
        call(
            libc::SYS_fchmod,
            [File::open("file")?.as_raw_fd() as u64, 0o777, 0, 0, 0],
        )
    }),
    ("chown", || {
        std::os::unix::fs::chown("file", Some(0), Some(0))
    }),
    ("utime", || {
        call(
            libc::SYS_utimensat,
            [libc::AT_FDCWD as u64, name(c"file"), 0, 0, 0],
        )
    }),
    ("setxattr", || {
        call(
            libc::SYS_setxattr,
            [name(c"file"), name(c"user.x"), name(c"x"), 1, 0],
        )
    }),
    ("memfd", || {
        call(libc::SYS_memfd_create, [name(c"x"), 0, 0, 0, 0])
    }),
];

/// What reaches out of the process by other ways.
pub(crate) const ELSEWHERE: &[Attempt] = &[
    ("exec", || {
        let program = CString::new("/proc/self/exe")?;
        let words = [
            program.as_ptr(),
            c"--attempt-nothing".as_ptr(),
            std::ptr::null(),
        ];
        call(
            libc::SYS_execve,
            [program.as_ptr() as u64, words.as_ptr() as u64, 0, 0, 0],
        )
    }),
    ("execveat", || {
        let words = [
            c"x".as_ptr(),
            c"--attempt-nothing".as_ptr(),
            std::ptr::null(),
        ];
        let at = libc::AT_FDCWD as u64;
        call(
            libc::SYS_execveat,
            [at, name(c"/proc/self/exe"), words.as_ptr() as u64, 0, 0],
        )
    }),
    ("fork", || forked(libc::SYS_fork, [0; 5])),
    ("clone", || {
        forked(libc::SYS_clone, [libc::SIGCHLD as u64, 0, 0, 0, 0])
    }),
    ("clone3", || {
        let mut arguments = [0u64; 8];
        arguments[4] = libc::SIGCHLD as u64;
        forked(libc::SYS_clone3, [arguments.as_ptr() as u64, 64, 0, 0, 0])
    }),
    ("spawn", || {
        Command::new("/proc/self/exe")
            .arg("--attempt-nothing")
            .status()
            .map(drop)
    }),
    ("socket_inet", || {
        std::net::UdpSocket::bind("127.0.0.1:0").map(drop)
    }),
    ("socket_tcp", || {
        call(
            libc::SYS_socket,
            [libc::AF_INET as u64, libc::SOCK_STREAM as u64, 0, 0, 0],
        )
    }),
    ("socket_unix", || {
        std::os::unix::net::UnixDatagram::unbound().map(drop)
    }),
    ("socket_netlink", || {
        call(
            libc::SYS_socket,
            [libc::AF_NETLINK as u64, libc::SOCK_RAW as u64, 0, 0, 0],
        )
    }),
    ("connect", || {
        call(libc::SYS_connect, [u64::MAX, 0, 0, 0, 0])
    }),
    ("ptrace", || {
        call(libc::SYS_ptrace, [libc::PTRACE_TRACEME.into(), 0, 0, 0, 0])
    }),
    ("read_memory", || {
        call(libc::SYS_process_vm_readv, [parent(), 0, 0, 0, 0])
    }),
    ("write_memory", || {
        File::options()
            .write(true)
            .open(format!("/proc/{}/mem", parent()))
            .map(drop)
    }),
    ("signal", || call(libc::SYS_kill, [parent(), 0, 0, 0, 0])),
    ("signal_all", || {
        call(libc::SYS_kill, [u64::MAX, 0, 0, 0, 0])
    }),
    ("signal_thread", || {
        call(libc::SYS_tgkill, [parent(), parent(), 0, 0, 0])
    }),
    ("pidfd", || {
        call(libc::SYS_pidfd_open, [parent(), 0, 0, 0, 0])
    }),
    ("signal_by_file", || {
        let process = File::open(format!("/proc/{}", parent()))?;
        call(
            libc::SYS_pidfd_send_signal,
            [process.as_raw_fd() as u64, 0, 0, 0, 0],
        )
    }),
    ("signal_by_owner", || {
        let file = File::open("file")?;
        call(
            libc::SYS_fcntl,
            [
                file.as_raw_fd() as u64,
                libc::F_SETOWN as u64,
                parent(),
                0,
                0,
            ],
        )
    }),
    ("limit_another", || {
        call(
            libc::SYS_prlimit64,
            [parent(), libc::RLIMIT_CORE.into(), 0, 0, 0],
        )
    }),
    ("schedule_another", || {
        call(libc::SYS_setpriority, [0, parent(), 0, 0, 0])
    }),
    ("mount", || {
        call(
            libc::SYS_mount,
            [name(c"none"), name(c"no/where"), name(c"tmpfs"), 0, 0],
        )
    }),
    ("umount", || {
        call(libc::SYS_umount2, [name(c"no/where"), 0, 0, 0, 0])
    }),
    ("setns", || call(libc::SYS_setns, [u64::MAX, 0, 0, 0, 0])),
    ("unshare", || call(libc::SYS_unshare, [0; 5])),
    ("chroot", || {
        call(libc::SYS_chroot, [name(c"no/where"), 0, 0, 0, 0])
    }),
    ("reboot", || call(libc::SYS_reboot, [0; 5])),
    ("set_clock", || {
        call(libc::SYS_clock_settime, [99, 0, 0, 0, 0])
    }),
    ("keyring", || call(libc::SYS_keyctl, [9999, 0, 0, 0, 0])),
    ("user", || call(libc::SYS_setuid, [0; 5])),
    ("personality", || {
        call(libc::SYS_personality, [0xffff_ffff, 0, 0, 0, 0])
    }),
    ("executable_memory", || mapped(libc::PROT_EXEC)),
    ("file_by_handle", || {
        call(libc::SYS_open_by_handle_at, [u64::MAX, 0, 0, 0, 0])
    }),
    ("type_into_terminal", || {
        call(libc::SYS_ioctl, [0, libc::TIOCSTI, name(c"x"), 0, 0])
    }),
    ("pin_program", || call(libc::SYS_bpf, [6, 0, 0, 0, 0])),
    ("hostname", || {
        call(libc::SYS_sethostname, [0, u64::from(u32::MAX), 0, 0, 0])
    }),
];

/// What must go on behind the walls.
pub(crate) const WORKS: &[Attempt] = &[
    ("thread", || {
        std::thread::spawn(|| {})
            .join()
            .map_err(|_| io::Error::other("it panicked"))
    }),
    ("read", || fs::read("file").map(drop)),
    ("read_others", || fs::read("/etc/hosts").map(drop)),
    ("memory", || mapped(libc::PROT_READ)),
    ("signal_self", || {
        call(libc::SYS_kill, [std::process::id().into(), 0, 0, 0, 0])
    }),
    ("map", || {
        map::Map::create(&map::MapSpec {
            name: "mt_try",
            of: map::MapType::Hash,
            key_size: 4,
            value_size: 4,
            entries: 8,
            flags: 0,
        })
        .map(drop)
    }),
    ("perf_event", || match perf::may_open() {
        true => Ok(()),
        false => Err(io::ErrorKind::PermissionDenied.into()),
    }),
];

/// What must go on where a folder is open.
pub(crate) const DOORS: &[Attempt] = &[
    ("create_there", || File::create("open/new").map(drop)),
    ("remove_there", || {
        File::create("open/new")?;
        fs::remove_file("open/new")
    }),
];

/// What Landlock takes away with the rest.
pub(crate) const LOOKS: &[Attempt] = &[("root_of_another", || {
    fs::metadata(format!("/proc/{}/root/", parent())).map(drop)
})];

fn call(number: libc::c_long, arguments: [u64; 5]) -> io::Result<()> {
    let [a, b, c, d, e] = arguments;
    // SAFETY: what is passed is plain numbers, names that live as long as the program, and arrays of the caller's; nothing
    // is written to.
    result(unsafe { libc::syscall(number, a, b, c, d, e) })
}

fn result(of: libc::c_long) -> io::Result<()> {
    match of {
        0.. => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// A child that does nothing.
fn forked(number: libc::c_long, arguments: [u64; 5]) -> io::Result<()> {
    let [a, b, c, d, e] = arguments;
    // SAFETY: the child ends at once, by an async-signal-safe call.
    unsafe {
        let pid = libc::syscall(number, a, b, c, d, e);
        if pid == 0 {
            libc::_exit(0);
        }
        result(pid)
    }
}

fn mapped(protection: libc::c_int) -> io::Result<()> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping, which nobody uses.
    let address = unsafe { libc::mmap(std::ptr::null_mut(), 4096, protection, flags, -1, 0) };
    match address {
        libc::MAP_FAILED => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

fn name(of: &'static std::ffi::CStr) -> u64 {
    of.as_ptr() as u64
}

fn parent() -> u64 {
    u64::from(std::os::unix::process::parent_id())
}
