//! The VM: the only user of mlua.

pub mod header;
pub mod infer;
pub mod options;
pub mod session;
