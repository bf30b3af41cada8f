//! A unit of debug information: what one run of a compiler has left of its source.

use super::Damage;
use super::sections::{Bytes, Sections, shared};
use gimli::{
    Abbreviations, AttributeValue, DebugAbbrev, DebugAbbrevOffset, DebugAddr, DebugAddrBase,
    DebugLoc, DebugLocLists, DebugLocListsBase, DebugRanges, DebugRngLists, DebugRngListsBase,
    DebugStrOffsets, DebugStrOffsetsBase, DwAt, DwTag, Encoding, EntriesRaw, Format, LocListIter,
    LocationLists, RangeLists, SectionId, UnitHeader, UnitOffset, UnitSectionOffset, UnitType,
};
use std::cell::OnceCell;
use std::ops::Range;

pub(super) type Value = AttributeValue<Bytes>;

/// Bytes of a unit that are read to look at its first entry.
const FRONT: u64 = 1024;
/// More stretches of code than the function of a unit has; what a damaged file claims beyond is left out.
const RANGES: usize = 100_000;

/// Where a unit stands and how its bytes are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// In .debug_info.
    pub(super) start: u64,
    /// Behind its last byte.
    pub(super) end: u64,
    encoding: Encoding,
    abbreviations: u64,
    /// Bytes before the first entry.
    header: u64,
}

/// A unit whose entries can be read: all, or as many as were wanted.
pub(super) struct Unit {
    pub(super) head: Head,
    header: UnitHeader<Bytes>,
    abbreviations: Abbreviations,
    low_pc: u64,
    addresses: DebugAddrBase<usize>,
    strings: DebugStrOffsetsBase<usize>,
    ranges: DebugRngListsBase<usize>,
    locations: DebugLocListsBase<usize>,
    pub(super) root: Entry,
    /// The addresses of its functions, once they were looked for, with the entries that describe them.
    pub(super) functions: OnceCell<Vec<(u64, UnitOffset<usize>)>>,
}

/// A debugging information entry: what it is, and what is said of it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) tag: DwTag,
    attributes: Vec<(DwAt, Value)>,
}

impl Entry {
    pub(super) fn get(&self, name: DwAt) -> Option<&Value> {
        let mut all = self.attributes.iter();
        all.find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    pub(super) fn number(&self, name: DwAt) -> Option<u64> {
        self.get(name)?.udata_value()
    }
}

impl Head {
    /// Bytes of the unit.
    pub(super) fn size(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// The unit that begins at `start` of .debug_info; `None` behind the last.
    pub(super) fn read(sections: &Sections, start: u64) -> Result<Option<Self>, Damage> {
        // The longest header: 64-bit lengths, the id of a type unit and where its type stands.
        let bytes = sections.part(".debug_info", start, 40)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let cut = || Damage::new("a unit of .debug_info is cut off");
        Self::of(&bytes, start).ok_or_else(cut).map(Some)
    }

    fn of(bytes: &[u8], start: u64) -> Option<Self> {
        let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let (format, length, version_at) = match word(0)? {
            0xffff_ffff => {
                let length = u64::from_le_bytes(bytes.get(4..12)?.try_into().ok()?);
                (Format::Dwarf64, length, 12)
            }
            length => (Format::Dwarf32, u64::from(length), 4),
        };
        let offset = |at: usize| match format {
            Format::Dwarf32 => word(at).map(u64::from),
            Format::Dwarf64 => Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?)),
        };
        let wide = usize::from(format.word_size());
        let version = u16::from_le_bytes(bytes.get(version_at..version_at + 2)?.try_into().ok()?);
        let at = version_at + 2;
        let (abbreviations, address_size, header) = match version {
            2..=4 => (offset(at)?, *bytes.get(at + wide)?, at + wide + 1),
            5 => {
                // DW_UT_* of DWARF 5, section 7.5.1: skeletons and split units have an id, type units also an offset.
                let more = match *bytes.get(at)? {
                    4 | 5 => 8,
                    2 | 6 => 8 + wide,
                    _ => 0,
                };
                let header = at + 2 + wide + more;
                (offset(at + 2)?, *bytes.get(at + 1)?, header)
            }
            _ => return None,
        };
        let end = start.checked_add(length)?.checked_add(version_at as u64)?;
        (address_size == 8).then_some(Self {
            start,
            end,
            encoding: Encoding {
                address_size,
                format,
                version,
            },
            abbreviations,
            header: header as u64,
        })
    }
}

