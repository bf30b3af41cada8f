//! Tallies on a live screen: all of a script's are drawn in one place, by one timer.

use super::call::Call;
use super::script::Script;
use super::tallies::View;
use super::types::tally::taken;
use crate::report::Place;
use crate::spec::TallyId;
use std::cell::RefCell;

/// The tallies that are live, in the order of their `:live` calls.
#[derive(Default)]
pub(crate) struct Live(RefCell<Option<(u64, Vec<Shown>)>>);

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
    if let Some((theirs, all)) = live.as_mut() {
        if *theirs != period {
            let place = all.first().map(|first| first.place.to_string());
            let place = place.unwrap_or_default();
            let message = format!("the live screen at {place} has another period");
            let help = "there is one screen: give all of its tallies the same period".to_owned();
            return Err(call.fail_with_help(message, Some(help)));
        }
        all.push(shown);
        return Ok(());
    }
    *live = Some((period, vec![shown]));
    let action = call
        .lua
        .create_function(|lua, ()| draw(&*Script::of(lua)?))?;
    let now = call.script.session.now();
    call.script.timers.add(action, period, true, now);
    Ok(())
}

fn draw(script: &Script) -> mlua::Result<()> {
    let all = script.live.0.borrow().as_ref().map(|(_, all)| all.clone());
    script.session.screen();
    for Shown { tally, view, place } in all.into_iter().flatten() {
        let mut table = taken(script, tally, &view, &place)?;
        // What there is room for is at the top.
        table.rows.reverse();
        script.session.table(&table, view.title.as_deref());
    }
    Ok(())
}
