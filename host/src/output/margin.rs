//! The terminal of a prompt: what answers a typed line stands there at once and whole; what comes by itself stands above the
//! line that is being typed, as much of it as a person can read.

use crate::rows::grouped;
use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::mpsc::SyncSender;

/// Lines that may come by themselves at once, and so many more each second.
const AT_ONCE: u32 = 40;
const A_SECOND: u32 = 10;
const SECOND: u64 = 1_000_000_000;

/// Clones are the same margin.
#[derive(Clone)]
pub struct Margin(Rc<State>);

struct State {
    answers: RefCell<Box<dyn Write>>,
    /// Prints above the line that is being typed.
    above: SyncSender<String>,
    use_of: Cell<Use>,
    /// Lines that may still be printed.
    left: Cell<u32>,
    /// Lines that were not.
    more: Cell<u64>,
    /// When `left` last grew, ns.
    since: Cell<u64>,
}

/// What is written, for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// It answers what was typed, or is a screen.
    Answer,
    /// It comes by itself, beside a line that is being typed.
    ByItself,
    /// A screen stands there: what comes by itself is counted.
    UnderScreen,
}

impl Margin {
    /// `answers` is the terminal; what is sent to `above` gets there without harm to the line that is being typed.
    pub fn new(answers: Box<dyn Write>, above: SyncSender<String>) -> Self {
        Self(Rc::new(State {
            answers: RefCell::new(answers),
            above,
            use_of: Cell::new(Use::ByItself),
            left: Cell::new(AT_ONCE),
            more: Cell::new(0),
            since: Cell::new(0),
        }))
    }

    /// What is written from now on. What was written before must be flushed.
    pub fn turn_to(&self, use_of: Use) {
        self.0.use_of.set(use_of);
    }

    /// Once a second lets more lines through, and says how many were held back; `lost` counts the events that were lost
    /// since the last time it was asked. `now` in ns.
    pub fn let_time_pass(&self, now: u64, lost: impl FnOnce() -> u64) {
        let state = &*self.0;
        let seconds = now.saturating_sub(state.since.get()) / SECOND;
        if seconds == 0 || state.use_of.get() == Use::UnderScreen {
            return;
        }
        state.since.set(now);
        let grown = u64::from(state.left.get()) + seconds.saturating_mul(A_SECOND.into());
        state.left.set(grown.min(AT_ONCE.into()) as u32);
        let more = state.more.take();
        if more == 0 {
            return;
        }
        let line = match lost() {
            0 => format!("… {} more, none lost\n", grouped(more)),
            lost => format!("… {} more, {} lost\n", grouped(more), grouped(lost)),
        };
        if state.above.try_send(line).is_err() {
            state.more.set(more);
        }
    }

    /// A line that would not be shown is only counted, and need not be made.
    pub fn skips_line(&self) -> bool {
        let state = &*self.0;
        let skips = match state.use_of.get() {
            Use::Answer => false,
            Use::ByItself => state.left.get() == 0,
            Use::UnderScreen => true,
        };
        if skips {
            state.more.set(state.more.get() + 1);
        }
        skips
    }

    /// How many lines were held back and not said.
    pub fn unsaid(&self) -> u64 {
        self.0.more.get()
    }

    /// Sends on what there is room for.
    fn beside(&self, text: &str) {
        let state = &*self.0;
        let lines = text.lines().count() as u32;
        let shown = match state.use_of.get() {
            Use::UnderScreen => 0,
            _ => lines.min(state.left.get()),
        };
        let kept: String = text.split_inclusive('\n').take(shown as usize).collect();
        let sent = shown > 0 && state.above.try_send(kept).is_ok();
        let sent = if sent { shown } else { 0 };
        state.left.set(state.left.get() - sent);
        state.more.set(state.more.get() + u64::from(lines - sent));
    }
}

impl Write for Margin {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.use_of.get() {
            Use::Answer => self.0.answers.borrow_mut().write_all(bytes)?,
            _ => self.beside(&String::from_utf8_lossy(bytes)),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.answers.borrow_mut().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;

    #[test]
    fn a_person_gets_what_can_be_read_and_the_number_of_the_rest() {
        let (above, lines) = sync_channel(100);
        let mut margin = Margin::new(Box::new(io::sink()), above);
        for _ in 0..1_000 {
            margin.write_all(b"an event\n").unwrap();
        }
        assert!(margin.skips_line(), "what may come at once has come");
        margin.let_time_pass(SECOND, || 0);
        assert!(!margin.skips_line(), "a second lets some through");
        let said: Vec<String> = lines.try_iter().collect();
        assert_eq!(
            (said.len(), said[40].as_str()),
            (41, "… 961 more, none lost\n")
        );
        for _ in 0..20 {
            margin.write_all(b"an event\nanother\n").unwrap();
        }
        margin.let_time_pass(2 * SECOND - 1, || unreachable!());
        margin.let_time_pass(2 * SECOND, || 7);
        let said: Vec<String> = lines.try_iter().collect();
        assert_eq!(said.concat().lines().count(), 11);
        assert_eq!(said.last().unwrap(), "… 30 more, 7 lost\n");
    }

    #[test]
    fn nothing_is_printed_under_a_screen_nor_lost_when_nobody_takes_it() {
        let (above, lines) = sync_channel(1);
        let mut margin = Margin::new(Box::new(io::sink()), above);
        margin.turn_to(Use::UnderScreen);
        margin.write_all(b"a\nb\n").unwrap();
        margin.let_time_pass(SECOND, || unreachable!());
        margin.turn_to(Use::ByItself);
        margin.write_all(b"c\n").unwrap();
        margin.write_all(b"d\n").unwrap();
        assert_eq!(
            (lines.recv().unwrap().as_str(), margin.unsaid()),
            ("c\n", 3)
        );
        margin.let_time_pass(2 * SECOND, || 0);
        assert_eq!(lines.recv().unwrap(), "… 3 more, none lost\n");
    }
}
