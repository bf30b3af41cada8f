//! Histograms: words of a map value, one a bucket, changed in place.

use super::books::lib_add;
use moontrace_abi::bucket::{BUCKETS, fine_of_signed, fine_of_unsigned, of_signed, of_unsigned};

#[inline(always)]
fn bump(buckets: *mut u64, bucket: u32) -> u64 {
    let mut bucket = bucket as usize;
    // LLVM knows that the bucket is in range and would drop the check that the verifier needs to see.
    // SAFETY: no instruction.
    unsafe { core::arch::asm!("/* {0} */", inout(reg) bucket, options(pure, nomem, nostack)) };
    if bucket < BUCKETS {
        // SAFETY: `buckets` points at BUCKETS words of a map value.
        lib_add(unsafe { buckets.add(bucket) }, 1);
    }
    0
}

/// Counts a signed value.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn lib_hist_signed(buckets: *mut u64, value: i64) -> u64 {
    bump(buckets, of_signed(value))
}

/// Counts an unsigned value.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn lib_hist_unsigned(buckets: *mut u64, value: u64) -> u64 {
    bump(buckets, of_unsigned(value))
}

/// The bucket of a signed value where powers of two are split; generated code counts it.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn lib_fine_signed(value: i64, bits: u32) -> u64 {
    fine_of_signed(value, bits)
}

/// The same of an unsigned value.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn lib_fine_unsigned(value: u64, bits: u32) -> u64 {
    fine_of_unsigned(value, bits)
}
