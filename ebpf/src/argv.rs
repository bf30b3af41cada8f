//! A command's arguments, out of the memory of the process that is to run it or does.

use super::books::note;
use super::scratch;
use aya_ebpf::helpers::generated::{bpf_probe_read_user, bpf_probe_read_user_str};
use core::ffi::c_void;
use moontrace_abi::limits::{ARGUMENTS, LONGEST_STRING};
use moontrace_abi::{Note, State};

/// Offsets that are within a longest string.
const MASK: u64 = LONGEST_STRING as u64 - 1;
/// What stands behind arguments that are too many or too long.
const MORE: [u8; 4] = *b"...\0";
/// What stands for one that can't be read.
const FAULT: [u8; 8] = *b"<fault>\0";

#[inline(always)]
fn put<const N: usize>(bytes: *mut u8, at: u64, text: [u8; N]) {
    let at = (at & MASK) as usize;
    for (number, byte) in text.into_iter().enumerate() {
        // SAFETY: a slot has room for more than the mask lets through.
        unsafe { bytes.add(at + number).write_volatile(byte) };
    }
}

/// The strings of an array that ends with a null pointer, joined by blanks: at most `room` bytes with the NUL, in the
/// run's scratch. Gives the address, or 0.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn lib_argv(state: *mut State, array: u64, room: u32) -> u64 {
    let Some(bytes) = scratch::of_run(state) else {
        return 0;
    };
    // SAFETY: a slot has room for two longest strings and more.
    let end: *mut u64 = unsafe { bytes.add(2 * LONGEST_STRING) }.cast();
    // Where the string ends stands in memory: in a register the verifier would tell apart all lengths that arguments can
    // have together. SAFETY: a word of the slot; volatile, so that its value is asked for where it is used.
    let at = || unsafe { end.read_volatile() };
    // SAFETY: as above.
    let move_to = |at: u64| unsafe { end.write_volatile(at) };
    let most = u64::from(room) - MORE.len() as u64;
    let mut more = true;
    move_to(0);
    for number in 0..ARGUMENTS as u64 {
        let mut element = 0u64;
        let from = (array + 8 * number) as *const c_void;
        // SAFETY: 8 bytes into a local; the address may be anything.
        if unsafe { bpf_probe_read_user((&raw mut element).cast(), 8, from) } != 0 {
            if number == 0 {
                return 0;
            }
            break;
        }
        if element == 0 {
            more = false;
            break;
        }
        // SAFETY: a slot has room for a longest string behind every offset that the mask lets through.
        let read = unsafe {
            let out = bytes.add((at() & MASK) as usize).cast();
            bpf_probe_read_user_str(out, LONGEST_STRING as u32, element as *const c_void)
        };
        // Of an empty string, many kernels give 0 (mm/maccess.c, strncpy_from_user_nofault).
        let length = if read < 0 {
            note(state, Note::Fault);
            put(bytes, at(), FAULT);
            FAULT.len() as u64
        } else if read == 0 {
            1
        } else {
            read as u64
        };
        let next = at() + length;
        if next > most {
            move_to(most);
            break;
        }
        move_to(next);
        // In place of the NUL of what was just read.
        put(bytes, next - 1, *b" ");
    }
    if more {
        put(bytes, at(), MORE);
        note(state, Note::Truncated);
    } else {
        put(bytes, at().saturating_sub(1), [0]);
    }
    bytes as u64
}
