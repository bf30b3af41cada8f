//! What is taken of a commit: the files that a collection is made of, and nothing that is not a plain file.

use super::program::{Git, Refusal};
use crate::collection::{Part, is_name, manifest};
use crate::report::Report;
use crate::rows::escape::printable;
use std::collections::BTreeMap;

/// Bytes of a file.
const LONGEST: u64 = 1 << 20;
/// Bytes of all of them.
const ALL: u64 = 16 << 20;
const FILES: usize = 2000;
/// Bytes that git lists of a folder: some ten thousand names.
const LISTED: usize = 2 << 20;

/// What git says of a name in a folder.
struct Entry {
    mode: String,
    object: String,
    /// None of what is no file.
    size: Option<u64>,
    name: Vec<u8>,
}

/// What a name is to a collection.
#[derive(PartialEq)]
enum Place {
    Taken,
    /// It would be taken by its ending, but nothing can be called that.
    Odd,
    Other,
}

/// What is taken of a commit.
pub(super) struct Files {
    /// By their paths.
    pub(super) taken: BTreeMap<String, Vec<u8>>,
    /// What could be missed.
    pub(super) left_out: Vec<String>,
}

/// The files of a commit.
///
/// # Errors
/// When it has no `collection.toml`, a link where a file should be, or more than a collection can have.
pub(super) fn read(git: &Git, commit: &str) -> Result<Files, Report> {
    let (mut wanted, mut left_out) = (BTreeMap::new(), Vec::new());
    for part in [Part::Tool, Part::Module, Part::Test, Part::Example] {
        let folder = part.folder();
        if part != Part::Tool && !wanted.contains_key(&format!("{folder}/")) {
            continue;
        }
        for entry in list(git, &format!("{commit}:{folder}"))? {
            sort(part, entry, &mut wanted, &mut left_out)?;
        }
    }
    wanted.retain(|path, _| !path.ends_with('/'));
    if !wanted.contains_key(manifest::FILE) {
        let report = Report::new(format!("it has no {}", manifest::FILE));
        return Err(report.help(
            "a collection says what it is there: 'moontrace new collection DIR' writes one",
        ));
    }
    let sizes = wanted.values().map(|(_, size)| size);
    let sum: u64 = sizes.sum();
    if sum > ALL || wanted.len() > FILES {
        let (files, most) = (wanted.len(), ALL >> 20);
        let message = format!("it has {files} files of {sum} bytes together");
        let report = Report::new(message);
        return Err(report.help(format!("at most {FILES} files and {most} MiB are taken")));
    }
    let taken = contents(git, &wanted)?;
    Ok(Files { taken, left_out })
}

/// Puts an entry among those that are wanted, folders with a `/` behind them, or those that are left out.
fn sort(
    part: Part,
    entry: Entry,
    wanted: &mut BTreeMap<String, (String, u64)>,
    left_out: &mut Vec<String>,
) -> Result<(), Report> {
    let prefix = match part.folder() {
        "" => String::new(),
        folder => format!("{folder}/"),
    };
    let shown = format!("{prefix}{}", printable(&entry.name));
    let name = String::from_utf8(entry.name).unwrap_or_default();
    let is_folder = part == Part::Tool && ["lib", "tests", "examples"].contains(&name.as_str());
    let place = match is_folder {
        true => Place::Taken,
        false => place(part, &name, &shown),
    };
    match (place, entry.mode.as_str()) {
        (_, "160000") => left_out.push(format!("{shown} (a submodule)")),
        (Place::Other, _) => {}
        (Place::Odd, _) => left_out.push(format!("{shown} (no name that one can have)")),
        (Place::Taken, "120000") => {
            let report = Report::new(format!("{shown} is a symbolic link"));
            return Err(report.help("a collection is made of plain files"));
        }
        (Place::Taken, "040000") if is_folder => {
            wanted.insert(format!("{name}/"), (entry.object, 0));
        }
        (Place::Taken, _) => {
            let size = entry.size.filter(|_| !is_folder);
            let Some(size) = size else {
                return Err(Report::new(match is_folder {
                    true => format!("{shown} is a file, and would be a folder"),
                    false => format!("{shown} is a folder, and would be a file"),
                }));
            };
            if size > LONGEST {
                let report = Report::new(format!("{shown} has {size} bytes"));
                return Err(report.help(format!("a file has at most {LONGEST}")));
            }
            if wanted
                .insert(format!("{prefix}{name}"), (entry.object, size))
                .is_some()
            {
                return Err(Report::new(format!("{shown} is there twice")));
            }
        }
    }
    Ok(())
}

