//! The bytes of a BTF section: header, strings, and where each type begins.
//!
//! The layout is that of include/uapi/linux/btf.h. Every read is checked: the bytes may be anything.

use super::index::Index;
use crate::sys::mapped_file::MappedFile;
use memchr::memmem;
use std::ops::Range;
use std::rc::Rc;

const MAGIC: u16 = 0xeb9f;
/// Bytes of `struct btf_header` of version 1.
const HEADER: usize = 24;

/// The types of a kernel or, on top of those, of one of its modules.
pub(super) struct Blob {
    bytes: MappedFile,
    strings: Range<usize>,
    /// Where each type begins, in the order of their numbers from `first` up.
    offsets: Vec<u32>,
    /// The number of the first type here: 1, or as many as the base has and one.
    first: u32,
    base: Option<Rc<Self>>,
    index: Index,
}

/// A type as it stands in the section.
#[derive(Clone, Copy)]
pub(super) struct Raw<'a> {
    pub(super) name: u32,
    pub(super) kind: u8,
    /// `kind_flag`: bit-fields in a struct, signed values in an enum, a union behind a forward.
    pub(super) flag: bool,
    /// Bytes of the type, or the number of the type it is made from.
    pub(super) size_or_type: u32,
    /// What follows: members, values, parameters.
    pub(super) body: &'a [u8],
}

/// Kinds of include/uapi/linux/btf.h.
pub(super) mod kind {
    pub(in super::super) const INT: u8 = 1;
    pub(in super::super) const PTR: u8 = 2;
    pub(in super::super) const ARRAY: u8 = 3;
    pub(in super::super) const STRUCT: u8 = 4;
    pub(in super::super) const UNION: u8 = 5;
    pub(in super::super) const ENUM: u8 = 6;
    pub(in super::super) const FWD: u8 = 7;
    pub(in super::super) const TYPEDEF: u8 = 8;
    pub(in super::super) const VOLATILE: u8 = 9;
    pub(in super::super) const CONST: u8 = 10;
    pub(in super::super) const RESTRICT: u8 = 11;
    pub(in super::super) const FUNC: u8 = 12;
    pub(in super::super) const FUNC_PROTO: u8 = 13;
    pub(in super::super) const VAR: u8 = 14;
    pub(in super::super) const DATASEC: u8 = 15;
    pub(in super::super) const FLOAT: u8 = 16;
    pub(in super::super) const DECL_TAG: u8 = 17;
    pub(in super::super) const TYPE_TAG: u8 = 18;
    pub(in super::super) const ENUM64: u8 = 19;
}

/// Bytes behind the 12 that every type begins with.
fn body_length(info: u32) -> Option<usize> {
    let count = (info & 0xffff) as usize;
    Some(match (info >> 24 & 0x1f) as u8 {
        kind::INT | kind::VAR | kind::DECL_TAG => 4,
        kind::ARRAY => 12,
        kind::STRUCT | kind::UNION | kind::DATASEC | kind::ENUM64 => count * 12,
        kind::ENUM | kind::FUNC_PROTO => count * 8,
        kind::PTR
        | kind::FWD
        | kind::TYPEDEF
        | kind::VOLATILE
        | kind::CONST
        | kind::RESTRICT
        | kind::FUNC
        | kind::FLOAT
        | kind::TYPE_TAG => 0,
        _ => return None,
    })
}

impl Blob {
    /// Reads the header and finds where each type begins (about 1 ms for a kernel's 60,000 types).
    /// `None` when it is no BTF of this machine's byte order.
    pub(super) fn new(bytes: MappedFile, base: Option<Rc<Self>>) -> Option<Self> {
        let word = |at| word(&bytes, at).map(|word| word as usize);
        if half(&bytes, 0)? != MAGIC {
            return None;
        }
        let header = word(4)?;
        if header < HEADER {
            return None;
        }
        let types = section(bytes.len(), header, word(8)?, word(12)?)?;
        let strings = section(bytes.len(), header, word(16)?, word(20)?)?;
        let offsets = offsets(&bytes, types);
        let first = base.as_ref().map_or(1, |base| base.end());
        Some(Self {
            bytes,
            strings,
            offsets,
            first,
            base,
            index: Index::default(),
        })
    }

    /// One more than the highest type's number.
    pub(super) fn end(&self) -> u32 {
        self.first.saturating_add(self.offsets.len() as u32)
    }

