//! Lua's `%` formats, as `printf` has them: written straight into the output's buffer.
//!
//! Beside what `string.format` does, a nil prints as `nil` in every conversion (a field that could not be read must not
//! end the trace), `%s` and `%q` take every value, and `%u` prints an integer without sign.

use std::ffi::CStr;
use std::io::Write;

/// A value as a format gets it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Arg<'a> {
    /// There is none at this position.
    Missing,
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(&'a [u8]),
    /// A value of this Lua type, which only `%s` can print, once it was made a string.
    Other(&'static str),
}

/// What is wrong, with the position of the argument among printf's, the format being the first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum FormatError {
    /// `%` at the end.
    Unfinished,
    Unknown(u8),
    /// More than two digits of width or precision.
    TooWide,
    Missing {
        position: usize,
        conversion: u8,
    },
    NoNumber {
        position: usize,
        conversion: u8,
        found: &'static str,
    },
    NotWhole {
        position: usize,
        conversion: u8,
    },
}

impl std::fmt::Display for FormatError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::Unfinished => write!(f, "the format ends in '%' ('%%' prints one)"),
            Self::Unknown(byte) => {
                let byte = [byte];
                write!(
                    f,
                    "no conversion '%{}' in a format ('%%' prints a '%')",
                    byte.escape_ascii()
                )
            }
            Self::TooWide => write!(f, "a width or precision of more than two digits"),
            Self::Missing {
                position,
                conversion,
            } => {
                write!(
                    f,
                    "no argument {position} for '%{}'",
                    char::from(conversion)
                )
            }
            Self::NoNumber {
                position,
                conversion,
                found,
            } => write!(
                f,
                "argument {position} for '%{}' is a {found}, not a number",
                char::from(conversion)
            ),
            Self::NotWhole {
                position,
                conversion,
            } => write!(
                f,
                "argument {position} for '%{}' is not a whole number ('//' divides into one, '%.1f' prints a fraction)",
                char::from(conversion)
            ),
        }
    }
}

/// One conversion: `%`, flags, width, precision and letter.
#[derive(Clone, Copy, Debug, Default)]
struct Spec {
    left: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
    letter: u8,
}

/// Appends `format` to `out`. `arg(n)` is the value at position `n`, the format's own being 1.
pub(crate) fn format<'a>(
    out: &mut Vec<u8>,
    format: &[u8],
    arg: impl Fn(usize) -> Arg<'a>,
) -> Result<(), FormatError> {
    let mut rest = format;
    let mut position = 1;
    while let Some(at) = memchr::memchr(b'%', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        if let [b'%', tail @ ..] = rest {
            out.push(b'%');
            rest = tail;
            continue;
        }
        let (spec, tail) = Spec::parse(rest)?;
        rest = tail;
        position += 1;
        spec.write(out, position, arg(position))?;
    }
    out.extend_from_slice(rest);
    Ok(())
}

/// The positions whose values `%s` or `%q` print; stops at a mistake, which [`format`] reports.
pub(crate) fn printed_as_text(format: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let mut rest = format;
    let mut position = 1;
    std::iter::from_fn(move || {
        loop {
            rest = &rest[memchr::memchr(b'%', rest)? + 1..];
            if let [b'%', tail @ ..] = rest {
                rest = tail;
                continue;
            }
            let (spec, tail) = Spec::parse(rest).ok()?;
            rest = tail;
            position += 1;
            if matches!(spec.letter, b's' | b'q') {
                return Some(position);
            }
        }
    })
}

impl Spec {
    /// Reads one from behind its `%`; gives what follows, too.
    fn parse(text: &[u8]) -> Result<(Self, &[u8]), FormatError> {
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
        if !b"diuoxXceEfFgGaAsqp".contains(letter) {
            return Err(FormatError::Unknown(*letter));
        }
        spec.letter = *letter;
        Ok((spec, rest))
    }

