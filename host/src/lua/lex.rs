//! Lua 5.4 text → tokens.

mod typed;

pub use typed::{End, Typed};

use super::infer::Unreadable;

/// A token. Keywords and symbols are `Fixed`, so that the parser names them as Lua does.
#[derive(Clone, Debug, PartialEq)]
pub enum Token<'a> {
    Name(&'a str),
    /// Its bytes, escapes resolved.
    String(Vec<u8>),
    Number,
    Fixed(&'static str),
    End,
}

/// Words that are no names.
pub const KEYWORDS: [&str; 22] = [
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in",
    "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while",
];

/// Longer ones first: the first that fits is the token.
const SYMBOLS: [&str; 33] = [
    "...", "<<", ">>", "//", "==", "~=", "<=", ">=", "::", "..", "+", "-", "*", "/", "%", "^", "#",
    "&", "~", "|", "<", ">", "=", "(", ")", "{", "}", "[", "]", ";", ":", ",", ".",
];

#[derive(Clone)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// The line that the byte at `at` stands on, counted from 1.
    line: u32,
}

impl<'a> Lexer<'a> {
    /// A first line that starts with `#` is skipped, as Lua skips it in files.
    pub(super) fn new(text: &'a str) -> Self {
        let mut lexer = Self {
            text,
            at: 0,
            line: 1,
        };
        if lexer.peek() == Some(b'#') {
            lexer.skip_line();
        }
        lexer
    }

    /// The next token, and the line that it ends on.
    pub(super) fn next(&mut self) -> Result<(Token<'a>, u32), Unreadable> {
        self.skip_blanks()?;
        let token = match self.peek() {
            None => Token::End,
            Some(b'"' | b'\'') => Token::String(self.quoted()?),
            Some(b'[') if matches!(self.peek_at(1), Some(b'[' | b'=')) => match self.long_open() {
                Some(level) => Token::String(self.long_body(level, "string")?),
                None => return Err(self.error("a long string opens with [[ or [=[")),
            },
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' => self.word(),
            Some(byte) if byte.is_ascii_digit() => self.number()?,
            Some(b'.') if self.peek_at(1).is_some_and(|b| b.is_ascii_digit()) => self.number()?,
            Some(_) => self.symbol()?,
        };
        Ok((token, self.line))
    }

