//! Where a file's addresses stand in it.

use super::file::with_object;
use crate::report::Report;
use object::{Object, ObjectSegment, elf};
use std::path::Path;

/// A stretch of a file that is loaded at an address (as the file is linked).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Segment {
    address: u64,
    /// Bytes that come from the file.
    size: u64,
    /// Bytes from the start of the file.
    offset: u64,
    executable: bool,
}

/// What is loaded of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::facts) struct Segments(Vec<Segment>);

impl Segments {
    /// Those of the ELF file at `path`.
    pub(in crate::facts) fn of_file(path: &Path) -> Result<Self, Report> {
        with_object(path, |object| Ok(Self::of(object)))
    }

    pub(super) fn of<'data>(object: &impl Object<'data>) -> Self {
        let segments = object.segments().map(|segment| {
            let (offset, size) = segment.file_range();
            Segment {
                address: segment.address(),
                size,
                offset,
                executable: is_executable(&segment),
            }
        });
        Self(segments.collect())
    }

    /// Of code: bytes from the file's start to what is loaded at `address`.
    pub(super) fn code(&self, address: u64) -> Option<u64> {
        self.find(address, true)
    }

    /// Of code or data.
    pub(super) fn any(&self, address: u64) -> Option<u64> {
        self.find(address, false)
    }

    /// The address of the code that stands at `offset` of the file.
    pub(in crate::facts) fn address(&self, offset: u64) -> Option<u64> {
        let code = self.0.iter().filter(|segment| segment.executable);
        code.filter_map(|segment| {
            let inside = offset.checked_sub(segment.offset)?;
            let there = inside < segment.size;
            segment.address.checked_add(inside).filter(|_| there)
        })
        .next()
    }

    fn find(&self, address: u64, code: bool) -> Option<u64> {
        let fitting = self.0.iter().filter(|segment| segment.executable || !code);
        fitting
            .filter_map(|segment| {
                let inside = address.checked_sub(segment.address)?;
                let there = inside < segment.size;
                segment.offset.checked_add(inside).filter(|_| there)
            })
            .next()
    }
}

fn is_executable<'data>(segment: &impl ObjectSegment<'data>) -> bool {
    matches!(segment.flags(), object::SegmentFlags::Elf { p_flags } if p_flags & elf::PF_X != 0)
}
