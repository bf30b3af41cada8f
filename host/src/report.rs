//! A mistake as the user gets to see it: where, what, and the nearest right thing.

use crate::rows::escape::lines;
use std::fmt::{self, Write as _};
use std::sync::Arc;

/// A line of a script.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// As the user named the file; `-e` for a one-liner.
    pub file: Arc<str>,
    /// Counted from 1.
    pub line: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// The text that a message points into, and the bytes of it that are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    pub text: String,
    /// Bytes from the start of `text`; an empty range points between two characters.
    pub span: std::ops::Range<usize>,
}

/// One mistake, one message. Made where the mistake is known; printed once.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Report {
    pub place: Option<Place>,
    /// Lower case, no full stop.
    pub message: String,
    pub excerpt: Option<Excerpt>,
    /// The nearest right thing: `did you mean 'args.filename'?`
    pub help: Option<String>,
}

impl Report {
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..Self::default()
        }
    }

    pub fn at(mut self, place: Place) -> Self {
        self.place.get_or_insert(place);
        self
    }

    pub fn pointing(mut self, text: impl Into<String>, span: std::ops::Range<usize>) -> Self {
        self.excerpt = Some(Excerpt {
            text: text.into(),
            span,
        });
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// `FILE:LINE: what is wrong`, the text, and carets with the help beside them.
///
/// A text of several lines or of more than a screen's width is cut to the line, and the stretch of it, that is meant. What
/// could steer a terminal is escaped: names and texts of other people's files stand in it.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&lines(self.raw().as_bytes()))
    }
}

impl Report {
    fn raw(&self) -> String {
        let mut text = String::new();
        // Writing to a String can't fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, f: &mut String) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        write!(f, "{}", self.message)?;
        let Some(excerpt) = &self.excerpt else {
            return match &self.help {
                Some(help) => write!(f, "\n  {help}"),
                None => Ok(()),
            };
        };
        let (line, start, width) = excerpt.line();
        write!(f, "\n  {line}\n  {:start$}{}", "", "^".repeat(width))?;
        match &self.help {
            Some(help) => write!(f, " {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Report {}

impl Excerpt {
    /// The line that is meant, the column where the carets begin, and how many there are.
    fn line(&self) -> (String, usize, usize) {
        const BEFORE: usize = 40;
        const WIDTH: usize = 76;
        let begin = floor(&self.text, self.span.start);
        let end = floor(&self.text, self.span.end).max(begin);
        let from = self.text[..begin].rfind('\n').map_or(0, |at| at + 1);
        let to = self.text[begin..]
            .find('\n')
            .map_or(self.text.len(), |at| begin + at);
        let line: Vec<char> = self.text[from..to]
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let start = self.text[from..begin].chars().count();
        let width = self.text[begin..end.min(to)].chars().count().max(1);
        if line.len() <= WIDTH {
            return (line.into_iter().collect(), start, width);
        }
        let cut = start.saturating_sub(BEFORE).min(line.len());
        let until = (cut + WIDTH - 2).min(line.len());
        let (left, right) = (
            if cut > 0 { "…" } else { "" },
            if until < line.len() { "…" } else { "" },
        );
        let shown: String = line[cut..until].iter().collect();
        let start = start - cut + left.chars().count();
        (
            format!("{left}{shown}{right}"),
            start,
            width.min(WIDTH.saturating_sub(start)).max(1),
        )
    }
}

/// The character boundary at or before a byte.
fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// An error of the system without Rust's number behind it.
pub fn plainly(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

/// That something could not be written, a file or what stands for one.
pub fn unwritable(what: impl fmt::Display, error: &std::io::Error) -> Report {
    Report::new(format!("{what} can't be written: {}", plainly(error)))
}

/// The names nearest to a wrong one, best first; at most three, and none that is far off.
pub fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let lower = wrong.to_lowercase();
    let mut found: Vec<(f64, &str)> = names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&lower, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    found.dedup_by(|a, b| a.1 == b.1);
    found.truncate(3);
    found.into_iter().map(|(_, name)| name).collect()
}

/// `did you mean 'a', 'b' or 'c'?`, when something is near.
pub fn did_you_mean<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let quoted: Vec<String> = nearest(wrong, names)
        .into_iter()
        .map(|name| format!("'{name}'"))
        .collect();
    match quoted.as_slice() {
        [] => None,
        [one] => Some(format!("did you mean {one}?")),
        [first @ .., last] => Some(format!("did you mean {} or {last}?", first.join(", "))),
    }
}
