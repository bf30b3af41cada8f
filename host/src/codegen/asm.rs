//! The assembler: instructions, labels, and what is referred to by name until a program is linked.

use super::instruction::{
    Alu, CALL, EXIT, Helper, JUMP, LOAD_64, Operand, PSEUDO_CALL, PSEUDO_KFUNC_CALL, R0, Reg, When,
    immediate, insn, size,
};
use super::{Code, MapRef};
use crate::report::Report;

/// The verifier keeps a state for each decision that it has yet to follow, 8192 at most; half of that leaves room for
/// the library's.
const PENDING: usize = 4096;

/// A place in the code, which may be jumped to before it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label(usize);

#[derive(Clone, Copy, Default)]
struct Target {
    at: Option<usize>,
    /// What holds on every way that leads there by a jump.
    known: Option<u32>,
}

/// Code in the making.
#[derive(Default)]
pub(super) struct Asm {
    code: Code,
    labels: Vec<Target>,
    /// (instruction, where it jumps to)
    jumps: Vec<(usize, Label)>,
    decisions: usize,
    /// Instructions at the start that keep arguments; each is left out when nothing uses what it keeps.
    kept_arguments: usize,
    /// The last instruction jumps away: what comes next is reached by a label only.
    ended: bool,
    /// Facts that hold here on every way from the start, a bit each: see `Function::current`.
    known: u32,
}

impl Asm {
    fn put(&mut self, code: u8, dst: Reg, src: Reg, off: i16, imm: i32) {
        self.code.insns.push(insn(code, dst.0, src.0, off, imm));
    }

    pub(super) fn alu(&mut self, op: Alu, dst: Reg, operand: impl Into<Operand>) {
        match operand.into() {
            Operand::Reg(src) => self.put(0x0f | op as u8, dst, src, 0, 0),
            Operand::Imm(imm) => self.put(0x07 | op as u8, dst, R0, 0, imm),
        }
    }

    pub(super) fn mov(&mut self, dst: Reg, operand: impl Into<Operand>) {
        self.alu(Alu::Mov, dst, operand);
    }

    /// Keeps an argument in a register that outlives calls. At the start only.
    pub(super) fn keep_argument(&mut self, to: Reg, from: Reg) {
        self.mov(to, from);
        self.kept_arguments += 1;
    }

    pub(super) fn negate(&mut self, dst: Reg) {
        self.put(0x87, dst, R0, 0, 0);
    }

    /// Clears the upper half.
    pub(super) fn low_half(&mut self, dst: Reg) {
        self.put(0xbc, dst, dst, 0, 0);
    }

    /// Turns the bytes of the low 16, 32 or 64 bits around and clears those above.
    pub(super) fn swap(&mut self, dst: Reg, bits: u8) {
        self.put(0xdc, dst, R0, 0, i32::from(bits));
    }

    pub(super) fn constant(&mut self, dst: Reg, value: u64) {
        match immediate(value) {
            Some(imm) => self.mov(dst, imm),
            None => self.load_64(dst, value as u32 as i32, (value >> 32) as u32 as i32),
        }
    }

    fn load_64(&mut self, dst: Reg, low: i32, high: i32) {
        self.put(LOAD_64, dst, R0, 0, low);
        self.put(0, R0, R0, 0, high);
    }

    /// The address of a map, or of a value in it.
    pub(super) fn map(&mut self, dst: Reg, map: MapRef) {
        self.code.maps.push((self.code.insns.len(), map));
        self.load_64(dst, 0, 0);
    }

    /// Zeroes the bits above what is loaded.
    pub(super) fn load(&mut self, bytes: u8, dst: Reg, base: Reg, offset: i16) {
        self.put(0x61 | size(bytes), dst, base, offset, 0);
    }

    pub(super) fn store(&mut self, bytes: u8, base: Reg, offset: i16, operand: impl Into<Operand>) {
        match operand.into() {
            Operand::Reg(src) => self.put(0x63 | size(bytes), base, src, offset, 0),
            Operand::Imm(imm) => self.put(0x62 | size(bytes), base, R0, offset, imm),
        }
    }

    /// Adds to a word that others may be adding to, in the form that every kernel has.
    pub(super) fn helper(&mut self, helper: Helper) {
        self.put(CALL, R0, R0, 0, helper as i32);
    }

    /// Calls a function of the kernel that is no helper, by its number in the kernel's BTF.
    pub(super) fn kernel_function(&mut self, id: u32) {
        self.put(CALL, R0, Reg(PSEUDO_KFUNC_CALL), 0, id as i32);
    }

