//! A record of the ring, read through its layout: nothing is copied until a value is asked for.

use super::copied::Copied;
use crate::plan::{Content, Field, Layout};
use crate::rows::{RawEnd, RawStack, Symbols, Value};
use moontrace_abi::record::{HEADER, Header, Span};
use moontrace_abi::stack::{FAILED, FRAMES};
use std::mem::offset_of;

/// One record. What can't be read out of its bytes is nil, never a panic: they come from the kernel.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    header: &'a [u8; HEADER],
    bytes: &'a [u8],
}

/// A field's value, borrowed from the record or from its layout.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Datum<'a> {
    Nil,
    Bool(bool),
    Int(i64),
    Unsigned(u64),
    Str(&'a [u8]),
    Copied(Copied<'a>),
    Stack(Taken<'a>),
    /// An address, and the process where it is not the kernel's.
    Symbol {
        address: u64,
        process: Option<u32>,
    },
    /// The same in every record of the site.
    Constant(&'a Value),
    /// The names of the site, which the record does not hold.
    Probe,
    Func,
}

/// A stack as it lies in a record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Taken<'a> {
    user: bool,
    frames: u8,
    process: [u64; 2],
    /// Its addresses, or an error's number.
    addresses: Result<&'a [u8], i32>,
}

impl Taken<'_> {
    /// The stack on its own; `longest` is how many frames the kernel takes.
    pub fn to_raw(self, longest: usize) -> RawStack {
        raw_stack(
            self.user,
            self.frames,
            self.process,
            self.addresses,
            longest,
        )
    }
}

/// A stack from its addresses as the kernel gives them.
pub(super) fn raw_stack(
    user: bool,
    frames: u8,
    process: [u64; 2],
    addresses: Result<&[u8], i32>,
    longest: usize,
) -> RawStack {
    let words = addresses.unwrap_or_default().chunks_exact(8);
    let addresses_of = words.map(|word| word.try_into().map_or(0, u64::from_ne_bytes));
    let all: Vec<u64> = addresses_of.collect();
    let end = match addresses {
        Err(number) => RawEnd::Failed(number),
        // Who has asked for fewer frames has got them.
        Ok(_) if usize::from(frames) == FRAMES && all.len() >= longest => RawEnd::Truncated,
        Ok(_) => RawEnd::Whole,
    };
    RawStack {
        user,
        process,
        wanted: frames,
        addresses: all,
        end,
    }
}

impl<'a> Record<'a> {
    /// `None` when the bytes are too few for a header.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let header = bytes.first_chunk()?;
        Some(Self { header, bytes })
    }

    /// The number of the site that made it.
    #[inline]
    pub fn site(&self) -> u32 {
        u32::from_ne_bytes(part(self.header, offset_of!(Header, site)))
    }

    #[inline]
    pub fn cpu(&self) -> u16 {
        u16::from_ne_bytes(part(self.header, offset_of!(Header, cpu)))
    }

    /// Nanoseconds of the monotonic clock.
    #[inline]
    pub fn time(&self) -> u64 {
        u64::from_ne_bytes(part(self.header, offset_of!(Header, time)))
    }

    /// A bit a field that could be read.
    #[inline]
    fn valid(&self) -> u64 {
        u64::from_ne_bytes(part(self.header, offset_of!(Header, valid)))
    }

    /// The value of a field of this record's layout.
    #[inline]
    pub fn get(&self, field: &'a Field) -> Datum<'a> {
        let stored = self.valid().checked_shr(field.bit.into()).unwrap_or(0) & 1 == 1;
        match &field.content {
            Content::Int { offset, int } if stored => self.int(*offset, *int),
            Content::Bool { offset } if stored => match array(self.bytes, *offset as usize) {
                Some([byte]) => Datum::Bool(byte != 0),
                None => Datum::Nil,
            },
            Content::Text { offset, .. } if stored => self.text(*offset),
            Content::Copied { offset, shape, .. } if stored => match self.span(*offset) {
                Some(bytes) => Datum::Copied(Copied::new(bytes, shape)),
                None => Datum::Nil,
            },
            Content::Stack {
                offset,
                user,
                frames,
            } if stored => self
                .taken(*offset as usize, *user, *frames)
                .map_or(Datum::Nil, Datum::Stack),
            Content::Symbol { offset, user } if stored => {
                let offset = *offset as usize;
                let words = array(self.bytes, offset).zip(array(self.bytes, offset + 8));
                words.map_or(Datum::Nil, |(address, process)| Datum::Symbol {
                    address: u64::from_ne_bytes(address),
                    process: user.then_some(u64::from_ne_bytes(process) as u32),
                })
            }
            Content::Int { .. }
            | Content::Stack { .. }
            | Content::Symbol { .. }
            | Content::Bool { .. }
            | Content::Text { .. }
            | Content::Copied { .. } => Datum::Nil,
            Content::Constant(value) => Datum::Constant(value),
            Content::Time => Datum::Unsigned(self.time()),
            Content::Cpu => Datum::Unsigned(self.cpu().into()),
            Content::Probe => Datum::Probe,
            Content::Func => Datum::Func,
        }
    }

    fn int(&self, offset: u32, int: crate::expr::Int) -> Datum<'a> {
        let offset = offset as usize;
        let pattern = match int.bytes() {
            1 => array(self.bytes, offset).map(|[byte]| byte.into()),
            2 => array(self.bytes, offset).map(|bytes| u16::from_ne_bytes(bytes).into()),
            4 => array(self.bytes, offset).map(|bytes| u32::from_ne_bytes(bytes).into()),
            _ => array(self.bytes, offset).map(u64::from_ne_bytes),
        };
        match pattern {
            None => Datum::Nil,
            Some(pattern) if int.signed => Datum::Int(int.fit(pattern) as i64),
            Some(pattern) => Datum::Unsigned(int.fit(pattern)),
        }
    }

    fn taken(&self, offset: usize, user: bool, frames: u8) -> Option<Taken<'a>> {
        let word = |offset| array(self.bytes, offset).map(u64::from_ne_bytes);
        let half = |offset| array(self.bytes, offset).map(u16::from_ne_bytes);
        let addresses = match half(offset + 18)? {
            FAILED => Err(half(offset + 16)?.into()),
            _ => Ok(self.span(offset as u32 + 16)?),
        };
        Some(Taken {
            user,
            frames,
            process: [word(offset)?, word(offset + 8)?],
            addresses,
        })
    }

    fn text(&self, offset: u32) -> Datum<'a> {
        self.span(offset).map_or(Datum::Nil, Datum::Str)
    }

    /// What the span at an offset spans; `None` where that leaves the record.
    fn span(&self, offset: u32) -> Option<&'a [u8]> {
        let offset = offset as usize;
        let span = Span {
            offset: u16::from_ne_bytes(array(self.bytes, offset)?),
            length: u16::from_ne_bytes(array(self.bytes, offset + 2)?),
        };
        let start = usize::from(span.offset);
        self.bytes.get(start..start + usize::from(span.length))
    }
}

