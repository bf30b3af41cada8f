//! Collections: folders of tools, a Lua file each.
//!
//! ```text
//! NAME.lua            a tool
//! lib/NAME.lua        what its tools share, by `require "NAME"`
//! tests/NAME.lua      what a tool is held to, by `moontrace test`
//! examples/NAME.txt   what it printed there
//! ```
//!
//! One comes with the binary (scripts/), others are installed from git repositories (store.rs), and any folder is one.

pub mod git;
mod lock;
pub mod manifest;
mod modules;
mod shared;
pub mod store;

pub use lock::{Entry, Taken, Trusted};
pub use modules::Modules;
pub use shared::{Shared, short};

use crate::report::{Report, did_you_mean};
use include_dir::{Dir, include_dir};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::Store;

static BUILTIN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../scripts");

/// Bytes of a file.
const LONGEST: u64 = 16 << 20;

/// Letters of a tool's, a module's or a collection's name.
const LONGEST_NAME: usize = 64;

/// Where tools lie together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Collection {
    /// That of the binary.
    Builtin,
    /// One that is installed.
    Shared(Arc<Shared>),
    Folder(PathBuf),
}

/// What lies in a collection, by its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Tool,
    Module,
    Test,
    Example,
}

/// A text and what messages call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub file: String,
    pub text: String,
}

impl Part {
    fn folder(self) -> &'static str {
        match self {
            Self::Tool => "",
            Self::Module => "lib",
            Self::Test => "tests",
            Self::Example => "examples",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Tool | Self::Module | Self::Test => "lua",
            Self::Example => "txt",
        }
    }

    /// The name of what lies at a path of a collection, if it is of this kind.
    pub fn name(self, path: &str) -> Option<&str> {
        let file = match self.folder() {
            "" => path,
            folder => path.strip_prefix(folder)?.strip_prefix('/')?,
        };
        let name = file.strip_suffix(self.extension())?.strip_suffix('.')?;
        is_name(name).then_some(name)
    }

    fn file(self, name: &str) -> PathBuf {
        Path::new(self.folder()).join(format!("{name}.{}", self.extension()))
    }
}

impl Collection {
    /// That of a script: the folder that it lies in.
    pub fn around(script: &Path) -> Self {
        let folder = script.parent().unwrap_or(Path::new(""));
        Self::Folder(folder.to_owned())
    }

    /// The part of that name; `None` where there is none. A name has letters, digits, `_` and `-`: it leads nowhere else.
    ///
    /// # Errors
    /// When it is there and can't be read.
    pub fn get(&self, part: Part, name: &str) -> Result<Option<Source>, Report> {
        if !is_name(name) {
            return Ok(None);
        }
        let file = part.file(name);
        match self {
            Self::Builtin => Ok(BUILTIN.get_file(&file).and_then(|found| {
                Some(Source {
                    file: file.display().to_string(),
                    text: found.contents_utf8()?.to_owned(),
                })
            })),
            Self::Shared(shared) => shared.get(part, name),
            Self::Folder(folder) => {
                let path = folder.join(file);
                match path.exists() {
                    true => read(&path).map(Some),
                    false => Ok(None),
                }
            }
        }
    }

    /// Is it one that others get, and not just a folder with scripts in it?
    pub fn is_published(&self) -> bool {
        match self {
            Self::Builtin => BUILTIN.get_file(manifest::FILE).is_some(),
            Self::Shared(_) => true,
            Self::Folder(folder) => folder.join(manifest::FILE).exists(),
        }
    }

    /// How `require` finds modules for what lies here.
    pub fn modules(&self) -> Modules {
        Modules::of(self.clone())
    }

    /// The names of all parts of a kind, in the order of the alphabet.
    pub fn names(&self, part: Part) -> Vec<String> {
        let files: Vec<PathBuf> = match self {
            Self::Builtin => {
                let folder = match part {
                    Part::Tool => Some(&BUILTIN),
                    _ => BUILTIN.get_dir(part.folder()),
                };
                let files = folder.into_iter().flat_map(Dir::files);
                files.map(|file| file.path().to_owned()).collect()
            }
            Self::Shared(shared) => shared.names(part),
            Self::Folder(folder) => {
                let entries = std::fs::read_dir(folder.join(part.folder()));
                let entries = entries.into_iter().flatten().flatten();
                entries.map(|entry| entry.path()).collect()
            }
        };
        let mut names: Vec<String> = files
            .iter()
            .filter(|file| file.extension().is_some_and(|of| of == part.extension()))
            .filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned()))
            .filter(|name| is_name(name))
            .collect();
        names.sort();
        names
    }
}

/// A tool that comes with the binary, by its name.
pub fn tool(name: &str) -> Option<Source> {
    Collection::Builtin.get(Part::Tool, name).ok().flatten()
}

