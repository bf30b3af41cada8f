//! Turns a program and what it calls into one function: every call is replaced by the callee's body.
//!
//! A call costs a frame and, on processors with return thunks, much more; and kernels before 6.2 track every number
//! precisely as soon as a program has more than one function, which makes big conditions explode.

use crate::codegen::insn;
use crate::report::Report;
use aya_obj::generated::bpf_insn;
use std::collections::HashSet;

/// Bytes of stack that the kernel gives a program.
pub const STACK: i32 = 512;
/// Calls within calls; no library of ours comes near.
const NESTED: usize = 8;

pub(super) const FP: u8 = 10;
pub(super) const CALL: u8 = 0x85;
pub(super) const EXIT: u8 = 0x95;
pub(super) const JUMP: u8 = 0x05;
pub(super) const LOAD_64: u8 = 0x18;
pub(super) const MOV: u8 = 0xbf;
pub(super) const ADD_IMM: u8 = 0x07;
pub(super) const STORE: u8 = 0x7b;
pub(super) const LOAD: u8 = 0x79;
/// r6 to r9, a bit each: what a callee has to leave as it was.
const PRESERVED: u16 = 0x3c0;

/// What a caller of a function has to know of it, and where.
#[derive(Clone, Debug, Default)]
pub(super) struct Frame {
    /// Bytes of stack that it may touch; never too few.
    depth: i32,
    /// Which of r6 to r9 it writes.
    written: u16,
    /// Where jumps lead.
    entered: HashSet<usize>,
    /// Which registers are read after each instruction before they are written.
    live: Vec<u16>,
}

/// What stands in the place of an instruction.
pub(super) enum Resolved<B> {
    /// The instruction itself.
    Same,
    /// A call of this body.
    Call(B),
    /// An `ld_imm64` of a map, or of byte `value` of its value.
    Map { fd: i32, value: Option<u32> },
}

/// A function that can be inlined.
pub(super) trait Body: Copy {
    fn insns(&self) -> &[bpf_insn];
    fn frame(&self) -> &Frame;
    /// What instruction `at` refers to.
    fn resolve(&self, at: usize) -> Result<Resolved<Self>, Report>;
}

/// A program in one function; `origins` says of each instruction which body it is from, by its number in the order
/// of `bodies`, and which instruction there.
pub(super) struct Flat<B> {
    pub(super) insns: Vec<bpf_insn>,
    pub(super) bodies: Vec<B>,
    pub(super) origins: Vec<(u32, u32)>,
}

pub(super) fn flatten<B: Body>(program: B) -> Result<Flat<B>, Report> {
    let mut flat = Flat {
        insns: Vec::with_capacity(512),
        bodies: Vec::new(),
        origins: Vec::with_capacity(512),
    };
    let deepest = flat.copy(program, 0, 0)?;
    if deepest > STACK {
        return Err(Report::new(format!(
            "the probe's texts need {deepest} bytes of stack together; the kernel has {STACK}"
        ))
        .help("give strings a smaller length with str(p, n), or use fewer texts in this probe"));
    }
    Ok(flat)
}

/// Which of r6 to r9 are another value after a call of the body: those that it writes, and those that its own callees
/// do and that it has no reason to keep.
fn clobbered<B: Body>(body: B, nested: usize) -> Result<u16, Report> {
    if nested > NESTED {
        return Err(endless());
    }
    let frame = body.frame();
    let mut clobbered = frame.written;
    for at in (0..body.insns().len()).filter(|at| body.insns()[*at].code == CALL) {
        if let Resolved::Call(callee) = body.resolve(at)? {
            clobbered |= self::clobbered(callee, nested + 1)? & !frame.live[at];
        }
    }
    Ok(clobbered)
}

