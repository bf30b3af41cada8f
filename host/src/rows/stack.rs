//! Stacks: as programs gave them, and with what their addresses mean.

use std::cmp::Ordering;
use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

/// A stack as a program took it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RawStack {
    /// The process's stack, not the kernel's.
    pub user: bool,
    /// The process, and what tells its memory from that of others; zeros of the kernel's stacks.
    pub process: [u64; 2],
    /// How many frames are wanted.
    pub wanted: u8,
    /// Innermost first; of the kernel's stacks, BPF's own frames may come on top of what is wanted.
    pub addresses: Vec<u64>,
    pub end: RawEnd,
}

/// How a stack ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RawEnd {
    /// Where it began, or where the script wanted no more.
    Whole,
    /// It may go on: it has as many frames as the kernel takes.
    Truncated,
    /// There is none, for an error of that number.
    Failed(i32),
    /// Its frames were given up before they could be read.
    Gone,
}

/// A stack with what its addresses mean. Two are equal when their addresses are, in one process.
#[derive(Clone, Debug)]
pub struct Stack {
    pub raw: RawStack,
    /// Innermost first; those of functions that were inlined stand before the one that they are part of.
    pub frames: Vec<Frame>,
}

/// One function of a stack, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    pub address: u64,
    pub symbol: Option<Arc<str>>,
    /// Bytes from the symbol's start; of what no symbol is known for, from the start of the module's file.
    pub offset: u64,
    /// The file that it is in, or the kernel's module.
    pub module: Option<Arc<str>>,
    /// Of its source.
    pub file: Option<Arc<str>>,
    pub line: Option<u32>,
    /// It has no frame of its own: the compiler has put it into the next one.
    pub inlined: bool,
}

impl Stack {
    /// What stands behind the last frame, of a stack that is not whole.
    pub fn mark(&self) -> Option<String> {
        match self.raw.end {
            RawEnd::Whole => None,
            RawEnd::Truncated => Some("[truncated]".to_owned()),
            RawEnd::Gone => Some("[failed: gone]".to_owned()),
            RawEnd::Failed(number) => Some(format!("[failed: {}]", error_name(number))),
        }
    }

    /// A line a frame, innermost first, and the mark of one that is not whole.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.frames.iter().map(Frame::to_string).chain(self.mark())
    }

    /// How stacks are sorted: by their addresses, whatever those mean.
    pub fn order(&self, other: &Self) -> Ordering {
        self.raw.cmp(&other.raw)
    }
}

impl PartialEq for Stack {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}

impl Frame {
    /// The function's name where it is known; else its module and where in it, or its address.
    pub fn name(&self) -> String {
        match (&self.symbol, &self.module) {
            (Some(symbol), _) => symbol.to_string(),
            (None, Some(module)) => format!("{}+{:#x}", file_name(module), self.offset),
            (None, None) => format!("{:#x}", self.address),
        }
    }
}

/// `vfs_read+144`, `inner+17 (main.c:20)`, `outer [inlined] (main.c:12)`, `libc.so.6+0x27249`, `0x7f1200000000`.
impl Display for Frame {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())?;
        if self.inlined {
            f.write_str(" [inlined]")?;
        } else if self.symbol.is_some() {
            write!(f, "+{}", self.offset)?;
        }
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, " ({}:{line})", file_name(file)),
            (Some(file), None) => write!(f, " ({})", file_name(file)),
            (None, _) => Ok(()),
        }
    }
}

/// The last part of a path.
fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Errors that taking a stack may end with (include/uapi/asm-generic/errno-base.h).
fn error_name(number: i32) -> String {
    match number {
        12 => "ENOMEM".to_owned(),
        14 => "EFAULT".to_owned(),
        22 => "EINVAL".to_owned(),
        95 => "EOPNOTSUPP".to_owned(),
        other => format!("error {other}"),
    }
}

/// What an address means, for those who print it; the time says which of a process's memories it is of, ns.
pub trait Symbols {
    /// How many frames the kernel takes of a stack.
    fn longest(&self) -> usize;
    fn stack(&self, raw: &RawStack, time: u64) -> Arc<Stack>;
    /// One address: in a process's memory, or the kernel's.
    fn symbol(&self, address: u64, process: Option<u32>, time: u64) -> Frame;
}

/// Nothing is known of any address.
#[cfg(test)]
pub(crate) struct NoSymbols;

#[cfg(test)]
impl Symbols for NoSymbols {
    fn longest(&self) -> usize {
        127
    }

    fn stack(&self, raw: &RawStack, time: u64) -> Arc<Stack> {
        let frame = |address: &u64| self.symbol(*address, None, time);
        Arc::new(Stack {
            raw: raw.clone(),
            frames: raw.addresses.iter().map(frame).collect(),
        })
    }

    fn symbol(&self, address: u64, _: Option<u32>, _: u64) -> Frame {
        Frame {
            address,
            ..Frame::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(symbol: Option<&str>, module: Option<&str>) -> Frame {
        Frame {
            address: 0x1234,
            symbol: symbol.map(Into::into),
            offset: 16,
            module: module.map(Into::into),
            ..Frame::default()
        }
    }

    #[test]
    fn frames_say_what_is_known_of_them() {
        let here = Frame {
            file: Some("/src/main.c".into()),
            line: Some(12),
            ..frame(Some("main"), Some("/bin/x"))
        };
        let inlined = Frame {
            inlined: true,
            ..here.clone()
        };
        assert_eq!(here.to_string(), "main+16 (main.c:12)");
        assert_eq!(inlined.to_string(), "main [inlined] (main.c:12)");
        assert_eq!(frame(Some("f"), None).to_string(), "f+16");
        assert_eq!(frame(None, Some("/lib/x.so")).to_string(), "x.so+0x10");
        assert_eq!(frame(None, None).to_string(), "0x1234");
    }

    #[test]
    fn what_is_not_whole_says_so_last() {
        let stack = |end| Stack {
            raw: RawStack {
                wanted: 127,
                user: false,
                process: [0, 0],
                addresses: Vec::new(),
                end,
            },
            frames: vec![frame(Some("f"), None)],
        };
        let lines = |end| stack(end).lines().collect::<Vec<_>>();
        assert_eq!(lines(RawEnd::Whole), ["f+16"]);
        assert_eq!(lines(RawEnd::Truncated), ["f+16", "[truncated]"]);
        assert_eq!(lines(RawEnd::Failed(14))[1], "[failed: EFAULT]");
    }
}
