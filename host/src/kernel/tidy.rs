//! Takes out of a program what inlining has left in it: tests whose answer is known, values that are handed from register to
//! register, addresses of the stack that are made to be used once. Nothing else changes, and no value has another range than before.
//!
//! One pass over the instructions in their order knows what each register and each word of the stack holds; where a jump
//! leads back to, nothing is known. What is no longer read then is left out.

use super::inline::{
    ADD_IMM, CALL, EXIT, FP, JUMP, LOAD, LOAD_64, MOV, STORE, class, live_after, target, uses,
};
use crate::codegen::insn;
use aya_obj::generated::bpf_func_id::{self, *};
use aya_obj::generated::bpf_insn;
use std::collections::HashMap;

/// An instruction, and where it comes from.
type Line = (bpf_insn, (u32, u32));

/// What a register, or a word of the stack, holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    /// Anything, an address in the frame as well.
    Unknown,
    /// What has that number: no address in the frame.
    Made(u64),
    Constant(i32),
    /// The frame pointer, and so many bytes.
    Frame(i32),
}

/// What is known in one place.
#[derive(Clone)]
struct Known {
    registers: [Value; 11],
    /// Which instruction has written each register last.
    since: [usize; 11],
    /// By its distance from the frame pointer: what a word of the stack holds.
    stack: Vec<(i32, Value)>,
}

/// The program without what does nothing.
pub(super) fn tidy(lines: Vec<Line>) -> Vec<Line> {
    let (mut insns, origins): (Vec<_>, Vec<_>) = lines.into_iter().unzip();
    shorten(&mut insns);
    let mut kept = simplify(&mut insns);
    reached(&insns, &mut kept);
    while leave_out(&insns, &mut kept) {}
    let mut place = Vec::with_capacity(insns.len() + 1);
    let mut next = 0;
    for kept in &kept {
        place.push(next);
        next += usize::from(*kept);
    }
    place.push(next);
    for at in 0..insns.len() {
        if let Some(to) = target(&insns, at) {
            insns[at].off = (place[to] as i64 - place[at] as i64 - 1) as i16;
        }
    }
    let lines = insns.into_iter().zip(origins).zip(kept);
    lines
        .filter(|(_, kept)| *kept)
        .map(|(line, _)| line)
        .collect()
}

/// Writes each instruction in its simplest form. Gives which of them do anything.
fn simplify(insns: &mut [bpf_insn]) -> Vec<bool> {
    let mut kept = vec![true; insns.len()];
    let mut back = vec![false; insns.len()];
    for at in 0..insns.len() {
        if let Some(to) = target(insns, at).filter(|to| *to <= at) {
            back[to] = true;
        }
    }
    let mut ahead: HashMap<usize, Known> = HashMap::new();
    let mut here = Some(Known::at_entry());
    let mut at = 0;
    while at < insns.len() {
        here = match (here, ahead.remove(&at)) {
            (Some(known), Some(other)) => Some(known.and(&other, at)),
            (known, other) => known.or(other),
        };
        if back[at] {
            here = Some(Known::nothing());
        }
        let wide = usize::from(insns[at].code == LOAD_64);
        kept[at] = here
            .as_mut()
            .is_some_and(|known| known.rewrite(&mut insns[at]));
        kept[at + wide] = kept[at];
        if let Some(known) = here.as_mut().filter(|_| kept[at]) {
            match target(insns, at) {
                None => known.follow(&insns[at], at),
                Some(to) => {
                    known.tested(&insns[at], at);
                    if to > at {
                        let there = match ahead.remove(&to) {
                            Some(other) => other.and(known, to),
                            None => known.clone(),
                        };
                        ahead.insert(to, there);
                    }
                }
            }
            if matches!(insns[at].code, EXIT | JUMP) {
                here = None;
            }
        }
        at += 1 + wide;
    }
    kept
}

impl Known {
    fn at_entry() -> Self {
        let mut registers: [Value; 11] =
            std::array::from_fn(|register| Value::Made(register as u64));
        registers[usize::from(FP)] = Value::Frame(0);
        Self {
            registers,
            since: [0; 11],
            stack: Vec::new(),
        }
    }

