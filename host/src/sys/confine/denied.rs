//! seccomp: the system calls that are answered `EPERM`.
//!
//! A list of what is denied, not of what is allowed: Rust's and C's libraries decide by themselves which calls they make.
//! Calls that are newer than this list are not there (`ENOSYS`), and neither are those of x32 and of 32-bit programs.

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Length, SeccompCmpOp as Is, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, sock_filter,
};
use std::collections::BTreeMap;
use std::io;

/// Denied whatever they are given.
const ALWAYS: &[libc::c_long] = &[
    // Other programs and processes.
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_process_mrelease,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_kcmp,
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_setattr,
    libc::SYS_sched_setparam,
    libc::SYS_sched_setscheduler,
    libc::SYS_setpriority,
    libc::SYS_ioprio_set,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    libc::SYS_setpgid,
    libc::SYS_setsid,
    // Networks, and whoever listens on this machine.
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_semctl,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
    // Names of files, and what is said of them.
    libc::SYS_creat,
    libc::SYS_truncate,
    libc::SYS_mkdir,
    libc::SYS_mkdirat,
    libc::SYS_mknod,
    libc::SYS_mknodat,
    libc::SYS_rmdir,
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_link,
    libc::SYS_linkat,
    libc::SYS_symlink,
    libc::SYS_symlinkat,
    libc::SYS_chmod,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchmodat2,
    libc::SYS_chown,
    libc::SYS_fchown,
    libc::SYS_lchown,
    libc::SYS_fchownat,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_utimensat,
    libc::SYS_futimesat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_fanotify_mark,
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
    // Mounts and namespaces.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_mount_setattr,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    // Who this is.
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_setgroups,
    libc::SYS_capset,
    libc::SYS_personality,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // The machine.
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_reboot,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_syslog,
    libc::SYS_acct,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_vhangup,
    // Ways around this list, and large pieces of the kernel that tracing has no use for.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_userfaultfd,
    libc::SYS_io_setup,
    libc::SYS_io_submit,
    libc::SYS_modify_ldt,
    libc::SYS_remap_file_pages,
    libc::SYS_splice,
    libc::SYS_vmsplice,
    libc::SYS_tee,
];

/// Denied to a thread that writes no files; elsewhere Landlock says which.
const CHANGING_FOLDERS: &[libc::c_long] = &[libc::SYS_unlink, libc::SYS_unlinkat];

/// Commands of ioctl(2) that are made: all of perf events (include/uapi/linux/perf_event.h), PROCMAP_QUERY, and what asks
/// about a terminal. TIOCSTI, which types into it, is none of them.
const IOCTLS: [u64; 16] = [
    0x2400,
    0x2401,
    0x2402,
    0x2403,
    0x4008_2404,
    0x2405,
    0x4008_2406,
    0x8008_2407,
    0x4004_2408,
    0x4004_2409,
    0xc008_240a,
    0x4008_240b,
    0xc068_6611,
    libc::TCGETS,
    libc::TIOCGWINSZ,
    libc::FIONREAD,
];

/// Commands of bpf(2) that change something outside of this process: BPF_OBJ_PIN, BPF_PROG_ATTACH and BPF_PROG_DETACH.
const BPF: [u64; 3] = [6, 8, 9];

/// `SYS_mseal`: what is behind it is not in the list.
const NEWEST: u32 = 462;

/// Answers `ENOSYS` there: the libraries then make the older calls.
const UNKNOWN: [libc::c_long; 2] = [
    // Its flags lie in memory, where no filter looks.
    libc::SYS_clone3,
    libc::SYS_openat2,
];

/// Puts the filter up. `writes`: files may be opened for writing. `false` where the kernel has no seccomp.
pub(super) fn deny(writes: bool) -> io::Result<bool> {
    let action = libc::SECCOMP_RET_ERRNO;
    // SAFETY: asks which action there is, and reads its number alone.
    let there = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_GET_ACTION_AVAIL,
            0,
            &raw const action,
        )
    };
    if there < 0 {
        return Ok(false);
    }
    for filter in [unknown(), filter(writes)?] {
        seccompiler::apply_filter(&filter).map_err(|error| io::Error::other(error.to_string()))?;
    }
    Ok(true)
}

/// A condition on the argument at an index.
fn argument(
    index: u8,
    length: Length,
    is: Is,
    value: u64,
) -> Result<SeccompRule, seccompiler::BackendError> {
    SeccompRule::new(vec![SeccompCondition::new(index, length, is, value)?])
}

/// As [`argument`], of an int.
fn int(index: u8, is: Is, value: u64) -> Result<SeccompRule, seccompiler::BackendError> {
    argument(index, Length::Dword, is, value)
}

fn has(bits: i32) -> Is {
    Is::MaskedEq(bits as u32 as u64)
}

