//! One function in the making: its frame, what waits, what happens when a read fails, and code that is seldom reached.

use super::asm::{Asm, Label};
use super::current::Source;
use super::instruction::{Alu, FP, R0, R1, R2, R3, R6, R7, R8, R9, Reg};
use super::weights::{Root, Weights};
use super::{Code, STACK, Target};
use crate::report::Report;
use moontrace_abi::{Header, Note, Outcome, State};

pub(super) type Done<T = ()> = Result<T, Report>;

/// How a function answers a failed read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Sets `state.fault` and returns 0: the run is lost.
    Flagged,
    /// Returns the outcome of a failed read.
    Returned,
    /// Has a way of its own.
    Own,
}

pub(super) struct Function<'a> {
    pub(super) asm: Asm,
    pub(super) target: &'a Target,
    pub(super) weights: Weights,
    /// Whether there is a book yet that notes can be entered in.
    pub(super) notes: bool,
    /// Where a failed read goes.
    pub(super) fault: Label,
    failure: Failure,
    /// Bytes of the stack in use, and the most there were.
    depth: u32,
    deepest: u32,
    /// Where values wait, the last one last; `None` is r9.
    waiting: Vec<Option<i16>>,
    slots: [Option<i16>; Source::COUNT],
    aside: Vec<Aside>,
}

/// Code that stands behind the function's end, so that the usual way is straight, and so that the verifier, which follows
/// first what stands next, meets the general case first and sees that this one adds nothing.
pub(super) struct Aside {
    entry: Label,
    back: Label,
    what: Rare,
}

#[derive(Clone, Copy)]
pub(super) enum Rare {
    /// r0 = 0.
    Zero,
    /// r0 = 0, and a note.
    DivisionByZero,
    /// A record's field could not be read: it is marked as missing, and its `bytes` zeroed.
    MissingField { bit: u8, offset: i16, bytes: u8 },
    /// The same of a field that a span stores.
    MissingPart { bit: u8, offset: i16, bytes: u32 },
}

impl<'a> Function<'a> {
    /// `output`: the function has a third argument.
    pub(super) fn new<'n>(
        target: &'a Target,
        roots: impl IntoIterator<Item = Root<'n>>,
        output: bool,
        failure: Failure,
    ) -> Done<Self> {
        let mut asm = Asm::default();
        for (to, from) in
            [(R6, R1), (R7, R2), (R8, R3)]
                .into_iter()
                .take(if output { 3 } else { 2 })
        {
            asm.keep_argument(to, from);
        }
        let fault = asm.label();
        let mut function = Self {
            asm,
            target,
            weights: Weights::of(roots),
            notes: true,
            fault,
            failure,
            depth: 0,
            deepest: 0,
            waiting: Vec::new(),
            slots: [None; Source::COUNT],
            aside: Vec::new(),
        };
        for source in Source::ALL {
            if function.weights.uses(source) > 1 {
                function.slots[source as usize] = Some(function.reserve(source.bytes())?);
            }
        }
        Ok(function)
    }

    /// The slot of what is used more than once.
    pub(super) fn kept(&self, source: Source) -> Option<i16> {
        self.slots[source as usize]
    }

    /// Takes bytes of the stack; gives their offset from the frame pointer, a multiple of 8.
    pub(super) fn reserve(&mut self, bytes: u32) -> Done<i16> {
        let depth = self.depth + bytes.next_multiple_of(8);
        if depth > STACK {
            return Err(too_deep(STACK));
        }
        self.depth = depth;
        self.deepest = self.deepest.max(depth);
        Ok(-(depth as i16))
    }

    /// For [`Self::release`]: gives back what is reserved from here on.
    pub(super) fn mark(&self) -> u32 {
        self.depth
    }

    pub(super) fn release(&mut self, mark: u32) {
        self.depth = mark;
    }

    /// r0 waits.
    pub(super) fn wait(&mut self) -> Done {
        if self.waiting.is_empty() {
            self.asm.mov(R9, R0);
            self.waiting.push(None);
        } else {
            let slot = self.reserve(8)?;
            self.asm.store(8, FP, slot, R0);
            self.waiting.push(Some(slot));
        }
        Ok(())
    }

    /// What waited last comes back.
    pub(super) fn resume(&mut self, register: Reg) {
        match self.waiting.pop().flatten() {
            None => self.asm.mov(register, R9),
            Some(slot) => {
                self.asm.load(8, register, FP, slot);
                self.depth -= 8;
            }
        }
    }

    /// register = base + offset.
    pub(super) fn point(&mut self, register: Reg, base: Reg, offset: i16) {
        self.asm.mov(register, base);
        if offset != 0 {
            self.asm.alu(Alu::Add, register, i32::from(offset));
        }
    }

    /// Zeroes whole words.
    pub(super) fn clear(&mut self, base: Reg, offset: i16, bytes: u32) {
        for at in (0..bytes as i16).step_by(8) {
            self.asm.store(8, base, offset + at, 0);
        }
    }

    /// What was jumped to as `entry` does the rare thing and comes back here.
    pub(super) fn come_back(&mut self, entry: Label, what: Rare) {
        let back = self.asm.label();
        if self.asm.joins(entry, back) {
            self.aside.push(Aside { entry, back, what });
        }
        self.asm.bind(back);
    }

    /// Ends the function; all ways through it have ended by then.
    pub(super) fn finish(mut self) -> Done<Code> {
        for Aside { entry, back, what } in std::mem::take(&mut self.aside) {
            self.asm.bind(entry);
            self.rare(what);
            self.asm.jump(back);
        }
        if self.failure != Failure::Own && self.asm.is_used(self.fault) {
            self.asm.bind(self.fault);
            if self.failure == Failure::Flagged {
                self.asm.store(8, R7, State::FAULT, Outcome::Read as i32);
            }
            self.asm.exit(if self.failure == Failure::Flagged {
                0
            } else {
                Outcome::Read as i32
            });
        }
        let mut code = self.asm.finish()?;
        code.stack = self.deepest;
        Ok(code)
    }

    fn rare(&mut self, what: Rare) {
        match what {
            Rare::Zero => self.asm.mov(R0, 0),
            Rare::DivisionByZero => {
                self.note(Note::Division);
                self.asm.mov(R0, 0);
            }
            Rare::MissingField { bit, offset, bytes } => {
                self.note(Note::Fault);
                let valid = std::mem::offset_of!(Header, valid) as i16;
                self.asm.load(8, R0, R8, valid);
                self.asm.constant(R1, !(1u64 << (bit & 63)));
                self.asm.alu(Alu::And, R0, R1);
                self.asm.store(8, R8, valid, R0);
                self.asm.store(bytes, R8, offset, 0);
            }
            Rare::MissingPart { bit, offset, bytes } => {
                self.note(Note::Fault);
                self.asm.load(8, R0, R8, 8);
                self.asm.constant(R1, !(1u64 << (bit & 63)));
                self.asm.alu(Alu::And, R0, R1);
                self.asm.store(8, R8, 8, R0);
                self.clear(R8, offset, bytes);
            }
        }
    }

    pub(super) fn note(&mut self, note: Note) {
        if self.notes {
            self.asm.mov(R1, R7);
            self.asm.mov(R2, note as i32);
            self.asm.library("lib_note");
        }
    }
}

/// The text needs more of the stack than a function has.
pub(super) fn too_deep(limit: u32) -> Report {
    Report::new(format!(
        "the text is too much for the kernel's stack: it needs more than {limit} bytes"
    ))
    .help("give its strings a smaller length with str(p, n), or split it")
}
