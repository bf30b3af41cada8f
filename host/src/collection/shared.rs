//! An installed collection: somebody else's files, each of which is what it was when it was added, or is refused.

use super::lock::{Entry, Trusted};
use super::store::Store;
use super::{Collection, Part, Source, is_name, read};
use crate::report::{Report, did_you_mean};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    pub name: String,
    pub entry: Entry,
    /// Where its files lie.
    pub folder: PathBuf,
    store: Store,
}

impl Shared {
    pub(super) fn new(name: &str, entry: Entry, store: &Store) -> Self {
        Self {
            name: name.to_owned(),
            folder: store.folder().join(&entry.now.tree),
            entry,
            store: store.clone(),
        }
    }

    /// What a tool is called from anywhere: `net/slowconn`.
    pub fn full_name(&self, tool: &str) -> String {
        format!("{}/{tool}", self.name)
    }

    pub(super) fn get(&self, part: Part, name: &str) -> Result<Option<Source>, Report> {
        if !is_name(name) {
            return Ok(None);
        }
        let path = part.file(name);
        match self.entry.now.files.get(&path.display().to_string()) {
            Some(hash) => self.checked(&path, hash).map(Some),
            None => Ok(None),
        }
    }

    pub(super) fn names(&self, part: Part) -> Vec<PathBuf> {
        let files = self.entry.now.files.keys().map(PathBuf::from);
        let lies = |file: &PathBuf| file.parent() == Some(Path::new(part.folder()));
        files.filter(lies).collect()
    }

    /// A file by its path in the collection, of those that the lock names.
    ///
    /// # Errors
    /// When it is gone, or is another one than the lock says.
    pub fn file(&self, path: &str) -> Result<Option<Source>, Report> {
        match self.entry.now.files.get(path) {
            Some(hash) => self.checked(Path::new(path), hash).map(Some),
            None => Ok(None),
        }
    }

    fn checked(&self, path: &Path, hash: &str) -> Result<Source, Report> {
        let lies = self.folder.join(path);
        let (name, shown) = (&self.name, lies.display());
        if !lies.exists() {
            let report = Report::new(format!("{shown} is gone since it was added"));
            return Err(report.help(format!("'moontrace update {name}' brings it again")));
        }
        let source = read(&lies)?;
        if hash_of(source.text.as_bytes()) != hash {
            let commit = self.short_commit();
            let report = Report::new(format!(
                "{shown} was changed since it was added (commit {commit})"
            ));
            return Err(report.help(format!(
                "'moontrace show {name}' shows it, 'moontrace trust {name}' takes it as it is"
            )));
        }
        Ok(Source {
            file: format!("{name}/{}", path.display()),
            ..source
        })
    }

