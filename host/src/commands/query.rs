//! What `moontrace tools` is asked: words with `and`, `or`, `not` and brackets between them.

use crate::report::Report;

/// A question about a tool.
#[derive(Debug, PartialEq)]
pub(super) enum Query {
    /// Nothing is asked.
    Any,
    Word(String),
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
}

/// Brackets and `not`s within each other.
const DEEPEST: usize = 100;

impl Query {
    /// `net and (safe or not heavy)`; between bare words stands `and`, which binds closer than `or`.
    ///
    /// # Errors
    /// When a bracket or a word is missing.
    pub(super) fn parse(text: &str) -> Result<Self, Report> {
        let mut reader = Reader {
            text,
            words: words(text),
            depth: 0,
        };
        reader.words.reverse();
        if reader.words.is_empty() {
            return Ok(Self::Any);
        }
        let query = reader.either()?;
        match reader.words.last() {
            None => Ok(query),
            Some(_) => Err(reader.wrong("this bracket closes none")),
        }
    }

    /// `says` tells whether a word, in lower case, is said of the tool.
    pub(super) fn holds(&self, says: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Self::Any => true,
            Self::Word(word) => says(word),
            Self::Not(query) => !query.holds(says),
            Self::And(one, other) => one.holds(says) && other.holds(says),
            Self::Or(one, other) => one.holds(says) || other.holds(says),
        }
    }
}

type Word<'t> = (usize, &'t str);

/// Words and brackets, and where they begin.
fn words(text: &str) -> Vec<Word<'_>> {
    let mut found = Vec::new();
    let mut start = None;
    for (at, letter) in text.char_indices().chain([(text.len(), ' ')]) {
        let is_bracket = matches!(letter, '(' | ')');
        if letter.is_whitespace() || is_bracket {
            found.extend(start.take().map(|start| (start, &text[start..at])));
        } else {
            start = start.or(Some(at));
        }
        if is_bracket {
            found.push((at, &text[at..=at]));
        }
    }
    found
}

struct Reader<'t> {
    text: &'t str,
    /// Those that are left, the next one last.
    words: Vec<Word<'t>>,
    depth: usize,
}

impl Reader<'_> {
    fn either(&mut self) -> Result<Query, Report> {
        let mut query = self.both()?;
        while self.take("or") {
            query = Query::Or(Box::new(query), Box::new(self.both()?));
        }
        Ok(query)
    }

    fn both(&mut self) -> Result<Query, Report> {
        let mut query = self.one()?;
        while self.take("and") || self.goes_on() {
            query = Query::And(Box::new(query), Box::new(self.one()?));
        }
        Ok(query)
    }

    fn one(&mut self) -> Result<Query, Report> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.wrong("too many brackets"));
        }
        let query = if self.take("not") {
            Query::Not(Box::new(self.one()?))
        } else if self.take("(") {
            let query = self.either()?;
            if !self.take(")") {
                return Err(self.wrong("a bracket is not closed"));
            }
            query
        } else {
            match self.words.last() {
                Some((_, word)) if !is_operator(word) => {
                    let query = Query::Word(word.to_lowercase());
                    self.words.pop();
                    query
                }
                _ => return Err(self.wrong("a word is missing")),
            }
        };
        self.depth -= 1;
        Ok(query)
    }

    /// Does a word follow where `and` could stand?
    fn goes_on(&self) -> bool {
        let next = self.words.last();
        next.is_some_and(|(_, word)| {
            !is_operator(word) || ["not", "("].iter().any(|of| of.eq_ignore_ascii_case(word))
        })
    }

    fn take(&mut self, word: &str) -> bool {
        let next = self.words.last();
        let is_it = next.is_some_and(|(_, next)| next.eq_ignore_ascii_case(word));
        if is_it {
            self.words.pop();
        }
        is_it
    }

    /// At the next word, or behind the last one.
    fn wrong(&self, message: &str) -> Report {
        let span = match self.words.last() {
            Some((at, word)) => *at..at + word.len(),
            None => self.text.len()..self.text.len(),
        };
        Report::new(message)
            .pointing(self.text, span)
            .help("as in: net and (safe or not heavy)")
    }
}

fn is_operator(word: &str) -> bool {
    let operators = ["and", "or", "not", "(", ")"];
    operators.iter().any(|of| of.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(query: &str, said: &[&str]) -> bool {
        Query::parse(query)
            .unwrap()
            .holds(&|word| said.contains(&word))
    }

    #[test]
    fn words_are_joined_as_they_are_written() {
        for (query, said, is) in [
            ("", &[] as &[&str], true),
            ("net", &["net"], true),
            ("NET", &["net"], true),
            ("net safe", &["net"], false),
            ("net and safe", &["net", "safe"], true),
            ("net or disk", &["disk"], true),
            ("net and safe or disk", &["disk"], true),
            ("net and (safe or disk)", &["disk"], false),
            ("net and(safe or disk)", &["net", "disk"], true),
            ("not heavy", &["heavy"], false),
            ("net not heavy", &["net"], true),
            ("not not heavy", &["heavy"], true),
            ("not (net or heavy)", &["disk"], true),
        ] {
            assert_eq!(holds(query, said), is, "{query}");
        }
    }

    #[test]
    fn what_is_missing_is_said_where_it_is() {
        let wrong = |query: &str| Query::parse(query).unwrap_err().to_string();
        assert!(wrong("net and").starts_with("a word is missing\n  net and\n         ^ as in"));
        assert!(wrong("(net").starts_with("a bracket is not closed"));
        assert!(wrong("net)").starts_with("this bracket closes none\n  net)\n     ^"));
        assert!(wrong("or").starts_with("a word is missing\n  or\n  ^^"));
        assert!(wrong(&"(".repeat(100_000)).contains("too many"));
    }
}
