//! What the running CPU knows without reading memory. What a text uses twice is asked once.

use super::function::{Done, Function};
use super::instruction::{Alu, FP, Helper, R0, R1, R2, R7, Reg};
use crate::expr::tree::Current;

/// A call that gives one or two such values; the discriminant is its bit among the facts of the assembler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    PidTgid,
    UidGid,
    Time,
    Task,
    Cgroup,
    Comm,
}

impl Source {
    pub(super) const COUNT: usize = 6;
    pub(super) const ALL: [Self; Self::COUNT] = [
        Self::PidTgid,
        Self::UidGid,
        Self::Time,
        Self::Task,
        Self::Cgroup,
        Self::Comm,
    ];

    /// `None` for what costs nothing to ask again.
    pub(super) fn of(current: Current) -> Option<Self> {
        match current {
            Current::Pid | Current::Tid => Some(Self::PidTgid),
            Current::Uid | Current::Gid => Some(Self::UidGid),
            Current::Time => Some(Self::Time),
            Current::Task => Some(Self::Task),
            Current::Cgroup => Some(Self::Cgroup),
            Current::Cpu | Current::TaskWord(_) => None,
        }
    }

    /// Bytes that are kept of it.
    pub(super) fn bytes(self) -> u32 {
        if self == Self::Comm { 16 } else { 8 }
    }

    fn fact(self) -> u32 {
        1 << self as u32
    }
}

impl Function<'_> {
    /// r0 = the value.
    pub(super) fn current(&mut self, current: Current) {
        let Some(source) = Source::of(current) else {
            match current {
                Current::TaskWord(offset) => {
                    self.asm.helper(Helper::TypedTask);
                    self.asm.load(4, R0, R0, offset);
                }
                _ => self.asm.helper(Helper::ProcessorId),
            }
            return;
        };
        match self.kept(source) {
            Some(slot) if self.asm.knows(source.fact()) => self.asm.load(8, R0, FP, slot),
            slot => {
                self.ask(source);
                if let Some(slot) = slot {
                    self.asm.store(8, FP, slot, R0);
                    self.asm.learn(source.fact());
                }
            }
        }
        match current {
            Current::Pid | Current::Gid => self.asm.alu(Alu::Shr, R0, 32),
            Current::Tid | Current::Uid => self.asm.low_half(R0),
            _ => {}
        }
    }

    fn ask(&mut self, source: Source) {
        match source {
            Source::PidTgid => match self.target.pid_namespace {
                None => self.asm.helper(Helper::PidTgid),
                Some((device, inode)) => {
                    self.asm.constant(R1, device);
                    self.asm.constant(R2, inode);
                    self.asm.library("lib_task");
                }
            },
            Source::UidGid => self.asm.helper(Helper::UidGid),
            Source::Time => {
                self.asm.mov(R1, R7);
                self.asm.library("lib_time");
            }
            Source::Task => self.asm.helper(Helper::Task),
            Source::Cgroup => self.asm.helper(Helper::Cgroup),
            Source::Comm => {}
        }
    }

    /// The running thread's name on the stack: 16 bytes, zeroed behind its NUL. Gives its offset.
    pub(super) fn comm(&mut self, place: Option<i16>) -> Done<i16> {
        let kept = self.kept(Source::Comm);
        if let Some(slot) = kept
            && self.asm.knows(Source::Comm.fact())
        {
            return Ok(slot);
        }
        let slot = match kept {
            Some(slot) => slot,
            None => self.reserve(Source::Comm.bytes())?,
        };
        self.write_comm(place, FP, slot);
        if kept.is_some() {
            self.asm.learn(Source::Comm.fact());
        }
        Ok(slot)
    }

    /// Writes the running thread's name: 16 bytes, zeroed behind its NUL. `place` is that of [`Text::Comm`](crate::expr::tree::Text).
    pub(super) fn write_comm(&mut self, place: Option<i16>, base: Reg, offset: i16) {
        match place {
            Some(name) => {
                self.asm.helper(Helper::TypedTask);
                for at in [0, 8] {
                    self.asm.load(8, R1, R0, name + at);
                    self.asm.store(8, base, offset + at, R1);
                }
            }
            // Zeroed here: some kernels' helper, 6.1's among them, leaves what was behind the NUL.
            None => {
                self.clear(base, offset, 16);
                self.point(R1, base, offset);
                self.asm.mov(R2, 16);
                self.asm.helper(Helper::Comm);
            }
        }
    }
}
