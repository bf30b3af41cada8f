//! Lua's patterns over bytes, as lstrlib.c of Lua 5.4 matches them: the same captures, the same errors, found at the same
//! time. Work is counted, so that no pattern runs for longer than its caller wants.

use super::class::Class;
use std::ops::Range;

/// LUA_MAXCAPTURES of Lua.
const MAX_CAPTURES: usize = 32;

/// MAXCCALLS of lstrlib.c: how deep a match may call itself.
const MAX_DEPTH: u32 = 200;

/// Steps between two looks at what may stop a match: some 20 µs.
const STRIDE: usize = 4096;

const ESCAPE: u8 = b'%';

/// Why there is no telling whether a pattern matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    Interrupted,
    TooComplex,
    TooManyCaptures,
    EndsInEscape,
    OpenSet,
    BalanceLacksArguments,
    FrontierLacksSet,
    ClosesNothing,
    UnfinishedCapture,
    /// As the pattern or the replacement calls it: from 0 on.
    NoCapture(u8),
    ReplacementEscape,
}

/// Counts steps, and asks now and then whether to go on.
pub(crate) struct Work<'w> {
    left: usize,
    is_stopped: &'w dyn Fn() -> bool,
}

impl<'w> Work<'w> {
    pub(crate) fn new(is_stopped: &'w dyn Fn() -> bool) -> Self {
        Self {
            left: STRIDE,
            is_stopped,
        }
    }

    /// A step is about what one byte of a subject costs.
    #[inline]
    pub(crate) fn spend(&mut self, steps: usize) -> Result<(), Problem> {
        if let Some(left) = self.left.checked_sub(steps) {
            self.left = left;
            return Ok(());
        }
        self.look()
    }

    #[cold]
    fn look(&mut self) -> Result<(), Problem> {
        self.left = STRIDE;
        match (self.is_stopped)() {
            true => Err(Problem::Interrupted),
            false => Ok(()),
        }
    }
}

/// What a capture has: bytes of the subject, or (`()` in the pattern) where it was, from 1 on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Captured<'s> {
    Text(&'s [u8]),
    Position(usize),
}

#[derive(Clone, Copy)]
struct Capture {
    from: usize,
    /// In bytes, or one of the two below.
    length: usize,
}

/// Its `)` has not been passed.
const UNFINISHED: usize = usize::MAX;
const POSITION: usize = usize::MAX - 1;

/// Where a match ends; `None` where there is none.
type Matched = Result<Option<usize>, Problem>;

pub(crate) struct Matcher<'s, 'w> {
    subject: &'s [u8],
    /// Without the anchor.
    pattern: &'s [u8],
    is_anchored: bool,
    /// The byte that every match begins with, when that is seen at once.
    first: Option<u8>,
    captures: [Capture; MAX_CAPTURES],
    /// How many captures there are, unfinished ones included.
    level: usize,
    depth: u32,
    /// The set that was looked at last, from its `[` to behind its `]`: most patterns have one.
    set: Range<usize>,
    pub(crate) work: Work<'w>,
}

impl<'s, 'w> Matcher<'s, 'w> {
    /// A `^` at the beginning is an anchor.
    pub(crate) fn anchoring(subject: &'s [u8], pattern: &'s [u8], work: Work<'w>) -> Self {
        match pattern.strip_prefix(b"^") {
            Some(pattern) => Self {
                is_anchored: true,
                ..Self::new(subject, pattern, work)
            },
            None => Self::new(subject, pattern, work),
        }
    }

    /// A `^` is a byte like others.
    pub(crate) fn new(subject: &'s [u8], pattern: &'s [u8], work: Work<'w>) -> Self {
        Self {
            subject,
            pattern,
            is_anchored: false,
            first: first_byte(pattern),
            captures: [Capture { from: 0, length: 0 }; MAX_CAPTURES],
            level: 0,
            depth: 0,
            set: 0..0,
            work,
        }
    }

    pub(crate) fn is_anchored(&self) -> bool {
        self.is_anchored
    }

