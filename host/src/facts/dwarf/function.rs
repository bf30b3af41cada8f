//! A function: what it takes, where that is at its first instruction, and what it returns.

use super::call::{self, Class, Hidden, Place};
use super::types::Typed;
use super::unit::{Entry, Unit};
use super::{At, Damage, Debug};
use crate::expr::types::Type;
use gimli::{DwAt, Operation, UnitOffset};
use std::rc::Rc;

/// Steps from an entry to those that say more of the same thing.
const STEPS: usize = 8;
/// More than any function has.
const PARAMETERS: usize = 1000;
/// Larger structs are returned in memory (System V ABI for x86-64, section 3.2.3), in bytes.
const IN_REGISTERS: u64 = 16;
/// DWARF's numbers of the six registers of arguments (System V ABI for x86-64, figure 3.36): di, si, dx, cx, r8, r9.
const REGISTERS: [u16; call::WORDS] = [5, 4, 1, 2, 8, 9];

/// A function of a program.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    pub parameters: Vec<Parameter>,
    pub returns: Returned,
    /// Where its unit begins in .debug_info.
    pub(super) unit: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Empty where it has none.
    pub name: String,
    pub ty: Type,
    pub place: Place,
}

/// What a function leaves in the register of results.
#[derive(Clone, Debug, PartialEq)]
pub enum Returned {
    Nothing,
    Value(Type),
    /// What that register can't hold, in words.
    Elsewhere(String),
}

/// The function of `unit` whose first instruction stands at `address`; `None` where nothing is said of what it takes
/// and returns.
pub(super) fn find(
    debug: &Debug,
    unit: &Rc<Unit>,
    address: u64,
) -> Result<Option<Function>, Damage> {
    let functions = unit.functions.get_or_init(|| begins(debug, unit));
    let Ok(number) = functions.binary_search_by_key(&address, |(begin, _)| *begin) else {
        return Ok(None);
    };
    let Some((_, offset)) = functions.get(number) else {
        return Ok(None);
    };
    let at = At {
        unit: unit.head.start,
        offset: *offset,
    };
    let found = read(debug, unit, at, address)?;
    // Nobody can tell what takes and returns nothing from what is described by its lines alone (-g1).
    let silent = found.parameters.is_empty() && found.returns == Returned::Nothing;
    Ok((!silent).then_some(found))
}

/// Where functions begin, and the entries that describe them, by address. Of a damaged unit, those before the damage.
fn begins(debug: &Debug, unit: &Unit) -> Vec<(u64, UnitOffset<usize>)> {
    let mut found = Vec::new();
    let Ok(mut entries) = unit.entries(None) else {
        return found;
    };
    while !entries.is_empty() {
        let Ok(step) = entries.next_if(|tag| tag == gimli::DW_TAG_subprogram) else {
            break;
        };
        let address = step.entry.and_then(|entry| begin(debug, unit, &entry));
        found.extend(address.map(|address| (address, step.offset)));
    }
    found.sort_unstable_by_key(|(address, offset)| (*address, offset.0));
    // The first to stand for an address does.
    found.dedup_by_key(|(address, _)| *address);
    found
}

/// The address of a function's first instruction.
fn begin(debug: &Debug, unit: &Unit, entry: &Entry) -> Option<u64> {
    let low = entry
        .get(gimli::DW_AT_entry_pc)
        .or_else(|| entry.get(gimli::DW_AT_low_pc));
    match low {
        Some(value) => unit.address(&debug.sections, value),
        // Its cold parts stand elsewhere.
        None => unit
            .ranges(&debug.sections, entry)
            .first()
            .map(|range| range.start),
    }
}

fn read(debug: &Debug, unit: &Rc<Unit>, at: At, address: u64) -> Result<Function, Damage> {
    let entry = &unit.entry(at.offset)?;
    let mut parameters = debug.parameters(unit, at)?;
    // What only a clone says of itself may be less than what was written.
    if parameters.is_empty()
        && let Some((unit, at)) = debug.origin(unit, entry)
    {
        parameters = debug.parameters(&unit, at)?;
    }
    let all: Vec<(String, Typed)> = parameters
        .iter()
        .map(|(unit, entry)| debug.described(unit, entry))
        .collect();
    let classes: Vec<Class> = all.iter().map(|(_, typed)| typed.class.clone()).collect();
    let (returns, hidden) = debug.returned(unit, entry);
    let placed = call::places(&classes, hidden);
    let parameters = parameters
        .iter()
        .zip(all)
        .zip(placed)
        .map(|(((unit, entry), (name, typed)), place)| {
            // What the compiler says itself is right for its own clones and its own ways to call, too.
            let said = matches!(typed.class, Class::Word)
                .then(|| debug.register_at(unit, entry, address))
                .flatten();
            Parameter {
                name,
                ty: typed.ty,
                place: said.map_or(place, Place::Register),
            }
        })
        .collect();
    Ok(Function {
        parameters,
        returns,
        unit: at.unit,
    })
}

