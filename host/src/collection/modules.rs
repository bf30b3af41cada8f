//! What `require` may reach: modules of a script's own collection, and of those that this one declares.

use super::manifest::{self, Manifest};
use super::shared::declared;
use super::store::Store;
use super::{Collection, Part, read};
use crate::report::Report;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// For one VM. Modules of another collection see that one as their own.
pub struct Modules {
    home: Collection,
    /// Whose the files are that were found so far.
    given: RefCell<BTreeMap<String, Collection>>,
}

impl Modules {
    pub(super) fn of(home: Collection) -> Self {
        Self {
            home,
            given: RefCell::default(),
        }
    }

    /// The file and the text of a module as the file `from` asks for it: `dns` lies in its own collection, `net/dns` in a
    /// declared one.
    ///
    /// # Errors
    /// When the other collection is not declared or not installed, or the module can't be read.
    pub fn find(&self, from: &str, name: &str) -> Result<Option<(String, String)>, Report> {
        let asking = self.given.borrow().get(from).cloned();
        let asking = asking.unwrap_or_else(|| self.home.clone());
        let (collection, name) = match name.split_once('/') {
            Some((other, name)) if manifest::name_problem(other).is_none() => {
                (asking.declared(other)?, name)
            }
            _ => (asking, name),
        };
        let found = collection.get(Part::Module, name)?;
        Ok(found.map(|source| {
            let mut given = self.given.borrow_mut();
            given.insert(source.file.clone(), collection);
            (source.file, source.text)
        }))
    }
}

impl Collection {
    fn declared(&self, other: &str) -> Result<Self, Report> {
        let store = Store::of_user();
        match self {
            Self::Shared(shared) => shared.declared(other).map(Self::Shared),
            Self::Builtin => declared(other, "moontrace", &BTreeMap::new(), None).map(Self::Shared),
            Self::Folder(folder) => {
                let file = folder.join(manifest::FILE);
                let requires = match file.exists() {
                    true => {
                        let source = read(&file)?;
                        Manifest::of_folder(&source.file, &source.text)?.requires
                    }
                    false => BTreeMap::new(),
                };
                declared(other, "the script's collection", &requires, store.as_ref())
                    .map(Self::Shared)
            }
        }
    }
}
