//! The cases, by subject.

mod books;
mod callers;
mod calls;
mod collections;
mod coming_and_going;
mod command_line;
mod counters;
mod counts;
mod described;
mod dispatched;
mod documented;
mod engine_log;
mod events;
mod function_places;
mod functions;
mod handlers;
mod histograms;
mod long_values;
mod output;
mod pages;
mod permissions;
mod prompt;
mod sandbox;
mod sessions;
mod sets;
mod signals;
mod sites;
mod spans;
mod stacks;
mod storm;
mod structs;
mod tallies;
mod timers;
mod types;
mod user;
mod wildcards;

use crate::need::Need;

pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) needs: &'static [Need],
    pub(crate) run: fn(),
}

/// Lists the functions of a module as its cases, with what they need.
macro_rules! cases {
    ($module:ident: $($name:ident $([$($need:ident),+])?),+ $(,)?) => {
        pub(super) const CASES: &[super::Case] = &[$(super::Case {
            name: concat!(stringify!($module), "::", stringify!($name)),
            needs: &[$($(crate::need::Need::$need),+)?],
            run: $name,
        }),+];
    };
}
use cases;

/// All of them.
pub(crate) fn all() -> impl Iterator<Item = &'static Case> {
    let subjects = [
        counts::CASES,
        tallies::CASES,
        calls::CASES,
        collections::CASES,
        sessions::CASES,
        events::CASES,
        histograms::CASES,
        books::CASES,
        user::CASES,
        timers::CASES,
        handlers::CASES,
        command_line::CASES,
        output::CASES,
        pages::CASES,
        permissions::CASES,
        prompt::CASES,
        types::CASES,
        structs::CASES,
        sets::CASES,
        long_values::CASES,
        counters::CASES,
        storm::CASES,
        coming_and_going::CASES,
        signals::CASES,
        sites::CASES,
        spans::CASES,
        dispatched::CASES,
        functions::CASES,
        function_places::CASES,
        described::CASES,
        documented::CASES,
        stacks::CASES,
        wildcards::CASES,
        callers::CASES,
        engine_log::CASES,
        sandbox::CASES,
    ];
    subjects.into_iter().flatten()
}
