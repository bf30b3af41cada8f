//! The VM: the only user of mlua.

pub mod infer;
pub mod session;
