//! Raw tracepoint programs for sys_enter: word 1 of the context is the system call's number.

use aya_ebpf::bindings::{BPF_NOEXIST, BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP};
use aya_ebpf::helpers::generated::{
    bpf_get_current_comm, bpf_get_current_pid_tgid, bpf_get_current_task, bpf_get_smp_processor_id,
    bpf_ktime_get_ns, bpf_map_lookup_elem, bpf_map_update_elem, bpf_probe_read_kernel,
    bpf_ringbuf_reserve, bpf_ringbuf_submit,
};
use aya_ebpf::macros::map;
use aya_ebpf::maps::{HashMap, PerCpuArray, PerCpuHashMap, RingBuf};
use core::ffi::c_void;
use core::intrinsics::{AtomicOrdering, atomic_xadd};
use core::mem::MaybeUninit;
use moontrace_abi::bucket::{BUCKETS, of_signed};
use moontrace_abi::{Book, Control, Header, Outcome};

/// The system call that the programs are for: getppid on x86_64.
const GETPPID: u64 = 110;
/// Where `struct task_struct` has `thread_info.status` on x86_64 since 5.11, bytes; a tool would take it from BTF.
const STATUS: usize = 16;
/// Of it: the call came the 32-bit way (TS_COMPAT of arch/x86/include/asm/thread_info.h).
const COMPAT: u32 = 2;

#[unsafe(no_mangle)]
#[unsafe(link_section = ".data.control")]
static mut CONTROL: Control = Control {
    armed: 0,
    asleep: 0,
    generation: [0; 256],
};
#[map]
static BOOKS: PerCpuArray<Book> = PerCpuArray::with_max_entries(1, 0);
#[map]
static EVENTS: RingBuf = RingBuf::with_byte_size(4096, 0);
#[map]
static COUNTS: PerCpuHashMap<[u64; 2], u64> = PerCpuHashMap::with_max_entries(4096, 0);
#[map]
static HISTOGRAMS: HashMap<[u64; 2], [u64; BUCKETS]> = HashMap::with_max_entries(4096, 0);
/// Named plainly for the same reason as the library's.
#[unsafe(no_mangle)]
static ZEROS: [u64; BUCKETS] = [0; BUCKETS];

#[inline(always)]
fn address<T>(map: &T) -> *mut c_void {
    core::ptr::from_ref(map).cast_mut().cast()
}

#[inline(always)]
fn add(word: *mut u64) {
    // SAFETY: a word of a map value.
    unsafe { atomic_xadd::<u64, u64, { AtomicOrdering::Relaxed }>(word, 1) };
}

#[inline(always)]
fn comm() -> [u64; 2] {
    let mut name = MaybeUninit::<[u64; 2]>::uninit();
    // SAFETY: the helper fills 16 bytes.
    unsafe {
        bpf_get_current_comm(name.as_mut_ptr().cast(), 16);
        name.assume_init()
    }
}

/// Does the job for the one system call, and enters how it ended.
#[inline(always)]
fn hit(ctx: *mut c_void, job: impl FnOnce() -> Outcome) -> u32 {
    // SAFETY: word 1 of the context is there.
    if unsafe { *ctx.cast::<u64>().add(1) } != GETPPID {
        return 0;
    }
    if let Some(book) = BOOKS.get_ptr_mut(0) {
        let outcome = job() as usize & 7;
        // SAFETY: the mask keeps the index inside.
        add(unsafe { (&raw mut (*book).outcomes).cast::<u64>().add(outcome) });
    }
    0
}

/// The row of a key, made where there is none.
#[inline(always)]
fn row(map: *mut c_void, key: &[u64; 2]) -> *mut u64 {
    // SAFETY: the key lives through the calls, and `ZEROS` has the bytes of either value.
    unsafe {
        let mut value = bpf_map_lookup_elem(map, key.as_ptr().cast());
        if value.is_null() {
            bpf_map_update_elem(
                map,
                key.as_ptr().cast(),
                ZEROS.as_ptr().cast(),
                u64::from(BPF_NOEXIST),
            );
            value = bpf_map_lookup_elem(map, key.as_ptr().cast());
        }
        value.cast()
    }
}

