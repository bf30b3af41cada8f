//! What a compiler has left of a program's source (DWARF, versions 2 to 5): the parameters of its functions and their types.
//!
//! Nothing is read before a name is asked for, and then only the unit that the function stands in.

mod call;
mod enumeration;
mod facts;
mod function;
mod index;
mod scope;
mod sections;
mod separate;
mod types;
mod unit;

#[cfg(test)]
mod tests;

pub use call::Place;
pub(super) use facts::Opened;
pub use function::{Function, Parameter, Returned};
pub(super) use types::{has_ours, is_ours};

use super::elf::Segments;
use crate::report::Report;
use gimli::UnitOffset;
use index::Index;
use sections::Sections;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use unit::{Head, Unit, Value};

/// Bytes of units that are kept for the next question, beside the one that was asked for last.
const KEPT: u64 = 64 << 20;

/// The debug information of a program or library.
pub struct Debug {
    sections: Sections,
    /// Where the binary's addresses stand in it.
    segments: Segments,
    index: OnceCell<Result<Index, Damage>>,
    /// The one used last stands last.
    units: RefCell<Vec<Rc<Unit>>>,
    /// Those that types have named, by the number they got.
    structs: RefCell<Vec<At>>,
    functions: RefCell<HashMap<u64, Known>>,
}

type Known = Result<Option<Rc<Function>>, Damage>;

/// An entry of .debug_info.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct At {
    /// Where its unit begins.
    unit: u64,
    offset: UnitOffset<usize>,
}

/// What is wrong with debug information.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage(String);

impl Damage {
    fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl From<gimli::Error> for Damage {
    fn from(error: gimli::Error) -> Self {
        Self(error.to_string())
    }
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Debug {
    /// The debug information of the binary at `path`: its own, or in the file that goes with it. `roots` are the
    /// directories below which that is looked for, as gdb does: that of the process first, then this machine's.
    ///
    /// # Errors
    /// When there is none, with where it was looked for.
    pub(super) fn of(path: &Path, roots: &[PathBuf]) -> Result<Self, Report> {
        let own = Sections::open(path)?;
        let sections = if own.has(".debug_info") {
            own
        } else {
            separate::find(path, roots)?
        };
        Ok(Self {
            sections,
            segments: Segments::of_file(path)?,
            index: OnceCell::new(),
            units: RefCell::default(),
            structs: RefCell::default(),
            functions: RefCell::default(),
        })
    }

    /// The file that it is in.
    pub fn path(&self) -> &Path {
        &self.sections.path
    }

    /// The function whose first instruction stands `offset` bytes from the start of the binary.
    ///
    /// # Errors
    /// When the debug information is damaged.
    pub fn function_at(&self, offset: u64) -> Known {
        match self.segments.address(offset) {
            Some(address) => self.function(address),
            None => Ok(None),
        }
    }

    /// The function whose first instruction stands at `address` (as the file is linked).
    ///
    /// # Errors
    /// When the debug information is damaged.
    pub fn function(&self, address: u64) -> Known {
        if let Some(known) = self.functions.borrow().get(&address) {
            return known.clone();
        }
        let found = self.look_for(address);
        self.functions.borrow_mut().insert(address, found.clone());
        found
    }

    fn look_for(&self, address: u64) -> Known {
        let Some(head) = self.index()?.unit_of(address) else {
            return Ok(None);
        };
        let unit = self.unit(head)?;
        Ok(function::find(self, &unit, address)?.map(Rc::new))
    }

    /// Which unit is whose: read once.
    fn index(&self) -> Result<&Index, Damage> {
        self.index
            .get_or_init(|| Index::read(&self.sections))
            .as_ref()
            .map_err(Damage::clone)
    }

    fn unit(&self, head: Head) -> Result<Rc<Unit>, Damage> {
        let mut units = self.units.borrow_mut();
        if let Some(at) = units.iter().position(|unit| unit.head.start == head.start) {
            let unit = units.remove(at);
            units.push(unit.clone());
            return Ok(unit);
        }
        let unit = Rc::new(Unit::read(&self.sections, head)?);
        units.push(unit.clone());
        let mut kept: u64 = units.iter().map(|unit| unit.head.size()).sum();
        while kept > KEPT && units.len() > 1 {
            kept -= units.remove(0).head.size();
        }
        Ok(unit)
    }

    /// The unit and the entry that stand somewhere.
    fn entry(&self, at: At) -> Result<(Rc<Unit>, unit::Entry), Damage> {
        let head = self.index()?.head_at(at.unit);
        let unit = self.unit(head.ok_or_else(|| Damage::new("a unit is missing"))?)?;
        let entry = unit.entry(at.offset)?;
        Ok((unit, entry))
    }

    /// Where the entry stands that an attribute of one in `unit` refers to.
    fn referred(&self, unit: &Unit, value: &Value) -> Option<At> {
        match value {
            Value::UnitRef(offset) => Some(At {
                unit: unit.head.start,
                offset: *offset,
            }),
            Value::DebugInfoRef(at) => {
                let head = self.index().ok()?.head_of(at.0 as u64)?;
                let offset = (at.0 as u64).checked_sub(head.start)?;
                Some(At {
                    unit: head.start,
                    offset: UnitOffset(usize::try_from(offset).ok()?),
                })
            }
            _ => None,
        }
    }
}
