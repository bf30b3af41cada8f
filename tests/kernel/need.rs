//! What a case needs of the kernel that it runs on.

use std::path::Path;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// kprobes and kretprobes: kernels can be built without.
    Kprobes,
    /// Modules with types of their own, of those that guests may load: here none is loaded.
    ModuleTypes,
}

impl Need {
    /// Why this kernel can't, where it can't.
    pub(crate) fn missing(self) -> Option<&'static str> {
        match self {
            Self::Kprobes if Path::new("/sys/bus/event_source/devices/kprobe").exists() => None,
            Self::Kprobes => Some("this kernel has no kprobes"),
            Self::ModuleTypes if release() < (5, 11) => Some("modules have types since Linux 5.11"),
            Self::ModuleTypes if is_in_guest() => None,
            Self::ModuleTypes => Some("modules are loaded in guests only"),
        }
    }
}

/// The kernel's version and patch level.
fn release() -> (u32, u32) {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split('.').map_while(|part| part.parse().ok());
    (
        numbers.next().unwrap_or_default(),
        numbers.next().unwrap_or_default(),
    )
}

/// Guests have nothing but busybox and what tests/vm/run puts there.
fn is_in_guest() -> bool {
    Path::new("/payload").exists() && Path::new("/bin/busybox").exists()
}