#[unsafe(no_mangle)]
#[unsafe(link_section = "raw_tp")]
pub(crate) extern "C" fn hand_reject(ctx: *mut c_void) -> u32 {
    hit(ctx, || {
        if comm() == [u64::from_le_bytes(*b"nobody\0\0"), 0] {
            Outcome::Delivered
        } else {
            Outcome::Filtered
        }
    })
}

#[inline(always)]
fn count() -> Outcome {
    let value = row(address(&COUNTS), &comm());
    if value.is_null() {
        return Outcome::Full;
    }
    add(value);
    Outcome::Delivered
}

#[unsafe(no_mangle)]
#[unsafe(link_section = "raw_tp")]
pub(crate) extern "C" fn hand_count(ctx: *mut c_void) -> u32 {
    hit(ctx, count)
}

/// Did the running thread make its system call the 64-bit way? The system calls' own tracepoints leave out the others.
#[inline(always)]
fn is_native() -> bool {
    let mut status = MaybeUninit::<u32>::uninit();
    // SAFETY: the helpers check the address, and fill the 4 bytes whatever they find.
    unsafe {
        let task = bpf_get_current_task() as usize;
        bpf_probe_read_kernel(
            status.as_mut_ptr().cast(),
            4,
            (task + STATUS) as *const c_void,
        );
        status.assume_init() & COMPAT == 0
    }
}

#[unsafe(no_mangle)]
#[unsafe(link_section = "raw_tp")]
pub(crate) extern "C" fn hand_native_count(ctx: *mut c_void) -> u32 {
    // SAFETY: word 1 of the context is there.
    if unsafe { *ctx.cast::<u64>().add(1) } != GETPPID || !is_native() {
        return 0;
    }
    hit(ctx, count)
}

#[unsafe(no_mangle)]
#[unsafe(link_section = "raw_tp")]
pub(crate) extern "C" fn hand_hist(ctx: *mut c_void) -> u32 {
    // SAFETY: word 1 of the context is there.
    let number = unsafe { *ctx.cast::<i64>().add(1) };
    hit(ctx, || {
        let value = row(address(&HISTOGRAMS), &comm());
        if value.is_null() {
            return Outcome::Full;
        }
        let bucket = core::hint::black_box(of_signed(number)) as usize;
        if bucket < BUCKETS {
            // SAFETY: within the value.
            add(unsafe { value.add(bucket) });
        }
        Outcome::Delivered
    })
}

/// A record of pid, comm and the system call's number.
#[repr(C)]
struct Call {
    header: Header,
    number: i64,
    pid: u64,
    comm: [u64; 2],
}

#[unsafe(no_mangle)]
#[unsafe(link_section = "raw_tp")]
pub(crate) extern "C" fn hand_emit(ctx: *mut c_void) -> u32 {
    // SAFETY: word 1 of the context is there.
    let number = unsafe { *ctx.cast::<i64>().add(1) };
    hit(ctx, || {
        // SAFETY: the helper gives room for a record, or null; the reader's flag may change at any time.
        unsafe {
            let call =
                bpf_ringbuf_reserve(address(&EVENTS), size_of::<Call>() as u64, 0).cast::<Call>();
            if call.is_null() {
                return Outcome::Ring;
            }
            (*call).header = Header {
                site: 0,
                cpu: bpf_get_smp_processor_id() as u16,
                flags: 0,
                time: bpf_ktime_get_ns(),
                valid: u64::MAX,
            };
            (*call).number = number;
            (*call).pid = bpf_get_current_pid_tgid() >> 32;
            bpf_get_current_comm((&raw mut (*call).comm).cast(), 16);
            let asleep = &raw mut CONTROL.asleep;
            let wake = if asleep.read_volatile() != 0 {
                asleep.write_volatile(0);
                BPF_RB_FORCE_WAKEUP
            } else {
                BPF_RB_NO_WAKEUP
            };
            bpf_ringbuf_submit(call.cast(), u64::from(wake));
        }
        Outcome::Delivered
    })
}