impl Unit {
    /// A unit with its first entry alone.
    pub(super) fn front(sections: &Sections, head: Head) -> Result<Self, Damage> {
        Self::with(sections, head, FRONT).or_else(|_| Self::read(sections, head))
    }

    pub(super) fn read(sections: &Sections, head: Head) -> Result<Self, Damage> {
        Self::with(sections, head, u64::MAX)
    }

    fn with(sections: &Sections, head: Head, most: u64) -> Result<Self, Damage> {
        let first = head.start.saturating_add(head.header);
        let length = head.end.saturating_sub(first).min(most);
        let entries = sections.part(".debug_info", first, length)?;
        let header = UnitHeader::new(
            head.encoding,
            // Of entries, so that no offset is taken for one behind what was read.
            (head.header as usize + entries.len()).saturating_sub(match head.encoding.format {
                Format::Dwarf32 => 4,
                Format::Dwarf64 => 12,
            }),
            UnitType::Compilation,
            DebugAbbrevOffset(index(head.abbreviations)),
            SectionId::DebugInfo,
            UnitSectionOffset(index(head.start)),
            shared(entries),
        );
        let abbreviations =
            header.abbreviations(&DebugAbbrev::from(sections.whole(".debug_abbrev")?))?;
        let mut unit = Self {
            head,
            header,
            abbreviations,
            low_pc: 0,
            addresses: DebugAddrBase(0),
            strings: DebugStrOffsetsBase(0),
            ranges: DebugRngListsBase(0),
            locations: DebugLocListsBase(0),
            root: Entry {
                tag: gimli::DW_TAG_null,
                attributes: Vec::new(),
            },
            functions: OnceCell::new(),
        };
        let root = unit.entries(None)?.next_entry()?;
        for (_, value) in &root.attributes {
            match value {
                Value::DebugAddrBase(base) => unit.addresses = *base,
                Value::DebugStrOffsetsBase(base) => unit.strings = *base,
                Value::DebugRngListsBase(base) => unit.ranges = *base,
                Value::DebugLocListsBase(base) => unit.locations = *base,
                _ => {}
            }
        }
        if let Some(value) = root.get(gimli::DW_AT_low_pc) {
            unit.low_pc = unit.address(sections, value).unwrap_or(0);
        }
        unit.root = root;
        Ok(unit)
    }

    /// How its numbers are written.
    pub(super) fn encoding(&self) -> Encoding {
        self.head.encoding
    }

