//! The compiled library as an ELF file: its functions with what they call and refer to, and its maps.
//!
//! Read once a run, without its type information: only the diagnosis of a rejected program needs that.

use super::inline::Frame;
use crate::report::Report;
use crate::sys::map::MapType;
use aya_obj::generated::{BPF_F_RDONLY_PROG, bpf_insn};
use object::read::elf::ElfFile64;
use object::{
    Object as _, ObjectSection as _, ObjectSymbol as _, RelocationTarget, SectionIndex, SymbolKind,
};
use std::collections::HashMap;

/// Bytes of an instruction.
const INSN: usize = 8;
/// In the source register of a call: the callee is another function of the program.
const PSEUDO_CALL: u8 = 1;
/// The section of maps: records of 5 words and more.
const MAPS: &str = "maps";

/// A map that the library wants, as the host may make it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapDefinition {
    pub name: String,
    pub of: MapType,
    /// Bytes.
    pub key_size: u32,
    /// Bytes.
    pub value_size: u32,
    pub entries: u32,
    pub flags: u32,
    /// What the value of a section of data (`.rodata`, `.data…`) begins as; `None` is zeros.
    pub data: Option<Vec<u8>>,
}

/// What an instruction refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// A function, by its index.
    Call(usize),
    /// A map by its index, or byte `value` of its value.
    Map { map: usize, value: Option<u32> },
}

#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) insns: Vec<bpf_insn>,
    /// In the order of the instructions they belong to.
    pub(super) links: Vec<(usize, Link)>,
    pub(super) frame: Frame,
}

#[derive(Debug)]
pub(super) struct Object {
    pub(super) functions: Vec<Function>,
    pub(super) by_name: HashMap<String, usize>,
    pub(super) maps: Vec<MapDefinition>,
}

/// Names by where they stand.
#[derive(Default)]
struct Places {
    functions: HashMap<(SectionIndex, u64), usize>,
    maps: HashMap<(SectionIndex, u64), usize>,
    data: HashMap<SectionIndex, usize>,
}

type File<'a> = ElfFile64<'a>;

impl Object {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Report> {
        let file = File::parse(bytes).map_err(|error| damaged(&error.to_string()))?;
        let mut object = Self {
            functions: Vec::new(),
            by_name: HashMap::new(),
            maps: Vec::new(),
        };
        let mut places = Places::default();
        object.find_maps(&file, &mut places)?;
        object.find_functions(&file, &mut places)?;
        object.find_links(&file, &places)?;
        for function in &mut object.functions {
            function.frame = Frame::of(&function.insns, None)?;
        }
        Ok(object)
    }

    fn find_maps(&mut self, file: &File<'_>, places: &mut Places) -> Result<(), Report> {
        for section in file.sections() {
            let name = section
                .name()
                .map_err(|error| damaged(&error.to_string()))?;
            // The library's zeros are never written to.
            let zeros = name.starts_with(".bss");
            let read_only = zeros || name.starts_with(".rodata");
            if read_only || name.starts_with(".data") {
                places.data.insert(section.index(), self.maps.len());
                self.maps.push(MapDefinition {
                    name: name.to_owned(),
                    of: MapType::Array,
                    key_size: 4,
                    value_size: section.size() as u32,
                    entries: 1,
                    flags: if read_only { BPF_F_RDONLY_PROG } else { 0 },
                    data: match zeros {
                        true => None,
                        false => Some(
                            section
                                .data()
                                .map_err(|error| damaged(&error.to_string()))?
                                .to_vec(),
                        ),
                    },
                });
            }
        }
        for symbol in file
            .symbols()
            .filter(|symbol| symbol.kind() == SymbolKind::Data)
        {
            let Some(section) = symbol.section_index() else {
                continue;
            };
            let section = file
                .section_by_index(section)
                .map_err(|error| damaged(&error.to_string()))?;
            if section.name() != Ok(MAPS) {
                continue;
            }
            let name = symbol.name().map_err(|error| damaged(&error.to_string()))?;
            let data = section
                .data()
                .map_err(|error| damaged(&error.to_string()))?;
            let [of, key_size, value_size, entries, flags] = map_words(data, symbol.address())
                .ok_or_else(|| damaged(&format!("the definition of the map {name} is cut off")))?;
            let of = MapType::from_number(of)
                .ok_or_else(|| damaged(&format!("the map {name} is of type {of}")))?;
            places
                .maps
                .insert((section.index(), symbol.address()), self.maps.len());
            self.maps.push(MapDefinition {
                name: name.to_owned(),
                of,
                key_size,
                value_size,
                entries,
                flags,
                data: None,
            });
        }
        Ok(())
    }