impl Debug {
    fn parameters(&self, unit: &Rc<Unit>, of: At) -> Result<Vec<(Rc<Unit>, Entry)>, Damage> {
        let children = self.children(unit, of)?.into_iter();
        Ok(children
            .filter(|(_, child)| child.tag == gimli::DW_TAG_formal_parameter)
            .take(PARAMETERS)
            .map(|(_, child)| (unit.clone(), child))
            .collect())
    }

    /// Where the entry stands that says of this one what it doesn't say itself.
    fn origin(&self, unit: &Unit, entry: &Entry) -> Option<(Rc<Unit>, At)> {
        let value = entry
            .get(gimli::DW_AT_abstract_origin)
            .or_else(|| entry.get(gimli::DW_AT_specification))?;
        let at = self.referred(unit, value)?;
        let (unit, _) = self.entry(at).ok()?;
        Some((unit, at))
    }

    /// The entry, or one that it goes back to, which has an attribute.
    fn with(&self, unit: &Rc<Unit>, entry: &Entry, wanted: DwAt) -> Option<(Rc<Unit>, Entry)> {
        let (mut unit, mut entry) = (unit.clone(), entry.clone());
        for _ in 0..STEPS {
            if entry.get(wanted).is_some() {
                return Some((unit, entry));
            }
            let (_, at) = self.origin(&unit, &entry)?;
            (unit, entry) = self.entry(at).ok()?;
        }
        None
    }

    /// The name and the type of a parameter.
    fn described(&self, unit: &Rc<Unit>, entry: &Entry) -> (String, Typed) {
        let name = self
            .with(unit, entry, gimli::DW_AT_name)
            .and_then(|(unit, entry)| self.name_of(&unit, &entry));
        let typed = match self.with(unit, entry, gimli::DW_AT_type) {
            Some((unit, entry)) => self.type_of(&unit, &entry),
            None => Typed {
                ty: Type::Void,
                class: Class::Unclear("of no type".into()),
            },
        };
        (name.unwrap_or_default(), typed)
    }

    fn returned(&self, unit: &Rc<Unit>, function: &Entry) -> (Returned, Hidden) {
        let Some((of, entry)) = self.with(unit, function, gimli::DW_AT_type) else {
            return (Returned::Nothing, Hidden::No);
        };
        let typed = self.type_of(&of, &entry);
        match (typed.class, &typed.ty) {
            (Class::Word, ty) => (Returned::Value(ty.clone()), Hidden::No),
            (Class::Float, _) => (
                Returned::Elsewhere("a floating-point number".into()),
                Hidden::No,
            ),
            (Class::Empty, _) => (Returned::Nothing, Hidden::No),
            (Class::Unclear(what), Type::Struct(of)) => {
                let hidden = self.is_returned_in_memory(unit, of, &what);
                (Returned::Elsewhere(what), hidden)
            }
            (Class::Unclear(what), _) => (Returned::Elsewhere(what), Hidden::No),
        }
    }

    fn is_returned_in_memory(
        &self,
        unit: &Unit,
        of: &crate::expr::types::StructType,
        what: &str,
    ) -> Hidden {
        let ty = Type::Struct(of.clone());
        let size = self.size(&ty).map(u64::from);
        let language = match unit.root.get(gimli::DW_AT_language) {
            Some(super::Value::Language(language)) => Some(*language),
            _ => None,
        };
        match size {
            None => Hidden::Unclear(what.to_owned()),
            Some(size) if size > IN_REGISTERS => Hidden::Yes,
            // Compilers of Rust have differed in what they do with these.
            Some(size) if size > 8 && language == Some(gimli::DW_LANG_Rust) => {
                Hidden::Unclear(what.to_owned())
            }
            Some(_) if self.is_passed_by_reference(of) => Hidden::Yes,
            Some(_) => Hidden::No,
        }
    }

    /// The register in which a variable is at an address, where the compiler says that it is in one of arguments'.
    fn register_at(&self, unit: &Unit, entry: &Entry, address: u64) -> Option<usize> {
        let value = entry.get(gimli::DW_AT_location)?;
        let expression = match value.exprloc_value() {
            Some(expression) => expression,
            None => {
                let mut all = unit.locations(&self.sections, value)?;
                let mut left = PARAMETERS;
                loop {
                    left = left.checked_sub(1)?;
                    let entry = all.next().ok()??;
                    if (entry.range.begin..entry.range.end).contains(&address) {
                        break entry.data;
                    }
                }
            }
        };
        let mut operations = expression.operations(unit.encoding());
        let only = operations.next().ok()??;
        let done = matches!(operations.next(), Ok(None));
        match only {
            Operation::Register { register } if done => {
                REGISTERS.iter().position(|known| *known == register.0)
            }
            _ => None,
        }
    }
}
