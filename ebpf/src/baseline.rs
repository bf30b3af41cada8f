//! What the benchmarks compare with: reject, count by comm, histogram and emit, each written by hand for its one job,
//! with the same books as the library keeps. Nothing of it is in the product.
#![cfg_attr(target_arch = "bpf", no_std, no_main)]
#![cfg_attr(target_arch = "bpf", feature(core_intrinsics))]
#![cfg_attr(
    target_arch = "bpf",
    expect(
        internal_features,
        reason = "the target has no atomics in core's stable face"
    )
)]

#[cfg(target_arch = "bpf")]
#[path = "baseline/programs.rs"]
mod programs;

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