    fn nothing() -> Self {
        let mut known = Self::at_entry();
        known.registers[..usize::from(FP)].fill(Value::Unknown);
        known
    }

    /// What holds on both of two ways that meet at an instruction.
    fn and(mut self, other: &Self, at: usize) -> Self {
        for (register, (here, there)) in self.registers.iter_mut().zip(&other.registers).enumerate()
        {
            if here != there {
                let frame = |value: &Value| matches!(value, Value::Unknown | Value::Frame(_));
                *here = match frame(here) || frame(there) {
                    true => Value::Unknown,
                    false => number(at, 1, register),
                };
            }
        }
        for (here, there) in self.since.iter_mut().zip(other.since) {
            *here = (*here).max(there);
        }
        self.stack.retain(|word| other.stack.contains(word));
        self
    }

    fn of(&self, register: u8) -> Value {
        self.registers[usize::from(register)]
    }

    /// Of the registers that outlive calls the one that has held a value for longest, else the one that asks.
    fn holder(&self, register: u8) -> u8 {
        let value = self.of(register);
        if !matches!(value, Value::Made(_)) {
            return register;
        }
        let holders = (6..FP).filter(|holder| self.of(*holder) == value);
        holders
            .min_by_key(|holder| self.since[usize::from(*holder)])
            .unwrap_or(register)
    }

    fn set(&mut self, register: u8, value: Value, at: usize) {
        self.registers[usize::from(register)] = value;
        self.since[usize::from(register)] = at;
    }

    /// Writes an instruction in its simplest form; `false`: it does nothing.
    fn rewrite(&self, line: &mut bpf_insn) -> bool {
        let (dst, src) = (line.dst_reg(), line.src_reg());
        match class(line) {
            1 => {
                self.aim(line, src, bpf_insn::set_src_reg);
                if line.code == LOAD && line.src_reg() == FP {
                    return self.recall(line);
                }
            }
            2 => self.aim(line, dst, bpf_insn::set_dst_reg),
            3 => {
                self.aim(line, dst, bpf_insn::set_dst_reg);
                // What an atomic instruction adds may be what it gives.
                if line.code & 0xe0 != 0xc0 {
                    line.set_src_reg(self.holder(src));
                }
            }
            7 if line.code == MOV => {
                if self.of(dst) == self.of(src) && self.of(dst) != Value::Unknown {
                    return false;
                }
                match self.of(src) {
                    Value::Constant(value) => *line = insn(MOV & !8, dst, 0, 0, value),
                    _ => line.set_src_reg(self.holder(src)),
                }
            }
            5 => {
                if let (0x15 | 0x55, Value::Constant(value)) = (line.code, self.of(dst)) {
                    let jumps = (value == line.imm) == (line.code == 0x15);
                    if jumps {
                        *line = insn(JUMP, 0, 0, line.off, 0);
                    }
                    return jumps;
                }
            }
            _ => {}
        }
        true
    }

    /// The base of a load or a store is the frame pointer itself where it is made from it, else what it came from.
    fn aim(&self, line: &mut bpf_insn, base: u8, set: fn(&mut bpf_insn, u8)) {
        if let Value::Frame(bytes) = self.of(base)
            && let Ok(offset) = i16::try_from(i32::from(line.off) + bytes)
        {
            line.off = offset;
            set(line, FP);
        } else {
            set(line, self.holder(base));
        }
    }

    /// A word of the stack that a register holds, too, is had from there; `false`: it is there already.
    fn recall(&self, line: &mut bpf_insn) -> bool {
        let to = line.dst_reg();
        match self.word(i32::from(line.off)) {
            Some(value) if value == self.of(to) && value != Value::Unknown => return false,
            Some(Value::Constant(value)) => *line = insn(MOV & !8, to, 0, 0, value),
            Some(value @ Value::Made(_)) => {
                if let Some(register) = (0..FP).find(|register| self.of(*register) == value) {
                    *line = insn(MOV, to, register, 0, 0);
                }
            }
            _ => {}
        }
        true
    }

    fn word(&self, at: i32) -> Option<Value> {
        let word = self.stack.iter().find(|(place, _)| *place == at);
        word.map(|(_, value)| *value)
    }

