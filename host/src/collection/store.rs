//! The folder of installed collections, and how it changes: wholly or not at all, wherever the power fails.
//!
//! A change writes a new tree beside the others under a name that begins with a dot, syncs it and gives it its name; then it
//! replaces `lock.toml` by renaming a new one over it. That rename is the change: before it all is as it was. Changes wait
//! for each other (flock), and each one first sweeps what the lock does not name.

use super::lock::{Entry, Lock, Taken, Trusted};
use super::manifest::Manifest;
use super::shared::{Shared, hash_of, short};
use crate::report::{Report, plainly, unwritable};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const LOCK: &str = "lock.toml";

/// Whoever changes something holds its lock.
const GATE: &str = ".changing";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    folder: PathBuf,
}

/// The store while nobody else changes it.
pub struct Change {
    store: Store,
    lock: Lock,
    /// Closing it lets the next one in.
    _gate: File,
}

/// What a repository had at a commit, and where that is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    pub url: String,
    pub at: Option<String>,
    pub commit: String,
    pub manifest: Manifest,
    /// By their paths: `NAME.lua`, `lib/NAME.lua`, …
    pub files: BTreeMap<String, Vec<u8>>,
    /// What of the repository is not taken, as a person can read it.
    pub left_out: Vec<String>,
}

impl Content {
    /// SHA-256 by path.
    pub fn hashes(&self) -> BTreeMap<String, String> {
        let hashed = |(path, bytes): (&String, &Vec<u8>)| (path.clone(), hash_of(bytes));
        self.files.iter().map(hashed).collect()
    }
}

impl Store {
    /// That of the user: `$XDG_DATA_HOME/moontrace/collections`, else below `~/.local/share`. None without a home.
    pub fn of_user() -> Option<Self> {
        let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
        let absolute = |path: &PathBuf| path.is_absolute();
        let data = variable("XDG_DATA_HOME").filter(absolute);
        let home = || variable("HOME").filter(absolute);
        let data = data.or_else(|| Some(home()?.join(".local/share")))?;
        Some(Self::at(data.join("moontrace/collections")))
    }

    /// One that lies there.
    pub fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// All that is installed, by name.
    ///
    /// # Errors
    /// When the lock can't be read.
    pub fn all(&self) -> Result<Vec<Arc<Shared>>, Report> {
        let lock = self.lock()?;
        let shared = |(name, entry): (String, Entry)| Arc::new(Shared::new(&name, entry, self));
        Ok(lock.collections.into_iter().map(shared).collect())
    }

    /// # Errors
    /// When the lock can't be read.
    pub fn get(&self, name: &str) -> Result<Option<Arc<Shared>>, Report> {
        let mut lock = self.lock()?;
        let entry = lock.collections.remove(name);
        Ok(entry.map(|entry| Arc::new(Shared::new(name, entry, self))))
    }

    /// The collection that a file of the store is of, and its path in there. None for files that lie elsewhere.
    ///
    /// # Errors
    /// When it lies in the store and is of no installed collection.
    pub fn holds(&self, file: &Path) -> Result<Option<(Arc<Shared>, String)>, Report> {
        let (Ok(real), Ok(folder)) = (file.canonicalize(), self.folder.canonicalize()) else {
            return Ok(None);
        };
        let Ok(inner) = real.strip_prefix(&folder) else {
            return Ok(None);
        };
        let mut parts = inner.iter();
        let tree = parts.next().unwrap_or_default();
        let of = |shared: &Arc<Shared>| shared.entry.now.tree.as_str() == tree;
        match self.all()?.into_iter().find(of) {
            Some(shared) => {
                let path: PathBuf = parts.collect();
                Ok(Some((shared, path.display().to_string())))
            }
            None => Err(Report::new(format!(
                "{} is of no collection that is installed now",
                file.display()
            ))),
        }
    }

    pub(super) fn lock(&self) -> Result<Lock, Report> {
        let file = self.folder.join(LOCK);
        match fs::read_to_string(&file) {
            Ok(text) => Lock::parse(&file, &text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Lock::default()),
            Err(error) => {
                let why = plainly(&error);
                Err(Report::new(format!(
                    "{} can't be read: {why}",
                    file.display()
                )))
            }
        }
    }