impl<B: Body> Flat<B> {
    /// Appends a body whose frame begins `base` bytes below the frame pointer; gives the deepest byte it reaches.
    fn copy(&mut self, body: B, base: i32, nested: usize) -> Result<i32, Report> {
        if nested > NESTED {
            return Err(endless());
        }
        let number = self.bodies.len() as u32;
        self.bodies.push(body);
        let (insns, frame) = (body.insns(), body.frame());
        let own = base + frame.depth;
        let mut deepest = own;
        // Where each instruction of the body went, and the jumps between them that are still to be aimed.
        let mut places = vec![0; insns.len() + 1];
        let mut jumps = Vec::new();
        let mut at = 0;
        while at < insns.len() {
            places[at] = self.insns.len();
            let mut here = insns[at];
            let origin = (number, at as u32);
            match body.resolve(at)? {
                Resolved::Call(callee) => {
                    let kept = frame.live[at] & clobbered(callee, nested)?;
                    let below = self.move_registers(STORE, kept, own, origin);
                    deepest = deepest.max(self.copy(callee, below, nested + 1)?);
                    self.move_registers(LOAD, kept, own, origin);
                }
                Resolved::Map { fd, value } => {
                    self.put(
                        with_source(here, if value.is_some() { 2 } else { 1 }, fd),
                        origin,
                    );
                    self.put(
                        with_source(insns[at + 1], 0, value.unwrap_or(0) as i32),
                        origin,
                    );
                    at += 1;
                }
                Resolved::Same if here.code == EXIT && nested > 0 => {
                    if at + 1 < insns.len() {
                        jumps.push((self.insns.len(), insns.len()));
                        self.put(insn(JUMP, 0, 0, 0, 0), origin);
                    }
                }
                Resolved::Same => {
                    if let Some(to) = target(insns, at) {
                        jumps.push((self.insns.len(), to));
                    }
                    if base > 0 && frame_register(&here) == Some(FP) {
                        here.off =
                            i16::try_from(i32::from(here.off) - base).map_err(|_| too_long())?;
                    }
                    self.put(here, origin);
                    if base > 0 && here.code == MOV && here.src_reg() == FP {
                        let to = here.dst_reg();
                        let mut distance = -base;
                        // Mostly an address is made next; then it is made in one go.
                        if let Some(next) = insns.get(at + 1)
                            && next.code == ADD_IMM
                            && next.dst_reg() == to
                            && !frame.entered.contains(&(at + 1))
                        {
                            at += 1;
                            places[at] = self.insns.len();
                            distance = distance.saturating_add(next.imm);
                        }
                        self.put(insn(ADD_IMM, to, 0, 0, distance), origin);
                    }
                    if here.code == LOAD_64 {
                        at += 1;
                        self.put(insns[at], origin);
                    }
                }
            }
            at += 1;
        }
        places[insns.len()] = self.insns.len();
        for (from, to) in jumps {
            let distance = places[to] as i64 - from as i64 - 1;
            self.insns[from].off = i16::try_from(distance).map_err(|_| too_long())?;
        }
        Ok(deepest)
    }

    /// Stores or loads registers below `own`; gives the depth that this reaches.
    fn move_registers(&mut self, code: u8, registers: u16, own: i32, origin: (u32, u32)) -> i32 {
        let mut depth = own;
        for register in (6..10).filter(|register| registers & 1 << register != 0) {
            depth += 8;
            let (dst, src) = if code == STORE {
                (FP, register)
            } else {
                (register, FP)
            };
            self.put(insn(code, dst, src, -depth as i16, 0), origin);
        }
        depth
    }

    fn put(&mut self, insn: bpf_insn, origin: (u32, u32)) {
        self.insns.push(insn);
        self.origins.push(origin);
    }
}

impl Frame {
    /// `depth`: the bytes of stack that it takes, when whoever made it knows.
    pub(super) fn of(insns: &[bpf_insn], depth: Option<u32>) -> Result<Self, Report> {
        let broken =
            |at: usize| Report::new(format!("a function is broken at its instruction {at}"));
        let mut entered = HashSet::new();
        for (at, insn) in insns.iter().enumerate() {
            let whole = insn.code != LOAD_64 || at + 1 < insns.len();
            let to = target(insns, at);
            if !whole || to.is_some_and(|to| to >= insns.len()) {
                return Err(broken(at));
            }
            entered.extend(to);
        }
        match insns.last() {
            Some(last) if matches!(last.code, EXIT | JUMP) => {}
            _ => return Err(broken(insns.len())),
        }
        let written = insns.iter().fold(0, |written, insn| written | uses(insn).1) & PRESERVED;
        Ok(Self {
            depth: depth.map_or_else(
                || self::depth(insns),
                |depth| depth.next_multiple_of(8) as i32,
            ),
            written,
            entered,
            live: live_after(insns, |_| true),
        })
    }
}

pub(super) fn class(insn: &bpf_insn) -> u8 {
    insn.code & 7
}