    /// Forgets what lies in some bytes of the stack.
    fn forget(&mut self, from: i32, bytes: i32) {
        self.stack
            .retain(|(at, _)| at + 8 <= from || from.saturating_add(bytes) <= *at);
    }

    /// After a test the verifier may know more of a register, and of no other that holds the same.
    fn tested(&mut self, line: &bpf_insn, at: usize) {
        for register in (0..FP).filter(|register| uses(line).0 & 1 << register != 0) {
            if let Value::Made(_) = self.of(register) {
                self.registers[usize::from(register)] = number(at, 0, register.into());
            }
        }
    }

    /// What is known after an instruction that goes on to the next.
    fn follow(&mut self, line: &bpf_insn, at: usize) {
        let (dst, src) = (line.dst_reg(), line.src_reg());
        let made = number(at, 0, dst.into());
        let value = match class(line) {
            0 => made,
            1 => match self.of(src) {
                Value::Frame(bytes) if line.code == LOAD => self
                    .word(bytes + i32::from(line.off))
                    .unwrap_or(Value::Unknown),
                Value::Frame(_) | Value::Unknown if line.code == LOAD => Value::Unknown,
                _ => made,
            },
            2 | 3 => return self.store(line, at),
            4 => match line.code {
                // It clears the upper half.
                0xb4 if line.imm >= 0 => Value::Constant(line.imm),
                _ => made,
            },
            7 => match (line.code, self.of(dst), self.of(src)) {
                (MOV, _, value) => value,
                (0xb7, ..) => Value::Constant(line.imm),
                (ADD_IMM, Value::Frame(bytes), _) => Value::Frame(bytes.saturating_add(line.imm)),
                (_, Value::Unknown | Value::Frame(_), _) => Value::Unknown,
                (code, _, Value::Unknown | Value::Frame(_)) if code & 8 != 0 => Value::Unknown,
                _ => made,
            },
            _ => return self.call(line, at),
        };
        self.set(dst, value, at);
    }

    fn store(&mut self, line: &bpf_insn, at: usize) {
        let bytes = [4, 2, 1, 8][usize::from(line.code >> 3 & 3)];
        let atomic = class(line) == 3 && line.code & 0xe0 == 0xc0;
        match self.of(line.dst_reg()) {
            Value::Frame(base) => {
                let place = base + i32::from(line.off);
                self.forget(place, bytes);
                if line.code == STORE {
                    self.stack.push((place, self.of(line.src_reg())));
                }
            }
            Value::Unknown => self.stack.clear(),
            Value::Made(_) | Value::Constant(_) => {}
        }
        if atomic {
            for register in [0, line.src_reg()] {
                self.set(register, number(at, 0, register.into()), at);
            }
        }
    }

    /// A function of the kernel writes where its arguments point: the bytes that the next one says, else all that follow.
    fn call(&mut self, line: &bpf_insn, at: usize) {
        if line.code != CALL {
            return;
        }
        let helper = (line.src_reg() == 0).then_some(line.imm);
        if !helper.is_some_and(|helper| is_of(&READERS, helper)) {
            let sized = helper.is_some_and(|helper| is_of(&SIZED, helper));
            for register in 1..=5 {
                match (self.of(register), self.of(register + 1)) {
                    (Value::Frame(from), Value::Constant(bytes)) if sized => {
                        self.forget(from, bytes)
                    }
                    (Value::Frame(from), _) => self.forget(from, i32::MAX),
                    (Value::Unknown, _) => self.stack.clear(),
                    (Value::Made(_) | Value::Constant(_), _) => {}
                }
            }
        }
        for register in 0..=5 {
            self.set(register, number(at, 0, register.into()), at);
        }
    }
}

