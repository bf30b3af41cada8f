//! One conversion of a format.

use super::{Arg, FormatError};
use std::ffi::CStr;
use std::io::Write;

/// One conversion: `%`, flags, width, precision and letter.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spec {
    left: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
    pub(super) letter: u8,
}

impl Spec {
    /// Reads one from behind its `%`; gives what follows, too.
    pub(super) fn parse(text: &[u8]) -> Result<(Self, &[u8]), FormatError> {
        let mut spec = Self::default();
        let mut rest = text;
        while let [byte, tail @ ..] = rest {
            match byte {
                b'-' => spec.left = true,
                b'+' => spec.plus = true,
                b' ' => spec.space = true,
                b'#' => spec.alternate = true,
                b'0' => spec.zero = true,
                _ => break,
            }
            rest = tail;
        }
        (spec.width, rest) = number(rest)?;
        if let [b'.', tail @ ..] = rest {
            let (precision, tail) = number(tail)?;
            spec.precision = Some(precision);
            rest = tail;
        }
        let [letter, rest @ ..] = rest else {
            return Err(FormatError::Unfinished);
        };
        match letter {
            b'd' | b'i' | b'u' | b'o' | b'x' | b'X' | b'c' | b's' | b'q' | b'p' => {}
            b'e' | b'E' | b'f' | b'F' | b'g' | b'G' | b'a' | b'A' => {}
            _ => return Err(FormatError::Unknown(*letter)),
        }
        spec.letter = *letter;
        Ok((spec, rest))
    }

    pub(super) fn write(
        &self,
        out: &mut Vec<u8>,
        position: usize,
        arg: Arg<'_>,
    ) -> Result<(), FormatError> {
        let conversion = self.letter;
        match (conversion, arg) {
            (_, Arg::Missing) => {
                return Err(FormatError::Missing {
                    position,
                    conversion,
                });
            }
            (_, Arg::Nil) => self.pad(out, b"nil"),
            (b's' | b'q' | b'p', arg) => self.text(out, arg),
            (b'c', arg) => self.pad(out, &[self.integer(position, arg)? as u8]),
            (b'd' | b'i' | b'u' | b'o' | b'x' | b'X', arg) => {
                self.int(out, self.integer(position, arg)?);
            }
            (_, Arg::Float(value)) => self.float(out, value),
            (_, Arg::Int(value)) => self.float(out, value as f64),
            (_, arg) => match numeral(arg) {
                Some(Arg::Int(value)) => self.float(out, value as f64),
                Some(Arg::Float(value)) => self.float(out, value),
                _ => {
                    return Err(FormatError::NoNumber {
                        position,
                        conversion,
                        found: name(arg),
                    });
                }
            },
        }
        Ok(())
    }

    /// A whole number; a float that is one counts, and so does a string that spells one, as everywhere in Lua.
    fn integer(&self, position: usize, arg: Arg<'_>) -> Result<i64, FormatError> {
        const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
        let conversion = self.letter;
        match numeral(arg) {
            Some(Arg::Int(value)) => Ok(value),
            Some(Arg::Float(value))
                if value.fract() == 0.0 && (-TWO_TO_63..TWO_TO_63).contains(&value) =>
            {
                Ok(value as i64)
            }
            Some(_) => Err(FormatError::NotWhole {
                position,
                conversion,
            }),
            None => Err(FormatError::NoNumber {
                position,
                conversion,
                found: name(arg),
            }),
        }
    }

    fn int(&self, out: &mut Vec<u8>, value: i64) {
        // 64 bits in octal take 22 digits.
        let mut digits = [0; 22];
        let (negative, magnitude) = match self.letter {
            b'd' | b'i' => (value < 0, value.unsigned_abs()),
            _ => (false, value as u64),
        };
        let digits = spell(&mut digits, magnitude, self.letter);
        // As in C, no digit at all stands for a 0 of precision 0.
        let digits = if magnitude == 0 && self.precision == Some(0) {
            &[]
        } else {
            digits
        };
        let sign: &[u8] = match (self.letter, negative) {
            (_, true) => b"-",
            (b'd' | b'i', _) if self.plus => b"+",
            (b'd' | b'i', _) if self.space => b" ",
            (b'x', _) if self.alternate && magnitude != 0 => b"0x",
            (b'X', _) if self.alternate && magnitude != 0 => b"0X",
            (b'o', _) if self.alternate && magnitude != 0 => b"0",
            _ => b"",
        };
        let mut zeros = self.precision.unwrap_or(0).saturating_sub(digits.len());
        let length = sign.len() + digits.len();
        if self.zero && !self.left && self.precision.is_none() {
            zeros = self.width.saturating_sub(length);
        }
        let blanks = self.width.saturating_sub(length + zeros);
        let before = if self.left { 0 } else { blanks };
        out.resize(out.len() + before, b' ');
        out.extend_from_slice(sign);
        out.resize(out.len() + zeros, b'0');
        out.extend_from_slice(digits);
        out.resize(out.len() + (blanks - before), b' ');
    }

