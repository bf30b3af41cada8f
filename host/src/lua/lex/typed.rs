//! A text that is still being typed: its tokens as far as they go, and what it ends in.

use super::{Lexer, Token};
use std::ops::Range;

/// The tokens of a text that need not be whole.
#[derive(Debug, PartialEq)]
pub struct Typed<'a> {
    /// Each with where it stands, in bytes. What is no token is left out.
    pub tokens: Vec<(Token<'a>, Range<usize>)>,
    pub end: End,
}

/// What a text ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// A token, or what stands between tokens.
    Code,
    /// A string without an end, whose own text begins at this byte.
    String(usize),
    Comment,
}

impl<'a> Typed<'a> {
    pub fn read(text: &'a str) -> Self {
        let mut lexer = Lexer {
            text,
            at: 0,
            line: 1,
        };
        let mut tokens = Vec::new();
        loop {
            let blank = lexer.at;
            let whole = lexer.skip_blanks().is_ok();
            let start = lexer.at;
            if !whole || start == text.len() {
                let in_comment = !whole || ends_in_comment(&text[blank..]);
                let end = if in_comment { End::Comment } else { End::Code };
                return Self { tokens, end };
            }
            if let Ok((token, _)) = lexer.next() {
                tokens.push((token, start..lexer.at));
                continue;
            }
            lexer.at = start;
            match damaged(&mut lexer) {
                Damaged::Open(body) => {
                    return Self {
                        tokens,
                        end: End::String(body),
                    };
                }
                Damaged::String(body) => {
                    tokens.push((Token::String(text[body].into()), start..lexer.at));
                }
                Damaged::Other => {}
            }
        }
    }
}

/// What stands where no token does.
enum Damaged {
    /// A string without an end, and where its text begins.
    Open(usize),
    /// One with an escape that Lua does not know, or that breaks off at the line's end.
    String(Range<usize>),
    Other,
}

/// Steps over what is no token.
fn damaged(lexer: &mut Lexer<'_>) -> Damaged {
    let start = lexer.at;
    if let Some(quote @ (b'"' | b'\'')) = lexer.peek() {
        lexer.at += 1;
        loop {
            match lexer.peek() {
                None => return Damaged::Open(start + 1),
                Some(b'\n') => return Damaged::String(start + 1..lexer.at),
                Some(byte) if byte == quote => {
                    lexer.at += 1;
                    return Damaged::String(start + 1..lexer.at - 1);
                }
                // What is escaped is one byte or more, none of which is a quote.
                Some(b'\\') => lexer.at = (lexer.at + 2).min(lexer.text.len()),
                Some(_) => lexer.at += 1,
            }
        }
    }
    if lexer.long_open().is_some() {
        return Damaged::Open(lexer.at);
    }
    let first = lexer.text[start..].chars().next();
    lexer.at += first.map_or(1, char::len_utf8);
    if first.is_some_and(|first| first.is_ascii_digit()) {
        lexer.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    }
    Damaged::Other
}

/// Does a stretch of blanks and comments end within a comment of its last line?
fn ends_in_comment(blank: &str) -> bool {
    let line = blank.rsplit(['\n', '\r']).next().unwrap_or_default();
    line.contains("--") && !line.ends_with("]]") && !line.ends_with("=]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> (Vec<String>, End) {
        let typed = Typed::read(text);
        let shown = typed
            .tokens
            .iter()
            .map(|(_, span)| text[span.clone()].into());
        (shown.collect(), typed.end)
    }

    #[test]
    fn what_is_not_whole_has_the_tokens_before_it() {
        let (tokens, end) = names("probe \"tracepoint:sched:*\" :where \"pid == 1");
        assert_eq!(tokens, ["probe", "\"tracepoint:sched:*\"", ":", "where"]);
        assert_eq!(end, End::String(35));
        assert_eq!(names("x = [=[a\nb").1, End::String(7));
        assert_eq!(names("x = 'it\\'s").1, End::String(5));
        assert_eq!(names("x = '\\").1, End::String(5));
        assert_eq!(names("x:"), (vec!["x".into(), ":".into()], End::Code));
        assert_eq!(names(""), (vec![], End::Code));
    }

    #[test]
    fn comments_are_no_code() {
        for text in ["x -- a", "x --[[ a\nb", "--"] {
            assert_eq!(names(text).1, End::Comment, "{text}");
        }
        for text in ["x -- a\n", "x --[[ a ]]", "x - - y"] {
            assert_eq!(names(text).1, End::Code, "{text}");
        }
    }

    #[test]
    fn what_is_no_token_is_stepped_over() {
        assert_eq!(names("a § 3x \"\\q\" b").0, ["a", "\"\\q\"", "b"]);
        assert_eq!(names("a 'b\nc").0, ["a", "'b", "c"]);
        for text in ["é\"", "'é\\é", "[=", "\\", "\u{0}"] {
            names(text);
        }
    }
}
