//! Kinds of attachment and the SPECs that name them.

mod clock;
mod counter;
mod wildcard;

pub use clock::{Clock, period};
pub use counter::count;
pub use wildcard::{expand, is_plain, matches};

use crate::report::{Report, did_you_mean};
use std::fmt;
use wildcard::ALTERNATIVES;

/// A kind of attachment. The same word names it in ebpf/src/probes, in kernel/attach and in the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Tracepoint,
    RawTracepoint,
    Kprobe,
    Kretprobe,
    Fentry,
    Fexit,
    Uprobe,
    Uretprobe,
    Usdt,
    Profile,
    Interval,
    Software,
    Hardware,
}

/// One alternative of a SPEC: the kind, and the parts between colons (`*`, `?` and `{a,b}` allowed in them).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    pub kind: Kind,
    pub parts: Vec<String>,
}

/// The form of each kind's SPEC.
const FORMS: [(Kind, &str); 13] = [
    (Kind::Tracepoint, "tracepoint:CATEGORY:EVENT"),
    (Kind::RawTracepoint, "rawtracepoint:EVENT"),
    (Kind::Kprobe, "kprobe:[MODULE:]FUNCTION[+OFFSET]"),
    (Kind::Kretprobe, "kretprobe:[MODULE:]FUNCTION"),
    (Kind::Fentry, "fentry:[MODULE:]FUNCTION"),
    (Kind::Fexit, "fexit:[MODULE:]FUNCTION"),
    (Kind::Uprobe, "uprobe:BINARY:FUNCTION[+OFFSET]"),
    (Kind::Uretprobe, "uretprobe:BINARY:FUNCTION"),
    (Kind::Usdt, "usdt:BINARY:[PROVIDER:]NAME"),
    (Kind::Profile, "profile:hz:TIMES"),
    (Kind::Interval, "interval:TIME"),
    (Kind::Software, "software:EVENT[:COUNT]"),
    (Kind::Hardware, "hardware:EVENT[:COUNT]"),
];

/// What other tools have and this version lacks, with what would do.
const LATER: [(&str, &str); 3] = [
    ("watchpoint", "uprobe"),
    ("asyncwatchpoint", "uprobe"),
    ("iter", "tracepoint"),
];

/// What bpftrace has as probes and is none here.
const NO_PROBES: [(&str, &str); 2] = [("begin", "on_start(fn)"), ("end", "on_exit(fn)")];

/// Names that bpftrace once had for a kind.
const FORMER: [(Kind, &str); 2] = [(Kind::Fentry, "kfunc"), (Kind::Fexit, "kretfunc")];

impl Kind {
    /// The name, and the alias that bpftrace has for it.
    pub const ALL: [(Self, &'static str, &'static str); 13] = [
        (Self::Tracepoint, "tracepoint", "t"),
        (Self::RawTracepoint, "rawtracepoint", "rt"),
        (Self::Kprobe, "kprobe", "k"),
        (Self::Kretprobe, "kretprobe", "kr"),
        (Self::Fentry, "fentry", "f"),
        (Self::Fexit, "fexit", "fr"),
        (Self::Uprobe, "uprobe", "u"),
        (Self::Uretprobe, "uretprobe", "ur"),
        (Self::Usdt, "usdt", "U"),
        (Self::Profile, "profile", "p"),
        (Self::Interval, "interval", "i"),
        (Self::Software, "software", "s"),
        (Self::Hardware, "hardware", "h"),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(kind, ..)| *kind == self)
            .map_or("", |(_, name, _)| name)
    }

    /// How a SPEC of this kind is written.
    pub fn form(self) -> &'static str {
        FORMS
            .iter()
            .find(|(kind, _)| *kind == self)
            .map_or("", |(_, form)| form)
    }

    /// The kind of a name, of an alias or of a name that bpftrace once had for it.
    pub fn named(word: &str) -> Option<Self> {
        let now = Self::ALL
            .iter()
            .find(|(_, name, alias)| *name == word || *alias == word)
            .map(|(kind, ..)| *kind);
        let former = || FORMER.iter().find(|(_, name)| *name == word);
        now.or_else(|| former().map(|(kind, _)| *kind))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// As a SPEC says it.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.parts.join(":"))
    }
}

/// Reads a SPEC: alternatives between commas.
///
/// # Errors
/// A report that points into the SPEC.
pub fn parse(spec: &str) -> Result<Vec<Pattern>, Report> {
    read(spec, rate)
}

/// As [`parse`], and of the rates of clocks and counters patterns, too: `profile:hz:*` is no probe that could be had, but many.
///
/// # Errors
/// As [`parse`].
pub fn parse_many(spec: &str) -> Result<Vec<Pattern>, Report> {
    read(spec, |pattern| {
        match pattern.parts.iter().all(|part| is_plain(part)) {
            true => rate(pattern),
            false => Ok(()),
        }
    })
}

