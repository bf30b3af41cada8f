//! Kinds of attachment and the SPECs that name them.

use super::duration::duration;
use crate::report::{Report, did_you_mean};
use std::fmt;

/// A kind of attachment. The same word names it in ebpf/src/probes, in kernel/attach and in the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Tracepoint,
    RawTracepoint,
    Kprobe,
    Kretprobe,
    Uprobe,
    Uretprobe,
    Profile,
    Interval,
}

/// One alternative of a SPEC: the kind, and the parts between colons (`*`, `?` and `{a,b}` allowed in them).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    pub kind: Kind,
    pub parts: Vec<String>,
}

/// The form of each kind's SPEC.
const FORMS: [(Kind, &str); 8] = [
    (Kind::Tracepoint, "tracepoint:CATEGORY:EVENT"),
    (Kind::RawTracepoint, "rawtracepoint:EVENT"),
    (Kind::Kprobe, "kprobe:[MODULE:]FUNCTION[+OFFSET]"),
    (Kind::Kretprobe, "kretprobe:[MODULE:]FUNCTION"),
    (Kind::Uprobe, "uprobe:BINARY:FUNCTION[+OFFSET]"),
    (Kind::Uretprobe, "uretprobe:BINARY:FUNCTION"),
    (Kind::Profile, "profile:hz:TIMES"),
    (Kind::Interval, "interval:TIME"),
];

/// What other tools have and this version lacks, with what would do.
const LATER: [(&str, &str); 14] = [
    ("fentry", "kprobe"),
    ("fexit", "kretprobe"),
    ("kfunc", "kprobe"),
    ("kretfunc", "kretprobe"),
    ("usdt", "uprobe"),
    ("software", "profile:hz:N"),
    ("hardware", "profile:hz:N"),
    ("watchpoint", "uprobe"),
    ("asyncwatchpoint", "uprobe"),
    ("iter", "tracepoint"),
    ("begin", "on_start(fn)"),
    ("BEGIN", "on_start(fn)"),
    ("end", "on_exit(fn)"),
    ("END", "on_exit(fn)"),
];

/// Alternatives that braces may make of one part.
const ALTERNATIVES: usize = 4096;
/// The fastest that a CPU's clock is asked for, times a second.
const FASTEST: u64 = 100_000;
const SECOND: u64 = 1_000_000_000;

impl Kind {
    /// The name, and the alias that bpftrace has for it.
    pub const ALL: [(Self, &'static str, &'static str); 8] = [
        (Self::Tracepoint, "tracepoint", "t"),
        (Self::RawTracepoint, "rawtracepoint", "rt"),
        (Self::Kprobe, "kprobe", "k"),
        (Self::Kretprobe, "kretprobe", "kr"),
        (Self::Uprobe, "uprobe", "u"),
        (Self::Uretprobe, "uretprobe", "ur"),
        (Self::Profile, "profile", "p"),
        (Self::Interval, "interval", "i"),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, ..)| *kind == self).map_or("", |(_, name, _)| name)
    }

    /// How a SPEC of this kind is written.
    pub fn form(self) -> &'static str {
        FORMS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, form)| form)
    }

    fn named(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name, alias)| *name == word || *alias == word).map(|(kind, ..)| *kind)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Reads a SPEC: alternatives between commas.
///
/// # Errors
/// A report that points into the SPEC.
pub fn parse(spec: &str) -> Result<Vec<Pattern>, Report> {
    if spec.trim().is_empty() {
        return Err(Report::new("the SPEC of the probe is empty").help("write KIND:WHAT, such as tracepoint:sched:sched_switch"));
    }
    let mut patterns = Vec::new();
    let mut start = 0;
    for end in separators(spec)? {
        let text = &spec[start..end];
        let begin = start + text.len() - text.trim_start().len();
        patterns.push(alternative(text.trim()).map_err(|report| report.pointing(spec, begin..begin + text.trim().len()))?);
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

fn alternative(text: &str) -> Result<Pattern, Report> {
    let mut words = split_parts(text);
    let word = words.remove(0);
    if word == "syscall" {
        return syscall(&words);
    }
    let Some(kind) = Kind::named(&word) else { return Err(no_kind(&word, text)) };
    let pattern = Pattern { kind, parts: words };
    let fits = match (kind, pattern.parts.len()) {
        (_, count) if pattern.parts.iter().any(String::is_empty) || count == 0 => false,
        (Kind::Tracepoint | Kind::Uprobe | Kind::Uretprobe | Kind::Profile, 2) | (Kind::RawTracepoint, 1) => true,
        (Kind::Kprobe | Kind::Kretprobe | Kind::Interval, 1 | 2) => true,
        _ => false,
    };
    if !fits {
        return Err(Report::new(format!("'{text}' is no SPEC of this kind")).help(format!("write: {}", kind.form())));
    }
    if matches!(kind, Kind::Profile | Kind::Interval) {
        period(&pattern)?;
    }
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
        _ => return Err(Report::new("this names no system call").help("write: syscall:NAME or syscall:NAME:return")),
    };
    Ok(Pattern { kind: Kind::Tracepoint, parts: vec!["syscalls".into(), format!("sys_{side}_{name}")] })
}

fn no_kind(word: &str, text: &str) -> Report {
    if let Some((_, instead)) = LATER.iter().find(|(later, _)| *later == word) {
        return Report::new(format!("the kind '{word}' is not in this version yet")).help(format!("what would do: {instead}"));
    }
    let names = Kind::ALL.iter().map(|(_, name, _)| *name);
    let report = Report::new(format!("there is no kind of probe called '{word}'"));
    match did_you_mean(word, names.clone().chain(["syscall"])) {
        Some(help) => report.help(help),
        None if !text.contains(':') => report.help(format!("a SPEC is KIND:WHAT, such as kprobe:{word}")),
        None => report.help(format!("there are {} and syscall", names.collect::<Vec<_>>().join(", "))),
    }
}

/// How often a clock runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Times a second.
    Hertz(u64),
    /// ns between two.
    Period(u64),
}

