//! `lock.toml`: which collections are installed, from where, at which commit, and what each of their files is.
//!
//! It alone says what there is: a folder that it does not name is what an interrupted change has left.

use super::manifest;
use crate::report::{Place, Report};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Of the file's own layout.
const FORMAT: u32 = 1;

const ABOUT: &str = "# What 'moontrace add' has installed. moontrace writes this file: changes by hand are refused or lost.\n\n";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lock {
    format: u32,
    #[serde(default)]
    pub(super) collections: BTreeMap<String, Entry>,
}

/// An installed collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// As git takes it; a folder by its absolute path.
    pub url: String,
    pub now: Taken,
    /// What was there before the last update.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Taken>,
    /// What was said yes to, by tool.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub trusted: BTreeMap<String, Trusted>,
}

/// A yes to what a tool asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trusted {
    /// SHA-256 of all that it may run ([`super::Shared::digest`]): the yes is for nothing else.
    pub content: String,
    /// As `--allow` takes them.
    pub permissions: String,
}

/// What a commit had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taken {
    /// The tag, branch or commit that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    pub version: String,
    /// All of its digits.
    pub commit: String,
    /// The folder beside the lock.
    pub(super) tree: String,
    /// The collections that it declares, and where they are from.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requires: BTreeMap<String, String>,
    /// SHA-256 by path, in hexadecimal digits.
    pub files: BTreeMap<String, String>,
}

impl Default for Lock {
    fn default() -> Self {
        Self {
            format: FORMAT,
            collections: BTreeMap::new(),
        }
    }
}

impl Lock {
    /// # Errors
    /// When it is none that we wrote; the line is said.
    pub(super) fn parse(file: &Path, text: &str) -> Result<Self, Report> {
        let wrong = |line: usize, message: String| {
            let place = Place {
                file: file.display().to_string().into(),
                line: u32::try_from(line).unwrap_or(u32::MAX),
            };
            let help = "moontrace writes this file; without it no collection is installed";
            Report::new(message).at(place).help(help)
        };
        // A newer layout is said as such, whatever else is in it.
        if let Ok(Format { format }) = toml::from_str(text)
            && format > FORMAT
        {
            let message = format!("it was written by a newer moontrace (format {format})");
            return Err(wrong(1, message));
        }
        let lock: Self = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let before = text.get(..start).unwrap_or_default();
            let message = crate::rows::escape::printable(error.message().as_bytes());
            wrong(before.matches('\n').count() + 1, message)
        })?;
        for (name, entry) in &lock.collections {
            let taken = [Some(&entry.now), entry.before.as_ref()];
            let leads_away = |taken: &&Taken| {
                !taken.tree.starts_with(&format!("{name}@")) || taken.tree.contains('/')
            };
            if manifest::name_problem(name).is_some()
                || taken.into_iter().flatten().any(|taken| leads_away(&taken))
            {
                let name = crate::rows::escape::printable(name.as_bytes());
                return Err(wrong(1, format!("what it says of '{name}' can't be")));
            }
        }
        Ok(lock)
    }

    /// # Errors
    /// When a value can't be said in TOML.
    pub(super) fn text(&self) -> Result<String, Report> {
        let text = toml::to_string(self);
        let text = text.map_err(|error| Report::new(format!("lock.toml: {error}")))?;
        Ok(format!("{ABOUT}{text}"))
    }
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let taken = |tree: &str| Taken {
            at: Some("v1".into()),
            version: "1.0.0".into(),
            commit: "0".repeat(40),
            tree: tree.into(),
            requires: [("dns".into(), "https://example.org".into())].into(),
            files: [("a.lua".into(), "00".into())].into(),
        };
        let mut lock = Lock::default();
        let entry = Entry {
            url: "/a b\"c".into(),
            now: taken("net@0"),
            before: Some(taken("net@1")),
            trusted: [(
                "a".into(),
                Trusted {
                    content: "00".into(),
                    permissions: "memory".into(),
                },
            )]
            .into(),
        };
        lock.collections.insert("net".into(), entry);
        let text = lock.text().unwrap();
        assert_eq!(Lock::parse(Path::new("f"), &text), Ok(lock));
        let wrong = |text: &str| Lock::parse(Path::new("f"), text).unwrap_err().to_string();
        assert!(wrong(&text.replace("net@0", "net@0/../..")).contains("can't be"));
        assert!(wrong(&text.replace("net@0", "../net@0")).contains("can't be"));
        assert!(wrong("format = 2\nnews = 1").contains("a newer moontrace (format 2)"));
        assert!(wrong("format = 1\nnews = 1").starts_with("f:2: unknown field"));
        assert!(wrong("format = 1\n[").starts_with("f:2: "));
    }
}