/// What is said of a kind whose SPECs have a rate.
type Rate = fn(&Pattern) -> Result<(), Report>;

fn rate(pattern: &Pattern) -> Result<(), Report> {
    match (pattern.kind, pattern.parts.as_slice()) {
        (Kind::Profile | Kind::Interval, _) => period(pattern).map(|_| ()),
        (Kind::Software | Kind::Hardware, [_, number]) => count(number).map(|_| ()),
        _ => Ok(()),
    }
}

fn read(spec: &str, rate: Rate) -> Result<Vec<Pattern>, Report> {
    if spec.trim().is_empty() {
        return Err(Report::new("the SPEC of the probe is empty")
            .help("write KIND:WHAT, such as tracepoint:sched:sched_switch"));
    }
    let mut patterns = Vec::new();
    let mut start = 0;
    for end in separators(spec)? {
        let text = spec[start..end].trim();
        let begin = start + spec[start..end].len() - spec[start..end].trim_start().len();
        let found = alternatives(text, rate);
        patterns.extend(found.map_err(|report| report.pointing(spec, begin..begin + text.len()))?);
        start = end + 1;
    }
    Ok(patterns)
}

/// Where alternatives end: at commas outside of braces, and at the end.
fn separators(spec: &str) -> Result<Vec<usize>, Report> {
    let (mut ends, mut open) = (Vec::new(), Vec::new());
    for (at, byte) in spec.bytes().enumerate() {
        match byte {
            b'{' => open.push(at),
            b'}' if open.pop().is_none() => {
                return Err(Report::new("this '}' closes nothing").pointing(spec, at..at + 1));
            }
            b',' if open.is_empty() => ends.push(at),
            _ => {}
        }
    }
    if let Some(at) = open.last() {
        return Err(Report::new("'{' has no closing '}'").pointing(spec, *at..at + 1));
    }
    ends.push(spec.len());
    Ok(ends)
}

/// Braces in the kind make an alternative each; those in other parts stay.
fn alternatives(text: &str, rate: Rate) -> Result<Vec<Pattern>, Report> {
    let parts = split_parts(text);
    for part in &parts {
        if wildcard::alternatives(part).is_none() {
            let message = format!(
                "the braces make more than {ALTERNATIVES} alternatives, which is the limit"
            );
            return Err(Report::new(message));
        }
    }
    let Some((kind, parts)) = parts.split_first() else {
        return Ok(Vec::new());
    };
    let kinds = expand(kind);
    kinds
        .iter()
        .map(|kind| alternative(kind, parts, text, rate))
        .collect()
}

fn alternative(word: &str, words: &[String], text: &str, rate: Rate) -> Result<Pattern, Report> {
    if word == "syscall" {
        return syscall(words);
    }
    let Some(kind) = Kind::named(word) else {
        return Err(no_kind(word, text));
    };
    let pattern = Pattern {
        kind,
        parts: words.to_vec(),
    };
    let fits = match (kind, pattern.parts.len()) {
        (_, count) if pattern.parts.iter().any(String::is_empty) || count == 0 => false,
        (Kind::Tracepoint | Kind::Uprobe | Kind::Uretprobe | Kind::Profile, 2)
        | (Kind::RawTracepoint, 1) => true,
        (Kind::Usdt, 2 | 3) => true,
        (Kind::Kprobe | Kind::Kretprobe | Kind::Fentry | Kind::Fexit | Kind::Interval, 1 | 2)
        | (Kind::Software | Kind::Hardware, 1 | 2) => true,
        _ => false,
    };
    if !fits {
        return Err(Report::new(format!("'{text}' is no SPEC of this kind"))
            .help(format!("write: {}", kind.form())));
    }
    rate(&pattern)?;
    Ok(pattern)
}

