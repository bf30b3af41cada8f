//! The VM: the only user of mlua.

pub mod session;
pub mod vm;
