//! Stacks of the kernel and of processes: interned by their hash, or whole in a record.

use super::errors::{E2BIG, EEXIST, error};
use super::scratch::Slot;
use super::{clock, maps};
use aya_ebpf::bindings::BPF_NOEXIST;
use aya_ebpf::helpers::generated::{bpf_get_stack, bpf_map_lookup_elem, bpf_map_update_elem};
use core::ffi::c_void;
use moontrace_abi::limits::RECORD;
use moontrace_abi::stack::{BLOCK, FAILED, FRAMES, StackHead, StackKey, USER, WANTED};
use moontrace_abi::{Outcome, State};

/// A stack as it is interned: what is behind `FRAMES` is zeros, for the last block of its hash.
#[repr(C)]
struct Stack {
    head: StackHead,
    frames: [u64; FRAMES + BLOCK],
}

/// Two hashes that are one of 128 bits. A step is a bijection of the state for each word and of the word for each state.
struct Hash(u64, u64);

impl Hash {
    #[inline(always)]
    fn add(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 ^= self.0 >> 32;
        self.1 = (self.1.wrapping_add(word)).wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
        self.1 ^= self.1 >> 29;
    }
}

/// The hash of a stack of `length` bytes. Blocks are hashed whole, without a branch on what they hold, so that the
/// verifier walks them once: what is behind the frames is zeros.
#[inline(always)]
fn hash(stack: *const Stack, length: u64) -> [u64; 2] {
    let mut hash = Hash(0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344);
    // SAFETY: a stack in a slot, all of whose words are something; the verifier checks the bounds.
    unsafe {
        hash.add((*stack).head.process[0]);
        hash.add((*stack).head.process[1]);
        let frames = (&raw const (*stack).frames).cast::<u64>();
        for block in 0..8 {
            if (8 * BLOCK * block) as u64 >= length {
                break;
            }
            for frame in 0..BLOCK {
                hash.add(*frames.add(BLOCK * block + frame));
            }
        }
    }
    [hash.0 | 1, hash.1]
}

/// Has a stack's frames in the table of stacks; the id takes the place of the process that it is of. Gives 0, or the
/// outcome of an event whose stack can't be had.
#[inline(always)]
fn intern(
    ctx: *mut c_void,
    state: *mut State,
    generation: u64,
    id: *mut u64,
    what: u64,
    stack: *mut Stack,
) -> u64 {
    let wanted = what & WANTED;
    // SAFETY: `stack` is a slot of this run, `id` two words of the key; the verifier checks every bound.
    unsafe {
        (*stack).head.process = [*id, *id.add(1)];
        let frames = (&raw mut (*stack).frames).cast::<u64>();
        for word in 0..BLOCK {
            frames.add(wanted as usize + word).write_volatile(0);
        }
        let length = bpf_get_stack(ctx, frames.cast(), 8 * wanted as u32, what & USER);
        if length <= 0 {
            id.write(0);
            id.add(1).write(length.wrapping_neg() as u64);
            return 0;
        }
        let hash = hash(stack, length as u64);
        id.write(hash[0]);
        id.add(1).write(hash[1]);
        let key = StackKey {
            generation,
            id: hash,
        };
        let (stacks, key) = (maps::address(&maps::STACKS), (&raw const key).cast());
        if !bpf_map_lookup_elem(stacks, key).is_null() {
            return 0;
        }
        (*stack).head.time = clock::lib_time(state);
        (*stack).head.length = length as u64;
        let done = bpf_map_update_elem(stacks, key, stack.cast(), u64::from(BPF_NOEXIST));
        match error(done) {
            0 | EEXIST => 0,
            E2BIG => {
                log!(warn, "stacks: their table is full");
                Outcome::Stacks as u64
            }
            error => {
                log!(warn, "stacks: one can't be kept: {}", error);
                Outcome::Memory as u64
            }
        }
    }
}

/// Writes the id of the running thread's stack where the process's two words (zeros, of the kernel's stack) stand.
/// `what`: how many frames, and whose.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn lib_stack(
    ctx: *mut c_void,
    state: *mut State,
    generation: u64,
    id: *mut u64,
    what: u64,
) -> u64 {
    let Some(slot) = Slot::take() else {
        log!(warn, "stacks: all scratch slots of this CPU are in use");
        return Outcome::Busy as u64;
    };
    // SAFETY: the slot is this run's until it is given back, and larger than a stack.
    let stack = unsafe { (&raw mut (*slot).bytes).cast() };
    let lost = intern(ctx, state, generation, id, what, stack);
    Slot::give_back(slot);
    lost
}

/// Appends the stack to a long record; gives the packed `Span` of its frames, or that of an error.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn lib_tail_stack(
    ctx: *mut c_void,
    state: *mut State,
    record: *mut u8,
    what: u64,
) -> u64 {
    // SAFETY: `state` is the entry program's; a slot has room for a stack behind every offset that the mask lets through.
    unsafe {
        let tail = (*state).tail & (RECORD as u64 - 1);
        let size = 8 * (what & WANTED) as u32;
        let length = bpf_get_stack(ctx, record.add(tail as usize).cast(), size, what & USER);
        if length < 0 {
            return u64::from(FAILED) << 16 | length.wrapping_neg() as u64;
        }
        (*state).tail = tail + length as u64;
        tail | (length as u64) << 16
    }
}
