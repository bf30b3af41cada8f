//! Spans: the steps that look for what has begun, and what its start or a mark stores.

use super::asm::Label;
use super::function::{Done, Failure, Function, Rare};
use super::holes::write_parts;
use super::instruction::{Alu, FP, Helper, R0, R1, R2, R3, R4, R5, R7, R8, When};
use super::weights::Root;
use super::{Code, MapRef, Target};
use crate::expr::tree::{Node, Part, SpanId};
use crate::report::Report;
use moontrace_abi::State;

/// What stands between a probe and its ending, in the order written.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Goes on when it holds.
    If(Node),
    Look(LookUp),
}

/// A look for a thing of a span.
#[derive(Clone, Debug, PartialEq)]
pub struct LookUp {
    pub span: SpanId,
    pub key: Vec<Part>,
    /// Where the key is built: at that byte of the run's room for spans; `None` on the stack.
    pub key_at: Option<u32>,
    pub then: Then,
}

/// What is done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// There must be none.
    Refuse,
    /// Its first `size` bytes are copied to byte `area` of the run's room for spans.
    Bind { area: u32, size: u32 },
    /// The same, and it is taken out.
    Take { area: u32, size: u32 },
}

impl From<Node> for Step {
    fn from(condition: Node) -> Self {
        Self::If(condition)
    }
}

impl Step {
    /// What its code is made of.
    pub(super) fn roots(&self) -> Vec<Root<'_>> {
        match self {
            Self::If(node) => vec![Root::Node(node)],
            Self::Look(look) => look.key.iter().map(Root::from).collect(),
        }
    }
}

/// The body of `key(ctx, state, out)` of a span: 0, or the outcome of a failed read.
pub fn span_key(parts: &[Part], target: &Target) -> Result<Code, Report> {
    let roots = parts.iter().map(Root::from);
    let function = Function::new(target, roots, true, Failure::Returned)?;
    write_parts(function, parts, 0)
}

/// A field that a start or a mark stores.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredPart {
    pub part: Part,
    /// Bytes from the start of the span's value.
    pub offset: u32,
    /// Its bit in the word that says what is there.
    pub bit: u8,
}

/// The body of `fields(ctx, state, out)`: what a start, or a mark, stores of a span's value. Where it does not store all,
/// an earlier value is there already, or zeros. What can't be read is not there. 0, or the outcome of what is lost since
/// there is no room for a stack.
pub fn fields(
    stored: &[StoredPart],
    marks: bool,
    all: bool,
    target: &Target,
) -> Result<Code, Report> {
    let roots = stored.iter().map(|stored| Root::from(&stored.part));
    let mut function = Function::new(target, roots, true, Failure::Own)?;
    if !marks {
        function.current(crate::expr::tree::Current::Time);
        function.asm.store(8, R8, 0, R0);
    }
    let there = stored.iter().fold(0, |bits, stored| bits | 1 << stored.bit);
    match all {
        true => function.asm.store(8, R8, 8, there),
        false => {
            function.asm.load(8, R0, R8, 8);
            function.asm.alu(Alu::Or, R0, there);
            function.asm.store(8, R8, 8, R0);
        }
    }
    for StoredPart { part, offset, bit } in stored {
        function.fault = function.asm.label();
        match part {
            Part::Stack(stack) => function.stack_id_in_span(stack, R8, *offset as i16)?,
            part => function.part(part, R8, *offset as i16)?,
        }
        let what = Rare::MissingPart {
            bit: *bit,
            offset: *offset as i16,
            bytes: part.size(),
        };
        function.come_back(function.fault, what);
    }
    function.asm.exit(0);
    function.finish()
}

impl Function<'_> {
    /// Goes on when the look-up finds what it is to find; else jumps to `no`.
    pub(super) fn look(&mut self, look: &LookUp, no: Label) -> Done {
        let mark = self.mark();
        let (base, start) = match look.key_at {
            None => {
                let size = look.key.iter().map(Part::size).sum();
                (FP, self.reserve(size)?)
            }
            // No output of this function needs the register.
            Some(at) => {
                self.asm.load(8, R8, R7, State::FROM);
                (R8, at as i16)
            }
        };
        let mut offset = start;
        for part in &look.key {
            self.part(part, base, offset)?;
            offset += part.size() as i16;
        }
        self.asm.map(R1, MapRef::Span(look.span));
        self.point(R2, base, start);
        let (function, area, size) = match look.then {
            Then::Refuse => {
                self.asm.helper(Helper::MapLookup);
                self.asm.jump_if(When::Ne, R0, 0, no);
                self.release(mark);
                return Ok(());
            }
            Then::Bind { area, size } => ("lib_within", area, size),
            Then::Take { area, size } => ("lib_finish", area, size),
        };
        self.asm.mov(R3, R7);
        self.asm.mov(R4, area as i32);
        self.asm.mov(R5, size as i32);
        self.asm.library(function);
        self.asm.jump_if(When::Eq, R0, 0, no);
        self.release(mark);
        Ok(())
    }
}
