//! Functions that the kernel keeps probes out of, and why.

use super::Facts;
use crate::sys;
use std::collections::HashSet;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;

/// Why no probe can be in a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untraceable {
    /// It is on the kernel's list of functions that kprobes themselves run through.
    Blacklisted,
    /// The kernel's tracer doesn't reach it.
    Notrace,
}

impl Untraceable {
    /// In a word, for lists.
    pub fn word(self) -> &'static str {
        match self {
            Self::Blacklisted => "blacklisted",
            Self::Notrace => "notrace",
        }
    }

    /// In a sentence about the function.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Blacklisted => {
                "it is on the kernel's list of functions without kprobes (kprobes/blacklist in debugfs), since kprobes run through it themselves"
            }
            Self::Notrace => {
                "it is marked notrace: the kernel's tracer (available_filter_functions) doesn't reach it, and probes there need CONFIG_KPROBE_EVENTS_ON_NOTRACE"
            }
        }
    }
}

impl Facts {
    /// Why the kernel takes no probe in a function, as its own lists tell; `None` where they don't.
    pub fn untraceable(&self, function: &str) -> Option<Untraceable> {
        if self.blacklist().contains(function) {
            return Some(Untraceable::Blacklisted);
        }
        (self.is_notrace(function) == Some(true)).then_some(Untraceable::Notrace)
    }

    /// Is it out of the tracer's reach? `None` where that can't be told.
    pub fn is_notrace(&self, function: &str) -> Option<bool> {
        let traceable = self.traceable.get_or_init(|| {
            let text = self.tracefs().ok()?.traceable_functions()?;
            let names = super::symbols::traceable(&text).into_iter();
            let names: HashSet<String> = names.map(|(name, _)| name).collect();
            (!names.is_empty()).then_some(names)
        });
        Some(!traceable.as_ref()?.contains(function))
    }

    /// Names on the list of `kprobes/blacklist`; none where it can't be read.
    fn blacklist(&self) -> HashSet<String> {
        let read =
            |directory: PathBuf| std::fs::read_to_string(directory.join("kprobes/blacklist")).ok();
        let mounted = read(self.root.join("sys/kernel/debug"));
        let text = mounted.or_else(|| {
            let own: OwnedFd = match self.live {
                true => sys::tracefs::mount_detached(c"debugfs").ok()?,
                false => return None,
            };
            read(PathBuf::from(format!("/proc/self/fd/{}", own.as_raw_fd())))
        });
        text.map(|text| blacklisted(&text)).unwrap_or_default()
    }
}

/// `0xffffffff81000000-0xffffffff81000010\tname`, or `name [module]`, a line.
fn blacklisted(text: &str) -> HashSet<String> {
    let name = |line: &str| Some(line.split_once('\t')?.1.split(' ').next()?.to_owned());
    text.lines().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::fixture::Machine;

    #[test]
    fn the_kernels_lists_say_why_not() {
        let machine = Machine::new();
        machine.write(
            "sys/kernel/debug/kprobes/blacklist",
            b"0xffffffff81000000-0xffffffff81000100\tkprobe_dispatcher\n0xffffffffc0000000-0xffffffffc0000001\tof_module [x]\n",
        );
        machine.write(
            "sys/kernel/tracing/available_filter_functions",
            b"vfs_read\nwake\nkprobe_dispatcher\n",
        );
        let facts = machine.facts();
        let why = |function| facts.untraceable(function);
        assert_eq!(why("kprobe_dispatcher"), Some(Untraceable::Blacklisted));
        assert_eq!(why("of_module"), Some(Untraceable::Blacklisted));
        assert_eq!(why("do_nmi"), Some(Untraceable::Notrace));
        assert_eq!(why("vfs_read"), None);
    }

    #[test]
    fn without_lists_nothing_is_known() {
        assert_eq!(Machine::new().facts().untraceable("vfs_read"), None);
    }
}
