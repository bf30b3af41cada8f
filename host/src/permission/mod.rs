//! What a script may do, in the words that headers, the command line and messages share.
//!
//! ```text
//! probes=SPEC     probes, as `probe` takes them: * ? {a,b} stand for names
//! memory          strings and buffers of processes, and memory at addresses that a text makes up
//! arguments       what programs were started with: arguments and environment
//! packets         what lies in packets
//! stacks          stacks, and names of what addresses of processes are in
//! read=PATH       files in /proc and /sys; * and ? stand for names, ** for any depth
//! write=PATH      files that are made or written
//! run             running programs, which tests do
//! network         reaching the network, as programs that tests run may want to
//! ```

mod files;
mod level;
mod probes;

pub use level::{Level, is_hot};

use crate::report::{Report, did_you_mean};
use crate::rows::escape::printable;
use crate::spec::Pattern;
use crate::spec::probe;
use std::fmt;

/// One thing that a script may do, or wants to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permission {
    Probes(Pattern),
    Memory,
    Arguments,
    Packets,
    Stacks,
    /// Paths, with `*`, `?` and `**` in them where it is given, and without where it is wanted.
    Read(String),
    Write(String),
    Run,
    Network,
}

/// Those that are one word.
const PLAIN: [(Permission, &str, &str); 6] = [
    (
        Permission::Memory,
        "memory",
        "reads memory of processes or at addresses of its own",
    ),
    (
        Permission::Arguments,
        "arguments",
        "reads what programs were started with",
    ),
    (Permission::Packets, "packets", "reads what lies in packets"),
    (Permission::Stacks, "stacks", "reads stacks"),
    (Permission::Run, "run", "runs programs"),
    (Permission::Network, "network", "reaches the network"),
];

/// Those that have a value.
const VALUED: [&str; 3] = ["probes", "read", "write"];

impl Permission {
    /// What a script does that has it, for messages: `attaches kprobe:vfs_read`.
    pub fn does(&self) -> String {
        match self {
            Self::Probes(pattern) => format!("attaches {pattern}"),
            Self::Read(path) => format!("reads {path}"),
            Self::Write(path) => format!("writes {path}"),
            plain => PLAIN
                .iter()
                .find(|(known, ..)| known == plain)
                .map_or(String::new(), |(_, _, does)| (*does).to_owned()),
        }
    }

    /// Is all that is wanted allowed by this?
    fn covers(&self, wanted: &Self) -> bool {
        match (self, wanted) {
            (Self::Probes(given), Self::Probes(wanted)) => probes::covers(given, wanted),
            (Self::Read(given), Self::Read(wanted)) | (Self::Write(given), Self::Write(wanted)) => {
                files::covers(given, wanted)
            }
            (given, wanted) => given == wanted,
        }
    }

    /// May something be wanted that both mean?
    fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Probes(one), Self::Probes(other)) => probes::meet(one, other),
            (one, other) => one.covers(other) || other.covers(one),
        }
    }
}

/// As `--allow` takes it.
impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Probes(pattern) => write!(f, "probes={pattern}"),
            Self::Read(path) => write!(f, "read={path}"),
            Self::Write(path) => write!(f, "write={path}"),
            plain => {
                let word = PLAIN.iter().find(|(known, ..)| known == plain);
                f.write_str(word.map_or("", |(_, word, _)| word))
            }
        }
    }
}

/// What a script may do, or what it may not. In the order said, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions(Vec<Permission>);

impl Permissions {
    /// Reads a list: permissions between commas. `probes=` may be followed by several SPECs.
    ///
    /// # Errors
    /// A report that points into the list.
    pub fn parse(list: &str) -> Result<Self, Report> {
        let mut all = Self::default();
        let mut in_probes = false;
        for span in items(list) {
            let item = &list[span.clone()];
            let pointing = |report: Report| match report.excerpt {
                Some(_) => report,
                None => report.pointing(list, span.clone()),
            };
            let (name, value) = match item.split_once('=') {
                Some((name, value)) => (name.trim(), Some(value.trim())),
                // A SPEC has a colon, and no permission's word does.
                None if in_probes && item.contains(':') => ("probes", Some(item)),
                None => (item, None),
            };
            in_probes = name == "probes";
            let permission = one(name, value).map_err(pointing)?;
            permission.into_iter().for_each(|one| all.add(one));
        }
        Ok(all)
    }

    /// Those of probes that a list of SPECs names.
    ///
    /// # Errors
    /// As [`probe::parse`].
    pub fn of_probes(specs: &str) -> Result<Self, Report> {
        let patterns = probe::parse_many(specs)?;
        Ok(patterns.into_iter().map(Permission::Probes).collect())
    }

