//! Patterns of `like`.

use super::tree::{Glob, GlobElement};
use moontrace_abi::limits::PATTERN;

/// Reads a pattern: `*`, `?`, `[a-z]`, `[!a-z]`, and `\` before a byte that stands for itself.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn parse(source: &[u8]) -> Result<Glob, String> {
    let mut elements: Vec<GlobElement> = Vec::new();
    let mut rest = source.iter().copied();
    while let Some(byte) = rest.next() {
        let element = match byte {
            b'*' => GlobElement {
                bytes: [0; 4],
                star: true,
            },
            b'?' => GlobElement {
                bytes: [u64::MAX; 4],
                star: false,
            },
            b'[' => GlobElement {
                bytes: class(&mut rest)?,
                star: false,
            },
            b'\\' => one(rest.next().ok_or("a byte must stand behind '\\'")?),
            _ => one(byte),
        };
        // Two stars in a row are one.
        if !(element.star && elements.last().is_some_and(|last| last.star)) {
            elements.push(element);
        }
    }
    finish(source, elements)
}

/// The pattern of `contains`: the bytes anywhere.
pub(super) fn containing(bytes: &[u8]) -> Result<Glob, String> {
    let star = GlobElement {
        bytes: [0; 4],
        star: true,
    };
    let middle = bytes.iter().map(|byte| one(*byte));
    let elements = std::iter::once(star.clone())
        .chain(middle)
        .chain(std::iter::once(star));
    finish(bytes, elements.collect())
}

fn finish(source: &[u8], elements: Vec<GlobElement>) -> Result<Glob, String> {
    let length = elements.iter().filter(|element| !element.star).count();
    if length > PATTERN {
        return Err(format!(
            "the pattern has {length} elements, and there may be {PATTERN}"
        ));
    }
    Ok(Glob {
        source: source.to_vec(),
        elements,
    })
}

fn one(byte: u8) -> GlobElement {
    let mut bytes = [0; 4];
    add(&mut bytes, byte);
    GlobElement { bytes, star: false }
}

fn add(bytes: &mut [u64; 4], byte: u8) {
    bytes[usize::from(byte >> 6)] |= 1 << (byte & 63);
}

/// What stands between brackets; a `]` that comes first stands for itself.
fn class(rest: &mut impl Iterator<Item = u8>) -> Result<[u64; 4], String> {
    let unfinished = || String::from("'[' has no closing ']'");
    let mut members = Vec::new();
    let mut next = rest.next().ok_or_else(unfinished)?;
    let negated = next == b'!' || next == b'^';
    if negated {
        next = rest.next().ok_or_else(unfinished)?;
    }
    while next != b']' || members.is_empty() {
        members.push(if next == b'\\' {
            (rest.next().ok_or_else(unfinished)?, true)
        } else {
            (next, false)
        });
        next = rest.next().ok_or_else(unfinished)?;
    }
    let mut bytes = [0; 4];
    let mut at = 0;
    while let Some((first, _)) = members.get(at) {
        match (members.get(at + 1), members.get(at + 2)) {
            (Some((b'-', false)), Some((last, _))) => {
                (*first..=*last).for_each(|byte| add(&mut bytes, byte));
                at += 3;
            }
            _ => {
                add(&mut bytes, *first);
                at += 1;
            }
        }
    }
    if negated {
        bytes = bytes.map(|word| !word);
    }
    // The NUL ends a string: nothing matches it.
    bytes[0] &= !1;
    Ok(bytes)
}
