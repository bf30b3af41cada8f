//! What a case needs of the kernel that it runs on.

use std::path::Path;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// kprobes and kretprobes: kernels can be built without.
    Kprobes,
    /// The kernel half with a log: [`ENGINE`] names it.
    EngineLog,
}

/// The variable that names an object of `ebpf/build --log`.
pub(crate) const ENGINE: &str = "MOONTRACE_ENGINE_LOG";

impl Need {
    /// Why this kernel can't, where it can't.
    pub(crate) fn missing(self) -> Option<&'static str> {
        match self {
            Self::Kprobes if Path::new("/sys/bus/event_source/devices/kprobe").exists() => None,
            Self::EngineLog if std::env::var_os(ENGINE).is_some() => None,
            Self::EngineLog => Some("MOONTRACE_ENGINE_LOG names no object of ebpf/build --log"),
            Self::Kprobes => Some("this kernel has no kprobes"),
        }
    }
}
