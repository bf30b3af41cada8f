//! Lua's `%` formats, as `printf` has them: written straight into the output's buffer.
//!
//! Beside what `string.format` does, a nil prints as `nil` in every conversion (a field that could not be read must not
//! end the trace), `%s` and `%q` take every value, and `%u` prints an integer without sign.

mod spec;

use spec::Spec;

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

#[cfg(test)]
mod tests;
