//! What the numbers that system calls take stand for: their tracepoints say the types, and not what the bits mean.
//!
//! Arguments are called as the kernel's own definitions call them, which is what the tracepoints' formats have. Names and
//! values are those of [`constants`]; the headers that say which argument takes which stand beside the rows.

use super::constants;
use crate::rows::Shown;
use crate::rows::shown::{Enumeration, Flags};
use std::cmp::Reverse;
use std::sync::Arc;

/// What an argument of a system call stands for, by the call's name (`openat`) and the argument's.
pub fn of(call: &str, argument: &str) -> Option<Shown> {
    let takes = |row: &&Row| {
        row.argument == argument && (row.calls.is_empty() || row.calls.contains(&call))
    };
    TABLE.iter().find(takes).map(|row| row.says.shown())
}

/// What a signal's number is called.
pub fn signal() -> Shown {
    SIGNAL.shown()
}

struct Row {
    /// None for all that have an argument of this name.
    calls: &'static [&'static str],
    argument: &'static str,
    says: Says,
}

enum Says {
    /// One of several values.
    One(Names),
    /// Bits; a name of 0 is what there is called when there are none.
    Bits(Names),
    /// Bits, and a number with a name in those of the mask.
    BitsAround(Names, u64),
    Address,
}

enum Names {
    With(&'static str),
    Of(&'static [&'static str]),
}

const fn row(calls: &'static [&'static str], argument: &'static str, says: Says) -> Row {
    Row {
        calls,
        argument,
        says,
    }
}

use Names::{Of, With};
use Says::{Address, Bits, BitsAround, One};

