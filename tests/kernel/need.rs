//! What a case needs of the kernel that it runs on.

use std::path::{Path, PathBuf};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// kprobes and kretprobes: kernels can be built without.
    Kprobes,
    /// Modules of the guests: here none is loaded.
    Modules,
}

impl Need {
    /// Why this kernel can't, where it can't.
    pub(crate) fn missing(self) -> Option<&'static str> {
        match self {
            Self::Kprobes if Path::new("/sys/bus/event_source/devices/kprobe").exists() => None,
            Self::Kprobes => Some("this kernel has no kprobes"),
            Self::Modules if guest_module("veth").is_some() => None,
            Self::Modules => Some("modules are loaded in guests only"),
        }
    }
}

/// A module's file as the guests have it (tests/vm/run); machines have theirs elsewhere.
fn guest_module(name: &str) -> Option<PathBuf> {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    let file = Path::new("/lib/modules")
        .join(release.trim())
        .join(format!("{name}.ko"));
    file.exists().then_some(file)
}