impl Datum<'_> {
    /// The value on its own; `probe` and `func` are the names of the site, `time` is the record's.
    pub fn to_value(self, probe: &str, func: &str, symbols: &dyn Symbols, time: u64) -> Value {
        match self {
            Self::Nil => Value::Nil,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Unsigned(value) => Value::Unsigned(value),
            Self::Str(bytes) => Value::Str(bytes.to_vec()),
            Self::Copied(copied) => copied.to_value(),
            Self::Stack(taken) => {
                Value::Stack(symbols.stack(&taken.to_raw(symbols.longest()), time))
            }
            Self::Symbol { address, process } => {
                Value::Str(symbols.symbol(address, process, time).name().into_bytes())
            }
            Self::Constant(value) => value.clone(),
            Self::Probe => Value::Str(probe.into()),
            Self::Func => Value::Str(func.into()),
        }
    }
}

/// Every field of a record, in the order of the layout, with what its integers stand for.
pub fn values(
    record: &Record<'_>,
    layout: &Layout,
    (probe, func): (&str, &str),
    symbols: &dyn Symbols,
) -> Vec<Value> {
    layout
        .fields
        .iter()
        .map(|field| {
            let value = record
                .get(field)
                .to_value(probe, func, symbols, record.time());
            match (&field.shown, value.integer()) {
                (Some(shown), Some(number)) => Value::Named(number, shown.clone()),
                _ => value,
            }
        })
        .collect()
}

/// `N` bytes of the header, which has them at each offset of its own fields.
#[inline]
fn part<const N: usize>(header: &[u8; HEADER], offset: usize) -> [u8; N] {
    array(header, offset).unwrap_or([0; N])
}

#[inline]
fn array<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::Int;
    use crate::rows::stack::NoSymbols;

    fn field(bit: u8, content: Content) -> Field {
        Field {
            name: String::new(),
            content,
            bit,
            shown: None,
            why: String::new(),
        }
    }

    fn record(valid: u64, rest: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(7u32.to_ne_bytes());
        bytes.extend(3u16.to_ne_bytes());
        bytes.extend(0u16.to_ne_bytes());
        bytes.extend(99u64.to_ne_bytes());
        bytes.extend(valid.to_ne_bytes());
        bytes.extend(rest);
        bytes
    }

    #[test]
    fn integers_are_widened_by_their_own_sign() {
        let bytes = record(1, &(-2i32).to_ne_bytes());
        let record = Record::new(&bytes).unwrap();
        assert_eq!(
            record.get(&field(
                0,
                Content::Int {
                    offset: 24,
                    int: Int::I32
                }
            )),
            Datum::Int(-2)
        );
        assert_eq!(
            record.get(&field(
                0,
                Content::Int {
                    offset: 24,
                    int: Int::U32
                }
            )),
            Datum::Unsigned(0xffff_fffe)
        );
    }

    #[test]
    fn a_field_that_could_not_be_read_is_nil() {
        let bytes = record(0b10, &[1]);
        let record = Record::new(&bytes).unwrap();
        assert_eq!(
            record.get(&field(0, Content::Bool { offset: 24 })),
            Datum::Nil
        );
        assert_eq!(
            record.get(&field(1, Content::Bool { offset: 24 })),
            Datum::Bool(true)
        );
        assert_eq!(record.get(&field(0, Content::Time)), Datum::Unsigned(99));
    }

    #[test]
    fn spans_that_leave_the_record_are_nil() {
        let text = |offset: u16, length: u16| {
            let mut rest = offset.to_ne_bytes().to_vec();
            rest.extend(length.to_ne_bytes());
            rest.extend(b"bash");
            record(1, &rest)
        };
        let field = field(
            0,
            Content::Text {
                offset: 24,
                slot: None,
                capacity: 16,
            },
        );
        let read = |bytes: &[u8]| {
            let datum = Record::new(bytes).unwrap().get(&field);
            datum.to_value("", "", &NoSymbols, 0)
        };
        assert_eq!(read(&text(28, 4)), Value::Str(b"bash".to_vec()));
        assert_eq!(read(&text(28, 5)), Value::Nil);
        assert_eq!(read(&text(u16::MAX, u16::MAX)), Value::Nil);
        assert!(Record::new(&[0; 23]).is_none());
    }
}