/// Helpers that write no memory of a program's: those of maps and of the ring, and those that answer with a number.
const READERS: [bpf_func_id; 16] = [
    BPF_FUNC_map_lookup_elem,
    BPF_FUNC_map_update_elem,
    BPF_FUNC_map_delete_elem,
    BPF_FUNC_ktime_get_ns,
    BPF_FUNC_get_smp_processor_id,
    BPF_FUNC_tail_call,
    BPF_FUNC_get_current_pid_tgid,
    BPF_FUNC_get_current_uid_gid,
    BPF_FUNC_get_current_task,
    BPF_FUNC_get_current_cgroup_id,
    BPF_FUNC_ringbuf_reserve,
    BPF_FUNC_ringbuf_submit,
    BPF_FUNC_ringbuf_discard,
    BPF_FUNC_task_storage_get,
    BPF_FUNC_get_current_task_btf,
    BPF_FUNC_get_attach_cookie,
];
/// Helpers that write as many bytes as the argument behind the address says: the thread's name, and what is read from memory.
const SIZED: [bpf_func_id; 5] = [
    BPF_FUNC_get_current_comm,
    BPF_FUNC_probe_read_user,
    BPF_FUNC_probe_read_kernel,
    BPF_FUNC_probe_read_user_str,
    BPF_FUNC_probe_read_kernel_str,
];

/// Is a helper, by the number that calls it, among those?
fn is_of(helpers: &[bpf_func_id], number: i32) -> bool {
    helpers.iter().any(|helper| *helper as i32 == number)
}

/// What an instruction has made for a register, or what two ways that meet there have.
fn number(at: usize, meeting: u64, register: usize) -> Value {
    Value::Made((at as u64 + 1) << 5 | meeting << 4 | register as u64)
}

/// A jump to a jump leads where that one does: else a jump back to one would look like a loop.
fn shorten(insns: &mut [bpf_insn]) {
    for at in 0..insns.len() {
        let Some(first) = target(insns, at) else {
            continue;
        };
        let mut to = first;
        for _ in 0..8 {
            match target(insns, to).filter(|_| insns[to].code == JUMP) {
                Some(next) => to = next,
                None => break,
            }
        }
        // Never back: that would be a loop to kernels that look for one.
        if to > first
            && let Ok(distance) = i16::try_from(to as i64 - at as i64 - 1)
        {
            insns[at].off = distance;
        }
    }
}

/// Leaves out what no way leads to: the verifier refuses it.
fn reached(insns: &[bpf_insn], kept: &mut [bool]) {
    let mut seen = vec![false; insns.len()];
    let mut starts = vec![0];
    while let Some(mut at) = starts.pop() {
        while at < insns.len() && !seen[at] {
            seen[at] = true;
            let does = kept[at];
            if does {
                starts.extend(target(insns, at));
            }
            if does && matches!(insns[at].code, EXIT | JUMP) {
                break;
            }
            if insns[at].code == LOAD_64 {
                at += 1;
                seen[at] = true;
            }
            at += 1;
        }
    }
    for (kept, seen) in kept.iter_mut().zip(seen) {
        *kept &= seen;
    }
}