    /// The type of a number; `None` for 0 (`void`) and for what isn't there.
    pub(super) fn raw(&self, id: u32) -> Option<Raw<'_>> {
        match (id.checked_sub(self.first), &self.base) {
            (Some(index), _) => self.at(*self.offsets.get(index as usize)? as usize),
            (None, Some(base)) => base.raw(id),
            (None, None) => None,
        }
    }

    fn at(&self, offset: usize) -> Option<Raw<'_>> {
        let info = word(&self.bytes, offset + 4)?;
        let body = offset + 12;
        Some(Raw {
            name: word(&self.bytes, offset)?,
            kind: (info >> 24 & 0x1f) as u8,
            flag: info >> 31 != 0,
            size_or_type: word(&self.bytes, offset + 8)?,
            body: self
                .bytes
                .get(body..body.checked_add(body_length(info)?)?)?,
        })
    }

    /// This section's own types by number, those of its base first.
    pub(super) fn each(&self) -> impl Iterator<Item = (u32, Raw<'_>)> {
        (1..self.end()).filter_map(|id| Some((id, self.raw(id)?)))
    }

    /// This section's own types by number, without its base's.
    pub(super) fn own(&self) -> impl Iterator<Item = (u32, Raw<'_>)> {
        (self.first..self.end()).filter_map(|id| Some((id, self.raw(id)?)))
    }

    /// This section's own types by number, each with where its name stands: nothing else of them is looked at.
    pub(super) fn own_names(&self) -> impl Iterator<Item = (u32, u32)> {
        let types = (self.first..).zip(&self.offsets);
        types.filter_map(|(id, offset)| Some((id, word(&self.bytes, *offset as usize)?)))
    }

    /// The section that this one adds to.
    pub(super) fn base(&self) -> Option<&Self> {
        self.base.as_deref()
    }

    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    /// The string at an offset; empty where there is none.
    pub(super) fn string(&self, offset: u32) -> &str {
        let own = match &self.base {
            Some(base) if (offset as usize) < base.strings_end() => return base.string(offset),
            Some(base) => offset as usize - base.strings_end(),
            None => offset as usize,
        };
        let strings = self.strings();
        let Some(tail) = strings.get(own..) else {
            return "";
        };
        let length = memchr::memchr(0, tail).unwrap_or(0);
        std::str::from_utf8(&tail[..length]).unwrap_or("")
    }

    /// Offsets at which a string stands: one in each section that has it. (Sections are free of duplicates.)
    pub(super) fn offsets_of(&self, name: &str) -> [Option<u32>; 2] {
        let mut needle = Vec::with_capacity(name.len() + 2);
        needle.push(0);
        needle.extend_from_slice(name.as_bytes());
        needle.push(0);
        let own = memmem::find(self.strings(), &needle).map(|at| at + 1);
        match &self.base {
            None => [own.map(|at| at as u32), None],
            Some(base) => {
                let [inherited, _] = base.offsets_of(name);
                [inherited, own.map(|at| (at + base.strings_end()) as u32)]
            }
        }
    }

    fn strings(&self) -> &[u8] {
        self.bytes.get(self.strings.clone()).unwrap_or_default()
    }

    fn strings_end(&self) -> usize {
        self.strings.len() + self.base.as_ref().map_or(0, |base| base.strings_end())
    }

    /// Words of the section's strings that begin so.
    pub(super) fn strings_with<'a>(&'a self, prefix: &str) -> Vec<&'a str> {
        let mut needle = vec![0];
        needle.extend_from_slice(prefix.as_bytes());
        let strings = self.strings();
        memmem::find_iter(strings, &needle)
            .filter_map(|at| {
                let tail = &strings[at + 1..];
                let length = memchr::memchr(0, tail)?;
                std::str::from_utf8(&tail[..length]).ok()
            })
            .collect()
    }
}

/// `offset..offset + length` behind the header, when that lies within the file.
fn section(file: usize, header: usize, offset: usize, length: usize) -> Option<Range<usize>> {
    let start = header.checked_add(offset)?;
    let end = start.checked_add(length)?;
    (end <= file && end <= u32::MAX as usize).then_some(start..end)
}

/// Where types begin. Stops at the first that is unknown or cut off: those before it are good.
fn offsets(bytes: &[u8], types: Range<usize>) -> Vec<u32> {
    // 40 bytes is the mean of kernels' types.
    let mut offsets = Vec::with_capacity(types.len() / 40);
    let mut at = types.start;
    while at + 12 <= types.end {
        let Some(length) = word(bytes, at + 4).and_then(body_length) else {
            break;
        };
        if at + 12 + length > types.end {
            break;
        }
        offsets.push(at as u32);
        at += 12 + length;
    }
    offsets
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    let slice = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_ne_bytes(slice.try_into().ok()?))
}

/// The u32 at an offset.
pub(super) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let slice = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_ne_bytes(slice.try_into().ok()?))
}
