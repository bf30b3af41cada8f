//! Text → tokens.

use super::strings;
use crate::report::Report;
use crate::spec::duration;
use std::ops::Range;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A number, with the unit behind it multiplied in.
    Number {
        value: i128,
        hex: bool,
    },
    Str(Vec<u8>),
    /// A name, keywords included.
    Name(String),
    /// `$name`, `$1`
    Given(String),
    /// Operators and brackets, as they stand.
    Symbol(&'static str),
    End,
}

pub(super) type Spanned = (Token, Range<usize>);

/// Longest first: the first that matches is taken. Those of other languages are here for the sake of messages.
const SYMBOLS: [&str; 39] = [
    "<<", ">>", "<=", ">=", "==", "~=", "!=", "//", "->", "..", "&&", "||", "::", "+", "-", "*",
    "/", "%", "&", "|", "~", "<", ">", "=", "!", "(", ")", "{", "}", "[", "]", ",", ".", ":", ";",
    "#", "^", "?", "@",
];

/// All tokens of a text, the end among them.
///
/// # Errors
/// A report that points into the text.
pub(super) fn lex(text: &str) -> Result<Vec<Spanned>, Report> {
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        at = skip(text, at);
        let Some(first) = text[at..].chars().next() else {
            tokens.push((Token::End, text.len()..text.len()));
            return Ok(tokens);
        };
        let (token, end) = if first.is_ascii_digit() {
            number(text, at)?
        } else if first == '"' || first == '\'' {
            let (bytes, end) = strings::quoted(text, at)?;
            (Token::Str(bytes), end)
        } else if first == '$' {
            let end = word_end(text, at + 1);
            if end == at + 1 {
                let report = refuse(text, at..end, "a name must stand behind '$'");
                return Err(
                    report.help("$name is a value that :with{ name = … } or an option gives")
                );
            }
            (Token::Given(text[at + 1..end].into()), end)
        } else if first.is_ascii_alphabetic() || first == '_' {
            let end = word_end(text, at);
            (Token::Name(text[at..end].into()), end)
        } else if let Some(symbol) = SYMBOLS
            .iter()
            .find(|symbol| text[at..].starts_with(**symbol))
        {
            (Token::Symbol(symbol), at + symbol.len())
        } else {
            let message = format!("'{}' means nothing here", first.escape_debug());
            return Err(refuse(text, at..at + first.len_utf8(), message));
        };
        tokens.push((token, at..end));
        at = end;
    }
}

pub(super) fn refuse(text: &str, span: Range<usize>, message: impl Into<String>) -> Report {
    Report::new(message).pointing(text, span)
}

/// Behind space and Lua's comments, `--` to the end of the line.
fn skip(text: &str, mut at: usize) -> usize {
    loop {
        at = text.len() - text[at..].trim_start().len();
        if !text[at..].starts_with("--") {
            return at;
        }
        at = text[at..].find('\n').map_or(text.len(), |end| at + end);
    }
}

fn word_end(text: &str, from: usize) -> usize {
    let rest = text.as_bytes()[from..].iter();
    from + rest
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
        .count()
}

/// A number of 64 bits, decimal or (`0x`) hexadecimal; a decimal one may have a unit.
fn number(text: &str, at: usize) -> Result<(Token, usize), Report> {
    let end = word_end(text, at);
    let word = &text[at..end];
    let after = &text.as_bytes()[end..];
    if after.first() == Some(&b'.') && after.get(1).is_some_and(u8::is_ascii_digit) {
        let end = word_end(text, end + 1);
        let report = refuse(text, at..end, "the kernel has no fractions");
        return Err(report.help("take a smaller unit: 1500us instead of 1.5ms"));
    }
    let (digits, radix) = match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None => (word, 10),
    };
    let split = digits
        .find(|c: char| !c.is_digit(radix))
        .unwrap_or(digits.len());
    let (digits, unit) = digits.split_at(split);
    if digits.is_empty() {
        return Err(refuse(text, at..end, "no digits stand behind '0x'"));
    }
    let unit_span = end - unit.len()..end;
    let factor = match unit {
        "" => 1,
        "e" | "E" => {
            let report = refuse(text, at..end, "the kernel has no fractions");
            return Err(report.help("write all digits of the number"));
        }
        _ => duration::unit(unit)
            .filter(|_| radix == 10)
            .ok_or_else(|| {
                let report = refuse(text, unit_span, format!("there is no unit '{unit}'"));
                report.help(format!("units are {}", duration::units().join(" ")))
            })?,
    };
    u64::from_str_radix(digits, radix)
        .ok()
        .map(|value| i128::from(value) * factor)
        .filter(|value| *value <= i128::from(u64::MAX))
        .map(|value| {
            (
                Token::Number {
                    value,
                    hex: radix == 16,
                },
                end,
            )
        })
        .ok_or_else(|| refuse(text, at..end, "the number does not fit 64 bits"))
}