    /// Calls a function of the library.
    pub(super) fn library(&mut self, name: &'static str) {
        self.code.calls.push((self.code.insns.len(), name));
        self.put(CALL, R0, Reg(PSEUDO_CALL), 0, -1);
    }

    /// Ends the function with a constant.
    pub(super) fn exit(&mut self, value: i32) {
        self.mov(R0, value);
        self.leave();
    }

    /// Ends the function with what is in r0.
    pub(super) fn leave(&mut self) {
        self.put(EXIT, R0, R0, 0, 0);
        self.ended = true;
    }

    pub(super) fn label(&mut self) -> Label {
        self.labels.push(Target::default());
        Label(self.labels.len() - 1)
    }

    pub(super) fn bind(&mut self, label: Label) {
        let target = &mut self.labels[label.0];
        target.at = Some(self.code.insns.len());
        self.known = match (self.ended, target.known) {
            (true, Some(known)) => known,
            (false, Some(known)) => self.known & known,
            (_, None) => self.known,
        };
        self.ended = false;
    }

    pub(super) fn jump(&mut self, to: Label) {
        self.aim(to);
        self.put(JUMP, R0, R0, 0, 0);
        self.ended = true;
    }

    pub(super) fn jump_if(
        &mut self,
        when: When,
        register: Reg,
        operand: impl Into<Operand>,
        to: Label,
    ) {
        self.decisions += 1;
        if self.decisions <= PENDING {
            return self.branch(when, register, operand, to);
        }
        // The verifier follows first what stands next: now that is the end of this way, and nothing is pending.
        let next = self.label();
        self.branch(when.not(), register, operand, next);
        self.jump(to);
        self.bind(next);
    }

    fn branch(&mut self, when: When, register: Reg, operand: impl Into<Operand>, to: Label) {
        self.aim(to);
        match operand.into() {
            Operand::Reg(src) => self.put(0x0d | when as u8, register, src, 0, 0),
            Operand::Imm(imm) => self.put(0x05 | when as u8, register, R0, 0, imm),
        }
    }

    fn aim(&mut self, to: Label) {
        self.jumps.push((self.code.insns.len(), to));
        self.merge(to, self.known);
    }

    fn merge(&mut self, to: Label, known: u32) {
        let target = &mut self.labels[to.0];
        target.known = Some(target.known.map_or(known, |before| before & known));
    }

    /// Code that stands elsewhere, from `entry`, will jump to `back`, which is bound next. `false`: it is never entered.
    pub(super) fn joins(&mut self, entry: Label, back: Label) -> bool {
        match self.labels[entry.0].known {
            Some(known) => {
                self.merge(back, known);
                true
            }
            None => false,
        }
    }

    pub(super) fn is_used(&self, label: Label) -> bool {
        self.labels[label.0].known.is_some()
    }

    pub(super) fn learn(&mut self, fact: u32) {
        self.known |= fact;
    }

    pub(super) fn knows(&self, fact: u32) -> bool {
        self.known & fact != 0
    }

    /// From here the code is that of `text`, for the verifier's log.
    pub(super) fn line(&mut self, text: &str) {
        self.code
            .lines
            .push((self.code.insns.len(), text.to_owned()));
    }

    /// Keeps words for the code's own pattern value; gives their offset there, in bytes.
    pub(super) fn pattern(&mut self, words: &[u64]) -> u32 {
        let offset = self.code.patterns.len() as u32 * 8;
        self.code.patterns.extend(words);
        offset
    }

    /// Resolves the jumps, and leaves out what can't be reached: the verifier refuses it.
    pub(super) fn finish(mut self) -> Result<Code, Report> {
        let count = self.code.insns.len();
        let mut targets = vec![None; count];
        for (at, label) in &self.jumps {
            targets[*at] = self.labels[label.0].at;
        }
        let live = self.live(&targets);
        let place: Vec<usize> = live
            .iter()
            .scan(0, |next, live| {
                let here = *next;
                *next += usize::from(*live);
                Some(here)
            })
            .collect();
        let mut code = Code {
            patterns: self.code.patterns,
            ..Code::default()
        };
        for (at, mut insn) in self
            .code
            .insns
            .drain(..)
            .enumerate()
            .filter(|(at, _)| live[*at])
        {
            if let Some(to) = targets[at] {
                let distance = place[to] as i64 - place[at] as i64 - 1;
                insn.off = i16::try_from(distance).map_err(|_| too_long())?;
            }
            code.insns.push(insn);
        }
        code.calls = kept(self.code.calls, &live, &place);
        code.maps = kept(self.code.maps, &live, &place);
        code.lines = self
            .code
            .lines
            .into_iter()
            .filter(|(at, _)| *at < count)
            .map(|(at, text)| (place[at], text))
            .collect();
        Ok(code)
    }

