//! Columns of a tally: what was measured is added to a row.

use super::Code;
use super::asm::{Asm, Label};
use super::instruction::{Alu, R0, R1, R2, R3, R6, R7, R8, Reg, When};
use crate::layout::Aggregate;
use crate::report::Report;
use moontrace_abi::bucket::Linear;
use moontrace_abi::limits::ROW;

/// The body of `columns(value, measured, state)`. Each column: what it does, its offset in the row in bytes, and which of
/// the measured words it takes; a count without one counts 1.
pub fn columns(columns: &[(Aggregate, u32, Option<usize>)]) -> Result<Code, Report> {
    let mut asm = Asm::default();
    asm.keep_argument(R6, R1);
    asm.keep_argument(R7, R2);
    asm.keep_argument(R8, R3);
    let mut writer = Writer {
        asm,
        row: R6,
        measured: R7,
    };
    for (aggregate, offset, argument) in columns {
        let end = *offset as usize + 8 * aggregate.words();
        if end > ROW {
            return Err(
                Report::new(format!("a row of this tally has more than {ROW} bytes"))
                    .help("take fewer histograms into one tally, or coarser ones"),
            );
        }
        writer.column(*aggregate, *offset as i16, argument.map(word));
    }
    writer.asm.exit(0);
    writer.asm.finish()
}

/// Where a measured word stands.
fn word(index: usize) -> i16 {
    (8 * index) as i16
}

struct Writer {
    asm: Asm,
    /// The row's address.
    row: Reg,
    /// The address of what was measured.
    measured: Reg,
}

impl Writer {
    fn column(&mut self, aggregate: Aggregate, offset: i16, argument: Option<i16>) {
        let argument_or_first = argument.unwrap_or(0);
        match aggregate {
            Aggregate::Count => self.add(offset, argument),
            Aggregate::Sum { .. } => self.add(offset, Some(argument_or_first)),
            Aggregate::Avg { .. } => {
                self.add(offset, None);
                self.add(offset + 8, Some(argument_or_first));
            }
            Aggregate::Min(order) => {
                self.raise(offset, argument_or_first, order.minimum());
                self.asm.store(8, self.row, offset + 8, 1);
            }
            Aggregate::Max(order) => {
                self.raise(offset, argument_or_first, order.maximum());
                self.asm.store(8, self.row, offset + 8, 1);
            }
            Aggregate::Stats(order) => {
                self.raise(offset + 16, argument_or_first, order.minimum());
                self.raise(offset + 24, argument_or_first, order.maximum());
                self.add(offset, None);
                self.add(offset + 8, Some(argument_or_first));
            }
            Aggregate::Hist { signed, bits: 0 } => {
                self.asm.load(8, R2, self.measured, argument_or_first);
                self.asm.mov(R1, self.row);
                self.asm.alu(Alu::Add, R1, i32::from(offset));
                self.asm.library(match signed {
                    true => "lib_hist_signed",
                    false => "lib_hist_unsigned",
                });
            }
            Aggregate::Hist { signed, bits } => {
                self.asm.load(8, R1, self.measured, argument_or_first);
                self.asm.mov(R2, i32::from(bits));
                self.asm.library(match signed {
                    true => "lib_fine_signed",
                    false => "lib_fine_unsigned",
                });
                self.count_bucket(offset, aggregate.words());
            }
            Aggregate::LinearHist { signed, steps } => {
                self.asm.load(8, R0, self.measured, argument_or_first);
                self.step(signed, steps);
                self.count_bucket(offset, aggregate.words());
            }
        }
    }

    /// Adds what was measured, or 1.
    fn add(&mut self, offset: i16, argument: Option<i16>) {
        match argument {
            None => self.asm.mov(R2, 1),
            Some(word) => self.asm.load(8, R2, self.measured, word),
        }
        self.asm.mov(R1, self.row);
        self.asm.alu(Alu::Add, R1, i32::from(offset));
        self.asm.library("lib_add");
    }

    /// Raises a word to what was measured, with these of its bits turned.
    fn raise(&mut self, offset: i16, argument: i16, turned: u64) {
        self.asm.load(8, R2, self.measured, argument);
        if turned != 0 {
            self.asm.constant(R3, turned);
            self.asm.alu(Alu::Xor, R2, R3);
        }
        self.asm.mov(R1, self.row);
        self.asm.alu(Alu::Add, R1, i32::from(offset));
        self.asm.mov(R3, R8);
        self.asm.library("lib_raise");
    }

    /// r0 = the bucket of the value in r0.
    fn step(&mut self, signed: bool, steps: Linear) {
        let (below, above, found) = (self.asm.label(), self.asm.label(), self.asm.label());
        if !signed {
            // More than any signed value.
            self.asm.jump_if(When::SignedLt, R0, 0, above);
        }
        self.jump_to(When::SignedLt, steps.min, below);
        self.jump_to(When::SignedGe, steps.max, above);
        self.asm.constant(R1, steps.min as u64);
        self.asm.alu(Alu::Sub, R0, R1);
        self.asm.constant(R1, steps.step as u64);
        self.asm.alu(Alu::Div, R0, R1);
        self.asm.alu(Alu::Add, R0, 1);
        self.asm.jump(found);
        self.asm.bind(below);
        self.asm.mov(R0, 0);
        self.asm.jump(found);
        self.asm.bind(above);
        self.asm.constant(R0, steps.steps() + 1);
        self.asm.bind(found);
    }

    fn jump_to(&mut self, when: When, edge: i64, to: Label) {
        self.asm.constant(R1, edge as u64);
        self.asm.jump_if(when, R0, R1, to);
    }

    /// Counts the bucket that is in r0.
    fn count_bucket(&mut self, offset: i16, buckets: usize) {
        let outside = self.asm.label();
        // It never is, but the verifier wants to see that.
        self.asm.jump_if(When::Ge, R0, buckets as i32, outside);
        self.asm.alu(Alu::Shl, R0, 3);
        self.asm.mov(R1, self.row);
        self.asm.alu(Alu::Add, R1, R0);
        self.asm.alu(Alu::Add, R1, i32::from(offset));
        self.asm.mov(R2, 1);
        self.asm.library("lib_add");
        self.asm.bind(outside);
    }
}
