//! The hole that tells which of the sites that share a program was hit.

use super::function::{Failure, Function};
use super::instruction::{Helper, R0};
use super::weights::Root;
use super::{Code, Target};
use crate::expr::tree::Node;
use crate::report::Report;

/// The body of `cookie(ctx)` where the context itself tells; `unread` where that can't be read.
pub fn cookie(number: &Node, unread: i32, target: &Target) -> Result<Code, Report> {
    let mut function = Function::new(target, [Root::Node(number)], false, Failure::Own)?;
    // There is no book yet.
    function.notes = false;
    function.value(number)?;
    function.asm.leave();
    if function.asm.is_used(function.fault) {
        function.asm.bind(function.fault);
        function.asm.mov(R0, unread);
        function.asm.leave();
    }
    function.finish()
}

/// The body of `cookie(ctx)` where the kernel keeps the number that a link was made with.
pub fn attach_cookie(target: &Target) -> Result<Code, Report> {
    let mut function = Function::new(target, [], false, Failure::Own)?;
    // The context is still in the register that the helper takes it in.
    function.asm.helper(Helper::AttachCookie);
    function.asm.leave();
    function.finish()
}