    /// The entries from an offset of the unit on, from the first one by default.
    pub(super) fn entries(&self, from: Option<UnitOffset<usize>>) -> Result<Entries<'_>, Damage> {
        Ok(Entries(self.header.entries_raw(&self.abbreviations, from)?))
    }

    /// The entry at an offset of the unit.
    pub(super) fn entry(&self, at: UnitOffset<usize>) -> Result<Entry, Damage> {
        self.entries(Some(at))?.next_entry()
    }

    /// The address that an attribute says.
    pub(super) fn address(&self, sections: &Sections, value: &Value) -> Option<u64> {
        match value {
            Value::Addr(address) => Some(*address),
            Value::DebugAddrIndex(at) => {
                let table = sections.whole(".debug_addr").ok()?;
                // Multiplied by gimli, unchecked.
                (at.0 < table.bytes().len()).then_some(())?;
                let size = self.head.encoding.address_size;
                DebugAddr::from(table)
                    .get_address(size, self.addresses, *at)
                    .ok()
            }
            _ => None,
        }
    }

    /// The text that an attribute says.
    pub(super) fn text(&self, sections: &Sections, value: &Value) -> Option<String> {
        match value {
            Value::String(text) => Some(String::from_utf8_lossy(text.bytes()).into_owned()),
            Value::DebugStrRef(at) => sections.text(".debug_str", at.0 as u64),
            Value::DebugLineStrRef(at) => sections.text(".debug_line_str", at.0 as u64),
            Value::DebugStrOffsetsIndex(at) => {
                let table = sections.whole(".debug_str_offsets").ok()?;
                (at.0 < table.bytes().len()).then_some(())?;
                let format = self.head.encoding.format;
                let at = DebugStrOffsets::from(table)
                    .get_str_offset(format, self.strings, *at)
                    .ok()?;
                sections.text(".debug_str", at.0 as u64)
            }
            _ => None,
        }
    }

    /// The stretches of code that an entry stands for.
    pub(super) fn ranges(&self, sections: &Sections, entry: &Entry) -> Vec<Range<u64>> {
        if let Some(value) = entry.get(gimli::DW_AT_ranges) {
            return self.listed_ranges(sections, value).unwrap_or_default();
        }
        let low = entry.get(gimli::DW_AT_low_pc);
        let Some(low) = low.and_then(|value| self.address(sections, value)) else {
            return Vec::new();
        };
        let high = match entry.get(gimli::DW_AT_high_pc) {
            None => low.checked_add(1),
            Some(value) => match value.udata_value() {
                Some(length) => low.checked_add(length),
                None => self.address(sections, value),
            },
        };
        let range = high.filter(|high| *high > low).map(|high| low..high);
        range.into_iter().collect()
    }

    fn listed_ranges(&self, sections: &Sections, value: &Value) -> Option<Vec<Range<u64>>> {
        let lists = RangeLists::new(
            DebugRanges::from(sections.whole(".debug_ranges").ok()?),
            DebugRngLists::from(sections.whole(".debug_rnglists").ok()?),
        );
        let encoding = self.head.encoding;
        let at = match value {
            Value::RangeListsRef(at) => gimli::RangeListsOffset(at.0),
            Value::DebugRngListsIndex(at) => {
                (at.0 < index(sections.size(".debug_rnglists"))).then_some(())?;
                lists.get_offset(encoding, self.ranges, *at).ok()?
            }
            _ => return None,
        };
        let addresses = DebugAddr::from(sections.whole(".debug_addr").ok()?);
        let mut all = lists
            .ranges(at, encoding, self.low_pc, &addresses, self.addresses)
            .ok()?;
        let mut found = Vec::new();
        while let Ok(Some(range)) = all.next() {
            if found.len() == RANGES {
                break;
            }
            found.push(range.begin..range.end);
        }
        Some(found)
    }

    /// The list of places where a variable is, each for a stretch of code.
    pub(super) fn locations(
        &self,
        sections: &Sections,
        value: &Value,
    ) -> Option<LocListIter<Bytes>> {
        let lists = LocationLists::new(
            DebugLoc::from(sections.whole(".debug_loc").ok()?),
            DebugLocLists::from(sections.whole(".debug_loclists").ok()?),
        );
        let encoding = self.head.encoding;
        let at = match value {
            Value::LocationListsRef(at) => *at,
            Value::DebugLocListsIndex(at) => {
                (at.0 < index(sections.size(".debug_loclists"))).then_some(())?;
                lists.get_offset(encoding, self.locations, *at).ok()?
            }
            _ => return None,
        };
        let addresses = DebugAddr::from(sections.whole(".debug_addr").ok()?);
        lists
            .locations(at, encoding, self.low_pc, &addresses, self.addresses)
            .ok()
    }
}

/// Entries one after the other, as they stand.
pub(super) struct Entries<'a>(EntriesRaw<'a, Bytes>);

impl Entries<'_> {
    /// The next entry where it is one of those that are `wanted`, else `None`, and where it stands and how deep; the end of a
    /// list of children is no entry.
    ///
    /// # Errors
    /// When there is none any more ([`Self::is_empty`] tells before), or it is damaged.
    pub(super) fn next_if(&mut self, wanted: impl FnOnce(DwTag) -> bool) -> Result<Step, Damage> {
        let (depth, offset) = (self.0.next_depth(), self.0.next_offset());
        let Some(abbreviation) = self.0.read_abbreviation()? else {
            return Ok(Step {
                depth,
                offset,
                entry: None,
                has_children: false,
            });
        };
        let specifications = abbreviation.attributes();
        let entry = if wanted(abbreviation.tag()) {
            let mut attributes = Vec::with_capacity(specifications.len());
            for specification in specifications {
                let attribute = self.0.read_attribute(*specification)?;
                attributes.push((attribute.name(), attribute.value()));
            }
            Some(Entry {
                tag: abbreviation.tag(),
                attributes,
            })
        } else {
            self.0.skip_attributes(specifications)?;
            None
        };
        Ok(Step {
            depth,
            offset,
            entry,
            has_children: abbreviation.has_children(),
        })
    }

    fn next_entry(&mut self) -> Result<Entry, Damage> {
        let step = self.next_if(|_| true)?;
        step.entry.ok_or_else(|| Damage::new("an entry is missing"))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What [`Entries`] has come past.
pub(super) struct Step {
    pub(super) depth: isize,
    pub(super) offset: UnitOffset<usize>,
    pub(super) entry: Option<Entry>,
    pub(super) has_children: bool,
}

/// A number of a file as one of memory; what is larger than memory is behind every section's end.
fn index(of: u64) -> usize {
    usize::try_from(of).unwrap_or(usize::MAX)
}
