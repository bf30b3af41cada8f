//! All maps. Sizes are the host's: what stands here is what the types need.

use aya_ebpf::macros::map;
use aya_ebpf::maps::{HashMap, PerCpuArray, ProgramArray, RingBuf};
use core::ffi::c_void;
use moontrace_abi::stack::StackKey;
use moontrace_abi::{Book, Control, limits};

/// The control words of a script, shared by its instances and mapped into the host: one array value.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".data.control")]
pub(crate) static mut CONTROL: Control = Control {
    armed: 0,
    asleep: 0,
    generation: [0; limits::TALLIES],
};

/// The book of an instance.
#[map]
pub(crate) static BOOKS: PerCpuArray<Book> = PerCpuArray::with_max_entries(1, 0);

/// What the host reads events from; shared by a script's instances.
#[map]
pub(crate) static EVENTS: RingBuf = RingBuf::with_byte_size(4096, 0);

/// The table that an instance feeds. The host makes it, of the kind, key and value that the tally has.
#[map]
pub(crate) static TALLY: HashMap<u64, u64> = HashMap::with_max_entries(1, 0);

/// Frames of the stacks that are keys of that table. The host makes it, with room for so many.
#[map]
pub(crate) static STACKS: HashMap<StackKey, u64> = HashMap::with_max_entries(1, 0);

/// Calls that are under way, with what is kept of their beginning. The host makes it, with values of that size.
#[map]
pub(crate) static CALLS: HashMap<[u64; limits::CALL_KEY], u64> = HashMap::with_max_entries(1, 0);

/// The span whose things an instance starts or marks. The host makes it, with the key and value that the span has.
#[map]
pub(crate) static SPAN: HashMap<u64, u64> = HashMap::with_max_entries(1, 0);

/// What an instance hands on to, by the number that its cookie is. The host makes it.
#[map]
pub(crate) static PROGRAMS: ProgramArray = ProgramArray::with_max_entries(1, 0);

/// The set that an instance changes, made by the host.
#[map]
pub(crate) static SET: HashMap<u64, u8> = HashMap::with_max_entries(1, 0);

/// Room for keys and records that are too long for the stack or the ring; see `scratch`.
#[map]
pub(crate) static SCRATCH: PerCpuArray<crate::library::scratch::Slot> =
    PerCpuArray::with_max_entries(limits::SCRATCH_SLOTS as u32, 0);

/// What a new row of a tally, or a thing of a span, begins as. Its plain name matters: a mangled one holds a hash of where the compiler's own
/// sources lay, and the object would have other bytes in each checkout. In a section that takes no room in the object.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".bss.zeros")]
pub(crate) static mut ZEROS: [u64; limits::ROW / 8] = [0; limits::ROW / 8];

/// A map as the helpers take it.
#[inline(always)]
pub(crate) fn address<T>(map: &T) -> *mut c_void {
    core::ptr::from_ref(map).cast_mut().cast()
}
