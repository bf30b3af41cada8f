//! The contract of both sides: what the library in the kernel and the host must see alike, byte for byte.
//!
//! Only integers, arrays and explicit padding: the two sides are built by different compilers for different machines.
#![cfg_attr(not(test), no_std)]

pub mod book;
pub mod bucket;
pub mod control;
pub mod limits;
pub mod record;
pub mod stack;
pub mod state;

pub use book::{Book, Note, Outcome};
pub use control::Control;
pub use record::Header;
pub use state::State;
