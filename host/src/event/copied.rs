//! Copied bytes, read through their shape: nothing is made until a part is asked for.

use super::address::AddressText;
use crate::expr::Int;
use crate::expr::shape::{Part, Shape};
use crate::rows::{Shown, Value};

/// Some bytes of a record and what they mean. What they are too few for is nil.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Copied<'a> {
    bytes: &'a [u8],
    shape: &'a Shape,
    /// Of a bit-field: the bit where it begins, and how many it has.
    bits: Option<(u32, u8)>,
}

/// What copied bytes are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Content<'a> {
    Nil,
    /// A null pointer leads there.
    Null,
    Bool(bool),
    Int(i128, Int, Option<&'a Shown>),
    Text(&'a [u8]),
    Bytes(&'a [u8]),
    Address(AddressText),
    List(Elements<'a>),
    Struct(Members<'a>),
}

/// The elements of an array, those that are there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Elements<'a> {
    bytes: &'a [u8],
    of: &'a Shape,
    each: usize,
    length: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Members<'a> {
    bytes: &'a [u8],
    parts: &'a [Part],
}

impl<'a> Copied<'a> {
    pub fn new(bytes: &'a [u8], shape: &'a Shape) -> Self {
        Self {
            bytes,
            shape,
            bits: None,
        }
    }

    pub fn shape(self) -> &'a Shape {
        self.shape
    }

    pub fn content(self) -> Content<'a> {
        let nil_or = |content: Option<Content<'a>>| content.unwrap_or(Content::Nil);
        match self.shape {
            Shape::Int(int, shown) => {
                let value = match self.bits {
                    Some((shift, width)) => {
                        let int = Int::new(int.signed, width.clamp(1, 64));
                        bits(self.bytes, shift, width).map(|word| int.value(int.fit(word)))
                    }
                    None => {
                        word(self.bytes, int.bytes().into()).map(|word| int.value(int.fit(word)))
                    }
                };
                nil_or(value.map(|value| Content::Int(value, *int, shown.as_ref())))
            }
            Shape::Bool => {
                let word = match self.bits {
                    Some((shift, width)) => bits(self.bytes, shift, width),
                    None => word(self.bytes, 1),
                };
                nil_or(word.map(|word| Content::Bool(word != 0)))
            }
            Shape::Text => {
                let mut parts = self.bytes.split(|byte| *byte == 0);
                Content::Text(parts.next().unwrap_or_default())
            }
            Shape::Bytes => Content::Bytes(self.bytes),
            Shape::Address(kind) => {
                nil_or(AddressText::of(*kind, self.bytes).map(Content::Address))
            }
            Shape::Socket if self.bytes.is_empty() => Content::Null,
            Shape::Socket => nil_or(AddressText::of_socket(self.bytes).map(Content::Address)),
            Shape::Array { of, each, length } => {
                let each = (*each).max(1) as usize;
                let length = (*length as usize).min(self.bytes.len() / each);
                Content::List(Elements {
                    bytes: self.bytes,
                    of,
                    each,
                    length,
                })
            }
            Shape::Struct(parts) => Content::Struct(Members {
                bytes: self.bytes,
                parts,
            }),
        }
    }

    /// The value on its own. Shapes are nested no deeper than `expr` makes them.
    pub fn to_value(self) -> Value {
        match self.content() {
            Content::Nil => Value::Nil,
            Content::Null => Value::Null,
            Content::Bool(value) => Value::Bool(value),
            Content::Int(value, _, Some(shown)) => Value::Named(value, shown.clone()),
            Content::Int(value, int, None) if int.signed => Value::Int(value as i64),
            Content::Int(value, ..) => Value::Unsigned(value as u64),
            Content::Text(bytes) => Value::Str(bytes.to_vec()),
            Content::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
            Content::Address(text) => Value::Str(text.bytes().to_vec()),
            Content::List(elements) => Value::List(elements.iter().map(Self::to_value).collect()),
            Content::Struct(members) => {
                let member = |(part, value): (&Part, Self)| (part.name.clone(), value.to_value());
                Value::Struct(members.iter().map(member).collect())
            }
        }
    }
}

impl<'a> Elements<'a> {
    pub fn len(&self) -> usize {
        self.length
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub fn iter(self) -> impl Iterator<Item = Copied<'a>> {
        let chunks = self.bytes.chunks_exact(self.each).take(self.length);
        chunks.map(move |bytes| Copied::new(bytes, self.of))
    }
}

impl<'a> Members<'a> {
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    pub fn iter(self) -> impl Iterator<Item = (&'a Part, Copied<'a>)> {
        self.parts.iter().map(move |part| {
            let bits = part.width.map(|width| (part.bit_offset % 8, width));
            let start = part.bit_offset as usize / 8;
            let rest = self.bytes.get(start..).unwrap_or_default();
            // A bit-field may reach beyond the bytes of its type.
            let size = if bits.is_some() {
                9
            } else {
                part.size as usize
            };
            let copied = Copied {
                bytes: rest.get(..size).unwrap_or(rest),
                shape: &part.shape,
                bits,
            };
            (part, copied)
        })
    }
}

/// An integer of so many bytes.
fn word(bytes: &[u8], size: usize) -> Option<u64> {
    let bytes = bytes.get(..size)?.iter().rev();
    Some(bytes.fold(0, |word, byte| word << 8 | u64::from(*byte)))
}

/// Bits of up to nine bytes, the first of them below `shift`, which is less than 8.
fn bits(bytes: &[u8], shift: u32, width: u8) -> Option<u64> {
    let needed = (shift + u32::from(width)).div_ceil(8) as usize;
    let bytes = bytes.get(..needed)?.iter().rev();
    let word = bytes.fold(0u128, |word, byte| word << 8 | u128::from(*byte));
    Some((word >> shift) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::shown::AddressKind;
    use proptest::prelude::*;

    fn part(name: &str, bit_offset: u32, width: Option<u8>, size: u32, shape: Shape) -> Part {
        Part {
            name: name.into(),
            bit_offset,
            width,
            size,
            shape,
        }
    }

    #[test]
    fn a_struct_is_read_member_by_member() {
        let byte = Shape::Int(Int::U8, None);
        let array = Shape::Array {
            of: Box::new(byte.clone()),
            each: 1,
            length: 3,
        };
        let inner = Shape::Struct(vec![part("a", 0, None, 1, byte)]);
        let shape = Shape::Struct(vec![
            part("id", 0, None, 4, Shape::Int(Int::I32, None)),
            part("low", 32, Some(3), 4, Shape::Int(Int::U32, None)),
            part("high", 35, Some(5), 4, Shape::Int(Int::I32, None)),
            part("flag", 39, Some(1), 1, Shape::Bool),
            part("comm", 40, None, 4, Shape::Text),
            part("list", 72, None, 3, array),
            part("in", 96, None, 1, inner),
            part("mac", 104, None, 6, Shape::Address(AddressKind::Mac)),
            part(
                "cut",
                120,
                None,
                8,
                Shape::Int(Int::U64, Some(Shown::Address)),
            ),
        ]);
        let bytes = [
            0xfe,
            0xff,
            0xff,
            0xff,
            0b1111_0101,
            b's',
            b'h',
            0,
            7,
            1,
            2,
            3,
            9,
            1,
            2,
            3,
            4,
            5,
            6,
        ];
        let Value::Struct(members) = Copied::new(&bytes, &shape).to_value() else {
            panic!("no struct")
        };
        let values: Vec<Value> = members.into_iter().map(|(_, value)| value).collect();
        let numbers = [1, 2, 3].map(Value::Unsigned).to_vec();
        assert_eq!(
            values,
            [
                Value::Int(-2),
                Value::Unsigned(5),
                Value::Int(-2),
                Value::Bool(true),
                Value::Str(b"sh".to_vec()),
                Value::List(numbers),
                Value::Struct(vec![("a".into(), Value::Unsigned(9))]),
                Value::Str(b"01:02:03:04:05:06".to_vec()),
                Value::Nil,
            ]
        );
    }

    fn any_shape() -> impl Strategy<Value = Shape> {
        let int = (any::<bool>(), 1..=64u8).prop_map(|(signed, bits)| Int::new(signed, bits));
        let leaf = prop_oneof![
            int.prop_map(|int| Shape::Int(int, None)),
            Just(Shape::Bool),
            Just(Shape::Text),
            Just(Shape::Address(AddressKind::Ipv6)),
            Just(Shape::Socket),
        ];
        leaf.prop_recursive(3, 24, 4, |within| {
            let array = (within.clone(), any::<u32>(), any::<u32>());
            let width = prop::option::of(any::<u8>());
            let member = (any::<u32>(), width, any::<u32>(), within);
            prop_oneof![
                array.prop_map(|(of, each, length)| Shape::Array {
                    of: Box::new(of),
                    each,
                    length
                }),
                prop::collection::vec(member, 0..4).prop_map(|members| {
                    let member = |(at, width, size, shape)| part("m", at, width, size, shape);
                    Shape::Struct(members.into_iter().map(member).collect())
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_bytes_are_something_to_any_shape(shape in any_shape(), bytes in any::<[u8; 24]>(), cut in 0..24usize) {
            Copied::new(&bytes[..cut], &shape).to_value();
        }
    }

    #[test]
    fn a_bit_field_may_lie_in_nine_bytes() {
        assert_eq!(bits(&[0x80, 0, 0, 0, 0, 0, 0, 0, 1], 7, 2), Some(1 << 0));
        let all = [0xff; 9];
        assert_eq!(bits(&all, 7, 64), Some(u64::MAX));
        assert_eq!(bits(&all[..8], 7, 64), None);
    }
}
