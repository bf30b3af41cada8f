//! Kinds of attachment and the SPECs that name them.

use std::fmt;

/// A kind of attachment. The same word names it in ebpf/src/probes, in kernel/attach and in the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Tracepoint,
    RawTracepoint,
    Kprobe,
    Kretprobe,
    Uprobe,
    Uretprobe,
    Profile,
    Interval,
}

/// One alternative of a SPEC, its braces still in it: the kind, and the parts between colons (`*`, `?` and `{a,b}` allowed).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    pub kind: Kind,
    pub parts: Vec<String>,
}

impl Kind {
    /// The name, and the alias that bpftrace has for it.
    pub const ALL: [(Self, &'static str, Option<&'static str>); 8] = [
        (Self::Tracepoint, "tracepoint", Some("t")),
        (Self::RawTracepoint, "rawtracepoint", Some("rt")),
        (Self::Kprobe, "kprobe", Some("k")),
        (Self::Kretprobe, "kretprobe", Some("kr")),
        (Self::Uprobe, "uprobe", Some("u")),
        (Self::Uretprobe, "uretprobe", Some("ur")),
        (Self::Profile, "profile", Some("p")),
        (Self::Interval, "interval", Some("i")),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, ..)| *kind == self).map_or("", |(_, name, _)| name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
