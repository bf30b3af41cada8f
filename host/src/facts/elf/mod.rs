//! Programs and libraries: which file a name means, and where its functions stand in it.

mod binary;
mod boundaries;
mod cache;
#[cfg(test)]
mod damage;
mod file;
mod kept;
mod locate;
mod mapped;
mod place;
#[cfg(test)]
pub(crate) mod sample;
mod segments;
mod usdt;
mod usdt_argument;

pub use binary::{Binary, Symbol};
pub use boundaries::{LONGEST, Misplaced, is_boundary};
pub(super) use file::with_object;
pub(super) use kept::Kept;
pub use locate::{candidates, locate, names, stem};
pub use mapped::{gone, is_called, mapped};
pub(super) use segments::Segments;
pub use usdt::{Probes, Usdt, usdt};
pub use usdt_argument::{Argument, Operand, Register};
