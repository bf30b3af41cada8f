//! The loop of a run: records to handlers, timers, and what ends it.

use super::desk::Desk;
use super::running::Running;
use crate::kernel::Shared;
use crate::lua::{Records, ScriptError, Vm};
use crate::report::Report;
use crate::sys::child::Child;
use crate::sys::mapping::RingMapping;
use crate::sys::{clock, signals};
use std::os::fd::AsFd;

/// Records that are handled before anything else is looked at.
const BATCH: usize = 8192;
/// How long the reader naps when it has read everything, before it asks to be woken: under load the kernel then wakes
/// nobody.
const NAP: u64 = 1_000_000;
/// How long output may wait while events keep coming.
const FLUSH: u64 = 100_000_000;
/// The longest sleep: a wake-up that was missed costs no more than this.
const SLEEP: u64 = 100_000_000;

/// Why a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// A signal, `--duration`, or nothing is left to wait for.
    Done,
    /// A signal, and what the script was at had to be interrupted: no handler runs any more.
    Interrupted,
    /// The command of `-c` has ended.
    Child,
    /// `exit(N)`: no handler runs any more.
    Exit(i32),
    /// An error that ended the run; it has been said.
    Error,
    /// Nobody reads the output any more.
    ClosedPipe,
}

/// Whether a handler's error ends the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnError {
    Stop,
    Continue,
}

/// What a run waits for.
pub(super) struct Watch<'a> {
    pub running: &'a Running,
    pub vm: &'a Vm,
    pub child: Option<&'a Child>,
    /// When `--duration` is over, ns of the clock of events.
    pub until: Option<u64>,
    pub on_error: OnError,
    /// Where a prompt asks, if this is the session of one: it goes on with nothing to wait for.
    pub desk: Option<&'a Desk>,
}

/// So many records of the ring.
struct Batch<'a> {
    ring: &'a mut RingMapping,
    left: usize,
}

impl Records for Batch<'_> {
    fn next(&mut self) -> Option<&[u8]> {
        self.left = self.left.checked_sub(1)?;
        self.ring.next_record()
    }
}

