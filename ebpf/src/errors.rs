//! What the kernel refuses changes of maps with (include/uapi/asm-generic/errno-base.h), as its functions give it.

pub(crate) const ENOENT: i32 = -2;
pub(crate) const E2BIG: i32 = -7;
pub(crate) const ENOMEM: i32 = -12;
pub(crate) const EEXIST: i32 = -17;

/// What a change of a map has come to: 0, or an error. Before 6.5 the kernel's own function gives an int: the upper half is
/// anything.
#[inline(always)]
pub(crate) fn error(done: i64) -> i32 {
    done as i32
}
