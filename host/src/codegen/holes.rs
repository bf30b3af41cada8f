//! The holes that hold conditions, keys and measured values.

use super::asm::{Asm, Label};
use super::function::{Done, Failure, Function, too_deep};
use super::instruction::{Helper, R0, R1, R8, When};
use super::weights::Root;
use super::{Code, MapRef, SMALL_STACK, Step, Target};
use crate::expr::tree::{Node, Part};
use crate::report::Report;

/// A body that returns a constant.
pub fn constant(value: u64) -> Code {
    let mut asm = Asm::default();
    asm.constant(R0, value);
    asm.leave();
    asm.finish().unwrap_or_default()
}

/// A body that asks a function of the kernel, which takes the context or nothing, by its number in the kernel's BTF.
pub fn kernel_function(id: u32) -> Code {
    let mut asm = Asm::default();
    // The context is still in the register that the function takes it in.
    asm.kernel_function(id);
    asm.leave();
    asm.finish().unwrap_or_default()
}

/// The body of `stack()` in a program that may be begun again on a processor while a run of it is under way there.
///
/// Since Linux 6.13 the runs of a program on one processor share a stack where it isn't small: the kernel takes it for one
/// that it never begins again there (`bpf_enable_priv_stack` in kernel/bpf/verifier.c). It does begin those of uprobes
/// (`bpf_prog_run_array_uprobe`, `uprobe_prog_run`): what one has on its stack changes under it, addresses as well.
///
/// A program with a tail call has its thread's stack (`check_max_stack_depth`). This one is never made. The verifier sees
/// that, after it has looked for tail calls, and takes it out: no map is asked for, and what is left is one instruction.
pub fn own_stack() -> Code {
    let mut asm = Asm::default();
    let over = asm.label();
    asm.mov(R0, 0);
    // Not by a test for equality: those whose answer is known are taken out when the program is linked.
    asm.jump_if(When::Lt, R0, 1, over);
    asm.helper(Helper::TailCall);
    asm.bind(over);
    asm.exit(0);
    asm.finish().unwrap_or_default()
}

/// The body of `guard(ctx, state)`: 1 when it is a hit of the script, else 0.
///
/// It runs before the site's book is known, so nothing in it is noted.
pub fn guard(condition: &Node, target: &Target) -> Result<Code, Report> {
    let mut function = Function::new(target, [Root::Node(condition)], false, Failure::Flagged)?;
    function.notes = false;
    let no = function.asm.label();
    function.condition(condition, no, false)?;
    passed(function, no)
}

/// The body of `steps(ctx, state)`: conditions and look-ups in the order written, each with its label. 1 when the event
/// passes all, else 0, with `state.fault` set when one could not be had.
pub fn steps(steps: &[(Step, String)], target: &Target) -> Result<Code, Report> {
    let roots = steps.iter().flat_map(|(step, _)| step.roots());
    let mut function = Function::new(target, roots, false, Failure::Flagged)?;
    let no = function.asm.label();
    for (step, label) in steps {
        function.asm.line(label);
        match step {
            Step::If(node) => function.condition(node, no, false)?,
            Step::Look(look) => function.look(look, no)?,
        }
    }
    passed(function, no)
}

/// The end of what has come to pass, and that of what has jumped to `no`.
fn passed(mut function: Function<'_>, no: Label) -> Done<Code> {
    function.asm.exit(1);
    if function.asm.is_used(no) {
        function.asm.bind(no);
        function.asm.exit(0);
    }
    function.finish()
}

/// The body of `key(ctx, state, out)`: 0, or the outcome of what can't be had. `generation` is the offset of the tally's generation
/// word in `Control`, in bytes. Without parts the key is a u32, the generation; else a u64, and the parts.
pub fn key(generation: u32, parts: &[Part], target: &Target) -> Result<Code, Report> {
    let mut function = Function::new(
        target,
        parts.iter().map(Root::from),
        true,
        Failure::Returned,
    )?;
    function.asm.map(R1, MapRef::Control { offset: generation });
    function.asm.load(8, R1, R1, 0);
    function
        .asm
        .store(if parts.is_empty() { 4 } else { 8 }, R8, 0, R1);
    write_parts(function, parts, 8)
}

/// The body of `member(ctx, state, out)`: a member of a set. 0, or the outcome of a failed read.
pub fn member(parts: &[Part], target: &Target) -> Result<Code, Report> {
    let function = Function::new(
        target,
        parts.iter().map(Root::from),
        true,
        Failure::Returned,
    )?;
    let code = write_parts(function, parts, 0)?;
    // There is no action for long ones.
    if code.stack > SMALL_STACK {
        return Err(too_deep(SMALL_STACK));
    }
    Ok(code)
}

pub(super) fn write_parts(
    mut function: Function<'_>,
    parts: &[Part],
    mut offset: u32,
) -> Done<Code> {
    for part in parts {
        function.part(part, R8, offset as i16)?;
        offset += part.size();
    }
    function.asm.exit(0);
    function.finish()
}

/// The body of `measure(ctx, state, out)`: each argument's value, a word each. 0, or the outcome of a failed read.
pub fn measure(arguments: &[Node], target: &Target) -> Result<Code, Report> {
    let mut function = Function::new(
        target,
        arguments.iter().map(Root::Node),
        true,
        Failure::Returned,
    )?;
    for (index, argument) in arguments.iter().enumerate() {
        function.value(argument)?;
        function.asm.store(8, R8, 8 * index as i16, R0);
    }
    function.asm.exit(0);
    function.finish()
}