/// A tool by the word that names it: `opensnoop`, `moontrace/opensnoop`, `net/slowconn`, and `slowconn` where one installed
/// collection alone has it. None for what no installed collection has.
///
/// # Errors
/// When several collections have it, its own collection lacks it, or it can't be read.
pub fn tool_of_all(word: &str) -> Result<Option<(Source, Collection)>, Report> {
    if let Some(tool) = tool(word.strip_prefix("moontrace/").unwrap_or(word)) {
        return Ok(Some((tool, Collection::Builtin)));
    }
    let Some(store) = Store::of_user() else {
        return Ok(None);
    };
    let (shared, name) = match word.split_once('/') {
        None if is_name(word) => (shared::with_tool(word, store.all()?)?, word),
        Some((collection, name))
            if manifest::name_problem(collection).is_none() && is_name(name) =>
        {
            (store.get(collection)?, name)
        }
        _ => return Ok(None),
    };
    let Some(shared) = shared else {
        return Ok(None);
    };
    match shared.get(Part::Tool, name)? {
        Some(source) => Ok(Some((source, shared.into()))),
        None if Path::new(word).exists() => Ok(None),
        None => {
            let collection = &shared.name;
            let report = Report::new(format!("the collection {collection} has no tool '{name}'"));
            let names = Collection::from(shared.clone()).names(Part::Tool);
            let help = did_you_mean(name, names.iter().map(String::as_str))
                .unwrap_or_else(|| format!("it has {}", names.join(", ")));
            Err(report.help(help))
        }
    }
}

/// The tool of an installed collection that lies at a path; none where it is anybody's own file.
///
/// # Errors
/// When the path leads to something else in the folder of installed collections.
pub fn tool_in_store(path: &Path) -> Result<Option<(Source, Collection)>, Report> {
    let Some(store) = Store::of_user() else {
        return Ok(None);
    };
    let Some((shared, inner)) = store.holds(path)? else {
        return Ok(None);
    };
    let name = inner.strip_suffix(".lua").unwrap_or_default();
    match shared.get(Part::Tool, name)? {
        Some(source) => Ok(Some((source, shared.into()))),
        None => {
            let (path, name) = (path.display(), &shared.name);
            Err(Report::new(format!(
                "{path} is no tool of the collection {name}"
            )))
        }
    }
}

/// What helps where `COLLECTION/TOOL` names a collection that is not installed; none where it is no such word.
pub fn not_installed(word: &str) -> Option<String> {
    let (collection, tool) = word.split_once('/')?;
    if manifest::name_problem(collection).is_some() || !is_name(tool) {
        return None;
    }
    let near = meant(word);
    near.or_else(|| {
        Some(format!(
            "no collection '{collection}' is installed: 'moontrace add URL' gets one"
        ))
    })
}

/// The names by which tools can be run: those of the binary, and of installed collections in full.
pub fn tool_names() -> Vec<String> {
    let mut names = Collection::Builtin.names(Part::Tool);
    let installed = Store::of_user().map_or(Ok(Vec::new()), |store| store.all());
    // What is wrong with the lock is said by what needs it.
    for shared in installed.unwrap_or_default() {
        let tools = Collection::from(shared.clone()).names(Part::Tool);
        names.extend(tools.iter().map(|tool| shared.full_name(tool)));
    }
    names
}

/// The tools whose names are near to a wrong one.
pub fn meant(name: &str) -> Option<String> {
    let names = tool_names();
    let short = |name: &String| name.rsplit('/').next().map(str::to_owned);
    let all: Vec<String> = names
        .iter()
        .filter_map(short)
        .chain(names.clone())
        .collect();
    did_you_mean(name, all.iter().map(String::as_str))
}

/// Can a tool or a module be called that?
pub fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    // What begins with a dash is an option on any command line.
    let first = name.starts_with(|c: char| fits(c) && c != '-');
    first && name.len() <= LONGEST_NAME && name.chars().all(fits)
}

/// A file of Lua, or of what it prints.
///
/// # Errors
/// When there is none, or it is none that a person wrote: a directory, no UTF-8, longer than 16 MiB.
pub fn read(path: &Path) -> Result<Source, Report> {
    let file = path.display().to_string();
    let unreadable = |why: String| Report::new(format!("{file} can't be read: {why}"));
    let refused = |error: std::io::Error| unreadable(crate::report::plainly(&error));
    let about = std::fs::metadata(path).map_err(refused)?;
    if about.is_dir() {
        return Err(unreadable("it is a directory".into()));
    }
    if about.len() > LONGEST {
        let length = about.len();
        return Err(unreadable(format!(
            "it has {length} bytes, and a script at most {LONGEST}"
        )));
    }
    let bytes = std::fs::read(path).map_err(refused)?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8 text".into()))?;
    Ok(Source { file, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_binarys_own_is_found_by_name() {
        let tools = Collection::Builtin.names(Part::Tool);
        assert!(tools.contains(&"opensnoop".to_owned()), "{tools:?}");
        assert!(tool("hello").unwrap().text.contains("--- Say hello"));
        assert_eq!(tool("README"), None);
        assert_eq!(meant("opensnop").unwrap(), "did you mean 'opensnoop'?");
    }

    #[test]
    fn names_lead_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(folder.path().join("secret.lua"), "").unwrap();
        std::fs::write(inner.join("tool.lua"), "x = 1").unwrap();
        let collection = Collection::Folder(inner);
        for name in ["../secret", "", ".", "a/b", "-tool", "tool.lua", "nothing"] {
            assert_eq!(collection.get(Part::Tool, name), Ok(None), "{name}");
        }
        let found = collection.get(Part::Tool, "tool").unwrap().unwrap();
        assert_eq!(found.text, "x = 1");
        assert_eq!(collection.names(Part::Tool), ["tool"]);
        assert!(collection.names(Part::Module).is_empty());
    }
}
