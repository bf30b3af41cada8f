//! The script's tallies: what they are called, whether anybody has looked at them, how they are printed at exit.

use crate::report::Place;
use crate::rows::Flame;
use crate::spec::{Room, TallyId};
use std::cell::RefCell;

/// By number: a tally's id is its index.
#[derive(Default)]
pub(crate) struct Tallies(RefCell<Vec<State>>);

#[derive(Default)]
struct State {
    name: Option<String>,
    room: Room,
    /// A probe feeds it: its name is fixed.
    fed: bool,
    /// The script has read or printed it.
    seen: bool,
    /// What `t:print{…}` in the body said.
    view: Option<View>,
    /// What `t:flamegraph(…)` in the body said.
    pictures: Vec<Picture>,
}

/// A flame graph that is drawn at exit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) flame: Flame,
    pub(crate) file: String,
    pub(crate) place: Place,
}

/// What is shown of a tally at exit.
pub(crate) struct Shows {
    pub(crate) tally: TallyId,
    /// `None`: it is not printed.
    pub(crate) view: Option<View>,
    pub(crate) pictures: Vec<Picture>,
}

/// How a table is printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    /// The largest rows, at most.
    pub(crate) top: Option<usize>,
    /// The column that rows are ordered by; the first, unless said.
    pub(crate) sort: Option<String>,
    pub(crate) title: Option<String>,
    /// Counts and sums a second.
    pub(crate) rate: bool,
}

impl Tallies {
    pub(crate) fn add(&self, room: Room) -> TallyId {
        let mut tallies = self.0.borrow_mut();
        tallies.push(State {
            room,
            ..State::default()
        });
        TallyId(u32::try_from(tallies.len() - 1).unwrap_or(u32::MAX))
    }

    /// `false` when a probe feeds it already.
    pub(crate) fn set_name(&self, id: TallyId, name: String) -> bool {
        self.with(id, |tally| {
            if !tally.fed {
                tally.name = Some(name);
            }
            !tally.fed
        })
    }

    pub(crate) fn name(&self, id: TallyId) -> Option<String> {
        self.with(id, |tally| tally.name.clone())
    }

    pub(crate) fn room(&self, id: TallyId) -> Room {
        self.with(id, |tally| tally.room)
    }

    pub(crate) fn set_fed(&self, id: TallyId) {
        self.with(id, |tally| tally.fed = true);
    }

    pub(crate) fn set_seen(&self, id: TallyId) {
        self.with(id, |tally| tally.seen = true);
    }

    pub(crate) fn set_view(&self, id: TallyId, view: View) {
        self.with(id, |tally| tally.view = Some(view));
    }

    pub(crate) fn add_picture(&self, id: TallyId, picture: Picture) {
        self.with(id, |tally| tally.pictures.push(picture));
    }

    /// Those that are to be shown at exit, and how: each is given once.
    pub(crate) fn take_unseen(&self) -> Vec<Shows> {
        let mut tallies = self.0.borrow_mut();
        let unseen = tallies.iter_mut().zip(0..).filter(|(tally, _)| {
            let asked = tally.view.is_some() || !tally.pictures.is_empty();
            tally.fed && (asked || !tally.seen)
        });
        unseen
            .map(|(tally, number)| {
                tally.seen = true;
                let pictures = std::mem::take(&mut tally.pictures);
                let usual = pictures.is_empty().then(View::default);
                Shows {
                    tally: TallyId(number),
                    view: tally.view.take().or(usual),
                    pictures,
                }
            })
            .collect()
    }

    fn with<R: Default>(&self, id: TallyId, change: impl FnOnce(&mut State) -> R) -> R {
        self.0
            .borrow_mut()
            .get_mut(id.0 as usize)
            .map_or_else(R::default, change)
    }
}
