//! The classes of bytes that `%a` and the like stand for, in the C locale: moontrace never leaves that.

const ALPHA: u16 = 1;
const CONTROL: u16 = 1 << 1;
const DIGIT: u16 = 1 << 2;
const GRAPHIC: u16 = 1 << 3;
const LOWER: u16 = 1 << 4;
const PUNCTUATION: u16 = 1 << 5;
const SPACE: u16 = 1 << 6;
const UPPER: u16 = 1 << 7;
const HEX: u16 = 1 << 8;
const ZERO: u16 = 1 << 9;

/// What each byte is.
const KINDS: [u16; 256] = kinds();

/// A set of bytes that one letter names.
#[derive(Clone, Copy)]
pub(crate) enum Class {
    /// Bytes that are any of these, or with `false` none.
    Kinds(u16, bool),
    Byte(u8),
}

impl Class {
    /// What `%` and that byte stand for; what is no letter of a class stands for itself.
    #[inline]
    pub(crate) fn named(name: u8) -> Self {
        let kinds = match name.to_ascii_lowercase() {
            b'a' => ALPHA,
            b'c' => CONTROL,
            b'd' => DIGIT,
            b'g' => GRAPHIC,
            b'l' => LOWER,
            b'p' => PUNCTUATION,
            b's' => SPACE,
            b'u' => UPPER,
            b'w' => ALPHA | DIGIT,
            b'x' => HEX,
            b'z' => ZERO,
            _ => return Self::Byte(name),
        };
        Self::Kinds(kinds, name.is_ascii_lowercase())
    }

    #[inline]
    pub(crate) fn has(self, byte: u8) -> bool {
        match self {
            Self::Kinds(kinds, wanted) => (KINDS[usize::from(byte)] & kinds != 0) == wanted,
            Self::Byte(only) => byte == only,
        }
    }
}

const fn kinds() -> [u16; 256] {
    let mut kinds = [0; 256];
    let mut index = 0;
    while index < 256 {
        let byte = index as u8;
        let all = [
            (byte.is_ascii_alphabetic(), ALPHA),
            (byte.is_ascii_control(), CONTROL),
            (byte.is_ascii_digit(), DIGIT),
            (byte.is_ascii_graphic(), GRAPHIC),
            (byte.is_ascii_lowercase(), LOWER),
            (byte.is_ascii_punctuation(), PUNCTUATION),
            (matches!(byte, b'\t'..=b'\r' | b' '), SPACE),
            (byte.is_ascii_uppercase(), UPPER),
            (byte.is_ascii_hexdigit(), HEX),
            (byte == 0, ZERO),
        ];
        let mut kind = 0;
        while kind < all.len() {
            if all[kind].0 {
                kinds[index] |= all[kind].1;
            }
            kind += 1;
        }
        index += 1;
    }
    kinds
}
