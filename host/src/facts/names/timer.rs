//! `profile`, `interval`, `software` and `hardware`: they have no arguments.

use super::Offered;
use crate::expr::names::Meaning;

pub(super) struct Timer;

impl Offered for Timer {
    fn argument(&self, _: &str) -> Option<Meaning> {
        None
    }

    fn arguments(&self) -> Vec<String> {
        Vec::new()
    }

    fn word(&self, _: &str) -> Option<Meaning> {
        None
    }

    fn words(&self) -> Vec<String> {
        Vec::new()
    }

    fn absent(&self, _: &str) -> Option<String> {
        Some("timers and counters have no arguments and return nothing".to_owned())
    }
}
