//! Collections: folders of tools, a Lua file each.
//!
//! ```text
//! NAME.lua            a tool
//! lib/NAME.lua        what its tools share, by `require "NAME"`
//! tests/NAME.lua      what a tool is held to, by `moontrace test`
//! examples/NAME.txt   what it printed there
//! ```
//!
//! One comes with the binary (scripts/); any other is a folder.

use crate::report::{Report, did_you_mean};
use include_dir::{Dir, include_dir};
use std::path::{Path, PathBuf};

static BUILTIN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../scripts");

/// Bytes of a file.
const LONGEST: u64 = 16 << 20;

/// Where tools lie together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Collection {
    /// That of the binary.
    Builtin,
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
            Self::Folder(folder) => {
                let path = folder.join(file);
                match path.exists() {
                    true => read(&path).map(Some),
                    false => Ok(None),
                }
            }
        }
    }

    /// The file and the text of the module of that name, as `require` asks for it.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn module(&self, name: &str) -> Result<Option<(String, String)>, Report> {
        let found = self.get(Part::Module, name)?;
        Ok(found.map(|source| (source.file, source.text)))
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

/// The tools whose names are near to a wrong one.
pub fn meant(name: &str) -> Option<String> {
    let names = Collection::Builtin.names(Part::Tool);
    did_you_mean(name, names.iter().map(String::as_str))
}

fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    !name.is_empty() && name.chars().all(fits)
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
        for name in ["../secret", "", ".", "a/b", "tool.lua", "nothing"] {
            assert_eq!(collection.get(Part::Tool, name), Ok(None), "{name}");
        }
        let found = collection.get(Part::Tool, "tool").unwrap().unwrap();
        assert_eq!(found.text, "x = 1");
        assert_eq!(collection.names(Part::Tool), ["tool"]);
        assert!(collection.names(Part::Module).is_empty());
    }
}