impl Watch<'_> {
    /// Runs until something ends it.
    pub(super) fn run(&self) -> End {
        if let Some(end) = self.each(|vm| vm.run_start()) {
            return end;
        }
        let (mut napped, mut flushed) = (false, clock::monotonic());
        loop {
            if let Some(end) = self.ended() {
                return end;
            }
            if let Some(end) = self.desk.and_then(|desk| desk.serve(self)) {
                return end;
            }
            let now = clock::monotonic();
            if let Some(end) = self.each(|vm| vm.run_due(now)) {
                return end;
            }
            if let Some(end) = self.desk.and_then(|desk| desk.show_screen(self)) {
                return end;
            }
            signals::take_pending().for_each(|signal| self.vm.signal(signal));
            if let Some(end) = self.each(|vm| vm.run_signalled()) {
                return end;
            }
            if let Err(reports) = self.attach() {
                let mut writer = self.running.writer.borrow_mut();
                reports.iter().for_each(|report| writer.error(report));
                if let Some(desk) = self.desk {
                    desk.note_failure();
                } else if self.on_error == OnError::Stop {
                    return End::Error;
                }
            }
            self.running.say_engine_log();
            let more = match self.read(BATCH) {
                Ok(more) => more,
                Err(end) => return end,
            };
            if !more || now >= flushed + FLUSH {
                if let Some(end) = self.flush() {
                    return end;
                }
                flushed = now;
            }
            if more {
                napped = false;
                continue;
            }
            self.sleep(!napped);
            napped = !napped;
        }
    }

    /// Has what handlers declared attached, and takes back what is done.
    fn attach(&self) -> Result<(), Vec<Report>> {
        if self.running.is_waiting() {
            self.running.attach_waiting()?;
        }
        self.running.take_done(false)
    }

    fn ended(&self) -> Option<End> {
        if self.time_is_up() {
            return Some(End::Done);
        }
        if self.child.is_some_and(Child::has_ended) {
            return Some(End::Child);
        }
        if self.desk.is_some() {
            return None;
        }
        let busy = self.running.is_waiting() || self.running.is_underway();
        let waits = busy || self.running.attached() > 0 || self.child.is_some();
        let asks = self.vm.next_deadline().is_some() || self.vm.wants_signals();
        (!waits && !asks).then_some(End::Done)
    }

    /// Has a signal or `--duration` ended the run?
    fn time_is_up(&self) -> bool {
        signals::ended() || self.until.is_some_and(|until| clock::monotonic() >= until)
    }

    /// Writes out what handlers have printed.
    pub(super) fn flush(&self) -> Option<End> {
        let flushed = self.running.writer.borrow_mut().flush();
        match flushed {
            Ok(()) => None,
            Err(error) => Some(closed(&error)),
        }
    }

    /// Hands records to their handlers; says whether there were any.
    fn read(&self, most: usize) -> Result<bool, End> {
        let mut ring = self.running.ring.borrow_mut();
        let Some(ring) = ring.as_mut() else {
            return Ok(false);
        };
        if ring.is_empty() {
            return Ok(false);
        }
        let mut batch = Batch { ring, left: most };
        match self.each(|vm| vm.dispatch(&mut batch)) {
            Some(end) => Err(end),
            None => Ok(batch.left < most - 1 || most == 0),
        }
    }

    /// After a signal or `--duration` nothing of the script may run for long; but each part gets its time, whatever the
    /// one before took.
    pub(super) fn give_time(&self) {
        if self.time_is_up() {
            signals::grant_time();
        }
        self.vm.clear_interrupt();
    }

    /// Hands on all records that were reserved before now: programs are disarmed, so none is being written.
    pub(super) fn drain(&self) -> Option<End> {
        loop {
            self.give_time();
            match self.read(BATCH) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(end) => return Some(end),
            }
        }
    }

    /// Calls something of the VM until it has nothing more to do; an error is said, and ends the run or not.
    pub(super) fn each(&self, mut call: impl FnMut(&Vm) -> Result<(), ScriptError>) -> Option<End> {
        loop {
            match call(self.vm) {
                Ok(()) => return None,
                Err(ScriptError::Exit(code)) => return Some(End::Exit(code)),
                Err(ScriptError::Interrupted) => match self.desk {
                    Some(desk) if !signals::ended() => desk.resume(self),
                    _ => return Some(End::Interrupted),
                },
                Err(error) => {
                    super::say(self.running, &error);
                    if self.on_error == OnError::Stop {
                        return Some(End::Error);
                    }
                }
            }
        }
    }

    /// Waits for the next thing to do. A nap is short, and does not ask to be woken by records.
    fn sleep(&self, nap: bool) {
        let shared = self.running.shared.borrow();
        let ring = shared.as_ref().and_then(Shared::ring);
        let longest = if nap && ring.is_some() { NAP } else { SLEEP };
        let now = clock::monotonic();
        let due = [self.vm.next_deadline(), self.until]
            .into_iter()
            .flatten()
            .min();
        let timeout = due.map_or(longest, |due| longest.min(due.saturating_sub(now)));
        let mut fds = vec![self.running.wakeup().fd()];
        fds.extend(self.child.map(Child::ended));
        if !nap && let (Some(shared), Some(ring)) = (shared.as_ref(), ring) {
            fds.push(ring.as_fd());
            shared.asleep(true);
            // What was reserved before the programs could see the word is found now, or woken for.
            if !self.running.ring_is_empty() {
                shared.asleep(false);
                return;
            }
        }
        if let Err(error) = signals::wait(&fds, Some(timeout)) {
            let report = Report::new(format!(
                "waiting for events failed: {}",
                crate::report::plainly(&error)
            ));
            self.running.writer.borrow_mut().error(&report);
        }
        self.running.wakeup().clear();
        if let Some(shared) = shared.as_ref() {
            shared.asleep(false);
        }
    }
}

/// What an output that can't be written to means for the run.
pub(super) fn closed(error: &crate::output::WriteError) -> End {
    match error {
        crate::output::WriteError::Closed => End::ClosedPipe,
        crate::output::WriteError::Failed(report) => {
            crate::output::voice::say(&report.to_string());
            End::Error
        }
    }
}
