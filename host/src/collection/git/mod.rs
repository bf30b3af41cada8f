//! Collections from git repositories, through git itself and never by a checkout: objects are fetched into an empty
//! repository of ours, and only what a collection is made of is read out of them.
//!
//! Nothing that the repository says is carried out: no hook, no filter, no submodule, no helper.

mod program;
mod tree;
mod url;

pub use url::source;

use super::manifest::{self, Manifest};
use super::store::Content;
use crate::report::Report;
use program::{Git, Refusal};
use std::path::Path;

/// Bytes that a repository's branches and tags may take to list.
const REFERENCES: usize = 16 << 20;

/// Where what is fetched is kept.
const TAKEN: &str = "refs/moontrace/taken";

/// Fetches a collection: what its default branch has, or what a tag (also without its `v`), branch or commit has. `folder`
/// is empty, and gone when this ends.
///
/// # Errors
/// When there is no git, no such repository or commit, or what it has is no collection.
pub fn fetch(folder: &Path, url: &str, at: Option<&str>) -> Result<Content, Report> {
    let content = try_fetch(folder, url, at);
    // What is left is swept by the next change.
    let _ = std::fs::remove_dir_all(folder);
    content
}

fn try_fetch(folder: &Path, url: &str, at: Option<&str>) -> Result<Content, Report> {
    let git = Git::init(folder)?;
    match at {
        None => get(&git, url, "HEAD", true).map_err(|refusal| unreached(url, refusal))?,
        Some(at) => get_at(&git, url, at)?,
    }
    let commit = resolve(&git, TAKEN).map_err(Refusal::report)?;
    let tree::Files {
        taken: files,
        left_out,
    } = tree::read(&git, &commit)?;
    let text = files.get(manifest::FILE).cloned().unwrap_or_default();
    let manifest = Manifest::parse(manifest::FILE, &String::from_utf8_lossy(&text))?;
    Ok(Content {
        url: url.to_owned(),
        at: at.map(str::to_owned),
        commit,
        manifest,
        files,
        left_out,
    })
}

fn get_at(git: &Git, url: &str, at: &str) -> Result<(), Report> {
    let listed = git.run(&["ls-remote", "--", url], &[], REFERENCES);
    let listed = listed.map_err(|refusal| unreached(url, refusal))?;
    let listed = String::from_utf8_lossy(&listed);
    let names: Vec<&str> = listed
        .lines()
        .filter_map(|line| Some(line.split_once('\t')?.1))
        .collect();
    let meant = [
        format!("refs/tags/{at}"),
        format!("refs/tags/v{at}"),
        format!("refs/heads/{at}"),
    ];
    if let Some(name) = meant.iter().find(|name| names.contains(&name.as_str())) {
        return get(git, url, name, true).map_err(|refusal| unreached(url, refusal));
    }
    let is_hex = at.len() >= 7 && at.bytes().all(|byte| byte.is_ascii_hexdigit());
    let gone = || {
        let short = |name: &&str| {
            let name = name.strip_prefix("refs/tags/");
            let name = name.filter(|name| !name.ends_with("^{}"));
            name.map(str::to_owned)
        };
        let tags: Vec<String> = names.iter().filter_map(short).collect();
        let report = Report::new(format!("{url} has no '{at}'"));
        let near = crate::report::did_you_mean(at, tags.iter().map(String::as_str));
        report.help(near.unwrap_or_else(|| match tags.is_empty() {
            true => "a branch or a commit is wanted: it has no tags".to_owned(),
            false => {
                let last = tags.iter().rev().take(8);
                let last: Vec<&str> = last.map(String::as_str).collect();
                format!(
                    "a tag, a branch or a commit is wanted; tags: {}",
                    last.join(", ")
                )
            }
        }))
    };
    if !is_hex {
        return Err(gone());
    }
    // A whole commit may be had by itself; a part of one is looked for in all that there is.
    let whole = at.len() >= 40;
    if whole && get(git, url, at, true).is_ok() {
        return Ok(());
    }
    let all = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
    let words = [&FETCH[..], &["--", url], &all].concat();
    let fetched = git.run(&words, &[], 1 << 20);
    fetched.map_err(|refusal| unreached(url, refusal))?;
    let commit = resolve(git, at).map_err(|_| gone())?;
    let kept = git.run(&["update-ref", TAKEN, &commit], &[], 1 << 16);
    kept.map(drop).map_err(Refusal::report)
}

const FETCH: [&str; 4] = [
    "fetch",
    "--progress",
    "--no-tags",
    "--no-recurse-submodules",
];

/// Fetches one thing; only the commit that it is, where the server can do that.
fn get(git: &Git, url: &str, what: &str, alone: bool) -> Result<(), Refusal> {
    let to = format!("+{what}:{TAKEN}");
    let depth: &[&str] = if alone { &["--depth=1"] } else { &[] };
    let words = [&FETCH[..], depth, &["--", url, &to]].concat();
    match git.run(&words, &[], 1 << 20) {
        Ok(_) => Ok(()),
        Err(Refusal::Said(line)) if alone && line.contains("shallow") => get(git, url, what, false),
        Err(refusal) => Err(refusal),
    }
}

fn resolve(git: &Git, name: &str) -> Result<String, Refusal> {
    let commit = format!("{name}^{{commit}}");
    let words = ["rev-parse", "--verify", "--quiet", &commit];
    let said = git.run(&words, &[], 1 << 16)?;
    Ok(String::from_utf8_lossy(&said).trim().to_owned())
}

fn unreached(url: &str, refusal: Refusal) -> Report {
    if let Refusal::Said(line) = &refusal
        && line.contains("find remote ref HEAD")
    {
        let report = Report::new(format!("{url} has nothing in its default branch"));
        return report.help("--at BRANCH names another; a new one wants a 'git push' first");
    }
    let report = refusal.report();
    Report {
        message: format!("{url} can't be had: {}", report.message),
        ..report
    }
}

/// Makes a folder a repository of the user's own; false where there is no git.
pub fn start(folder: &Path) -> bool {
    let mut command = std::process::Command::new("git");
    command
        .args(["init", "--quiet"])
        .arg(folder)
        .stdin(std::process::Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Who writes here, as the user's git knows it: `Ada <ada@example.org>`.
pub fn author() -> Option<String> {
    let ask = |what: &str| {
        let mut command = std::process::Command::new("git");
        let output = command.args(["config", "--get", what]).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
        (!text.is_empty()).then_some(text)
    };
    match (ask("user.name"), ask("user.email")) {
        (Some(name), Some(email)) => Some(format!("{name} <{email}>")),
        (name, email) => name.or(email),
    }
}