    pub fn add(&mut self, permission: Permission) {
        if !self.0.contains(&permission) {
            self.0.push(permission);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Permission> {
        self.0.iter()
    }

    /// Is all of it allowed? Alternatives of a probe may be by one permission each.
    pub fn cover(&self, wanted: &Permission) -> bool {
        let covers = |wanted: &Permission| self.0.iter().any(|given| given.covers(wanted));
        match wanted {
            Permission::Probes(pattern) if !covers(wanted) => {
                let alternatives = probes::alternatives(pattern);
                let mut all = alternatives.into_iter().flatten().peekable();
                all.peek().is_some() && all.all(|one| covers(&Permission::Probes(one)))
            }
            wanted => covers(wanted),
        }
    }

    /// Is any of it meant?
    pub fn meet(&self, wanted: &Permission) -> bool {
        self.0.iter().any(|given| given.meets(wanted))
    }

    /// Those that the others don't cover.
    pub fn beyond(&self, others: &Self) -> Self {
        let more = self.0.iter().filter(|one| !others.cover(one));
        more.cloned().collect()
    }

    /// As a person weighs them, a line each. Nothing in it steers a terminal.
    pub fn lines(&self) -> String {
        let line = |one: &Permission| format!("  it {}\n", printable(one.does().as_bytes()));
        self.0.iter().map(line).collect()
    }

    /// What a script must be called that has them: the least that fits.
    pub fn level(&self) -> Level {
        let levels = self.0.iter().map(Level::of);
        levels.max().unwrap_or(Level::Safe)
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<T: IntoIterator<Item = Permission>>(permissions: T) -> Self {
        let mut all = Self::default();
        permissions.into_iter().for_each(|one| all.add(one));
        all
    }
}

/// As `--allow` takes them.
impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, permission) in self.0.iter().enumerate() {
            let separator = if number > 0 { "," } else { "" };
            write!(f, "{separator}{permission}")?;
        }
        Ok(())
    }
}

fn one(name: &str, value: Option<&str>) -> Result<Vec<Permission>, Report> {
    let plain = PLAIN.iter().find(|(_, word, _)| *word == name);
    Ok(match (name, value) {
        ("probes", Some(spec)) => {
            let patterns = probe::parse_many(spec)?;
            patterns.into_iter().map(Permission::Probes).collect()
        }
        ("read", Some(path)) => vec![Permission::Read(files::checked(path)?)],
        ("write", Some(path)) => vec![Permission::Write(files::checked(path)?)],
        (name, None) if VALUED.contains(&name) => {
            let report = Report::new(format!("'{name}' does not say which"));
            let example = match name {
                "probes" => "probes=tracepoint:sched:*",
                "read" => "read=/proc/net/*",
                _ => "write=*.svg",
            };
            return Err(report.help(format!("write: {example}")));
        }
        (_, None) if let Some((permission, ..)) = plain => vec![permission.clone()],
        (_, Some(_)) if plain.is_some() => {
            return Err(
                Report::new(format!("'{name}' has no value")).help(format!("write: {name}"))
            );
        }
        _ => {
            let words = PLAIN.iter().map(|(_, word, _)| *word);
            let words: Vec<&str> = VALUED.into_iter().chain(words).collect();
            let help = did_you_mean(name, words.iter().copied())
                .unwrap_or_else(|| format!("there are {}", words.join(", ")));
            return Err(Report::new(format!("there is no permission '{name}'")).help(help));
        }
    })
}

