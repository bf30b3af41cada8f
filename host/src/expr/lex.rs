//! Text → tokens.

use crate::report::Report;
use std::ops::Range;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A number, with the unit behind it multiplied in.
    Number(i128),
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

/// Longest first: the first that matches is taken.
const SYMBOLS: [&str; 39] = [
    "<<", ">>", "<=", ">=", "==", "~=", "!=", "//", "->", "..", "&&", "||", "::", "+", "-", "*", "/", "%", "&", "|", "~",
    "<", ">", "=", "!", "(", ")", "{", "}", "[", "]", ",", ".", ":", ";", "#", "^", "?", "@",
];

/// Units of time in ns and of size in bytes.
const UNITS: [(&str, i128); 14] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// All tokens of a text, the end among them.
pub(super) fn lex(text: &str) -> Result<Vec<Spanned>, Report> {
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        at += text[at..].len() - text[at..].trim_start().len();
        let Some(first) = text[at..].chars().next() else {
            tokens.push((Token::End, text.len()..text.len()));
            return Ok(tokens);
        };
        let (token, end) = if first.is_ascii_digit() {
            number(text, at)?
        } else if first == '"' || first == '\'' {
            string(text, at)?
        } else if first == '$' {
            let end = word_end(text, at + 1);
            if end == at + 1 {
                return Err(refuse(text, at..end, "a name must stand behind '$'"));
            }
            (Token::Given(text[at + 1..end].into()), end)
        } else if first.is_ascii_alphabetic() || first == '_' {
            let end = word_end(text, at);
            (Token::Name(text[at..end].into()), end)
        } else if let Some(symbol) = SYMBOLS.iter().find(|symbol| text[at..].starts_with(**symbol)) {
            (Token::Symbol(symbol), at + symbol.len())
        } else {
            let end = at + first.len_utf8();
            return Err(refuse(text, at..end, format!("'{}' means nothing here", first.escape_debug())));
        };
        tokens.push((token, at..end));
        at = end;
    }
}

fn refuse(text: &str, span: Range<usize>, message: impl Into<String>) -> Report {
    Report::new(message).pointing(text, span)
}

fn word_end(text: &str, from: usize) -> usize {
    let rest = &text.as_bytes()[from..];
    from + rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count()
}

fn number(text: &str, at: usize) -> Result<(Token, usize), Report> {
    let end = word_end(text, at);
    let word = &text[at..end];
    let after = text[end..].as_bytes();
    if after.first() == Some(&b'.') && after.get(1).is_some_and(u8::is_ascii_digit) {
        let end = word_end(text, end + 1);
        let message = "the kernel has no fractions";
        return Err(refuse(text, at..end, message).help("take a smaller unit: 1500us instead of 1.5ms"));
    }
    let (digits, radix) = match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None => (word, 10),
    };
    let split = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    let (digits, unit) = digits.split_at(split);
    let value = u64::from_str_radix(digits, radix).map_err(|_| {
        let message = if digits.is_empty() { "no digits stand behind '0x'" } else { "the number does not fit 64 bits" };
        refuse(text, at..end, message)
    })?;
    let factor = match UNITS.iter().find(|(name, _)| *name == unit) {
        _ if unit.is_empty() => 1,
        Some((_, factor)) if radix == 10 => *factor,
        _ => {
            let units: Vec<&str> = UNITS.iter().map(|(name, _)| *name).collect();
            let report = refuse(text, at + word.len() - unit.len()..end, format!("there is no unit '{unit}'"));
            return Err(report.help(format!("units are {}", units.join(" "))));
        }
    };
    let value = i128::from(value) * factor;
    if value > i128::from(u64::MAX) {
        return Err(refuse(text, at..end, "the number does not fit 64 bits"));
    }
    Ok((Token::Number(value), end))
}

/// A string with Lua's escapes.
fn string(text: &str, at: usize) -> Result<(Token, usize), Report> {
    let bytes = text.as_bytes();
    let quote = bytes[at];
    let unfinished = || refuse(text, at..text.len(), format!("the string has no closing {}", quote as char));
    let (mut out, mut here) = (Vec::new(), at + 1);
    loop {
        let byte = *bytes.get(here).ok_or_else(unfinished)?;
        here += 1;
        if byte == quote {
            return Ok((Token::Str(out), here));
        }
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let escape = *bytes.get(here).ok_or_else(unfinished)?;
        here += 1;
        out.push(match escape {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'v' => 11,
            b'\\' | b'"' | b'\'' => escape,
            b'x' => {
                let digits = text.get(here..here + 2).unwrap_or("");
                here += 2;
                u8::from_str_radix(digits, 16)
                    .map_err(|_| refuse(text, here - 4..here.min(text.len()), "\\x wants two hexadecimal digits"))?
            }
            b'0'..=b'9' => {
                let count = bytes[here - 1..].iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
                let digits = &text[here - 1..here - 1 + count];
                here += count - 1;
                digits.parse().map_err(|_| refuse(text, here - count - 1..here, "a byte is at most \\255"))?
            }
            _ => {
                let end = here - 1 + text[here - 1..].chars().next().map_or(1, char::len_utf8);
                return Err(refuse(text, here - 2..end, "there is no such escape in a string"));
            }
        });
    }
}