/// `name` is empty for what is no UTF-8.
fn place(part: Part, name: &str, shown: &str) -> Place {
    let by = |is_well: bool| match is_well {
        true => Place::Taken,
        false => Place::Odd,
    };
    if part == Part::Tool {
        if [manifest::FILE, "README.md"].contains(&name) {
            return Place::Taken;
        }
        if name.starts_with("LICENSE") || name.starts_with("LICENCE") {
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
            return by(name.len() <= 64 && name.chars().all(fits));
        }
    }
    let ending = format!(".{}", part.extension());
    match name.strip_suffix(&ending) {
        Some(stem) => by(is_name(stem)),
        None if name.is_empty() && shown.ends_with(&ending) => Place::Odd,
        None => Place::Other,
    }
}

fn list(git: &Git, tree: &str) -> Result<Vec<Entry>, Report> {
    let listed = git.run(&["ls-tree", "-z", "-l", tree], &[], LISTED);
    let listed = listed.map_err(Refusal::report)?;
    let lines = listed
        .split(|byte| *byte == 0)
        .filter(|line| !line.is_empty());
    let entry = |line: &[u8]| {
        let tab = line.iter().position(|byte| *byte == b'\t')?;
        let (about, name) = (str::from_utf8(&line[..tab]).ok()?, line[tab + 1..].to_vec());
        let mut words = about.split_whitespace();
        let (mode, _kind, object) = (words.next()?, words.next()?, words.next()?);
        Some(Entry {
            mode: mode.to_owned(),
            object: object.to_owned(),
            size: words.next()?.parse().ok(),
            name,
        })
    };
    lines
        .map(|line| entry(line).ok_or_else(|| Report::new("git lists what is no file's line")))
        .collect()
}

fn contents(
    git: &Git,
    wanted: &BTreeMap<String, (String, u64)>,
) -> Result<BTreeMap<String, Vec<u8>>, Report> {
    let asked = wanted.values().map(|(object, _)| format!("{object}\n"));
    let asked: String = asked.collect();
    let most = usize::try_from(ALL).unwrap_or(usize::MAX) + 200 * wanted.len();
    let answer = git.run(&["cat-file", "--batch"], asked.as_bytes(), most);
    let answer = answer.map_err(Refusal::report)?;
    let mut rest = answer.as_slice();
    let mut files = BTreeMap::new();
    for (path, (_, size)) in wanted {
        let bytes = next(&mut rest, *size);
        let bytes = bytes.ok_or_else(|| Report::new(format!("git does not give {path}")))?;
        if str::from_utf8(bytes).is_err() {
            return Err(Report::new(format!("{path} is not UTF-8 text")));
        }
        files.insert(path.clone(), bytes.to_vec());
    }
    Ok(files)
}

/// Takes `OBJECT blob SIZE`, the bytes and the end of a line from git's answer.
fn next<'a>(rest: &mut &'a [u8], size: u64) -> Option<&'a [u8]> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let head = str::from_utf8(&rest[..end]).ok()?;
    let size = usize::try_from(size).ok()?;
    let is_it = head.split(' ').nth(1) == Some("blob") && head.ends_with(&format!(" {size}"));
    let bytes = rest.get(end + 1..end + 1 + size).filter(|_| is_it)?;
    *rest = rest.get(end + 1 + size + 1..)?;
    Some(bytes)
}
