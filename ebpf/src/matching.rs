//! Strings that both sides of an operator compute, and patterns.

use moontrace_abi::limits::STRING;

/// Does a whole string match a pattern? The pattern's elements are simulated all at once, a bit each, so that the
/// verifier meets one short path through a loop without branches on the text.
///
/// `table`: a mask of the elements that match it for each byte, then the mask of states in which a star waits, then the
/// bit of the state in which all is matched.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn lib_glob(text: *const u8, capacity: u32, table: *const u64) -> u64 {
    // SAFETY: the host passes a text of `capacity` bytes and a table of 258 words; the verifier checks both.
    unsafe {
        let star = *table.add(256);
        let mut states = 1u64;
        for at in 0..STRING {
            if at >= capacity as usize {
                break;
            }
            let byte = *text.add(at);
            if byte == 0 {
                break;
            }
            states = ((states & *table.add(byte as usize)) << 1) | (states & star);
        }
        (states & *table.add(257) != 0) as u64
    }
}

/// Are two strings of at most `capacity` bytes equal up to their NUL?
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn lib_same(a: *const u8, b: *const u8, capacity: u32) -> u64 {
    for at in 0..STRING {
        if at >= capacity as usize {
            break;
        }
        // SAFETY: the host passes two texts of `capacity` bytes; the verifier checks both.
        let (left, right) = unsafe { (*a.add(at), *b.add(at)) };
        if left != right {
            return 0;
        }
        if left == 0 {
            break;
        }
    }
    1
}