    fn write(&self, out: &mut Vec<u8>, position: usize, arg: Arg<'_>) -> Result<(), FormatError> {
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
fn spell(digits: &mut [u8; 22], mut value: u64, letter: u8) -> &[u8] {
    let (base, letters) = match letter {
        b'x' => (16, b"0123456789abcdef"),
        b'X' => (16, b"0123456789ABCDEF"),
        b'o' => (8, b"0123456789abcdef"),
        _ => (10, b"0123456789abcdef"),
    };
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = letters[(value % base) as usize];
        value /= base;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(text: &str, args: &[Arg<'_>]) -> Result<String, FormatError> {
        let mut out = Vec::new();
        format(&mut out, text.as_bytes(), |n| {
            args.get(n - 2).copied().unwrap_or(Arg::Missing)
        })?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    }

    /// Every conversion with every kind of flag against Lua's own `string.format`.
    #[test]
    fn prints_what_lua_prints() {
        let lua = mlua::Lua::new();
        let reference: mlua::Function = lua.load("string.format").eval().unwrap();
        let ints = [
            0,
            1,
            -1,
            42,
            i64::MIN,
            i64::MAX,
            0xffff_ffff_8100_0123_u64 as i64,
        ];
        for flags in [
            "", "5", "-5", "05", "+", " ", "+08", "-30", "30", ".0", ".3", "12.7", "99",
        ] {
            for letter in ["d", "i"] {
                for int in ints {
                    let text = format!("<%{flags}{letter}>");
                    let wanted: String = reference.call((text.as_str(), int)).unwrap();
                    assert_eq!(
                        printed(&text, &[Arg::Int(int)]).unwrap(),
                        wanted,
                        "{text} of {int}"
                    );
                }
            }
        }
        for flags in [
            "", "5", "-5", "05", "#", "#18", "-#18", "#018", ".0", "20.17",
        ] {
            for letter in ["x", "X", "o"] {
                for int in ints {
                    let text = format!("<%{flags}{letter}>");
                    let wanted: String = reference.call((text.as_str(), int)).unwrap();
                    assert_eq!(
                        printed(&text, &[Arg::Int(int)]).unwrap(),
                        wanted,
                        "{text} of {int}"
                    );
                }
            }
        }
        let floats = [
            0.0,
            -1.5,
            1e100,
            f64::MAX,
            f64::MIN_POSITIVE,
            f64::INFINITY,
            3.0,
        ];
        for flags in ["", "9", "-9.2", "+.1", "#.0", "010", "99.99"] {
            for letter in ["e", "E", "f", "g", "G", "a"] {
                for float in floats {
                    let text = format!("<%{flags}{letter}>");
                    let wanted: String = reference.call((text.as_str(), float)).unwrap();
                    assert_eq!(
                        printed(&text, &[Arg::Float(float)]).unwrap(),
                        wanted,
                        "{text}"
                    );
                }
            }
        }
        for (text, value) in [
            ("%s|%5s", 3.0),
            ("%s|%-9s", 0.1),
            ("%s|%.2s", 1e15),
            ("%s|%s", -0.0),
        ] {
            let wanted: String = reference.call((text, value, value)).unwrap();
            assert_eq!(printed(text, &[Arg::Float(value); 2]).unwrap(), wanted);
        }
        for (text, value) in [
            ("%s|%7s|%-7s|%.1s", "abc"),
            ("%.0s%s%s%3s", "x"),
            ("%%%s%s%s%s", ""),
        ] {
            let wanted: String = reference.call((text, value, value, value, value)).unwrap();
            assert_eq!(
                printed(text, &[Arg::Str(value.as_bytes()); 4]).unwrap(),
                wanted
            );
        }
    }

    #[test]
    fn a_nil_prints_in_every_conversion() {
        assert_eq!(
            printed("%5d|%-5s|%x|%.1f", &[Arg::Nil; 4]).unwrap(),
            "  nil|nil  |nil|nil"
        );
    }

    #[test]
    fn mistakes_name_the_argument() {
        let fails = |text, args: &[Arg<'_>]| printed(text, args).unwrap_err().to_string();
        assert_eq!(fails("%d %d", &[Arg::Int(1)]), "no argument 3 for '%d'");
        assert_eq!(
            fails("%d", &[Arg::Str(b"x")]),
            "argument 2 for '%d' is a string, not a number"
        );
        assert!(
            fails("%d", &[Arg::Float(1.5)])
                .starts_with("argument 2 for '%d' is not a whole number")
        );
        assert_eq!(
            fails("100%", &[]),
            "the format ends in '%' ('%%' prints one)"
        );
        assert!(fails("%lu", &[Arg::Int(1)]).contains("'%l'"));
        assert_eq!(
            fails("%100d", &[Arg::Int(1)]),
            FormatError::TooWide.to_string()
        );
    }

    #[test]
    fn text_positions_count_the_format() {
        assert_eq!(
            printed_as_text(b"%d %s %% %-5s %").collect::<Vec<_>>(),
            [3, 4]
        );
    }

    #[test]
    fn quoted_strings_can_be_read_back() {
        let lua = mlua::Lua::new();
        let bytes = b"a\"b\\c\n\0001\x01z";
        let text = printed("return %q", &[Arg::Str(bytes)]).unwrap();
        let back: mlua::LuaString = lua.load(text).eval().unwrap();
        assert_eq!(&*back.as_bytes(), bytes);
    }
}