/// Leaves out what makes a value that nobody reads, and jumps to what is next anyway; `false`: there was nothing.
fn leave_out(insns: &[bpf_insn], kept: &mut [bool]) -> bool {
    let live = live_after(insns, |at| kept[at]);
    let mut changed = false;
    let mut at = 0;
    while at < insns.len() {
        let line = &insns[at];
        let wide = usize::from(line.code == LOAD_64);
        let idle = match class(line) {
            0 | 1 | 4 | 7 => live[at] & 1 << line.dst_reg() == 0,
            _ => target(insns, at).is_some_and(|to| to > at && !kept[at + 1..to].contains(&true)),
        };
        if kept[at] && idle {
            (kept[at], kept[at + wide]) = (false, false);
            changed = true;
        }
        at += 1 + wide;
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADD: u8 = 0x0f;
    const SET: u8 = 0xb7;

    fn tidied(insns: &[bpf_insn]) -> Vec<(u8, u8, u8, i16, i32)> {
        let lines = insns.iter().enumerate();
        let lines = lines.map(|(at, line)| (*line, (0, at as u32))).collect();
        let fields = |line: &bpf_insn| {
            (
                line.code,
                line.dst_reg(),
                line.src_reg(),
                line.off,
                line.imm,
            )
        };
        tidy(lines).iter().map(|(line, _)| fields(line)).collect()
    }

    /// What an empty hole leaves: a constant that is tested, and what would be done otherwise.
    #[test]
    fn tests_with_a_known_answer_are_left_out_with_what_they_jump_over() {
        let got = tidied(&[
            insn(SET, 0, 0, 0, 1),
            insn(0x15, 0, 0, 2, 0),
            insn(0x55, 0, 0, 2, 0),
            insn(CALL, 0, 0, 0, 7),
            insn(CALL, 0, 0, 0, 8),
            insn(CALL, 0, 0, 0, 5),
            insn(EXIT, 0, 0, 0, 0),
        ]);
        assert_eq!(got, [(CALL, 0, 0, 0, 5), (EXIT, 0, 0, 0, 0)]);
    }

    #[test]
    fn arguments_are_taken_from_where_they_came() {
        let got = tidied(&[
            insn(MOV, 6, 1, 0, 0),
            insn(MOV, 2, FP, 0, 0),
            insn(ADD_IMM, 2, 0, 0, -16),
            insn(MOV, 7, 2, 0, 0),
            insn(MOV, 1, 6, 0, 0),
            insn(LOAD, 0, 1, 8, 0),
            insn(STORE, 7, 0, 8, 0),
            insn(LOAD, 0, 7, 8, 0),
            insn(EXIT, 0, 0, 0, 0),
        ]);
        let want = [
            (MOV, 6, 1, 0, 0),
            (LOAD, 0, 6, 8, 0),
            (STORE, FP, 0, -8, 0),
            (EXIT, 0, 0, 0, 0),
        ];
        assert_eq!(got, want);
    }

    /// Before 5.11 the verifier learns from a test of one register nothing of another that holds the same.
    #[test]
    fn what_was_tested_is_what_is_used() {
        let program = [
            insn(CALL, 0, 0, 0, 5),
            insn(MOV, 6, 0, 0, 0),
            insn(MOV, 7, 6, 0, 0),
            insn(0x35, 7, 0, 2, 8),
            insn(STORE, FP, 7, -8, 0),
            insn(STORE, FP, 6, -16, 0),
            insn(SET, 0, 0, 0, 0),
            insn(EXIT, 0, 0, 0, 0),
        ];
        assert_eq!(tidied(&program).len(), program.len());
    }

    #[test]
    fn nothing_is_known_where_a_loop_begins() {
        let program = [
            insn(SET, 6, 0, 0, 0),
            insn(0x55, 6, 0, 3, 0),
            insn(CALL, 0, 0, 0, 5),
            insn(MOV, 6, 0, 0, 0),
            insn(JUMP, 0, 0, -4, 0),
            insn(SET, 0, 0, 0, 0),
            insn(EXIT, 0, 0, 0, 0),
        ];
        assert_eq!(tidied(&program).len(), program.len());
    }

    /// The name of the thread goes to the upper of two words that are known.
    #[test]
    fn what_a_helper_writes_is_forgotten_and_no_more() {
        let program = [
            insn(SET, 6, 0, 0, 0),
            insn(STORE, FP, 6, -8, 0),
            insn(STORE, FP, 6, -24, 0),
            insn(MOV, 1, FP, 0, 0),
            insn(ADD_IMM, 1, 0, 0, -16),
            insn(SET, 2, 0, 0, 16),
            insn(CALL, 0, 0, 0, 16),
            insn(LOAD, 0, FP, -8, 0),
            insn(LOAD, 7, FP, -24, 0),
            insn(ADD, 0, 7, 0, 0),
            insn(EXIT, 0, 0, 0, 0),
        ];
        let got = tidied(&program);
        assert!(got.contains(&(LOAD, 0, FP, -8, 0)), "{got:?}");
        assert!(got.contains(&(SET, 7, 0, 0, 0)), "{got:?}");
    }

    #[test]
    fn a_value_outlives_the_address_of_a_map() {
        let program = [
            insn(LOAD, 0, 1, 0, 0),
            insn(LOAD_64, 1, 2, 0, 3),
            insn(0, 0, 0, 0, 16),
            insn(STORE, 1, 0, 0, 0),
            insn(EXIT, 0, 0, 0, 0),
        ];
        assert_eq!(tidied(&program).len(), program.len());
    }

    #[test]
    fn what_is_added_to_itself_is_read() {
        let got = tidied(&[
            insn(LOAD, 0, 1, 0, 0),
            insn(ADD, 0, 0, 0, 0),
            insn(EXIT, 0, 0, 0, 0),
        ]);
        assert_eq!(got.len(), 3);
    }
}