/// The parts between colons; those within braces belong to their part.
fn split_parts(text: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if c == ':' && depth == 0 {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts
}

/// `syscall:NAME` is the call's entry, `syscall:NAME:return` its exit.
fn syscall(words: &[String]) -> Result<Pattern, Report> {
    let (name, side) = match words {
        [name] if !name.is_empty() => (name, "enter"),
        [name, side] if !name.is_empty() && side == "return" => (name, "exit"),
        _ => {
            return Err(Report::new("this names no system call")
                .help("write: syscall:NAME or syscall:NAME:return"));
        }
    };
    Ok(Pattern {
        kind: Kind::Tracepoint,
        parts: vec!["syscalls".into(), format!("sys_{side}_{name}")],
    })
}

fn no_kind(word: &str, text: &str) -> Report {
    if let Some((_, instead)) = LATER.iter().find(|(later, _)| *later == word) {
        return Report::new(format!("the kind '{word}' is not in this version yet"))
            .help(format!("what would do: {instead}"));
    }
    let names = Kind::ALL.iter().map(|(_, name, _)| *name);
    let report = Report::new(format!("there is no kind of probe called '{word}'"));
    let mut others = NO_PROBES.iter();
    if let Some((_, instead)) = others.find(|(other, _)| word.eq_ignore_ascii_case(other)) {
        return report.help(format!("write: {instead}"));
    }
    match did_you_mean(word, names.clone().chain(["syscall"])) {
        Some(help) => report.help(help),
        None if !text.contains(':') => {
            report.help(format!("a SPEC is KIND:WHAT, such as kprobe:{word}"))
        }
        None => report.help(format!(
            "there are {} and syscall",
            names.collect::<Vec<_>>().join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(spec: &str) -> Pattern {
        parse(spec).unwrap().remove(0)
    }

    #[test]
    fn kinds_have_names_and_aliases() {
        assert_eq!(
            one("t:sched:sched_switch"),
            one("tracepoint:sched:sched_switch")
        );
        assert_eq!(
            one("syscall:openat:return"),
            one("tracepoint:syscalls:sys_exit_openat")
        );
        assert_eq!(
            one("syscall:open{,at}"),
            one("t:syscalls:sys_enter_open{,at}")
        );
        assert_eq!(
            parse("kprobe:vfs_{read,write}, kretprobe:vfs_read")
                .unwrap()
                .len(),
            2
        );
        assert_eq!(one("kretfunc:ext4:f"), one("fexit:ext4:f"));
        assert_eq!(one("f:vfs_read"), one("kfunc:vfs_read"));
        assert_eq!(one("s:faults:1"), one("software:faults:1"));
        assert_eq!(one("h:cycles"), one("hardware:cycles"));
        assert_eq!(
            parse("k{,r}:vfs_read").unwrap(),
            parse("kprobe:vfs_read,kretprobe:vfs_read").unwrap()
        );
    }

    #[test]
    fn clocks_have_units() {
        assert_eq!(period(&one("profile:hz:99")), Ok(Clock::Hertz(99)));
        assert_eq!(
            period(&one("interval:s:2")),
            Ok(Clock::Period(2_000_000_000))
        );
        assert_eq!(period(&one("interval:10ms")), Ok(Clock::Period(10_000_000)));
    }

    #[test]
    fn many_clocks_are_no_probe() {
        for many in [
            "profile:hz:*",
            "profile:*:*",
            "interval:{1s,2s}",
            "software:*:*",
        ] {
            assert!(parse(many).is_err(), "{many}");
            assert_eq!(parse_many(many).unwrap()[0].to_string(), many);
        }
        assert!(parse_many("profile:hz:0").is_err());
        assert!(parse_many("software:faults:0").is_err());
    }

    #[test]
    fn mistakes_name_the_nearest_right_thing() {
        let message = |spec: &str| format!("\n{}", parse(spec).unwrap_err());
        assert_eq!(
            message("kprobe:a, tracepont:a:b"),
            "
there is no kind of probe called 'tracepont'
  kprobe:a, tracepont:a:b
            ^^^^^^^^^^^^^ did you mean 'tracepoint' or 'rawtracepoint'?"
        );
        assert_eq!(
            message("iter:task"),
            "
the kind 'iter' is not in this version yet
  iter:task
  ^^^^^^^^^ what would do: tracepoint"
        );
        assert_eq!(
            message("BEGIN"),
            "
there is no kind of probe called 'BEGIN'
  BEGIN
  ^^^^^ write: on_start(fn)"
        );
        assert_eq!(
            message("tracepoint:sched"),
            "
'tracepoint:sched' is no SPEC of this kind
  tracepoint:sched
  ^^^^^^^^^^^^^^^^ write: tracepoint:CATEGORY:EVENT"
        );
        assert_eq!(
            message("profile:hz:0"),
            "
'hz:0' is no rate that a clock can run at
  profile:hz:0
  ^^^^^^^^^^^^ from hz:1 to hz:100000, or a period from 10us to a day"
        );
        assert_eq!(
            message("kprobe:{a"),
            "
'{' has no closing '}'
  kprobe:{a
         ^"
        );
        for wrong in [
            "profile:hz:99999999",
            "profile:hz:x",
            "interval:fortnight:1",
            "interval:1x",
            "profile:hz",
            "software:faults:0",
            "hardware:cycles:1e6",
            "software:faults:1:2",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for wrong in [
            "",
            " , ",
            "kprobe:",
            "kprobe",
            ":",
            "vfs_read",
            "*:vfs_read",
            "kprobe:a,",
            "kprobe:{a}}",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        let many = format!("kprobe:{}", "{a,b}".repeat(40));
        assert!(parse(&many).unwrap_err().message.contains("4096"));
    }
}