    /// Begins a change. `wait` is called when another one is under way, which is then waited for.
    ///
    /// # Errors
    /// When the folder can't be made or the lock not be read.
    pub fn change(&self, wait: impl FnOnce()) -> Result<Change, Report> {
        let failed = |error: io::Error| {
            let why = plainly(&error);
            Report::new(format!("{} can't be changed: {why}", self.folder.display()))
        };
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let mut options = OpenOptions::new();
        let gate = options.create(true).truncate(false).write(true);
        let gate = gate.open(self.folder.join(GATE)).map_err(failed)?;
        match gate.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                wait();
                gate.lock().map_err(failed)?;
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let change = Change {
            lock: self.lock()?,
            store: self.clone(),
            _gate: gate,
        };
        change.sweep();
        Ok(change)
    }

    /// The present content of a collection's changed files is what counts from now on. Gives their paths.
    ///
    /// # Errors
    /// When there is no such collection, a file of it is gone, or the lock can't be written.
    pub fn accept(&self, name: &str) -> Result<Vec<String>, Report> {
        let mut change = self.change(|| {})?;
        let shared = change.get(name)?;
        let changed = shared.changed();
        let entry = change.entry(name)?;
        for path in &changed {
            let source = super::read(&shared.folder.join(path))?;
            let hash = hash_of(source.text.as_bytes());
            entry.now.files.insert(path.clone(), hash);
        }
        if !changed.is_empty() {
            change.commit()?;
        }
        Ok(changed)
    }
}

impl Store {
    /// Remembers what was said yes to of a tool; `None` forgets it.
    ///
    /// # Errors
    /// When there is no such collection, or the lock can't be written.
    pub(super) fn trust(
        &self,
        name: &str,
        tool: &str,
        trusted: Option<Trusted>,
    ) -> Result<(), Report> {
        let mut change = self.change(|| {})?;
        let known = &mut change.entry(name)?.trusted;
        match trusted {
            Some(trusted) => drop(known.insert(tool.to_owned(), trusted)),
            None => drop(known.remove(tool)),
        }
        change.commit()
    }
}

impl Change {
    /// # Errors
    /// When there is none of that name.
    pub fn get(&self, name: &str) -> Result<Arc<Shared>, Report> {
        match self.lock.collections.get(name) {
            Some(entry) => Ok(Arc::new(Shared::new(name, entry.clone(), &self.store))),
            None => Err(none(name, self.names())),
        }
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.lock.collections.keys().map(String::as_str)
    }

    fn entry(&mut self, name: &str) -> Result<&mut Entry, Report> {
        let lock = &mut self.lock;
        match lock.collections.get_mut(name) {
            Some(entry) => Ok(entry),
            None => Err(none(name, std::iter::empty())),
        }
    }

