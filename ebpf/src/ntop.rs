//! IP addresses as text: IPv4 as usual, IPv6 as RFC 5952 wants it, that of an IPv4 address as `::ffff:192.0.2.1`.

use super::scratch;
use aya_ebpf::helpers::generated::{bpf_probe_read_kernel, bpf_probe_read_user};
use core::ffi::c_void;
use moontrace_abi::State;
use moontrace_abi::limits::ADDRESS;

/// Words of 16 bits in an IPv6 address.
const GROUPS: u64 = 8;

/// A loop that stays one: LLVM, which can't know how often it is run, would write out such short ones.
#[inline(always)]
fn repeat(times: u64, mut act: impl FnMut(u64)) {
    let mut number = 0;
    while number < times {
        act(number);
        number += 1;
        // SAFETY: no instruction.
        unsafe {
            core::arch::asm!("/* {0} */", inout(reg) number, options(pure, nomem, nostack));
        }
    }
}

/// The text and what it is made of, in the run's scratch. All that changes stands in memory and is volatile: in registers
/// the verifier would tell apart all texts that there are.
#[repr(C)]
struct Text {
    length: u64,
    /// Where the longest row of zero groups begins, which `::` stands for; behind all when there is none.
    gap: u64,
    /// Groups in it.
    gap_length: u64,
    address: [u8; 16],
    bytes: [u8; ADDRESS.next_power_of_two()],
}

#[derive(Clone, Copy)]
struct Writer(*mut Text);

impl Writer {
    fn of_run(state: *mut State) -> Option<Self> {
        let text: *mut Text = scratch::of_run(state)?.cast();
        // SAFETY: a slot has room for a text, and is this run's.
        unsafe { (&raw mut (*text).length).write_volatile(0) };
        Some(Self(text))
    }

    #[inline(always)]
    fn length(self) -> u64 {
        // SAFETY: as in `of_run`, also below.
        unsafe { (&raw const (*self.0).length).read_volatile() }
    }

    /// Writes a byte that stays if `kept` is 1, and that the next one replaces if it is 0.
    #[inline(always)]
    fn put_if(self, kept: u64, byte: u64) {
        let length = self.length();
        let at = length as usize & (ADDRESS.next_power_of_two() - 1);
        // SAFETY: the mask lets no more through than there are bytes.
        unsafe {
            (&raw mut (*self.0).bytes)
                .cast::<u8>()
                .add(at)
                .write_volatile(byte as u8);
            (&raw mut (*self.0).length).write_volatile(length + kept);
        }
    }

    #[inline(always)]
    fn put(self, byte: u8) {
        self.put_if(1, byte.into());
    }

    /// The four bytes of an IPv4 address, the first one lowest.
    #[inline(always)]
    fn put_ipv4(self, address: u64) {
        repeat(4, |number| {
            let byte = address >> (8 * number) & 0xff;
            if number > 0 {
                self.put(b'.');
            }
            self.put_if(u64::from(byte >= 100), u64::from(b'0') + byte / 100);
            self.put_if(u64::from(byte >= 10), u64::from(b'0') + byte / 10 % 10);
            self.put(b'0' + (byte % 10) as u8);
        });
    }

    #[inline(always)]
    fn group(self, number: u64) -> u64 {
        let at = (2 * number & 15) as usize;
        // SAFETY: a group lies behind every offset that the mask lets through: those asked for are even.
        let group = unsafe {
            (&raw const (*self.0).address)
                .cast::<u8>()
                .add(at)
                .cast::<u16>()
                .read_volatile()
        };
        u16::from_be(group).into()
    }

    /// Finds what `::` stands for: the first of the longest rows of two and more zero groups.
    #[inline(always)]
    fn find_gap(self) {
        // SAFETY: as above.
        let (gap, gap_length) = unsafe { (&raw mut (*self.0).gap, &raw mut (*self.0).gap_length) };
        // SAFETY: as above.
        unsafe {
            gap.write_volatile(GROUPS);
            gap_length.write_volatile(0);
        }
        let mut row = 0u64;
        repeat(GROUPS, |number| {
            row = match self.group(number) {
                0 => row + 1,
                _ => 0,
            };
            // SAFETY: as above.
            unsafe {
                if row > 1 && row > gap_length.read_volatile() {
                    gap_length.write_volatile(row);
                    gap.write_volatile(number + 1 - row);
                }
            }
        });
    }

    #[inline(always)]
    fn put_groups(self) {
        repeat(GROUPS, |number| {
            // SAFETY: as above.
            let (gap, length) = unsafe {
                (
                    (&raw const (*self.0).gap).read_volatile(),
                    (&raw const (*self.0).gap_length).read_volatile(),
                )
            };
            if number == gap {
                self.put(b':');
            }
            if number >= gap && number < gap + length {
                // The text ends with the gap: nothing else writes the second colon.
                self.put_if(u64::from(number == GROUPS - 1), b':'.into());
                return;
            }
            if number > 0 {
                self.put(b':');
            }
            let group = self.group(number);
            repeat(4, |digit| {
                let shift = 12 - 4 * digit;
                let digit = group >> shift & 15;
                // From ten on the letters stand 39 behind what would follow '9'.
                let byte = u64::from(b'0') + digit + ((digit + 6) >> 4) * 39;
                self.put_if(u64::from(group >> shift != 0 || shift == 0), byte);
            });
        });
    }

    /// The address of the whole text.
    #[inline(always)]
    fn done(self) -> u64 {
        self.put(0);
        // SAFETY: as in `of_run`.
        unsafe { &raw const (*self.0).bytes }.cast::<u8>() as u64
    }
}

/// The text of an IPv4 address, as the kernel holds it in a `__be32`: its address, or 0.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn lib_ipv4(state: *mut State, address: u64) -> u64 {
    let Some(text) = Writer::of_run(state) else {
        return 0;
    };
    text.put_ipv4(address);
    text.done()
}

/// The text of the IPv6 address that lies in the kernel's memory, or the process's (`user` is not 0): its address, or 0.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn lib_ipv6(state: *mut State, address: u64, user: u64) -> u64 {
    let Some(text) = Writer::of_run(state) else {
        return 0;
    };
    // SAFETY: 16 bytes of the slot; the address may be anything.
    let read = unsafe {
        let out: *mut c_void = (&raw mut (*text.0).address).cast();
        match user {
            0 => bpf_probe_read_kernel(out, 16, address as *const c_void),
            _ => bpf_probe_read_user(out, 16, address as *const c_void),
        }
    };
    if read != 0 {
        return 0;
    }
    let mut others = text.group(5) ^ 0xffff;
    repeat(5, |number| others |= text.group(number));
    if others == 0 {
        for byte in *b"::ffff:" {
            text.put(byte);
        }
        // SAFETY: the last 4 of the 16 bytes, aligned.
        let address = unsafe {
            (&raw const (*text.0).address)
                .cast::<u32>()
                .add(3)
                .read_volatile()
        };
        text.put_ipv4(address.into());
    } else {
        text.find_gap();
        text.put_groups();
    }
    text.done()
}
