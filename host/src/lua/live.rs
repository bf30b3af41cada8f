//! Tallies on a live screen: all of a script's are drawn in one place, by one timer.

use super::call::Call;
use super::script::Script;
use super::tallies::View;
use super::timers::{TimerId, Timers};
use super::types::tally::taken;
use crate::report::Place;
use crate::spec::TallyId;
use std::cell::RefCell;

/// The tallies that are live, in the order of their `:live` calls.
#[derive(Default)]
pub(crate) struct Live(RefCell<Option<Screen>>);

struct Screen {
    /// ns
    period: u64,
    timer: TimerId,
    shown: Vec<Shown>,
}

impl Live {
    pub(crate) fn is_shown(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Nothing is live any more.
    pub(crate) fn end(&self, timers: &Timers) {
        if let Some(screen) = self.0.borrow_mut().take() {
            timers.remove(screen.timer);
        }
    }
}

/// A tally, how it is drawn, and the line that said so.
#[derive(Clone)]
pub(crate) struct Shown {
    pub(crate) tally: TallyId,
    pub(crate) view: View,
    pub(crate) place: Place,
}

/// Draws a tally with the others, `period` ns between two screens.
///
/// # Errors
/// Another one has another period: two screens would draw over each other.
pub(crate) fn show(call: &Call<'_>, period: u64, shown: Shown) -> mlua::Result<()> {
    let mut live = call.script.live.0.borrow_mut();
    if let Some(screen) = live.as_mut() {
        if screen.period != period {
            let place = screen.shown.first().map(|first| first.place.to_string());
            let place = place.unwrap_or_default();
            let message = format!("the live screen at {place} has another period");
            let help = "there is one screen: give all of its tallies the same period".to_owned();
            return Err(call.fail_with_help(message, Some(help)));
        }
        screen.shown.push(shown);
        return Ok(());
    }
    let action = call
        .lua
        .create_function(|lua, ()| draw(&*Script::of(lua)?))?;
    let now = call.script.session.now();
    let timer = call.script.timers.add(action, period, true, now);
    *live = Some(Screen {
        period,
        timer,
        shown: vec![shown],
    });
    Ok(())
}

fn draw(script: &Script) -> mlua::Result<()> {
    let all = script.live.0.borrow().as_ref().map(|of| of.shown.clone());
    script.session.screen();
    for Shown { tally, view, place } in all.into_iter().flatten() {
        let mut table = taken(script, tally, &view, &place)?;
        // What there is room for is at the top.
        table.rows.reverse();
        script.session.table(&table, view.title.as_deref());
    }
    Ok(())
}