/// What `profile:hz:N`, `profile:ms:N`, `interval:s:N` and `interval:5s` say.
///
/// # Errors
/// A rate that makes no sense, with those that do.
pub fn period(pattern: &Pattern) -> Result<Clock, Report> {
    let refuse = |message: String| Report::new(message).help(format!("write: {}", pattern.kind.form()));
    let (unit, number) = match pattern.parts.as_slice() {
        [time] => {
            let ns = duration(time).map_err(refuse)?;
            return checked(Clock::Period(ns.unsigned_abs()), time);
        }
        [unit, number] => (unit.as_str(), number),
        _ => return Err(refuse(format!("'{}' is no clock", pattern.parts.join(":")))),
    };
    let count: u64 = number.parse().map_err(|_| refuse(format!("'{number}' is no number of {unit}")))?;
    let clock = match unit {
        "hz" => Clock::Hertz(count),
        "s" => Clock::Period(count.saturating_mul(SECOND)),
        "ms" => Clock::Period(count.saturating_mul(1_000_000)),
        "us" => Clock::Period(count.saturating_mul(1_000)),
        _ => return Err(refuse(format!("'{unit}' is no unit of a clock: there are hz s ms us"))),
    };
    checked(clock, &format!("{unit}:{number}"))
}

fn checked(clock: Clock, text: &str) -> Result<Clock, Report> {
    let sensible = match clock {
        Clock::Hertz(hertz) => (1..=FASTEST).contains(&hertz),
        Clock::Period(ns) => (SECOND / FASTEST..=86_400 * SECOND).contains(&ns),
    };
    if sensible {
        return Ok(clock);
    }
    let message = format!("'{text}' is no rate that a clock can run at");
    Err(Report::new(message).help(format!("from hz:1 to hz:{FASTEST}, or a period from 10us to a day")))
}

/// Is it a name, with nothing in it that matches others?
pub fn is_plain(part: &str) -> bool {
    !part.contains(['*', '?', '{'])
}

/// The alternatives that braces make: `a{b,c}` is `ab` and `ac`. Stars stay.
pub fn expand(part: &str) -> Vec<String> {
    let mut done = Vec::new();
    let mut waiting = vec![part.to_string()];
    while let Some(next) = waiting.pop() {
        let Some((open, close)) = innermost(&next) else {
            done.push(next);
            continue;
        };
        if waiting.len() + done.len() > ALTERNATIVES {
            break;
        }
        for choice in next[open + 1..close].split(',').rev() {
            waiting.push(format!("{}{choice}{}", &next[..open], &next[close + 1..]));
        }
    }
    done
}

/// The first pair of braces that has none inside.
fn innermost(text: &str) -> Option<(usize, usize)> {
    let close = text.find('}')?;
    Some((text[..close].rfind('{')?, close))
}

/// Does the pattern match the whole name?
pub fn matches(pattern: &str, name: &str) -> bool {
    if pattern.contains('{') {
        return expand(pattern).iter().any(|pattern| matches(pattern, name));
    }
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    // Where the last star stands, and what it has taken so far.
    let mut star = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                p = at + 1;
                n = taken + 1;
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(spec: &str) -> Pattern {
        parse(spec).unwrap().remove(0)
    }

    #[test]
    fn kinds_have_names_and_aliases() {
        assert_eq!(one("t:sched:sched_switch"), one("tracepoint:sched:sched_switch"));
        assert_eq!(one("syscall:openat:return"), one("tracepoint:syscalls:sys_exit_openat"));
        assert_eq!(parse("kprobe:vfs_{read,write}, kretprobe:vfs_read").unwrap().len(), 2);
    }

    #[test]
    fn braces_and_stars_match_what_shells_match() {
        assert_eq!(expand("a{b,c}{,d}"), ["ab", "abd", "ac", "acd"]);
        assert!(matches("sys_*_open{,at}", "sys_enter_openat"));
        assert!(matches("a*b*c", "a__b_b_c"));
        assert!(!matches("a*b", "ac"));
        assert!(matches("?fs", "vfs"));
    }

    #[test]
    fn mistakes_name_the_nearest_right_thing() {
        let message = |spec: &str| parse(spec).unwrap_err().to_string();
        assert!(message("tracepont:a:b").contains("'tracepoint'"));
        assert!(message("profile:hz:0").contains("hz"));
        assert!(message("profile:hz:99999999").contains("hz"));
        assert!(message("fentry:vfs_read").contains("kprobe"));
        assert!(message("tracepoint:sched").contains("CATEGORY:EVENT"));
        assert!(message("kprobe:{a").contains("'}'"));
        assert!(parse("").is_err() && parse(" , ").is_err());
    }
}
