//! What one call into a script may use, and what it has used: CPU time and output.
//!
//! Time costs nothing to measure: a call leaves its number, and whoever comes by now and then (a timer of the thread's CPU
//! time) sees whether it is still the same call.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

/// How often [`Clock::tick`] is to be called, in ns of CPU time.
pub const TICK: u64 = 250_000_000;

/// What a script may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes that its Lua values may take.
    pub memory: usize,
    /// What one call into it may.
    pub call: Option<CallLimits>,
}

/// One call: the body, a handler for one event, a timer.
#[derive(Clone, Copy, Debug)]
pub struct CallLimits {
    /// Seconds of CPU time of the body, which looks symbols up and reads types.
    pub body: u32,
    /// The same of everything that is called later.
    pub later: u32,
    /// Bytes of one text that is printed.
    pub text: usize,
    /// Bytes of all of them.
    pub printed: usize,
}

impl Limits {
    /// Of a script that its user has written or that comes with the binary.
    pub const OWN: Self = Self {
        memory: 1 << 30,
        call: None,
    };
    /// Of anybody else's. A handler of ours takes microseconds and prints a line; the largest screen that a tool draws has
    /// some 100 KiB.
    pub const STRANGERS: Self = Self {
        memory: 256 << 20,
        call: Some(CallLimits {
            body: 10,
            later: 2,
            text: 1 << 20,
            printed: 16 << 20,
        }),
    };
}

/// The part of it that a signal handler may touch.
#[derive(Debug, Default)]
pub struct Clock {
    /// The number of the call that runs, odd; even while nothing of the script does.
    call: AtomicU64,
    /// Ticks that it may take.
    allowed: AtomicU32,
    /// The host works for it, which is none of its time.
    held: AtomicBool,
    /// The call that the last tick saw, and how many have seen it.
    seen: AtomicU64,
    ticks: AtomicU32,
    over: AtomicBool,
}

impl Clock {
    /// Has what runs now had its time? Async-signal-safe.
    pub(crate) fn tick(&self) -> bool {
        let call = self.call.load(SeqCst);
        if self.seen.swap(call, SeqCst) != call {
            self.ticks.store(0, SeqCst);
        }
        if call.is_multiple_of(2) || self.held.load(SeqCst) {
            return false;
        }
        let ticks = self.ticks.fetch_add(1, SeqCst) + 1;
        let over = ticks > self.allowed.load(SeqCst);
        if over {
            self.over.store(true, SeqCst);
        }
        over
    }
}

pub(crate) struct Meter {
    limits: Option<CallLimits>,
    clock: Arc<Clock>,
    /// How much which call has printed.
    printed: Cell<(u64, usize)>,
}

/// The part of a script that is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Body,
    Later,
}

impl Part {
    fn seconds(self, limits: &CallLimits) -> u32 {
        match self {
            Self::Body => limits.body,
            Self::Later => limits.later,
        }
    }
}

/// While it is there, no time is counted.
pub(crate) struct Held<'a>(&'a Clock);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.held.store(false, SeqCst);
    }
}

impl Meter {
    pub(crate) fn new(limits: Option<CallLimits>) -> Self {
        Self {
            limits,
            clock: Arc::default(),
            printed: Cell::default(),
        }
    }

    pub(crate) fn clock(&self) -> Arc<Clock> {
        Arc::clone(&self.clock)
    }

    /// Is there anything to be held against?
    pub(crate) fn is_limited(&self) -> bool {
        self.limits.is_some()
    }

    /// A part of the script begins to run.
    pub(crate) fn begin(&self, part: Part) {
        // Of the user's own nobody asks.
        let Some(limits) = &self.limits else { return };
        let ticks = u64::from(part.seconds(limits)) * 1_000_000_000 / TICK;
        self.clock.allowed.store(ticks as u32, Relaxed);
        self.next();
    }

    /// It has returned.
    pub(crate) fn end(&self) {
        if self.limits.is_some() {
            self.next();
        }
    }

    fn next(&self) {
        // Only this thread writes it, and only signals of this thread read it: each event waits for nothing.
        let call = self.clock.call.load(Relaxed);
        self.clock.call.store(call.wrapping_add(1), Release);
    }

    /// The host works for the script.
    pub(crate) fn hold(&self) -> Held<'_> {
        self.clock.held.store(true, SeqCst);
        Held(&self.clock)
    }

    /// Was a part stopped because its time was over? Says so once, in words.
    pub(crate) fn take_over(&self, part: Part) -> Option<String> {
        let limits = self.limits.as_ref()?;
        let over = self.clock.over.swap(false, SeqCst);
        over.then(|| {
            let seconds = part.seconds(limits);
            format!("has run for {seconds} s and was stopped")
        })
    }

    /// May so many bytes be printed at once?
    ///
    /// # Errors
    /// In words, why not.
    pub(crate) fn print(&self, bytes: usize) -> Result<(), String> {
        let Some(limits) = &self.limits else {
            return Ok(());
        };
        let call = self.clock.call.load(SeqCst);
        let (of, before) = self.printed.get();
        let before = if of == call { before } else { 0 };
        let printed = before.saturating_add(bytes);
        if bytes > limits.text {
            let most = limits.text >> 20;
            return Err(format!(
                "a text of {bytes} bytes is printed: at most {most} MiB may be at once"
            ));
        }
        if printed > limits.printed {
            let most = limits.printed >> 20;
            return Err(format!("more than {most} MiB are printed in one call"));
        }
        self.printed.set((call, printed));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_call_that_goes_on_is_over() {
        let meter = Meter::new(Limits::STRANGERS.call);
        let clock = meter.clock();
        let ticks = |count: usize| (0..count).filter(|_| clock.tick()).count();
        assert_eq!(ticks(100), 0, "nothing runs");
        for _ in 0..100 {
            meter.begin(Part::Later);
            assert_eq!(ticks(5), 0);
            meter.end();
        }
        meter.begin(Part::Body);
        let held = meter.hold();
        assert_eq!(ticks(100), 0, "the host works");
        drop(held);
        assert_eq!(ticks(40), 0);
        assert_eq!(meter.take_over(Part::Body), None);
        assert_eq!(ticks(1), 1);
        let said = meter.take_over(Part::Body);
        assert_eq!(said.unwrap(), "has run for 10 s and was stopped");
        meter.end();
        assert_eq!(ticks(100), 0);
        meter.begin(Part::Later);
        assert_eq!((ticks(8), ticks(1)), (0, 1));
    }

    #[test]
    fn each_call_prints_so_much() {
        let meter = Meter::new(Limits::STRANGERS.call);
        for _ in 0..3 {
            meter.begin(Part::Later);
            for _ in 0..16 {
                meter.print(1 << 20).unwrap();
            }
            assert!(meter.print(1).is_err());
            meter.end();
        }
        assert!(meter.print((1 << 20) + 1).is_err());
        assert_eq!(Meter::new(None).print(usize::MAX), Ok(()));
    }
}