    fn find_functions(&mut self, file: &File<'_>, places: &mut Places) -> Result<(), Report> {
        for symbol in file
            .symbols()
            .filter(|symbol| symbol.kind() == SymbolKind::Text)
        {
            let Some(section) = symbol.section_index() else {
                continue;
            };
            let name = symbol.name().map_err(|error| damaged(&error.to_string()))?;
            let section = file
                .section_by_index(section)
                .map_err(|error| damaged(&error.to_string()))?;
            let data = section
                .data()
                .map_err(|error| damaged(&error.to_string()))?;
            let start = symbol.address() as usize;
            let bytes = start
                .checked_add(symbol.size() as usize)
                .and_then(|end| data.get(start..end))
                .ok_or_else(|| damaged(&format!("the function {name} is cut off")))?;
            let insns =
                aya_obj::copy_instructions(bytes).map_err(|error| damaged(&error.to_string()))?;
            let index = self.functions.len();
            places
                .functions
                .insert((section.index(), symbol.address()), index);
            self.by_name.insert(name.to_owned(), index);
            let function = Function {
                name: name.to_owned(),
                insns,
                links: Vec::new(),
                frame: Frame::default(),
            };
            self.functions.push(function);
        }
        Ok(())
    }

    /// Calls within a section need no relocation; all else does.
    fn find_links(&mut self, file: &File<'_>, places: &Places) -> Result<(), Report> {
        let starts: Vec<(SectionIndex, u64, usize)> = places
            .functions
            .iter()
            .map(|((section, address), index)| (*section, *address, *index))
            .collect();
        for (section, start, index) in starts {
            let section = file
                .section_by_index(section)
                .map_err(|error| damaged(&error.to_string()))?;
            let function = &mut self.functions[index];
            let name = &function.name;
            let mut links: HashMap<usize, Link> = HashMap::new();
            for (at, insn) in function
                .insns
                .iter()
                .enumerate()
                .filter(|(_, insn)| is_call(insn))
            {
                let target = start as i64 + (at as i64 + 1 + i64::from(insn.imm)) * INSN as i64;
                if let Some(callee) = places.functions.get(&(section.index(), target as u64)) {
                    links.insert(at, Link::Call(*callee));
                }
            }
            let end = start + (function.insns.len() * INSN) as u64;
            for (offset, relocation) in section
                .relocations()
                .filter(|(offset, _)| (start..end).contains(offset))
            {
                let at = (offset - start) as usize / INSN;
                let RelocationTarget::Symbol(symbol) = relocation.target() else {
                    return Err(damaged(&format!("{name} refers to nothing")));
                };
                let symbol = file
                    .symbol_by_index(symbol)
                    .map_err(|error| damaged(&error.to_string()))?;
                let link = places.link(&function.insns[at], &symbol);
                let link = link.ok_or_else(|| {
                    damaged(&format!(
                        "{name} refers to {}, which isn't there",
                        symbol.name().unwrap_or("?")
                    ))
                })?;
                links.insert(at, link);
            }
            if let Some(at) = function
                .insns
                .iter()
                .enumerate()
                .position(|(at, insn)| is_call(insn) && !links.contains_key(&at))
            {
                return Err(damaged(&format!(
                    "the call at {at} in {name} leads nowhere"
                )));
            }
            function.links = links.into_iter().collect();
            function.links.sort_by_key(|(at, _)| *at);
        }
        Ok(())
    }
}

impl Places {
    /// What a relocated instruction refers to; what it holds before that is added to the symbol's own address.
    fn link(
        &self,
        insn: &bpf_insn,
        symbol: &object::read::elf::ElfSymbol64<'_, '_>,
    ) -> Option<Link> {
        let section = symbol.section_index()?;
        if is_call(insn) {
            let address = match symbol.kind() {
                SymbolKind::Section => (i64::from(insn.imm) + 1) as u64 * INSN as u64,
                _ => symbol.address(),
            };
            return self
                .functions
                .get(&(section, address))
                .map(|callee| Link::Call(*callee));
        }
        if let Some(map) = self.data.get(&section) {
            return Some(Link::Map {
                map: *map,
                value: Some((symbol.address() as u32).wrapping_add(insn.imm as u32)),
            });
        }
        self.maps
            .get(&(section, symbol.address()))
            .map(|map| Link::Map {
                map: *map,
                value: None,
            })
    }
}

pub(super) fn is_call(insn: &bpf_insn) -> bool {
    insn.code == 0x85 && insn.src_reg() == PSEUDO_CALL
}

/// Type, bytes of key and of value, entries, flags.
fn map_words(data: &[u8], address: u64) -> Option<[u32; 5]> {
    let mut words = [0; 5];
    let bytes = data.get(address as usize..)?.get(..4 * words.len())?;
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(4)) {
        *word = u32::from_le_bytes(bytes.try_into().ok()?);
    }
    Some(words)
}

fn damaged(why: &str) -> Report {
    Report::new(format!("the kernel half is damaged: {why}"))
}