    /// The next match that begins at `from` or, without an anchor, behind it. One that ends at `last` is none: that is the
    /// match before, and this one empty.
    pub(crate) fn next(
        &mut self,
        from: usize,
        last: Option<usize>,
    ) -> Result<Option<Range<usize>>, Problem> {
        let mut at = from;
        while let Some(rest) = self.subject.get(at..) {
            if let Some(first) = self.first
                && !self.is_anchored
            {
                match memchr::memchr(first, rest) {
                    Some(skipped) => at += skipped,
                    None => return Ok(None),
                }
            }
            self.level = 0;
            self.depth = MAX_DEPTH;
            if let Some(end) = self.run(at, 0)?
                && last != Some(end)
            {
                return Ok(Some(at..end));
            }
            if self.is_anchored {
                break;
            }
            at += 1;
        }
        Ok(None)
    }

    /// How many captures the last match has.
    pub(crate) fn count(&self) -> usize {
        self.level
    }

    /// A capture of the last match, from 0 on: without any, the first is the whole match.
    pub(crate) fn capture(
        &self,
        index: usize,
        whole: &Range<usize>,
    ) -> Result<Captured<'s>, Problem> {
        let Some(capture) = self
            .captures
            .get(..self.level)
            .and_then(|all| all.get(index))
        else {
            return match index {
                0 => Ok(Captured::Text(self.text(whole))),
                _ => Err(Problem::NoCapture(index as u8 + 1)),
            };
        };
        match capture.length {
            UNFINISHED => Err(Problem::UnfinishedCapture),
            POSITION => Ok(Captured::Position(capture.from + 1)),
            length => Ok(Captured::Text(
                self.text(&(capture.from..capture.from + length)),
            )),
        }
    }

    pub(crate) fn text(&self, range: &Range<usize>) -> &'s [u8] {
        self.subject.get(range.clone()).unwrap_or_default()
    }

    /// The pattern's byte at an index; as in C, a 0 stands behind its end.
    #[inline]
    fn at(&self, index: usize) -> u8 {
        self.pattern.get(index).copied().unwrap_or(0)
    }

    /// Matches what is left of the pattern from `p` on with the subject from `s` on.
    fn run(&mut self, mut s: usize, mut p: usize) -> Matched {
        self.depth = self.depth.checked_sub(1).ok_or(Problem::TooComplex)?;
        let matched = loop {
            self.work.spend(1)?;
            let Some(&item) = self.pattern.get(p) else {
                break Some(s);
            };
            match item {
                b'(' if self.at(p + 1) == b')' => break self.open(s, p + 2, POSITION)?,
                b'(' => break self.open(s, p + 1, UNFINISHED)?,
                b')' => break self.close(s, p + 1)?,
                b'$' if p + 1 == self.pattern.len() => {
                    break (s == self.subject.len()).then_some(s);
                }
                ESCAPE => match self.at(p + 1) {
                    b'b' => {
                        let Some(end) = self.balance(s, p + 2)? else {
                            break None;
                        };
                        (s, p) = (end, p + 4);
                        continue;
                    }
                    b'f' => {
                        let end = self.frontier_end(p + 2)?;
                        if !self.is_frontier(s, p + 2..end) {
                            break None;
                        }
                        p = end;
                        continue;
                    }
                    digit @ b'0'..=b'9' => {
                        let Some(end) = self.repeat_capture(s, digit)? else {
                            break None;
                        };
                        (s, p) = (end, p + 2);
                        continue;
                    }
                    _ => {}
                },
                _ => {}
            }
            let end = self.item_end(p)?;
            let suffix = self.at(end);
            if !self.is_one(s, p..end) {
                if matches!(suffix, b'*' | b'?' | b'-') {
                    p = end + 1;
                    continue;
                }
                break None;
            }
            match suffix {
                b'?' => {
                    let taken = self.run(s + 1, end + 1)?;
                    if taken.is_some() {
                        break taken;
                    }
                    p = end + 1;
                }
                b'+' | b'*' => break self.most(s, p..end, usize::from(suffix == b'+'))?,
                b'-' => break self.least(s, p..end)?,
                _ => (s, p) = (s + 1, end),
            }
        };
        self.depth += 1;
        Ok(matched)
    }

    /// The end of the item at `p`, where its suffix would be.
    #[inline]
    fn item_end(&mut self, p: usize) -> Result<usize, Problem> {
        match self.at(p) {
            ESCAPE if p + 1 == self.pattern.len() => Err(Problem::EndsInEscape),
            ESCAPE => Ok(p + 2),
            b'[' => self.set_end(p),
            _ => Ok(p + 1),
        }
    }

    #[inline]
    fn set_end(&mut self, p: usize) -> Result<usize, Problem> {
        if self.set.start != p || self.set.is_empty() {
            self.set = p..self.find_set_end(p)?;
        }
        Ok(self.set.end)
    }

    fn find_set_end(&mut self, p: usize) -> Result<usize, Problem> {
        let mut at = p + 1;
        if self.at(at) == b'^' {
            at += 1;
        }
        // A `]` that comes first is a member.
        loop {
            let member = *self.pattern.get(at).ok_or(Problem::OpenSet)?;
            at += 1;
            if member == ESCAPE && at < self.pattern.len() {
                at += 1;
            }
            if self.at(at) == b']' {
                self.work.spend((at - p) / 8)?;
                return Ok(at + 1);
            }
        }
    }

    /// Does the subject's byte at `s` match the item?
    #[inline]
    fn is_one(&self, s: usize, item: Range<usize>) -> bool {
        let Some(&byte) = self.subject.get(s) else {
            return false;
        };
        match self.at(item.start) {
            b'.' => true,
            ESCAPE => Class::named(self.at(item.start + 1)).has(byte),
            b'[' => self.is_in_set(byte, item),
            other => other == byte,
        }
    }

    /// `set` from its `[` to its `]`.
    fn is_in_set(&self, byte: u8, set: Range<usize>) -> bool {
        let members = self.pattern.get(set.start + 1..set.end - 1);
        let members = members.unwrap_or_default();
        let (members, found) = match members.strip_prefix(b"^") {
            Some(others) => (others, false),
            None => (members, true),
        };
        let mut at = 0;
        while let Some(&member) = members.get(at) {
            let is_member;
            (is_member, at) = match (member, members.get(at + 1), members.get(at + 2)) {
                // A `%` that stands last has the closing bracket behind it.
                (ESCAPE, class, _) => (Class::named(*class.unwrap_or(&b']')).has(byte), at + 2),
                (from, Some(b'-'), Some(to)) => ((from..=*to).contains(&byte), at + 3),
                _ => (member == byte, at + 1),
            };
            if is_member {
                return found;
            }
        }
        !found
    }

    fn frontier_end(&mut self, set: usize) -> Result<usize, Problem> {
        match self.at(set) {
            b'[' => self.set_end(set),
            _ => Err(Problem::FrontierLacksSet),
        }
    }

    /// Is there a byte outside of the set before `s`, and one of it at `s`? Around the subject there are zeros.
    fn is_frontier(&self, s: usize, set: Range<usize>) -> bool {
        let around = |index: Option<usize>| {
            let byte = index.and_then(|index| self.subject.get(index));
            byte.copied().unwrap_or(0)
        };
        !self.is_in_set(around(s.checked_sub(1)), set.clone())
            && self.is_in_set(around(Some(s)), set)
    }

    /// `%bxy`, whose two bytes stand at `p`.
    fn balance(&mut self, s: usize, p: usize) -> Matched {
        let Some(&[open, close]) = self.pattern.get(p..p + 2) else {
            return Err(Problem::BalanceLacksArguments);
        };
        if self.subject.get(s) != Some(&open) {
            return Ok(None);
        }
        let mut depth = 1;
        let rest = self.subject.get(s + 1..).unwrap_or_default();
        for (index, &byte) in rest.iter().enumerate() {
            if byte == close {
                depth -= 1;
                if depth == 0 {
                    self.work.spend(index)?;
                    return Ok(Some(s + 1 + index + 1));
                }
            } else if byte == open {
                depth += 1;
            }
        }
        self.work.spend(rest.len())?;
        Ok(None)
    }

    /// As many of the item as there are, but `at_least`, and fewer as long as the rest does not match.
    fn most(&mut self, s: usize, item: Range<usize>, at_least: usize) -> Matched {
        let mut count = self.count_of(s, item.clone())?;
        loop {
            let matched = self.run(s + count, item.end + 1)?;
            if matched.is_some() || count == at_least {
                return Ok(matched);
            }
            count -= 1;
        }
    }

    /// How many bytes from `s` on, of which the first is known to match.
    #[inline]
    fn count_of(&mut self, s: usize, item: Range<usize>) -> Result<usize, Problem> {
        let rest = self.subject.get(s..).unwrap_or_default();
        let count = match self.at(item.start) {
            b'.' => return Ok(rest.len()),
            b'[' => return self.count_of_set(rest, item),
            ESCAPE => {
                let class = Class::named(self.at(item.start + 1));
                rest.iter().position(|&byte| !class.has(byte))
            }
            member => rest.iter().position(|&byte| byte != member),
        };
        let count = count.unwrap_or(rest.len());
        self.work.spend(count)?;
        Ok(count)
    }

    fn count_of_set(&mut self, bytes: &[u8], set: Range<usize>) -> Result<usize, Problem> {
        for (index, &byte) in bytes.iter().enumerate() {
            if !self.is_in_set(byte, set.clone()) {
                return Ok(index);
            }
            self.work.spend(set.len())?;
        }
        Ok(bytes.len())
    }

    /// As few of the item as let the rest match.
    fn least(&mut self, mut s: usize, item: Range<usize>) -> Matched {
        loop {
            let matched = self.run(s, item.end + 1)?;
            if matched.is_some() || !self.is_one(s, item.clone()) {
                return Ok(matched);
            }
            self.work.spend(item.len() / 8)?;
            s += 1;
        }
    }

    fn open(&mut self, s: usize, p: usize, length: usize) -> Matched {
        let capture = self.captures.get_mut(self.level);
        *capture.ok_or(Problem::TooManyCaptures)? = Capture { from: s, length };
        self.level += 1;
        let matched = self.run(s, p)?;
        if matched.is_none() {
            self.level -= 1;
        }
        Ok(matched)
    }

    fn close(&mut self, s: usize, p: usize) -> Matched {
        let mut open = self.captures.get(..self.level).unwrap_or_default().iter();
        let index = open.rposition(|capture| capture.length == UNFINISHED);
        let index = index.ok_or(Problem::ClosesNothing)?;
        self.captures[index].length = s - self.captures[index].from;
        let matched = self.run(s, p)?;
        if matched.is_none() {
            self.captures[index].length = UNFINISHED;
        }
        Ok(matched)
    }

    /// `%1` to `%9` in a pattern: what was captured, once more.
    fn repeat_capture(&mut self, s: usize, digit: u8) -> Matched {
        let missing = Problem::NoCapture(digit - b'0');
        let index = usize::from(digit).checked_sub(usize::from(b'1'));
        let captures = self.captures.get(..self.level).unwrap_or_default();
        let capture = *index.and_then(|index| captures.get(index)).ok_or(missing)?;
        match capture.length {
            UNFINISHED => return Err(missing),
            POSITION => return Ok(None),
            _ => {}
        }
        self.work.spend(capture.length / 8)?;
        let text = self.text(&(capture.from..capture.from + capture.length));
        let rest = self.subject.get(s..).unwrap_or_default();
        Ok(rest.starts_with(text).then_some(s + capture.length))
    }
}

