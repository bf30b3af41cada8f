//! What a case needs of the kernel that it runs on.

use std::path::Path;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// kprobes and kretprobes: kernels can be built without.
    Kprobes,
}

impl Need {
    /// Why this kernel can't, where it can't.
    pub(crate) fn missing(self) -> Option<&'static str> {
        match self {
            Self::Kprobes if Path::new("/sys/bus/event_source/devices/kprobe").exists() => None,
            Self::Kprobes => Some("this kernel has no kprobes"),
        }
    }
}