const SIGNAL: Says = One(With("SIG"));
const OPEN: Says = BitsAround(With("O_"), 0x3);
const AT: Names = Of(&[
    "AT_SYMLINK_NOFOLLOW",
    "AT_SYMLINK_FOLLOW",
    "AT_NO_AUTOMOUNT",
    "AT_EMPTY_PATH",
    "AT_RECURSIVE",
]);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    // include/uapi/asm-generic/fcntl.h; the mask is O_ACCMODE
    row(&["open", "openat", "open_by_handle_at"], "flags", OPEN),
    row(&["mq_open"], "oflag", OPEN),
    row(&["pipe2", "dup3", "signalfd4", "userfaultfd"], "flags", Bits(Of(&["O_CLOEXEC", "O_NONBLOCK", "O_DIRECT"]))),
    row(&["fcntl"], "cmd", One(Of(&[
        "F_DUPFD", "F_GETFD", "F_SETFD", "F_GETFL", "F_SETFL", "F_GETLK", "F_SETLK", "F_SETLKW", "F_SETOWN", "F_GETOWN",
        "F_OFD_GETLK", "F_OFD_SETLK", "F_OFD_SETLKW", "F_DUPFD_CLOEXEC", "F_SETPIPE_SZ", "F_GETPIPE_SZ", "F_ADD_SEALS",
        "F_GET_SEALS",
    ]))),
    row(&["flock"], "cmd", Bits(With("LOCK_"))),
    // include/uapi/linux/fcntl.h
    row(&[], "dfd", One(Of(&["AT_FDCWD"]))),
    row(&[], "olddfd", One(Of(&["AT_FDCWD"]))),
    row(&[], "newdfd", One(Of(&["AT_FDCWD"]))),
    row(&["unlinkat"], "flag", Bits(Of(&["AT_REMOVEDIR"]))),
    row(&["faccessat2"], "flags", Bits(Of(&["AT_EACCESS", "AT_SYMLINK_NOFOLLOW", "AT_EMPTY_PATH"]))),
    row(&["fchownat", "name_to_handle_at", "newfstatat"], "flag", Bits(AT)),
    row(&["execveat", "fchmodat2", "linkat", "utimensat", "mount_setattr", "open_tree"], "flags", Bits(AT)),
    row(&["statx"], "flags", Bits(Of(&[
        "AT_STATX_FORCE_SYNC", "AT_STATX_DONT_SYNC", "AT_SYMLINK_NOFOLLOW", "AT_NO_AUTOMOUNT", "AT_EMPTY_PATH",
    ]))),
    // include/uapi/linux/fs.h, falloc.h, fadvise.h; access(2)
    row(&["renameat2"], "flags", Bits(With("RENAME_"))),
    row(&["lseek"], "whence", One(With("SEEK_"))),
    row(&["access", "faccessat", "faccessat2"], "mode", Bits(Of(&["F_OK", "R_OK", "W_OK", "X_OK"]))),
    row(&["fallocate"], "mode", Bits(With("FALLOC_FL_"))),
    row(&["fadvise64"], "advice", One(With("POSIX_FADV_"))),
    // include/uapi/linux/mount.h
    row(&["mount"], "flags", Bits(Of(&[
        "MS_RDONLY", "MS_NOSUID", "MS_NODEV", "MS_NOEXEC", "MS_SYNCHRONOUS", "MS_REMOUNT", "MS_MANDLOCK", "MS_DIRSYNC",
        "MS_NOATIME", "MS_NODIRATIME", "MS_BIND", "MS_MOVE", "MS_REC", "MS_SILENT", "MS_POSIXACL", "MS_UNBINDABLE",
        "MS_PRIVATE", "MS_SLAVE", "MS_SHARED", "MS_RELATIME", "MS_STRICTATIME", "MS_LAZYTIME",
    ]))),
    row(&["umount"], "flags", Bits(Of(&["MNT_FORCE", "MNT_DETACH", "MNT_EXPIRE", "UMOUNT_NOFOLLOW"]))),
    // include/uapi/asm-generic/mman-common.h, include/uapi/linux/mman.h; the mask is MAP_TYPE
    row(&[], "prot", Bits(With("PROT_"))),
    row(&["mmap"], "flags", BitsAround(With("MAP_"), 0xf)),
    row(&["mremap"], "flags", Bits(With("MREMAP_"))),
    row(&["msync"], "flags", Bits(Of(&["MS_ASYNC", "MS_INVALIDATE", "MS_SYNC"]))),
    row(&["mlockall"], "flags", Bits(With("MCL_"))),
    row(&["madvise", "process_madvise"], "behavior", One(With("MADV_"))),
    row(&["memfd_create"], "flags", Bits(With("MFD_"))),
    row(&[], "addr", Address),
    row(&[], "new_addr", Address),
    row(&[], "start", Address),
    row(&["brk"], "brk", Address),
    // include/uapi/linux/sched.h; the mask is CSIGNAL
    row(&["clone"], "clone_flags", BitsAround(Of(CLONE), 0xff)),
    row(&["unshare"], "unshare_flags", Bits(With("CLONE_"))),
    row(&["setns"], "flags", Bits(With("CLONE_NEW"))),
    row(&["clone"], "newsp", Address),
    row(&["clone"], "tls", Address),
    row(&["sched_setscheduler", "sched_get_priority_max", "sched_get_priority_min"], "policy", One(Of(&[
        "SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH", "SCHED_IDLE", "SCHED_DEADLINE",
    ]))),
    // include/uapi/asm-generic/signal.h, signal-defs.h
    row(&[], "sig", SIGNAL),
    row(&["rt_sigprocmask"], "how", One(Of(&["SIG_BLOCK", "SIG_UNBLOCK", "SIG_SETMASK"]))),
    // include/uapi/linux/wait.h, resource.h, time.h, random.h, ptrace.h, prctl.h
    row(&["prctl"], "option", One(With("PR_"))),
    row(&["wait4"], "options", Bits(Of(&["WNOHANG", "WUNTRACED", "WCONTINUED"]))),
    row(&["waitid"], "options", Bits(Of(&["WNOHANG", "WSTOPPED", "WEXITED", "WCONTINUED", "WNOWAIT"]))),
    row(&[], "resource", One(With("RLIMIT_"))),
    row(&["getpriority", "setpriority"], "which", One(With("PRIO_"))),
    row(&[], "which_clock", One(With("CLOCK_"))),
    row(&[], "clockid", One(With("CLOCK_"))),
    row(&["getrandom"], "flags", Bits(With("GRND_"))),
    row(&["ptrace"], "request", One(Of(&[
        "PTRACE_TRACEME", "PTRACE_PEEKTEXT", "PTRACE_PEEKDATA", "PTRACE_PEEKUSER", "PTRACE_POKETEXT", "PTRACE_POKEDATA",
        "PTRACE_POKEUSER", "PTRACE_CONT", "PTRACE_KILL", "PTRACE_SINGLESTEP", "PTRACE_GETREGS", "PTRACE_SETREGS",
        "PTRACE_ATTACH", "PTRACE_DETACH", "PTRACE_SYSCALL", "PTRACE_SETOPTIONS", "PTRACE_GETEVENTMSG", "PTRACE_GETSIGINFO",
        "PTRACE_SETSIGINFO", "PTRACE_GETREGSET", "PTRACE_SETREGSET", "PTRACE_SEIZE", "PTRACE_INTERRUPT", "PTRACE_LISTEN",
        "PTRACE_PEEKSIGINFO", "PTRACE_GETSIGMASK", "PTRACE_SETSIGMASK", "PTRACE_GET_SYSCALL_INFO",
    ]))),
    // include/uapi/linux/futex.h; the mask is what FUTEX_CMD_MASK leaves
    row(&["futex"], "op", BitsAround(With("FUTEX_"), 0x7f)),
    // include/uapi/linux/eventpoll.h, eventfd.h, inotify.h, timerfd.h
    row(&["epoll_create1"], "flags", Bits(Of(&["EPOLL_CLOEXEC"]))),
    row(&["eventfd2"], "flags", Bits(With("EFD_"))),
    row(&["inotify_init1"], "flags", Bits(Of(&["IN_CLOEXEC", "IN_NONBLOCK"]))),
    row(&["timerfd_create"], "flags", Bits(Of(&["TFD_CLOEXEC", "TFD_NONBLOCK"]))),
    row(&["epoll_ctl"], "op", One(With("EPOLL_CTL_"))),
    // include/linux/socket.h, include/linux/net.h; the mask is SOCK_TYPE_MASK
    row(&["socket", "socketpair"], "family", One(With("AF_"))),
    row(&["socket", "socketpair"], "type", BitsAround(With("SOCK_"), 0xf)),
    row(&["accept4"], "flags", Bits(Of(&["SOCK_CLOEXEC", "SOCK_NONBLOCK"]))),
    row(&["getsockopt", "setsockopt"], "level", One(With("SOL_"))),
    row(&["recvfrom", "recvmsg", "recvmmsg", "sendto", "sendmsg", "sendmmsg"], "flags", Bits(With("MSG_"))),
    row(&["shutdown"], "how", One(With("SHUT_"))),
];