/// Where the items of a list stand: between commas outside of braces, blanks around them left out, and empty ones, too.
fn items(list: &str) -> Vec<std::ops::Range<usize>> {
    let (mut found, mut start, mut depth) = (Vec::new(), 0, 0_i32);
    let ends = list.char_indices().chain([(list.len(), ',')]);
    for (at, letter) in ends {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth <= 0 || at == list.len() => {
                let item = &list[start..at];
                let first = start + item.len() - item.trim_start().len();
                let span = first..first + item.trim().len();
                if !span.is_empty() {
                    found.push(span);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(list: &str) -> Permissions {
        Permissions::parse(list).unwrap()
    }

    fn is_covered(given: &str, wanted: &str) -> bool {
        let wanted = some(wanted);
        wanted.iter().all(|wanted| some(given).cover(wanted))
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let list = "probes=tracepoint:sched:*,memory,read=/proc/*/status,write=*.svg,run";
        assert_eq!(some(list).to_string(), list);
        assert_eq!(
            some("probes=k:vfs_{read,write}, kr:tcp_*, stacks, ,stacks").to_string(),
            "probes=kprobe:vfs_{read,write},probes=kretprobe:tcp_*,stacks"
        );
    }

    #[test]
    fn mistakes_name_the_nearest_right_thing() {
        let message = |list: &str| Permissions::parse(list).unwrap_err().to_string();
        assert_eq!(
            message("stacks, memroy"),
            "there is no permission 'memroy'\n  stacks, memroy\n          ^^^^^^ did you mean 'memory'?"
        );
        assert!(message("files").contains("there are probes, read, write, memory"));
        assert!(message("read").contains("write: read=/proc/net/*"));
        assert!(message("memory=all").contains("'memory' has no value"));
        assert!(message("probes=tracepont:x:y").contains("did you mean 'tracepoint'"));
        assert!(message("read=../x").contains("'..'"));
    }

    #[test]
    fn one_covers_what_it_names_and_nothing_more() {
        for (given, wanted) in [
            ("memory", "memory"),
            ("probes=kprobe:vfs_*", "probes=kprobe:vfs_read"),
            ("probes=kprobe:vfs_*", "probes=kprobe:vfs_{read,write}*"),
            (
                "probes=t:syscalls:sys_*_open{,at}",
                "probes=syscall:openat:return",
            ),
            (
                "probes=k:tcp_{v4,v6}_connect",
                "probes=k:tcp_v{4,6}_connect",
            ),
            ("probes=uprobe:libc:*", "probes=uprobe:libc:malloc"),
            (
                "probes=kprobe:vfs_read,probes=kprobe:vfs_w*",
                "probes=kprobe:vfs_{read,write}",
            ),
            ("probes=profile:*:*", "probes=profile:hz:99"),
            ("probes=software:*:*", "probes=software:faults:1"),
            ("read=/proc/*/status", "read=/proc/1/status"),
            ("read=/sys/**", "read=/sys/kernel/x/y"),
            ("write=*.svg", "write=cpu.svg"),
        ] {
            assert!(is_covered(given, wanted), "{given} {wanted}");
        }
        for (given, wanted) in [
            ("memory", "arguments"),
            (
                "probes=kprobe:vfs_read,probes=kprobe:vfs_open",
                "probes=kprobe:vfs_{read,write}",
            ),
            ("probes=kprobe:vfs_*", "probes=kretprobe:vfs_read"),
            ("probes=kprobe:vfs_*", "probes=kprobe:*"),
            ("probes=kprobe:vfs_?", "probes=kprobe:vfs_*"),
            ("probes=profile:hz:9?", "probes=profile:hz:100"),
            ("probes=kprobe:vfs_read", "probes=kprobe:vfs_{read,write}"),
            ("probes=kprobe:ext4:*", "probes=kprobe:vfs_read"),
            ("read=/proc/*/status", "read=/proc/1/task/1/status"),
            ("read=/proc/*", "write=/proc/x"),
            ("write=*.svg", "write=/etc/cpu.svg"),
            ("write=*.svg", "write=../cpu.svg"),
            ("write=/tmp/**", "write=/tmp/../etc/passwd"),
        ] {
            let wanted = match wanted.split_once('=') {
                // What is wanted is not checked before it is held against what is given.
                Some(("write", path)) => Permission::Write(path.to_owned()),
                _ => some(wanted).0.into_iter().next_back().unwrap(),
            };
            assert!(!some(given).cover(&wanted), "{given} {wanted}");
        }
    }

    #[test]
    fn what_meets_has_something_in_common() {
        for (denied, wanted, meets) in [
            ("probes=kprobe:vfs_write", "probes=kprobe:vfs_*", true),
            ("probes=kprobe:vfs_*", "probes=kprobe:*_read", true),
            ("probes=kprobe:vfs_*", "probes=kprobe:tcp_*", false),
            ("probes=t:sched:*", "probes=t:*:sched_switch", true),
            ("stacks", "memory", false),
            ("read=/proc/**", "read=/proc/1/maps", true),
        ] {
            let wanted = some(wanted).0.remove(0);
            assert_eq!(some(denied).meet(&wanted), meets, "{denied} {wanted}");
        }
    }

    #[test]
    fn the_level_follows_from_what_is_done() {
        for (list, level) in [
            ("", Level::Safe),
            ("probes=t:syscalls:sys_enter_openat,stacks", Level::Safe),
            ("memory", Level::Sensitive),
            ("packets,probes=k:tcp_connect", Level::Sensitive),
            ("probes=t:sched:sched_switch", Level::Heavy),
            ("probes=k:vfs_*,memory", Level::Heavy),
            ("probes=u:libc:malloc", Level::Heavy),
            ("probes=profile:hz:99", Level::Safe),
            ("probes=profile:hz:9999", Level::Heavy),
            ("probes=profile:hz:*", Level::Heavy),
        ] {
            assert_eq!(some(list).level(), level, "{list}");
        }
    }
}
