//! `profile` and `interval`: they have no arguments.

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
        Some("a timer has no arguments and returns nothing".to_owned())
    }
}