/// Where a jump leads; `None` for all else, and `usize::MAX` for a jump out of the function.
pub(super) fn target(insns: &[bpf_insn], at: usize) -> Option<usize> {
    let insn = insns.get(at)?;
    if !matches!(class(insn), 5 | 6) || matches!(insn.code, CALL | EXIT) {
        return None;
    }
    Some(usize::try_from(at as i64 + 1 + i64::from(insn.off)).unwrap_or(usize::MAX))
}

/// The register that a load or store adds its offset to.
fn frame_register(insn: &bpf_insn) -> Option<u8> {
    match class(insn) {
        1 => Some(insn.src_reg()),
        2 | 3 => Some(insn.dst_reg()),
        _ => None,
    }
}

/// Registers that an instruction reads and writes, a bit each; of a call all that may be its arguments.
pub(super) fn uses(insn: &bpf_insn) -> (u16, u16) {
    let (dst, src) = (1u16 << insn.dst_reg(), 1u16 << insn.src_reg());
    let by_register = insn.code & 8 != 0;
    match class(insn) {
        0 if insn.code == LOAD_64 => (0, dst),
        // The second half of that.
        0 => (0, 0),
        1 => (src, dst),
        2 => (dst, 0),
        // An atomic operation may write its source, and compare with r0.
        3 if insn.code & 0xe0 == 0xc0 => (dst | src | 1, src),
        3 => (dst | src, 0),
        4 | 7 => {
            let reads = if by_register { src } else { 0 };
            (
                if insn.code & 0xf0 == 0xb0 {
                    reads
                } else {
                    reads | dst
                },
                dst,
            )
        }
        _ if insn.code == CALL => (0x3e, 0x3f),
        _ if insn.code == EXIT => (1, 0),
        _ if insn.code == JUMP => (0, 0),
        _ => (if by_register { dst | src } else { dst }, 0),
    }
}

/// Bytes of stack that a function may touch.
fn depth(insns: &[bpf_insn]) -> i32 {
    // Only registers that are somewhere made from the frame pointer hold addresses of the frame.
    let mut frame = 1u16 << FP;
    loop {
        let before = frame;
        for insn in insns.iter().filter(|insn| insn.code == MOV) {
            frame |= (before >> insn.src_reg() & 1) << insn.dst_reg();
        }
        if frame == before {
            break;
        }
    }
    let of_frame = |register: u8| frame >> register & 1 == 1;
    let accesses = insns
        .iter()
        .filter(|insn| frame_register(insn).is_some_and(of_frame))
        .map(|insn| -i32::from(insn.off));
    let addresses = insns
        .iter()
        .filter(|insn| {
            insn.code == ADD_IMM && of_frame(insn.dst_reg()) && (-STACK..0).contains(&insn.imm)
        })
        .map(|insn| -insn.imm);
    let deepest = accesses.chain(addresses).max().unwrap_or(0).max(0);
    (deepest + 7) & !7
}

/// Which registers are read after each instruction before they are written; `kept`: which instructions there are.
pub(super) fn live_after(insns: &[bpf_insn], kept: impl Fn(usize) -> bool) -> Vec<u16> {
    let mut before = vec![0u16; insns.len() + 1];
    let mut after = vec![0u16; insns.len()];
    loop {
        let mut changed = false;
        for at in (0..insns.len()).rev() {
            let insn = &insns[at];
            let mut live = before[at + 1];
            let mut here = live;
            if kept(at) {
                if matches!(insn.code, EXIT | JUMP) {
                    live = 0;
                }
                if let Some(to) = target(insns, at) {
                    live |= before[to];
                }
                let (reads, writes) = uses(insn);
                here = live & !writes | reads;
            }
            changed |= here != before[at] || live != after[at];
            (before[at], after[at]) = (here, live);
        }
        if !changed {
            return after;
        }
    }
}

fn with_source(mut insn: bpf_insn, source: u8, imm: i32) -> bpf_insn {
    insn.set_src_reg(source);
    insn.imm = imm;
    insn
}

fn endless() -> Report {
    Report::new("the kernel half is damaged: its calls have no end")
}

fn too_long() -> Report {
    Report::new("the probe's texts are too long together: a jump over more than 32,767 instructions is more than the kernel takes")
        .help("split them over several probes, or move a part into the handler")
}
