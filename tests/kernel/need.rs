//! What a case needs of the kernel that it runs on.

use crate::worker::executable;
use std::path::Path;
use std::process::{Command, Stdio};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// kprobes and kretprobes: kernels can be built without.
    Kprobes,
    /// One link for many kernel functions: from 5.18 on, and with CONFIG_FPROBE.
    KprobeMulti,
    /// System calls of 32-bit programs: kernels can be built or booted without.
    Compat,
}

impl Need {
    /// Why this kernel can't, where it can't.
    pub(crate) fn missing(self) -> Option<&'static str> {
        match self {
            Self::Kprobes if Path::new("/sys/bus/event_source/devices/kprobe").exists() => None,
            Self::Kprobes => Some("this kernel has no kprobes"),
            Self::KprobeMulti if has_function("register_fprobe") => None,
            Self::KprobeMulti => {
                Some("this kernel has no links for many functions: 5.18, CONFIG_FPROBE")
            }
            Self::Compat if makes_compat_calls() => None,
            Self::Compat => Some("this kernel takes no 32-bit system calls: CONFIG_IA32_EMULATION"),
        }
    }
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