/// Has the pattern nothing but bytes that stand for themselves?
pub(crate) fn is_plain(pattern: &[u8]) -> bool {
    let is_special = |byte| {
        matches!(
            byte,
            b'^' | b'$' | b'*' | b'+' | b'?' | b'.' | b'(' | b'[' | b'%' | b'-'
        )
    };
    !pattern.iter().copied().any(is_special)
}

fn first_byte(pattern: &[u8]) -> Option<u8> {
    let byte = *pattern.first()?;
    let may_be_none = matches!(pattern.get(1), Some(b'*' | b'?' | b'-'));
    (!b"().[%$".contains(&byte) && !may_be_none).then_some(byte)
}

/// Passes the pieces of a replacement text on, in order: its own, and captures.
pub(crate) fn replace<'s>(
    matcher: &mut Matcher<'s, '_>,
    whole: &Range<usize>,
    replacement: &'s [u8],
    mut add: impl FnMut(Captured<'s>),
) -> Result<(), Problem> {
    let mut left = replacement;
    while let Some(at) = memchr::memchr(ESCAPE, left) {
        matcher.work.spend(1)?;
        let (text, escape) = left.split_at(at);
        add(Captured::Text(text));
        match escape.get(1) {
            Some(b'%') => add(Captured::Text(b"%")),
            Some(b'0') => add(Captured::Text(matcher.text(whole))),
            Some(digit @ b'1'..=b'9') => {
                add(matcher.capture(usize::from(digit - b'1'), whole)?);
            }
            _ => return Err(Problem::ReplacementEscape),
        }
        left = escape.get(2..).unwrap_or_default();
    }
    add(Captured::Text(left));
    Ok(())
}
