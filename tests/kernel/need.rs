//! What a case needs of the kernel that it runs on.

use crate::worker::executable;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// kprobes and kretprobes: kernels can be built without.
    Kprobes,
    /// None of them, for what is said then.
    NoKprobes,
    /// fentry and fexit. Kernels that forbid them to all have no kprobes, either.
    Fentry,
    /// Modules that guests load (tests/vm/kernel).
    Modules,
    /// Modules with types of their own, of those that guests may load: here none is loaded.
    ModuleTypes,
    /// One link for many kernel functions: from 5.18 on, and with CONFIG_FPROBE.
    KprobeMulti,
    /// One link for both ends of calls of many kernel functions: from 6.10 on, and with CONFIG_FPROBE.
    KprobeSession,
    /// The same of a program's functions: from 6.13 on.
    UprobeSession,
    /// System calls of 32-bit programs: kernels can be built or booted without.
    Compat,
    /// A disk below /var/tmp, which guests don't have.
    Disk,
    /// A processor that is not emulated: guests have none, for what is run a hundred times.
    Processor,
    /// Landlock: from 5.13 on, and where it is built in and not left out at boot.
    Landlock,
    /// The kernel half with a log: [`ENGINE`] names it.
    EngineLog,
    /// The program git, which guests don't have.
    Git,
}

/// The variable that names an object of `ebpf/build --log`.
pub(crate) const ENGINE: &str = "MOONTRACE_ENGINE_LOG";

impl Need {
    /// Why this kernel can't, where it can't.
    pub(crate) fn missing(self) -> Option<&'static str> {
        match self {
            Self::Kprobes if kprobes() => None,
            Self::Disk if is_on_disk("/var/tmp") => None,
            Self::Disk => Some("/var/tmp is on no disk here"),
            Self::Processor if !is_emulated() => None,
            Self::Processor => Some("the processor is emulated"),
            Self::Landlock if has_landlock() => None,
            Self::Landlock => Some("this kernel has no Landlock"),
            Self::Git if has_git() => None,
            Self::Git => Some("there is no git here"),
            Self::EngineLog if std::env::var_os(ENGINE).is_some() => None,
            Self::EngineLog => Some("MOONTRACE_ENGINE_LOG names no object of ebpf/build --log"),
            Self::Kprobes => Some("this kernel has no kprobes"),
            Self::NoKprobes if kprobes() => Some("this kernel has kprobes"),
            Self::NoKprobes => None,
            Self::Fentry if kprobes() && Path::new("/sys/kernel/btf/vmlinux").exists() => None,
            Self::Fentry => Some("this kernel lets nobody trace its functions by fentry"),
            Self::Modules if module("dummy").exists() && module("veth").exists() => None,
            Self::Modules => Some("this kernel has no modules dummy and veth"),
            Self::ModuleTypes if release() < (5, 11) => Some("modules have types since Linux 5.11"),
            Self::ModuleTypes if module("dummy").exists() => None,
            Self::ModuleTypes => Some("modules are loaded in guests only"),
            Self::KprobeMulti if has_function("register_fprobe") => None,
            Self::KprobeMulti => {
                Some("this kernel has no links for many functions: 5.18, CONFIG_FPROBE")
            }
            Self::KprobeSession if has_function("register_fprobe") && release() >= (6, 10) => None,
            Self::KprobeSession => Some("this kernel has no kprobe.session: 6.10, CONFIG_FPROBE"),
            Self::UprobeSession if release() >= (6, 13) => None,
            Self::UprobeSession => Some("this kernel has no uprobe.session: 6.13"),
            Self::Compat if makes_compat_calls() => None,
            Self::Compat => Some("this kernel takes no 32-bit system calls: CONFIG_IA32_EMULATION"),
        }
    }
}

fn has_git() -> bool {
    let mut git = Command::new("git");
    git.arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    git.status().is_ok_and(|status| status.success())
}

fn kprobes() -> bool {
    Path::new("/sys/bus/event_source/devices/kprobe").exists()
}

fn has_landlock() -> bool {
    const VERSION: libc::c_long = 1;
    let none = std::ptr::null::<u8>();
    // SAFETY: with that flag it takes no attribute, and answers with a version.
    unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, none, 0, VERSION) > 0 }
}

/// What lies in memory has no device of its own.
fn is_on_disk(folder: &str) -> bool {
    std::fs::metadata(folder).is_ok_and(|metadata| libc::major(metadata.dev()) != 0)
}

fn is_emulated() -> bool {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    text.contains("QEMU TCG")
}

/// Where a guest has the file of a module.
fn module(name: &str) -> PathBuf {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    PathBuf::from(format!("/lib/modules/{}/{name}.ko", release.trim()))
}

/// The first two numbers of the kernel's release.
fn release() -> (u32, u32) {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

fn has_function(name: &str) -> bool {
    let symbols = std::fs::read_to_string("/proc/kallsyms").unwrap_or_default();
    symbols
        .lines()
        .any(|line| line.split(' ').nth(2) == Some(name))
}

/// Where the kernel takes none, whoever makes one is killed. (64 is getppid.)
fn makes_compat_calls() -> bool {
    let mut command = Command::new(executable());
    command.args(["--workload", "at-once", "compat", "1", "64"]);
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
