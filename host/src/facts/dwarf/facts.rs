//! The debug information of each binary that was asked for, opened once.

use super::Debug;
use crate::facts::Facts;
use crate::report::Report;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

/// What was opened, by the binary's path.
pub(in crate::facts) type Opened = RefCell<BTreeMap<PathBuf, Result<Rc<Debug>, Report>>>;

impl Facts {
    /// The debug information of a binary.
    ///
    /// # Errors
    /// When it has none, with where it was looked for.
    pub fn debug(&self, path: &Path) -> Result<Rc<Debug>, Report> {
        if let Some(known) = self.debug.borrow().get(path) {
            return known.clone();
        }
        let found = Debug::of(path, &self.roots_for(path)).map(Rc::new);
        self.debug
            .borrow_mut()
            .insert(path.to_owned(), found.clone());
        found
    }

    /// Where to look for what belongs to a file: below the root of the process that it was found in, then below ours.
    fn roots_for(&self, path: &Path) -> Vec<PathBuf> {
        let inner = path.strip_prefix(&self.root).unwrap_or(path);
        let parts: Vec<Component<'_>> = inner.components().take(3).collect();
        let process = match parts.as_slice() {
            [
                Component::Normal(proc),
                Component::Normal(pid),
                Component::Normal(root),
            ] if *proc == "proc" && *root == "root" => {
                Some(self.root.join("proc").join(pid).join("root"))
            }
            _ => None,
        };
        process.into_iter().chain([self.root.clone()]).collect()
    }
}
