//! Which unit of a file's debug information is about which code.

use super::Damage;
use super::sections::Sections;
use super::unit::{Head, Unit};

/// More stretches of code than a program's units have; what a damaged file claims beyond is left out.
const MOST: usize = 4_000_000;
/// Stretches that are looked at behind one that doesn't reach far enough: those of units hardly ever overlap.
const OVERLAPPING: usize = 16;

pub(super) struct Index {
    /// In the order of the file.
    heads: Vec<Head>,
    /// (first address, the one behind the last, number of the unit), by the first.
    code: Vec<(u64, u64, u32)>,
}

impl Index {
    /// Reads the first entry of each unit.
    ///
    /// # Errors
    /// When not even one unit can be told.
    pub(super) fn read(sections: &Sections) -> Result<Self, Damage> {
        let (mut heads, mut code, mut start) = (Vec::new(), Vec::new(), 0);
        loop {
            let head = match Head::read(sections, start) {
                Ok(Some(head)) => head,
                Ok(None) => break,
                // Those before it are good.
                Err(_) if !heads.is_empty() => break,
                Err(damage) => return Err(damage),
            };
            let number = heads.len() as u32;
            heads.push(head);
            start = head.end;
            let Ok(unit) = Unit::front(sections, head) else {
                continue;
            };
            for range in unit.ranges(sections, &unit.root) {
                if code.len() < MOST {
                    code.push((range.start, range.end, number));
                }
            }
        }
        code.sort_unstable();
        Ok(Self { heads, code })
    }

    /// The unit that a function is in.
    pub(super) fn unit_of(&self, address: u64) -> Option<Head> {
        let behind = self.code.partition_point(|(start, ..)| *start <= address);
        let before = self.code.get(..behind)?.iter().rev().take(OVERLAPPING);
        let (.., number) = before.into_iter().find(|(_, end, _)| *end > address)?;
        self.heads.get(*number as usize).copied()
    }

    /// The unit that begins at an offset of .debug_info.
    pub(super) fn head_at(&self, start: u64) -> Option<Head> {
        self.head_of(start).filter(|head| head.start == start)
    }

    /// The unit that an offset of .debug_info lies in.
    pub(super) fn head_of(&self, offset: u64) -> Option<Head> {
        let behind = self.heads.partition_point(|head| head.start <= offset);
        let head = self.heads.get(behind.checked_sub(1)?)?;
        (offset < head.end).then_some(*head)
    }
}