    /// Which instructions do anything: reached from the start, and no jump to what is next anyway.
    fn live(&self, targets: &[Option<usize>]) -> Vec<bool> {
        let insns = &self.code.insns;
        let mut live = vec![false; insns.len()];
        let mut starts = vec![0];
        while let Some(mut at) = starts.pop() {
            while at < insns.len() && !live[at] {
                live[at] = true;
                starts.extend(targets[at]);
                match insns[at].code {
                    EXIT | JUMP => break,
                    LOAD_64 => {
                        live[at + 1] = true;
                        at += 2;
                    }
                    _ => at += 1,
                }
            }
        }
        for at in 0..self.kept_arguments.min(insns.len()) {
            let kept = insns[at].dst_reg();
            let mut rest = insns
                .iter()
                .zip(&live)
                .skip(self.kept_arguments)
                .filter(|(_, live)| **live);
            live[at] = rest.any(|(insn, _)| insn.dst_reg() == kept || insn.src_reg() == kept);
        }
        for at in (0..insns.len()).rev() {
            if let (JUMP, Some(to)) = (insns[at].code, targets[at]) {
                live[at] &= to <= at || live[at + 1..to].contains(&true);
            }
        }
        live
    }
}

fn kept<T>(list: Vec<(usize, T)>, live: &[bool], place: &[usize]) -> Vec<(usize, T)> {
    list.into_iter()
        .filter(|(at, _)| live[*at])
        .map(|(at, what)| (place[at], what))
        .collect()
}

fn too_long() -> Report {
    Report::new("the text is too long: a jump over more than 32,767 instructions is more than the kernel takes")
        .help("split it, or move a part of it into the handler")
}

#[cfg(test)]
mod tests {
    use super::super::instruction::R1;
    use super::*;

    fn opcodes(code: &Code) -> Vec<u8> {
        code.insns.iter().map(|insn| insn.code).collect()
    }

    #[test]
    fn what_is_never_reached_is_left_out_and_jumps_still_land() {
        let mut asm = Asm::default();
        let (over, end) = (asm.label(), asm.label());
        asm.jump_if(When::Eq, R1, 0, end);
        asm.jump(over);
        asm.constant(R0, u64::MAX >> 1);
        asm.library("lib_time");
        asm.bind(over);
        asm.library("lib_time");
        asm.exit(1);
        asm.bind(end);
        asm.exit(0);
        let code = asm.finish().unwrap();
        assert_eq!(opcodes(&code), [0x15, CALL, 0xb7, EXIT, 0xb7, EXIT]);
        assert_eq!(code.insns[0].off, 3);
        assert_eq!(code.calls, [(1, "lib_time")]);
    }

    #[test]
    fn a_jump_that_is_too_far_is_an_error_that_names_the_limit() {
        let mut asm = Asm::default();
        let end = asm.label();
        asm.jump_if(When::Eq, R1, 0, end);
        for _ in 0..40_000 {
            asm.mov(R0, 1);
        }
        asm.bind(end);
        asm.exit(0);
        let report = asm.finish().map(|_| ()).unwrap_err();
        assert!(report.message.contains("32,767"), "{}", report.message);
    }

    #[test]
    fn a_fact_holds_only_where_every_way_has_learnt_it() {
        let mut asm = Asm::default();
        let (other, end) = (asm.label(), asm.label());
        asm.learn(1);
        asm.jump_if(When::Eq, R1, 0, other);
        asm.learn(2);
        asm.jump(end);
        asm.bind(other);
        assert!(asm.knows(1) && !asm.knows(2));
        asm.learn(4);
        asm.bind(end);
        assert!(asm.knows(1) && !asm.knows(2) && !asm.knows(4));
    }

    #[test]
    fn few_decisions_are_pending_however_many_there_are() {
        let mut asm = Asm::default();
        let end = asm.label();
        for value in 0..PENDING as i32 + 10 {
            asm.jump_if(When::Eq, R1, value, end);
        }
        asm.bind(end);
        asm.exit(0);
        let code = asm.finish().unwrap();
        assert_eq!(
            code.insns.iter().filter(|insn| insn.code == 0x15).count(),
            PENDING
        );
        assert_eq!(
            code.insns.iter().filter(|insn| insn.code == 0x55).count(),
            10
        );
    }
}