/// Flags of clone(2), and the signals that its lowest byte names.
const CLONE: &[&str] = &[
    "CLONE_VM",
    "CLONE_FS",
    "CLONE_FILES",
    "CLONE_SIGHAND",
    "CLONE_PIDFD",
    "CLONE_PTRACE",
    "CLONE_VFORK",
    "CLONE_PARENT",
    "CLONE_THREAD",
    "CLONE_NEWNS",
    "CLONE_SYSVSEM",
    "CLONE_SETTLS",
    "CLONE_PARENT_SETTID",
    "CLONE_CHILD_CLEARTID",
    "CLONE_DETACHED",
    "CLONE_UNTRACED",
    "CLONE_CHILD_SETTID",
    "CLONE_NEWCGROUP",
    "CLONE_NEWUTS",
    "CLONE_NEWIPC",
    "CLONE_NEWUSER",
    "CLONE_NEWPID",
    "CLONE_NEWNET",
    "CLONE_IO",
    "SIGCHLD",
    "SIGUSR1",
    "SIGUSR2",
];

/// Names of what another name stands for, too, which people know better.
const OTHER_NAMES: &[&str] = &[
    "AF_LOCAL",
    "AF_ROUTE",
    "MAP_ANON",
    "O_ACCMODE",
    "O_NDELAY",
    "O_RSYNC",
    "SIGPOLL",
    "SIG_BLOCK",
    "SIG_SETMASK",
    "SIG_UNBLOCK",
    "SOL_ICMPV6",
];

impl Names {
    fn values(&self) -> Vec<(i128, String)> {
        match self {
            With(prefix) => constants::names()
                .filter(|name| name.starts_with(prefix) && !OTHER_NAMES.contains(name))
                .filter_map(named)
                .collect(),
            Of(names) => names.iter().copied().filter_map(named).collect(),
        }
    }
}

fn named(name: &'static str) -> Option<(i128, String)> {
    Some((constants::usual(name)?, name.to_owned()))
}

impl Says {
    fn shown(&self) -> Shown {
        match self {
            One(names) => Shown::Enum(Arc::new(Enumeration {
                name: String::new(),
                values: names.values(),
            })),
            Bits(names) => flags(names, 0),
            BitsAround(names, mask) => flags(names, *mask),
            Address => Shown::Address,
        }
    }
}

/// Those of most bits come first, then by their value; those within the mask are numbers.
fn flags(names: &Names, mask: u64) -> Shown {
    let all = names.values().into_iter();
    let all = all.map(|(value, name)| (value as u64, name));
    let (mut bits, mut numbers): (Vec<_>, Vec<_>) = all.partition(|(value, _)| value & !mask != 0);
    bits.sort_by_key(|(value, _)| (Reverse(value.count_ones()), *value));
    let none = (mask == 0).then(|| numbers.pop()).flatten();
    Shown::Flags(Arc::new(Flags {
        names: bits,
        none: none.map(|(_, name)| name),
        field: (mask != 0).then_some((mask, numbers)),
        ..Flags::default()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_name_is_known_and_says_one_thing() {
        for row in TABLE {
            let (One(names) | Bits(names) | BitsAround(names, _)) = &row.says else {
                continue;
            };
            let values = names.values();
            assert!(!values.is_empty(), "{}", row.argument);
            if let Of(listed) = names {
                assert_eq!(values.len(), listed.len(), "{listed:?}");
            }
            let distinct: BTreeSet<i128> = values.iter().map(|(value, _)| *value).collect();
            assert_eq!(distinct.len(), values.len(), "{} {values:?}", row.argument);
        }
    }

    #[test]
    fn an_argument_belongs_to_its_call() {
        let Some(Shown::Flags(flags)) = of("mmap", "flags") else {
            panic!("mmap has flags")
        };
        let (mask, types) = flags.field.clone().unwrap();
        assert_eq!(mask, 0xf);
        assert!(types.contains(&(2, "MAP_PRIVATE".to_owned())));
        assert!(flags.names.contains(&(0x20, "MAP_ANONYMOUS".to_owned())));
        assert_eq!(of("mmap", "flag"), None);
        assert_eq!(of("perf_event_open", "flags"), None);
        assert_eq!(of("munmap", "addr"), Some(Shown::Address));
    }
}
