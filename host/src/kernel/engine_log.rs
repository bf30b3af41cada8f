//! The library's own diagnostics, where it was built with them (`ebpf/build --log`).
//!
//! They are written by aya-log's macros, and read here: aya-log's reader wants programs that aya has loaded, or looks for
//! ours among all of the kernel's, which takes CAP_SYS_ADMIN; and it aborts at a record that it doesn't know. A record is
//! its length in 2 bytes, its own included, then fields of {kind: 1 byte, length: 2 bytes, value}: first what says where
//! it is from, then the parts of the message, of which some are hints how the next one is shown (aya-log-common 0.2).

use crate::sys::map::Map;
use crate::sys::mapping::RingMapping;
use std::io;

/// The ring of the log in the library.
pub(super) const MAP: &str = "AYA_LOGS";
/// Bytes of it; what doesn't fit is not said.
pub(super) const RING: u32 = 1 << 20;

/// The kinds of fields that say where a record is from (`RecordFieldKind`).
const ORIGIN: std::ops::RangeInclusive<u8> = 0..=5;
const LEVEL: u8 = 1;
const FILE: u8 = 3;
const LINE: u8 = 4;
/// How many parts the message has. It is the last of them.
const PARTS: u8 = 5;

/// Kinds of parts (`ArgumentKind`): `i8` to `isize`, `u8` to `usize`.
const HINT: u8 = 0;
const SIGNED: std::ops::RangeInclusive<u8> = 1..=5;
const UNSIGNED: std::ops::RangeInclusive<u8> = 6..=10;
const TEXT: u8 = 20;
const POINTER: u8 = 21;
/// A hint (`DisplayHint`): a number as it is. All others ask for hexadecimal digits, of those that we show.
const PLAIN: u8 = 1;

/// The reader of the log.
pub struct EngineLog {
    ring: RingMapping,
}

impl EngineLog {
    pub(super) fn of(ring: &Map) -> io::Result<Self> {
        let ring = RingMapping::new(ring, RING as usize)?;
        Ok(Self { ring })
    }

    /// The next line, oldest first: `warn ebpf/src/actions/emit.rs:43: the ring is full`.
    pub fn next_line(&mut self) -> Option<String> {
        let record = self.ring.next_record()?;
        Some(line(record).unwrap_or_else(|| "a record that can't be read".into()))
    }
}

fn line(record: &[u8]) -> Option<String> {
    let (length, _) = record.split_first_chunk()?;
    let length = usize::from(u16::from_ne_bytes(*length));
    let mut fields = Fields(record.get(2..length)?);
    let (mut level, mut file, mut number) = ("?", String::new(), 0);
    let parts = loop {
        match fields.next()? {
            (LEVEL, [value]) => level = name(*value),
            // Of a folder that is named as the one it is in.
            (FILE, value) => file = text(value).replace("/./", "/"),
            (LINE, value) => number = unsigned(value)?,
            (PARTS, value) => break unsigned(value)?,
            (kind, _) if ORIGIN.contains(&kind) => {}
            _ => return None,
        }
    };
    let mut message = format!("{level} {file}:{number}: ");
    let mut hint = PLAIN;
    for _ in 0..parts {
        let (kind, value) = fields.next()?;
        if kind == HINT {
            hint = *value.first()?;
            continue;
        }
        message += &part(kind, value, std::mem::replace(&mut hint, PLAIN))?;
    }
    Some(message)
}

/// The levels of aya-log.
fn name(level: u8) -> &'static str {
    match level {
        1 => "error",
        2 => "warn",
        3 => "info",
        4 => "debug",
        _ => "trace",
    }
}

fn part(kind: u8, value: &[u8], hint: u8) -> Option<String> {
    Some(match kind {
        TEXT => text(value),
        POINTER => format!("{:#x}", unsigned(value)?),
        _ if hint == PLAIN && SIGNED.contains(&kind) => {
            let word = unsigned(value)?;
            let unused = 64 - 8 * value.len() as u32;
            ((word << unused) as i64 >> unused).to_string()
        }
        _ if hint == PLAIN && UNSIGNED.contains(&kind) => unsigned(value)?.to_string(),
        _ if SIGNED.contains(&kind) || UNSIGNED.contains(&kind) => {
            format!("{:x}", unsigned(value)?)
        }
        // Arrays, and what a library of another day may say.
        _ => value.iter().map(|byte| format!("{byte:02x}")).collect(),
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// An integer of 1 to 8 bytes in the machine's order, which is that of eBPF.
fn unsigned(bytes: &[u8]) -> Option<u64> {
    let mut word = [0; 8];
    if bytes.is_empty() {
        return None;
    }
    word.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(u64::from_le_bytes(word))
}

/// What is left of a record.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (head, rest) = self.0.split_first_chunk::<3>()?;
        let length = usize::from(u16::from_ne_bytes([head[1], head[2]]));
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((head[0], value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(fields: &[(u8, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0, 0];
        for (kind, value) in fields {
            bytes.push(*kind);
            bytes.extend((value.len() as u16).to_ne_bytes());
            bytes.extend_from_slice(value);
        }
        let length = (bytes.len() as u16).to_ne_bytes();
        bytes[..2].copy_from_slice(&length);
        // As the ring has it: reserved in powers of two.
        bytes.resize(bytes.len().next_power_of_two(), 0xff);
        bytes
    }

    fn origin(parts: u32) -> [(u8, Vec<u8>); 6] {
        [
            (0, b"library".to_vec()),
            (LEVEL, vec![2]),
            (2, b"library".to_vec()),
            (FILE, b"emit.rs".to_vec()),
            (LINE, 43u32.to_ne_bytes().to_vec()),
            (PARTS, parts.to_ne_bytes().to_vec()),
        ]
    }

    fn shown(parts: &[(u8, &[u8])]) -> Option<String> {
        let origin = origin(parts.len() as u32);
        let mut fields: Vec<(u8, &[u8])> = origin.iter().map(|(k, v)| (*k, &v[..])).collect();
        fields.extend_from_slice(parts);
        line(&record(&fields))
    }

    #[test]
    fn a_record_reads_as_its_macro_was_written() {
        let error = (-7i64).to_ne_bytes();
        let line = shown(&[(TEXT, b"refused: "), (HINT, &[1]), (4, &error)]);
        assert_eq!(line.unwrap(), "warn emit.rs:43: refused: -7");
        let narrow = shown(&[(HINT, &[1]), (2, &(-7i16).to_ne_bytes())]);
        assert_eq!(narrow.unwrap(), "warn emit.rs:43: -7");
        let address = 0xffff_8881_u64.to_ne_bytes();
        let hex = shown(&[(TEXT, b"at "), (HINT, &[2]), (9, &address), (TEXT, b".")]);
        assert_eq!(hex.unwrap(), "warn emit.rs:43: at ffff8881.");
    }

    #[test]
    fn what_is_no_record_is_none() {
        assert_eq!(line(&[]), None);
        assert_eq!(line(&[9, 0, 1]), None);
        assert_eq!(shown(&[(4, &[])]), None);
        assert_eq!(shown(&[(4, &[0; 9])]), None);
        let whole = record(
            &origin(1)
                .iter()
                .map(|(k, v)| (*k, &v[..]))
                .collect::<Vec<_>>(),
        );
        assert_eq!(line(&whole), None);
    }
}
