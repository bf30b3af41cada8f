//! What the session's Lua knows, asked once, and not any more when it has taken its time: it may be busy.

use super::LuaNames;
use std::cell::RefCell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

pub(super) struct Patient<'l> {
    lua: &'l dyn LuaNames,
    until: Instant,
    names: RefCell<HashMap<String, Vec<(String, String)>>>,
}

impl<'l> Patient<'l> {
    pub(super) fn new(lua: &'l dyn LuaNames, patience: Duration) -> Self {
        Self {
            lua,
            until: Instant::now() + patience,
            names: RefCell::default(),
        }
    }

    /// What is left of the time.
    pub(super) fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }
}

impl LuaNames for Patient<'_> {
    fn names_in(&self, path: &str) -> Vec<(String, String)> {
        if let Some(known) = self.names.borrow().get(path) {
            return known.clone();
        }
        if self.left().is_zero() {
            return Vec::new();
        }
        let names = self.lua.names_in(path);
        let mut all = self.names.borrow_mut();
        all.insert(path.to_owned(), names.clone());
        names
    }

    fn definitions(&self) -> Vec<String> {
        match self.left().is_zero() {
            true => Vec::new(),
            false => self.lua.definitions(),
        }
    }
}
