//! Columns of a tally: what was measured is added to a row.

use super::Code;
use super::asm::Asm;
use super::instruction::{Alu, R1, R2, R4, R6, R7};
use crate::layout::Aggregate;
use crate::report::Report;

/// The body of `columns(value, measured, state)`. Each column: what it does, its offset in the row in bytes, and which of
/// the measured words it takes; a count without one counts 1.
pub fn columns(columns: &[(Aggregate, u32, Option<usize>)]) -> Result<Code, Report> {
    let mut asm = Asm::default();
    let calls = columns
        .iter()
        .any(|(aggregate, ..)| matches!(aggregate, Aggregate::Hist { .. }));
    // Addresses stay in the arguments unless a call is between.
    let (row, measured) = if calls { (R6, R7) } else { (R1, R2) };
    if calls {
        asm.keep_argument(R6, R1);
        asm.keep_argument(R7, R2);
    }
    for (aggregate, offset, argument) in columns {
        let offset = i16::try_from(*offset)
            .map_err(|_| Report::new("a row of a tally has 32,767 bytes at most"))?;
        match (aggregate, argument) {
            (Aggregate::Hist { .. }, argument) => {
                asm.load(8, R2, measured, word(argument.unwrap_or(0)));
                asm.mov(R1, row);
                asm.alu(Alu::Add, R1, i32::from(offset));
                let signed = *aggregate == Aggregate::Hist { signed: true };
                asm.library(if signed {
                    "lib_hist_signed"
                } else {
                    "lib_hist_unsigned"
                });
            }
            (Aggregate::Count, None) => {
                asm.mov(R4, 1);
                asm.atomic_add(row, offset, R4);
            }
            (Aggregate::Count | Aggregate::Sum { .. }, argument) => {
                asm.load(8, R4, measured, word(argument.unwrap_or(0)));
                asm.atomic_add(row, offset, R4);
            }
        }
    }
    asm.exit(0);
    asm.finish()
}

/// Where a measured word stands.
fn word(index: usize) -> i16 {
    (8 * index) as i16
}