fn filter(writes: bool) -> io::Result<BpfProgram> {
    let made = rules(writes).and_then(|rules| {
        let denied = SeccompAction::Errno(libc::EPERM as u32);
        SeccompFilter::new(rules, SeccompAction::Allow, denied, TargetArch::x86_64)?.try_into()
    });
    made.map_err(|error: seccompiler::BackendError| io::Error::other(error.to_string()))
}

fn rules(writes: bool) -> Result<BTreeMap<i64, Vec<SeccompRule>>, seccompiler::BackendError> {
    let me = u64::from(std::process::id());
    let any = |number: &libc::c_long| (*number, Vec::new());
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = ALWAYS.iter().map(any).collect();
    let not_me = || int(0, Is::Ne, me);
    rules.insert(libc::SYS_kill, vec![not_me()?]);
    rules.insert(libc::SYS_tgkill, vec![not_me()?]);
    rules.insert(libc::SYS_rt_tgsigqueueinfo, vec![not_me()?]);
    let limits_another = SeccompRule::new(vec![
        SeccompCondition::new(0, Length::Dword, Is::Ne, 0)?,
        SeccompCondition::new(0, Length::Dword, Is::Ne, me)?,
    ])?;
    rules.insert(libc::SYS_prlimit64, vec![limits_another]);
    // Threads, and no processes.
    rules.insert(
        libc::SYS_clone,
        vec![argument(0, Length::Qword, has(libc::CLONE_THREAD), 0)?],
    );
    let executable = || int(2, has(libc::PROT_EXEC), libc::PROT_EXEC as u64);
    for number in [libc::SYS_mmap, libc::SYS_mprotect, libc::SYS_pkey_mprotect] {
        rules.insert(number, vec![executable()?]);
    }
    // On a socket that is connected, nobody is named.
    rules.insert(
        libc::SYS_sendto,
        vec![argument(4, Length::Qword, Is::Ne, 0)?],
    );
    let owner = |command: i32| int(1, Is::Eq, command as u64);
    // Whoever owns a file is signalled by it.
    rules.insert(
        libc::SYS_fcntl,
        vec![
            owner(libc::F_SETOWN)?,
            owner(F_SETOWN_EX)?,
            owner(libc::F_SETLEASE)?,
        ],
    );
    let others = IOCTLS
        .iter()
        .map(|command| SeccompCondition::new(1, Length::Dword, Is::Ne, *command));
    rules.insert(
        libc::SYS_ioctl,
        vec![SeccompRule::new(others.collect::<Result<_, _>>()?)?],
    );
    let commands = BPF.iter().map(|command| int(0, Is::Eq, *command));
    rules.insert(libc::SYS_bpf, commands.collect::<Result<_, _>>()?);
    let opens = [(libc::SYS_open, 1), (libc::SYS_openat, 2)];
    if writes {
        // Landlock sees what is opened for writing; what is cut without that it sees since Linux 6.2.
        let cuts = libc::O_ACCMODE | libc::O_TRUNC;
        for (number, flags) in opens {
            rules.insert(number, vec![int(flags, has(cuts), libc::O_TRUNC as u64)?]);
        }
    } else {
        rules.extend(CHANGING_FOLDERS.iter().map(any));
        for (number, flags) in opens {
            let modes =
                [libc::O_WRONLY, libc::O_RDWR, libc::O_ACCMODE].map(|mode| (libc::O_ACCMODE, mode));
            let makes = [libc::O_CREAT, libc::O_TRUNC].map(|bit| (bit, bit));
            let denied = modes
                .iter()
                .chain(&makes)
                .map(|(bits, value)| int(flags, has(*bits), *value as u64));
            rules.insert(number, denied.collect::<Result<_, _>>()?);
        }
    }
    Ok(rules)
}

/// `F_SETOWN_EX` of include/uapi/asm-generic/fcntl.h.
const F_SETOWN_EX: i32 = 15;

/// Answers `ENOSYS` to what is newer than this, to x32, and to [`UNKNOWN`]. (seccompiler compares with `==` only.)
fn unknown() -> BpfProgram {
    let op = |code: u32, jt: u8, jf: u8, k: u32| sock_filter {
        code: code as u16,
        jt,
        jf,
        k,
    };
    let number = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    let (equal, greater) = (
        libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
        libc::BPF_JMP | libc::BPF_JGT | libc::BPF_K,
    );
    let answer = libc::BPF_RET | libc::BPF_K;
    vec![
        // `nr` is the first member of struct seccomp_data.
        op(number, 0, 0, 0),
        op(greater, 3, 0, NEWEST),
        op(equal, 2, 0, UNKNOWN[0] as u32),
        op(equal, 1, 0, UNKNOWN[1] as u32),
        op(answer, 0, 0, libc::SECCOMP_RET_ALLOW),
        op(answer, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
    ]
}
