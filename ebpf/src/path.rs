//! Whole paths: from a directory entry to its parent, across mounts, up to the root that the process has. As the kernel's
//! own d_path (fs/d_path.c), which programs may call in few places; without its locks, so that what is renamed at that
//! moment may come out as a mixture of both names.

use super::books::note;
use super::scratch;
use aya_ebpf::helpers::generated::{bpf_get_current_task, bpf_probe_read_kernel};
use core::ffi::c_void;
use moontrace_abi::limits::{COMPONENTS, LONGEST_STRING};
use moontrace_abi::{Note, State};

/// Where things stand in this kernel's structs, in bytes: filled by the host.
#[repr(C)]
pub(crate) struct Offsets {
    /// Of struct path.
    mount: u64,
    entry: u64,
    /// Of struct dentry.
    parent: u64,
    length: u64,
    name: u64,
    hashed: u64,
    inode: u64,
    superblock: u64,
    /// Of struct vfsmount.
    top: u64,
    /// Of struct mount: the struct vfsmount in it, and where it is mounted.
    within: u64,
    parent_mount: u64,
    mountpoint: u64,
    /// Of struct task_struct, and of the struct fs_struct that it points to.
    fs: u64,
    root: u64,
    /// Of struct inode and of struct super_block.
    number: u64,
    magic: u64,
}

/// Where the string ends: it is written from its end to its beginning.
const END: u64 = LONGEST_STRING as u64 - 1;
/// The longest name of a directory's entry (NAME_MAX, include/uapi/linux/limits.h).
const NAME: u64 = 255;
/// What stands before a path that is too long.
const MORE: [u8; 3] = *b"...";

/// File systems whose files have no path (include/uapi/linux/magic.h).
const PIPEFS: u64 = 0x5049_5045;
const SOCKFS: u64 = 0x534f_434b;
const ANON_INODES: u64 = 0x0904_1934;

/// A word of the kernel's memory; 0 when it can't be read.
#[inline(always)]
fn word(address: u64) -> u64 {
    let mut word = 0u64;
    // SAFETY: 8 bytes into a local, zeroed where they can't be read; the address may be anything.
    unsafe { bpf_probe_read_kernel((&raw mut word).cast(), 8, address as *const c_void) };
    word
}

/// A string that is being written to the run's scratch.
///
/// Where it begins stands in memory: in a register the verifier would tell apart all lengths that names can have together.
#[derive(Clone, Copy)]
struct Text {
    bytes: *mut u8,
    at: *mut u64,
}

impl Text {
    #[inline(always)]
    fn new(bytes: *mut u8) -> Self {
        // SAFETY: a slot has room for two longest strings and more.
        let at = unsafe { bytes.add(2 * LONGEST_STRING) }.cast();
        let text = Self { bytes, at };
        text.move_to(END);
        // SAFETY: as in `place`.
        unsafe { text.place().write_volatile(0) };
        text
    }

    #[inline(always)]
    fn at(&self) -> u64 {
        // SAFETY: a word of the slot; volatile, so that its value is asked for where it is used.
        unsafe { self.at.read_volatile() }
    }

    #[inline(always)]
    fn move_to(&self, at: u64) {
        // SAFETY: as above.
        unsafe { self.at.write_volatile(at) };
    }

    #[inline(always)]
    fn place(&self) -> *mut u8 {
        // SAFETY: a slot has room for more than the mask lets through and a name behind it.
        unsafe { self.bytes.add((self.at() & END) as usize) }
    }

    /// Puts bytes in front.
    #[inline(always)]
    fn put<const N: usize>(&self, text: [u8; N]) {
        self.move_to(self.at() - N as u64);
        let place = self.place();
        for (number, byte) in text.into_iter().enumerate() {
            // SAFETY: as in `place`.
            unsafe { place.add(number).write_volatile(byte) };
        }
    }

    /// Puts the name of a directory's entry in front, unless it does not fit behind `first`.
    #[inline(always)]
    fn put_name(&self, entry: u64, first: u64, offsets: &Offsets) -> bool {
        let length = word(entry + offsets.length) & NAME;
        let at = self.at();
        if at < first + length + 1 {
            return false;
        }
        self.move_to(at - length);
        let name = word(entry + offsets.name);
        // SAFETY: as in `place`; the mask bounds the length where the verifier sees it.
        unsafe {
            bpf_probe_read_kernel(
                self.place().cast(),
                (length & NAME) as u32,
                name as *const c_void,
            );
        }
        true
    }

    /// Puts a number in brackets in front.
    #[inline(always)]
    fn put_number(&self, mut number: u64) {
        self.put(*b"]");
        for _ in 0..20 {
            self.put([b'0' + (number % 10) as u8]);
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.put(*b"[");
    }
}

/// The path of the struct path at an address: at most `room` bytes with the NUL, in the run's scratch. Gives the address,
/// or 0.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn lib_path(
    state: *mut State,
    path: u64,
    room: u32,
    offsets: *const Offsets,
) -> u64 {
    let Some(bytes) = scratch::of_run(state) else {
        return 0;
    };
    // SAFETY: the host passes a table of that many words; the verifier checks it.
    let offsets = unsafe { &*offsets };
    let text = Text::new(bytes);
    let mut entry = word(path + offsets.entry);
    let mut mount = word(path + offsets.mount);
    if entry == 0 || mount == 0 {
        return 0;
    }
    // SAFETY: it takes nothing.
    let fs = word(unsafe { bpf_get_current_task() } + offsets.fs);
    let root_mount = word(fs + offsets.root + offsets.mount);
    let root_entry = word(fs + offsets.root + offsets.entry);
    let mut parent = word(entry + offsets.parent);
    if parent != entry && word(entry + offsets.hashed) == 0 {
        text.put(*b" (deleted)");
    }
    let first = END + 1 + MORE.len() as u64 - u64::from(room);
    let mut top = word(mount + offsets.top);
    let mut whole = false;
    for _ in 0..COMPONENTS {
        if entry == root_entry && mount == root_mount {
            whole = true;
            break;
        }
        if entry == top {
            let this = mount - offsets.within;
            let outer = word(this + offsets.parent_mount);
            if outer == this {
                whole = true;
                break;
            }
            entry = word(this + offsets.mountpoint);
            mount = outer + offsets.within;
            top = word(mount + offsets.top);
        } else if parent == entry {
            return without_path(text, entry, first, offsets);
        } else {
            if !text.put_name(entry, first, offsets) {
                break;
            }
            text.put(*b"/");
            entry = parent;
        }
        parent = word(entry + offsets.parent);
    }
    if !whole {
        note(state, Note::Truncated);
        text.put(MORE);
    } else if text.at() == END {
        text.put(*b"/");
    }
    text.place() as u64
}

/// What is in no directory: a pipe, a socket, what only has a name.
#[inline(always)]
fn without_path(text: Text, entry: u64, first: u64, offsets: &Offsets) -> u64 {
    let magic = word(word(entry + offsets.superblock) + offsets.magic);
    if magic == PIPEFS || magic == SOCKFS {
        text.put_number(word(word(entry + offsets.inode) + offsets.number));
        if magic == PIPEFS {
            text.put(*b"pipe:");
        } else {
            text.put(*b"socket:");
        }
    } else {
        text.put_name(entry, first, offsets);
        if magic == ANON_INODES {
            text.put(*b"anon_inode:");
        }
    }
    text.place() as u64
}
