//! `in`: a list that stands in the text, and a set that lies in a map.

use super::MapRef;
use super::asm::Label;
use super::function::{Done, Function};
use super::instruction::{FP, Helper, Operand, R0, R1, R2, Reg, When, immediate};
use super::text::Purpose;
use crate::expr::tree::{Part, SetId};
use crate::report::Report;
use moontrace_abi::limits::SET_KEY;

/// Ranges up to which they are tried one after the other.
const FEW: usize = 4;

impl Function<'_> {
    /// Jumps to `yes` or `no`: is r0 one of the values?
    pub(super) fn one_of(&mut self, values: &[i128], signed: bool, yes: Label, no: Label) {
        self.search(&ranges(values, signed), signed, yes, no);
    }

    fn search(&mut self, ranges: &[Range], signed: bool, yes: Label, no: Label) {
        let (below, up_to) = if signed {
            (When::SignedLt, When::SignedLe)
        } else {
            (When::Lt, When::Le)
        };
        if ranges.len() > FEW {
            let (low, high) = ranges.split_at(ranges.len() / 2);
            let left = self.asm.label();
            self.compare_to(below, high[0].0, left);
            self.search(high, signed, yes, no);
            self.asm.bind(left);
            return self.search(low, signed, yes, no);
        }
        for (first, last) in ranges {
            if first == last {
                self.compare_to(When::Eq, *first, yes);
            } else {
                self.compare_to(below, *first, no);
                self.compare_to(up_to, *last, yes);
            }
        }
        self.asm.jump(no);
    }

    fn compare_to(&mut self, when: When, value: u64, to: Label) {
        let operand = match immediate(value) {
            Some(imm) => Operand::Imm(imm),
            None => {
                self.asm.constant(R1, value);
                Operand::Reg(R1)
            }
        };
        self.asm.jump_if(when, R0, operand, to);
    }

    /// r0 = the address of the tuple's entry in the set, or 0.
    pub(super) fn look_up(&mut self, set: SetId, parts: &[Part]) -> Done {
        let size: u32 = parts.iter().map(Part::size).sum();
        if size > SET_KEY as u32 {
            return Err(Report::new(format!(
                "a member of a set has {SET_KEY} bytes at most; this one has {size}"
            ))
            .help("give its strings a smaller length with str(p, n)"));
        }
        let mark = self.mark();
        let key = self.reserve(size)?;
        let mut offset = key;
        for part in parts {
            self.part(part, FP, offset)?;
            offset += part.size() as i16;
        }
        self.asm.map(R1, MapRef::of_set(set));
        self.point(R2, FP, key);
        self.asm.helper(Helper::MapLookup);
        self.release(mark);
        Ok(())
    }

    /// Writes a part of a key, all of its bytes.
    pub(super) fn part(&mut self, part: &Part, base: Reg, offset: i16) -> Done {
        match part {
            Part::Int(node) => {
                self.value(node)?;
                self.asm.store(8, base, offset, R0);
                Ok(())
            }
            Part::Text(text) => self.write_text(text, base, offset, part.size(), Purpose::Key),
            Part::Stack(stack) => self.stack_id(stack, base, offset),
            Part::Symbol(symbol) => self.symbol(symbol, base, offset),
        }
    }
}

/// First and last value, as patterns of 64 bits.
type Range = (u64, u64);

/// The values that the type has at all, in its order, neighbours put together.
fn ranges(values: &[i128], signed: bool) -> Vec<Range> {
    let all = if signed {
        i64::MIN.into()..=i64::MAX.into()
    } else {
        0..=u64::MAX.into()
    };
    let mut values: Vec<i128> = values
        .iter()
        .copied()
        .filter(|value| all.contains(value))
        .collect();
    values.sort_unstable();
    values.dedup();
    let mut ranges: Vec<(i128, i128)> = Vec::new();
    for value in values {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == value => *last = value,
            _ => ranges.push((value, value)),
        }
    }
    ranges
        .into_iter()
        .map(|(first, last)| (first as u64, last as u64))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_become_ranges_and_what_the_type_has_not_is_left_out() {
        assert_eq!(ranges(&[7, 3, 4, 3, 5, -1], false), [(3, 5), (7, 7)]);
        assert_eq!(ranges(&[u64::MAX.into(), 0, -1], true), [(u64::MAX, 0)]);
        assert_eq!(
            ranges(&[u64::MAX.into(), u64::MAX as i128 - 1], false),
            [(u64::MAX - 1, u64::MAX)]
        );
    }
}