    /// A new folder below the store that the next change sweeps, if this one does not come to it.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn scratch(&self, name: &str) -> Result<PathBuf, Report> {
        // What a killed change has started may still write to its own.
        let number = std::process::id();
        let folder = self.store.folder.join(format!(".{name}-{number}"));
        let made = fs::create_dir(&folder);
        made.map_err(|error| unwritable(folder.display(), &error))?;
        Ok(folder)
    }

    /// Installs a collection, or another commit of one that is there, which can then be taken back.
    ///
    /// # Errors
    /// When it can't be written: nothing has changed then.
    pub fn install(mut self, content: &Content) -> Result<Arc<Shared>, Report> {
        let name = &content.manifest.name;
        let now = self.plant(content)?;
        let before = self.lock.collections.remove(name);
        let (before, trusted) = before.map(|entry| (entry.now, entry.trusted)).unzip();
        let entry = Entry {
            url: content.url.clone(),
            now,
            before,
            trusted: trusted.unwrap_or_default(),
        };
        let shared = Arc::new(Shared::new(name, entry.clone(), &self.store));
        self.lock.collections.insert(name.clone(), entry);
        self.commit()?;
        Ok(shared)
    }

    /// # Errors
    /// When there is none of that name, or the lock can't be written.
    pub fn remove(mut self, name: &str) -> Result<(), Report> {
        if self.lock.collections.remove(name).is_none() {
            return Err(none(name, self.names()));
        }
        self.commit()
    }

    /// What was there before the last update is there again; that update is forgotten.
    ///
    /// # Errors
    /// When there is none of that name, it was not updated, or the lock can't be written.
    pub fn take_back(mut self, name: &str) -> Result<Arc<Shared>, Report> {
        self.get(name)?;
        let entry = self.entry(name)?;
        let Some(before) = entry.before.take() else {
            let report = Report::new(format!("{name} has no update that could be taken back"));
            let commit = short(&entry.now.commit);
            return Err(report.help(format!("it is at commit {commit}, as it was added")));
        };
        entry.now = before;
        let shared = self.get(name)?;
        self.commit()?;
        Ok(shared)
    }

    /// Writes a tree and gives it its name.
    fn plant(&self, content: &Content) -> Result<Taken, Report> {
        let tree = self.free_name(&content.manifest.name, &content.commit);
        let (made, lies) = (self.scratch("new")?, self.store.folder.join(&tree));
        for (path, bytes) in &content.files {
            let file = made.join(path);
            let folder = file.parent().unwrap_or(&made);
            let written = fs::create_dir_all(folder).and_then(|()| write_through(&file, bytes));
            written.map_err(|error| unwritable(file.display(), &error))?;
        }
        let folders = content.files.keys().map(|path| made.join(path));
        let folders = folders.filter_map(|path| Some(path.parent()?.to_owned()));
        for folder in folders.collect::<BTreeSet<PathBuf>>() {
            sync(&folder)?;
        }
        sync(&made)?;
        fs::rename(&made, &lies).map_err(|error| unwritable(lies.display(), &error))?;
        sync(&self.store.folder)?;
        Ok(Taken {
            at: content.at.clone(),
            version: content.manifest.version.clone(),
            commit: content.commit.clone(),
            tree,
            requires: content.manifest.requires.clone(),
            files: content.hashes(),
        })
    }

    /// `NAME@COMMIT`, with a number behind it where the tree before an update has that already.
    fn free_name(&self, name: &str, commit: &str) -> String {
        let plain = format!("{name}@{}", short(commit));
        let numbered = (2..).map(|number| format!("{plain}.{number}"));
        let mut names = std::iter::once(plain.clone()).chain(numbered);
        let is_free = |tree: &String| !self.store.folder.join(tree).exists();
        names.find(is_free).unwrap_or(plain)
    }

    /// The change itself; what it made superfluous is swept.
    fn commit(&self) -> Result<(), Report> {
        let (folder, text) = (&self.store.folder, self.lock.text()?);
        let (new, lock) = (folder.join(".lock.toml"), folder.join(LOCK));
        let written = write_through(&new, text.as_bytes());
        let renamed = written.and_then(|()| fs::rename(&new, &lock));
        renamed.map_err(|error| unwritable(lock.display(), &error))?;
        sync(folder)?;
        self.sweep();
        Ok(())
    }

    /// Takes away what the lock does not name. What can't be taken away now harms nobody, and is tried again.
    fn sweep(&self) {
        let entries = self.lock.collections.values();
        let taken = entries.flat_map(|entry| std::iter::once(&entry.now).chain(&entry.before));
        let named: BTreeSet<&str> = taken.map(|taken| taken.tree.as_str()).collect();
        let lies = fs::read_dir(&self.store.folder);
        for entry in lies.into_iter().flatten().flatten() {
            let name = entry.file_name();
            let is_named = name.to_str().is_some_and(|name| named.contains(name));
            if is_named || name == LOCK || name == GATE {
                continue;
            }
            let path = entry.path();
            let _ = match entry.file_type().is_ok_and(|of| of.is_dir()) {
                true => fs::remove_dir_all(&path),
                false => fs::remove_file(&path),
            };
        }
    }
}

/// There is no such collection.
pub fn none<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Report {
    let shown = crate::rows::escape::printable(name.as_bytes());
    let names: Vec<&str> = names.collect();
    let near = crate::report::did_you_mean(name, names.iter().copied());
    let help = near.unwrap_or_else(|| match names.is_empty() {
        true => "none is installed: 'moontrace add URL' gets one".to_owned(),
        false => format!("installed: {}", names.join(", ")),
    });
    Report::new(format!("no collection '{shown}' is installed")).help(help)
}

fn write_through(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(file)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Names in a folder last when the folder is synced.
fn sync(folder: &Path) -> Result<(), Report> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| unwritable(folder.display(), &error))
}

#[cfg(test)]
mod tests;
