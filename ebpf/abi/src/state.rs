//! What the library and generated functions share during one run of a program.

use crate::book::Book;

/// Lives on the stack of the entry program; generated code reaches it through its second argument.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct State {
    /// This instance's book on this CPU.
    pub book: *mut Book,
    /// Room for what steps bind of spans, one value behind the other: copies of what their starts stored.
    pub from: *mut u8,
    /// What was kept when the call began that returns now.
    pub call: *mut u8,
    /// The time of the run, ns; 0 until something asked for it. One run has one time.
    pub time: u64,
    /// Which of the instance's sites was hit; 0 where there is one.
    pub cookie: u64,
    /// The `Outcome` of a run that is lost, once a condition, key or column could not be had; else 0.
    pub fault: u64,
    /// The slot that strings are composed in; null until the first is.
    pub scratch: *mut u8,
    /// Where the next string of a long record goes, bytes from its start.
    pub tail: u64,
}

impl State {
    pub const BOOK: i16 = core::mem::offset_of!(Self, book) as i16;
    pub const FROM: i16 = core::mem::offset_of!(Self, from) as i16;
    pub const CALL: i16 = core::mem::offset_of!(Self, call) as i16;
    pub const TIME: i16 = core::mem::offset_of!(Self, time) as i16;
    pub const COOKIE: i16 = core::mem::offset_of!(Self, cookie) as i16;
    pub const FAULT: i16 = core::mem::offset_of!(Self, fault) as i16;
    pub const TAIL: i16 = core::mem::offset_of!(Self, tail) as i16;
}

// Pointers have 8 bytes on both sides, so the layout is one.
const _: () = assert!(size_of::<State>() == 64);
const _: () = assert!(State::BOOK == 0 && State::FAULT == 40 && State::TAIL == 56);
