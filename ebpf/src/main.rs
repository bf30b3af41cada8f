//! Everything of moontrace that runs in the kernel: a library of programs with holes.
//!
//! One entry program a kind of attachment (`probes`), one function an action (`actions`), and helpers that the host's
//! generated code calls (`strings`, `path`, `argv`, `ntop`, `stacks`, `matching`, `histogram`, `task`, `clock`). Where a probe's own
//! text belongs, the library calls a hole (`holes`): the host puts generated functions there, links, inlines and loads.
#![cfg_attr(target_arch = "bpf", no_std, no_main)]
// The target has no atomics in core's stable face (kernels before 5.12 lack some); the build of the object, which needs
// `-Z build-std` anyway, may name the instructions.
#![cfg_attr(target_arch = "bpf", feature(core_intrinsics, asm_experimental_arch))]
#![cfg_attr(target_arch = "bpf", expect(internal_features, reason = "see above"))]

#[cfg(target_arch = "bpf")]
#[path = "."]
mod library {
    // Before those that use its macro.
    #[macro_use]
    mod log;

    mod actions;
    mod argv;
    mod books;
    mod call;
    mod clock;
    mod engine;
    mod errors;
    mod extreme;
    mod histogram;
    mod holes;
    mod maps;
    mod matching;
    mod ntop;
    mod path;
    mod probes;
    mod scratch;
    mod session;
    mod span;
    mod stacks;
    mod strings;
    mod task;
}

/// A program that has failed must not go on; the verifier rejects whatever could get here.
#[cfg(target_arch = "bpf")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[cfg(target_arch = "bpf")]
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

#[cfg(not(target_arch = "bpf"))]
fn main() {}
