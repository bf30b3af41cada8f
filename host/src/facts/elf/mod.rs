//! Programs and libraries: which file a name means, and where its functions stand in it.

mod binary;
mod cache;
mod locate;

pub use binary::{Binary, Symbol};
pub use locate::{candidates, locate};