    /// The C library knows how to spell a float; Lua asks it, too.
    fn float(&self, out: &mut Vec<u8>, value: f64) {
        // The longest `%99.99f` is 309 digits, a point, 99 digits and a sign.
        let mut buffer = [0u8; 512];
        let mut spec = [0u8; 16];
        let mut rest = &mut spec[..];
        let flags = [
            (self.left, "-"),
            (self.plus, "+"),
            (self.space, " "),
            (self.alternate, "#"),
            (self.zero, "0"),
        ];
        // 1 + 5 flags + 2 digits + 3 of precision + the letter fit into 16 bytes with their NUL.
        let mut put = |text: std::fmt::Arguments<'_>| rest.write_fmt(text).is_ok();
        let mut whole = put(format_args!("%"));
        for (_, flag) in flags.into_iter().filter(|(set, _)| *set) {
            whole &= put(format_args!("{flag}"));
        }
        if self.width > 0 {
            whole &= put(format_args!("{}", self.width));
        }
        if let Some(precision) = self.precision {
            whole &= put(format_args!(".{precision}"));
        }
        whole &= put(format_args!("{}", char::from(self.letter)));
        let Some(spec) = CStr::from_bytes_until_nul(&spec).ok().filter(|_| whole) else {
            return;
        };
        // SAFETY: `spec` is one conversion of a double, ended by a NUL; the buffer's length is passed.
        let length = unsafe {
            libc::snprintf(
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                spec.as_ptr(),
                value,
            )
        };
        let length = usize::try_from(length).unwrap_or(0).min(buffer.len() - 1);
        out.extend_from_slice(&buffer[..length]);
    }

    fn text(&self, out: &mut Vec<u8>, arg: Arg<'_>) {
        match arg {
            Arg::Str(bytes) if self.letter == b'q' => quote(out, bytes),
            Arg::Str(bytes) => self.pad(out, bytes),
            Arg::Bool(value) => self.pad(out, if value { b"true" } else { b"false" }),
            Arg::Int(value) => {
                let mut digits = [0; 22];
                let digits = spell(&mut digits, value.unsigned_abs(), b'd');
                let mut signed = [b'-'; 23];
                signed[1..=digits.len()].copy_from_slice(digits);
                self.pad(out, &signed[usize::from(value >= 0)..=digits.len()]);
            }
            Arg::Float(value) => {
                let shortest = Self {
                    letter: b'g',
                    precision: Some(14),
                    ..Self::default()
                };
                let mut spelled = Vec::new();
                shortest.float(&mut spelled, value);
                if spelled
                    .iter()
                    .all(|byte| byte.is_ascii_digit() || *byte == b'-')
                {
                    spelled.extend_from_slice(b".0");
                }
                self.pad(out, &spelled);
            }
            Arg::Other(name) => self.pad(out, name.as_bytes()),
            Arg::Nil | Arg::Missing => self.pad(out, b"nil"),
        }
    }

    fn pad(&self, out: &mut Vec<u8>, text: &[u8]) {
        let text = match self.precision {
            Some(precision) if self.letter == b's' => &text[..precision.min(text.len())],
            _ => text,
        };
        let blanks = self.width.saturating_sub(text.len());
        let before = if self.left { 0 } else { blanks };
        out.resize(out.len() + before, b' ');
        out.extend_from_slice(text);
        out.resize(out.len() + (blanks - before), b' ');
    }
}

/// At most two digits, as in Lua.
fn number(text: &[u8]) -> Result<(usize, &[u8]), FormatError> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits > 2 {
        return Err(FormatError::TooWide);
    }
    let value = text[..digits]
        .iter()
        .fold(0, |value, digit| value * 10 + usize::from(digit - b'0'));
    Ok((value, &text[digits..]))
}

/// The digits of a number in the base that the conversion says.
fn spell(digits: &mut [u8; 22], value: u64, letter: u8) -> &[u8] {
    const LOWER: &[u8; 16] = b"0123456789abcdef";
    const UPPER: &[u8; 16] = b"0123456789ABCDEF";
    match letter {
        b'x' => spell_in::<16>(digits, value, LOWER),
        b'X' => spell_in::<16>(digits, value, UPPER),
        b'o' => spell_in::<8>(digits, value, LOWER),
        _ => spell_in::<10>(digits, value, LOWER),
    }
}

/// The base is known when this is compiled: dividing by another takes ten times as long.
fn spell_in<'d, const BASE: u64>(
    digits: &'d mut [u8; 22],
    mut value: u64,
    letters: &[u8; 16],
) -> &'d [u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = letters[(value % BASE) as usize];
        value /= BASE;
        if value == 0 {
            return &digits[at..];
        }
    }
}

/// The number that a value is or, being a string, spells.
fn numeral(arg: Arg<'_>) -> Option<Arg<'_>> {
    match arg {
        Arg::Int(_) | Arg::Float(_) => Some(arg),
        Arg::Str(bytes) => {
            let text = std::str::from_utf8(bytes).ok()?.trim();
            let int = text.parse().ok().map(Arg::Int);
            int.or_else(|| text.parse().ok().map(Arg::Float))
        }
        _ => None,
    }
}

fn name(arg: Arg<'_>) -> &'static str {
    match arg {
        Arg::Bool(_) => "boolean",
        Arg::Str(_) => "string",
        Arg::Other(name) => name,
        Arg::Int(_) | Arg::Float(_) => "number",
        Arg::Nil | Arg::Missing => "nil",
    }
}

/// A string as Lua would read it back.
fn quote(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    for (index, byte) in bytes.iter().enumerate() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0 if !bytes.get(index + 1).is_some_and(u8::is_ascii_digit) => {
                out.extend_from_slice(b"\\0");
            }
            byte if byte.is_ascii_control() => {
                out.extend_from_slice(format!("\\{byte:03}").as_bytes());
            }
            byte => out.push(*byte),
        }
    }
    out.push(b'"');
}