    fn error(&self, message: impl Into<String>) -> Unreadable {
        Unreadable::Syntax {
            line: self.line,
            message: message.into(),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn accept(&mut self, any: &[u8]) -> bool {
        let fits = self.peek().is_some_and(|byte| any.contains(&byte));
        self.at += usize::from(fits);
        fits
    }

    fn skip_while(&mut self, fits: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&fits) {
            self.at += 1;
        }
    }

    fn skip_line(&mut self) {
        self.skip_while(|byte| byte != b'\n' && byte != b'\r');
    }

    /// Steps over a line's end: `\n`, `\r`, `\r\n` and `\n\r` are one each.
    fn newline(&mut self) {
        let first = self.peek();
        self.at += 1;
        if matches!(self.peek(), Some(b'\n' | b'\r')) && self.peek() != first {
            self.at += 1;
        }
        self.line = self.line.saturating_add(1);
    }

    fn skip_blanks(&mut self) -> Result<(), Unreadable> {
        loop {
            match self.peek() {
                Some(b'\n' | b'\r') => self.newline(),
                Some(b' ' | b'\t' | 0x0b | 0x0c) => self.at += 1,
                Some(b'-') if self.peek_at(1) == Some(b'-') => {
                    self.at += 2;
                    match self.long_open() {
                        Some(level) => drop(self.long_body(level, "comment")?),
                        None => self.skip_line(),
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    fn word(&mut self) -> Token<'a> {
        let start = self.at;
        self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let word = &self.text[start..self.at];
        match KEYWORDS.into_iter().find(|keyword| *keyword == word) {
            Some(keyword) => Token::Fixed(keyword),
            None => Token::Name(word),
        }
    }

    fn symbol(&mut self) -> Result<Token<'a>, Unreadable> {
        let rest = &self.text[self.at..];
        match SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol)) {
            Some(symbol) => {
                self.at += symbol.len();
                Ok(Token::Fixed(symbol))
            }
            None => {
                let unknown = rest.chars().next().unwrap_or_default();
                Err(self.error(format!("unexpected symbol '{}'", unknown.escape_default())))
            }
        }
    }

    /// Takes whatever could belong to a number, then judges the whole, as Lua does: `3x` is one malformed number.
    fn number(&mut self) -> Result<Token<'a>, Unreadable> {
        let start = self.at;
        let hex = self.accept(b"0") && self.accept(b"xX");
        let exponent: &[u8] = if hex { b"pP" } else { b"eE" };
        loop {
            if self.accept(exponent) {
                self.accept(b"+-");
            } else if self
                .peek()
                .is_some_and(|byte| byte.is_ascii_hexdigit() || byte == b'.')
            {
                self.at += 1;
            } else {
                break;
            }
        }
        self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let text = &self.text[start..self.at];
        if is_number(text, hex) {
            Ok(Token::Number)
        } else {
            Err(self.error(format!("malformed number near '{text}'")))
        }
    }

    /// Takes `[[`, `[=[`, … and gives the number of `=`; takes nothing where none stands.
    fn long_open(&mut self) -> Option<usize> {
        let rest = self.text.as_bytes().get(self.at..)?.strip_prefix(b"[")?;
        let level = rest.iter().take_while(|byte| **byte == b'=').count();
        (rest.get(level) == Some(&b'[')).then(|| {
            self.at += level + 2;
            level
        })
    }

    /// The rest of a long string or comment, its closing bracket taken.
    fn long_body(&mut self, level: usize, what: &str) -> Result<Vec<u8>, Unreadable> {
        let close = format!("]{}]", "=".repeat(level));
        let opened = self.line;
        let Some(length) = self.text[self.at..].find(&close) else {
            return Err(self.error(format!("unfinished long {what}, begun at line {opened}")));
        };
        let end = self.at + length;
        if matches!(self.peek(), Some(b'\n' | b'\r')) && length > 0 {
            self.newline();
        }
        let body = self.text.as_bytes()[self.at.min(end)..end].to_vec();
        while self.at < end {
            match self.peek() {
                Some(b'\n' | b'\r') => self.newline(),
                _ => self.at += 1,
            }
        }
        self.at = end + close.len();
        Ok(body)
    }

    fn quoted(&mut self) -> Result<Vec<u8>, Unreadable> {
        let quote = self.peek();
        self.at += 1;
        let mut bytes = Vec::new();
        loop {
            match self.peek() {
                None | Some(b'\n' | b'\r') => return Err(self.error("unfinished string")),
                Some(b'\\') => {
                    self.at += 1;
                    self.escape(&mut bytes)?;
                }
                Some(byte) => {
                    self.at += 1;
                    if Some(byte) == quote {
                        return Ok(bytes);
                    }
                    bytes.push(byte);
                }
            }
        }
    }

    /// What stands behind a backslash.
    fn escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), Unreadable> {
        let Some(kind) = self.peek() else {
            return Err(self.error("unfinished string"));
        };
        if matches!(kind, b'\n' | b'\r') {
            self.newline();
            bytes.push(b'\n');
            return Ok(());
        }
        if kind.is_ascii_digit() {
            return self.decimal_escape(bytes);
        }
        self.at += 1;
        match kind {
            b'a' => bytes.push(7),
            b'b' => bytes.push(8),
            b'f' => bytes.push(12),
            b'n' => bytes.push(b'\n'),
            b'r' => bytes.push(b'\r'),
            b't' => bytes.push(b'\t'),
            b'v' => bytes.push(11),
            b'\\' | b'"' | b'\'' => bytes.push(kind),
            b'x' => {
                let value = self.hex_digit()? << 4 | self.hex_digit()?;
                bytes.push(value as u8);
            }
            b'u' => self.code_point(bytes)?,
            b'z' => loop {
                match self.peek() {
                    Some(b'\n' | b'\r') => self.newline(),
                    Some(b' ' | b'\t' | 0x0b | 0x0c) => self.at += 1,
                    _ => break,
                }
            },
            _ => return Err(self.error("invalid escape sequence in a string")),
        }
        Ok(())
    }

    fn decimal_escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), Unreadable> {
        let mut value = 0;
        for _ in 0..3 {
            let Some(digit) = self.peek().filter(u8::is_ascii_digit) else {
                break;
            };
            value = value * 10 + u32::from(digit - b'0');
            self.at += 1;
        }
        match u8::try_from(value) {
            Ok(byte) => bytes.push(byte),
            Err(_) => return Err(self.error("decimal escape too large")),
        }
        Ok(())
    }

    fn hex_digit(&mut self) -> Result<u32, Unreadable> {
        let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
        self.at += usize::from(digit.is_some());
        digit.ok_or_else(|| self.error("hexadecimal digit expected"))
    }

    /// `\u{XXX}`, up to 2^31. What Unicode does not have becomes its replacement character: no name has it.
    fn code_point(&mut self, bytes: &mut Vec<u8>) -> Result<(), Unreadable> {
        if !self.accept(b"{") {
            return Err(self.error("missing '{' in \\u{xxxx}"));
        }
        let mut value = self.hex_digit()?;
        while self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
            if value > 0x7ff_ffff {
                return Err(self.error("UTF-8 value too large"));
            }
            value = value << 4 | self.hex_digit()?;
        }
        if !self.accept(b"}") {
            return Err(self.error("missing '}' in \\u{xxxx}"));
        }
        let char = char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
        bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }
}

/// Digits with at most one point, at least one digit, and an exponent of decimal digits.
fn is_number(text: &str, hex: bool) -> bool {
    let body = if hex {
        text.get(2..).unwrap_or_default()
    } else {
        text
    };
    let mark: &[char] = if hex { &['p', 'P'] } else { &['e', 'E'] };
    let (mantissa, exponent) = match body.split_once(mark) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (body, None),
    };
    let is_digit = |c: char| {
        if hex {
            c.is_ascii_hexdigit()
        } else {
            c.is_ascii_digit()
        }
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = whole.len() + part.len() > 0 && whole.chars().chain(part.chars()).all(is_digit);
    let exponent = exponent.is_none_or(|exponent| {
        let power = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !power.is_empty() && power.bytes().all(|byte| byte.is_ascii_digit())
    });
    digits && exponent
}