    /// A file as it lies there now, whatever it was when it was added.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn present(&self, path: &str) -> Result<Source, Report> {
        read(&self.folder.join(path))
    }

    /// The files that are not what the lock says, by their paths.
    pub fn changed(&self) -> Vec<String> {
        let files = &self.entry.now.files;
        let is_same = |path: &str, hash: &str| {
            let text = read(&self.folder.join(path));
            text.is_ok_and(|source| hash_of(source.text.as_bytes()) == hash)
        };
        let changed = files.iter().filter(|(path, hash)| !is_same(path, hash));
        changed.map(|(path, _)| path.clone()).collect()
    }

    /// Remembers what was said yes to of a tool; `None` forgets it.
    ///
    /// # Errors
    /// When the lock can't be written.
    pub fn trust(&self, tool: &str, trusted: Option<Trusted>) -> Result<(), Report> {
        self.store.trust(&self.name, tool, trusted)
    }

    /// Its files as they are now count from now on; gives those that had changed.
    ///
    /// # Errors
    /// When one is gone, or the lock can't be written.
    pub fn accept(&self) -> Result<Vec<String>, Report> {
        self.store.accept(&self.name)
    }

    /// The digits of the commit that tell it from others.
    pub fn short_commit(&self) -> &str {
        short(&self.entry.now.commit)
    }

    /// What a run of a tool may execute, as one number: SHA-256 of the tool, of its collection's modules, and of those of
    /// all collections that are declared, by name and content. In hexadecimal digits.
    ///
    /// # Errors
    /// When the lock can't be read.
    pub fn digest(&self, tool: &str) -> Result<String, Report> {
        let mut hasher = Sha256::new();
        let mut add = |name: &str, path: &str, hash: &str| {
            hasher.update(format!("{name}/{path} {hash}\n"));
        };
        let path = Part::Tool.file(tool).display().to_string();
        if let Some(hash) = self.entry.now.files.get(&path) {
            add(&self.name, &path, hash);
        }
        let lock = self.store.lock()?;
        let mut reached = BTreeMap::new();
        let mut waiting = vec![self.name.clone()];
        while let Some(name) = waiting.pop() {
            let entry = match name == self.name {
                true => Some(&self.entry),
                false => lock.collections.get(&name),
            };
            let Some(entry) = entry else { continue };
            if reached.insert(name, entry).is_none() {
                waiting.extend(entry.now.requires.keys().cloned());
            }
        }
        let folder = format!("{}/", Part::Module.folder());
        for (name, entry) in reached {
            for (path, hash) in &entry.now.files {
                if path.starts_with(&folder) {
                    add(name.as_str(), path, hash);
                }
            }
        }
        Ok(hex(&hasher.finalize()))
    }

    /// The same of all of its files and of all that they reach.
    ///
    /// # Errors
    /// When the lock can't be read.
    pub fn digest_of_all(&self) -> Result<String, Report> {
        let files = &self.entry.now.files;
        let files = files.iter().map(|(path, hash)| format!("{path} {hash}\n"));
        // What its tools require is the same for all of them.
        let reached = self.digest("")?;
        let all: String = files.chain([reached]).collect();
        Ok(hash_of(all.as_bytes()))
    }

    /// The collection of that name, if this one declares it.
    pub(super) fn declared(&self, other: &str) -> Result<Arc<Self>, Report> {
        let requires = &self.entry.now.requires;
        declared(other, &self.name, requires, Some(&self.store))
    }
}

/// Of the collections that one requires, that of a name.
///
/// # Errors
/// When it does not declare it, or it is not installed.
pub(super) fn declared(
    other: &str,
    by: &str,
    requires: &BTreeMap<String, String>,
    store: Option<&Store>,
) -> Result<Arc<Shared>, Report> {
    let Some(url) = requires.get(other) else {
        let report = Report::new(format!("{by} does not declare that it requires '{other}'"));
        let near = did_you_mean(other, requires.keys().map(String::as_str));
        let help = near.unwrap_or_else(|| {
            format!("in its collection.toml, below [requires]: {other} = \"URL\"")
        });
        return Err(report.help(help));
    };
    let found = match store {
        Some(store) => store.get(other)?,
        None => None,
    };
    found.ok_or_else(|| {
        let report = Report::new(format!(
            "the collection {other}, which {by} requires, is not there"
        ));
        let url = crate::rows::escape::printable(url.as_bytes());
        report.help(format!("'moontrace add {url}' gets it"))
    })
}

/// A tool and the installed collections that have one of that name.
///
/// # Errors
/// When several have it.
pub(super) fn with_tool(tool: &str, all: Vec<Arc<Shared>>) -> Result<Option<Arc<Shared>>, Report> {
    let path = Part::Tool.file(tool).display().to_string();
    let has = |shared: &Arc<Shared>| shared.entry.now.files.contains_key(&path);
    let mut found: Vec<Arc<Shared>> = all.into_iter().filter(has).collect();
    if found.len() > 1 {
        let names: Vec<String> = found.iter().map(|of| of.full_name(tool)).collect();
        let report = Report::new(format!("several collections have a tool '{tool}'"));
        return Err(report.help(format!("one of {}", names.join(", "))));
    }
    Ok(found.pop())
}

impl From<Arc<Shared>> for Collection {
    fn from(shared: Arc<Shared>) -> Self {
        Self::Shared(shared)
    }
}

pub(super) fn hash_of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// As many digits of a commit as folders and messages have.
pub fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
