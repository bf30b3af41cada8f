//! What `every` and `after` have to do, and when.

use mlua::Function;
use std::cell::{Cell, RefCell};

/// Times are ns of the session's clock.
#[derive(Default)]
pub(crate) struct Timers {
    timers: RefCell<Vec<Timer>>,
    /// Deadlines of timers that the body makes count from when everything is attached.
    started: RefCell<bool>,
    next: Cell<u64>,
}

/// One timer of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimerId(u64);

struct Timer {
    id: TimerId,
    action: Function,
    period: u64,
    repeats: bool,
    due: Option<u64>,
}

impl Timers {
    /// `period` ns from `now`, or from the start when that is still to come.
    pub(crate) fn add(&self, action: Function, period: u64, repeats: bool, now: u64) -> TimerId {
        let due = self.started.borrow().then(|| now.saturating_add(period));
        let id = TimerId(self.next.get());
        self.next.set(id.0 + 1);
        self.timers.borrow_mut().push(Timer {
            id,
            action,
            period,
            repeats,
            due,
        });
        id
    }

    pub(crate) fn remove(&self, id: TimerId) {
        self.timers.borrow_mut().retain(|timer| timer.id != id);
    }

    pub(crate) fn start(&self, now: u64) {
        *self.started.borrow_mut() = true;
        for timer in self.timers.borrow_mut().iter_mut() {
            timer.due.get_or_insert(now.saturating_add(timer.period));
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.timers
            .borrow()
            .iter()
            .filter_map(|timer| timer.due)
            .min()
    }

    /// The action that is due first, once: a repeated one is due again a period later, and what was missed is left out.
    pub(crate) fn take_due(&self, now: u64) -> Option<Function> {
        let mut timers = self.timers.borrow_mut();
        let due = timers
            .iter()
            .enumerate()
            .filter_map(|(index, timer)| Some((timer.due?, index)));
        let (due, index) = due.filter(|(due, _)| *due <= now).min()?;
        let timer = timers.get_mut(index)?;
        if !timer.repeats {
            return Some(timers.remove(index).action);
        }
        let missed = (now - due) / timer.period.max(1);
        timer.due = Some(due.saturating_add((missed + 1).saturating_mul(timer.period.max(1))));
        Some(timer.action.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_timer_keeps_its_beat_and_leaves_out_what_it_missed() {
        let lua = mlua::Lua::new();
        let action = lua.create_function(|_, ()| Ok(())).unwrap();
        let timers = Timers::default();
        timers.add(action.clone(), 100, true, 7);
        timers.add(action.clone(), 250, false, 7);
        assert_eq!(timers.next_deadline(), None);
        timers.start(1000);
        assert_eq!(timers.next_deadline(), Some(1100));
        assert!(timers.take_due(1099).is_none());
        assert!(timers.take_due(1340).is_some());
        assert_eq!(timers.next_deadline(), Some(1250));
        assert!(timers.take_due(1340).is_some());
        assert_eq!(timers.next_deadline(), Some(1400));
        assert!(timers.take_due(1340).is_none());
        timers.add(action, 1, false, 2000);
        assert!(timers.take_due(2001).is_some());
    }
}
