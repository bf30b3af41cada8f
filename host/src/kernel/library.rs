//! The library, and instances of its programs with their holes filled.

use super::abilities::{Abilities, WITHOUT_ATOMIC_RESULTS};
use super::inline::{self, Frame, Resolved};
use super::object::{Function, Link, MapDefinition, Object};
use super::tidy::tidy;
use crate::codegen::{Code, MapRef, constant};
use crate::report::Report;
use aya_obj::generated::bpf_insn;
use std::borrow::Cow;
use std::collections::HashMap;
use std::os::fd::RawFd;

/// The holes that may stay empty, with what they return then.
const HOLES: [(&str, u64); 16] = [
    ("stack", 0),
    ("frame", 0),
    ("stash", 0),
    ("done", 0),
    ("guard", 1),
    ("cookie", 0),
    ("base", 0),
    ("steps", 1),
    ("key", 0),
    ("measure", 0),
    ("span_size", 0),
    ("fields", 0),
    ("columns", 0),
    ("record_size", 0),
    ("record", 0),
    ("member", 0),
];

/// What goes into a hole.
#[derive(Clone, Copy)]
pub enum Body<'a> {
    Code(&'a Code),
    /// Another function of the library: an action.
    Is(&'static str),
}

/// The parsed library. Programs are made of it without changing it.
#[derive(Debug)]
pub struct Library {
    pub(super) bytes: Cow<'static, [u8]>,
    object: Object,
    abilities: Abilities,
    /// Which functions stand in place of others, by their indexes.
    substitutes: Vec<(usize, usize)>,
}

/// A program that is ready to be loaded.
pub struct Instance {
    pub insns: Vec<bpf_insn>,
    /// The names of the functions that it was made of.
    pub(super) bodies: Vec<Origin>,
    /// For each instruction: which of `bodies` it is from, and which instruction there.
    pub(super) origins: Vec<(u32, u32)>,
}

/// Where a part of a program comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A function of the library, by its name.
    Library(String),
    /// Generated code: its label, and its parts with labels of their own.
    Code {
        label: String,
        lines: Vec<(usize, String)>,
    },
}

impl Library {
    /// Parses the object, for kernels that can do all that it asks for. It stays as it is in memory, for the diagnosis of
    /// a program that the kernel refuses.
    pub fn open(bytes: impl Into<Cow<'static, [u8]>>) -> Result<Self, Report> {
        let bytes = bytes.into();
        Ok(Self {
            object: Object::parse(&bytes)?,
            bytes,
            abilities: Abilities::default(),
            substitutes: Vec::new(),
        })
    }

    /// Makes do with what a kernel can do.
    pub fn made_for(mut self, abilities: Abilities) -> Result<Self, Report> {
        self.abilities = abilities;
        self.substitutes.clear();
        if !abilities.atomic_results {
            for (of, by) in WITHOUT_ATOMIC_RESULTS {
                let pair = (self.function(of)?, self.function(by)?);
                self.substitutes.push(pair);
            }
        }
        Ok(self)
    }

    /// What programs and maps may do.
    pub fn abilities(&self) -> Abilities {
        self.abilities
    }

    /// The maps that programs refer to; sections of data are among them.
    pub fn map_definitions(&self) -> &[MapDefinition] {
        &self.object.maps
    }

    /// Was it built with diagnostics of its own?
    pub fn has_log(&self) -> bool {
        let mut maps = self.object.maps.iter();
        maps.any(|map| map.name == super::engine_log::MAP)
    }

    /// Links one program. `holes`: which hole takes what; those that are not named return a constant. `maps` gives the
    /// library's maps by name, `refs` those that the generated code of a hole refers to.
    pub fn instance(
        &self,
        program: &str,
        holes: &[(&str, Body<'_>)],
        maps: &[(&str, RawFd)],
        refs: &dyn Fn(&str, MapRef) -> Option<RawFd>,
    ) -> Result<Instance, Report> {
        let maps: Vec<Option<RawFd>> = self
            .object
            .maps
            .iter()
            .map(|map| {
                maps.iter()
                    .find(|(name, _)| *name == map.name)
                    .map(|(_, fd)| *fd)
            })
            .collect();
        let empty: Vec<(&str, Code)> = HOLES
            .iter()
            .filter(|(hole, _)| !holes.iter().any(|(name, _)| name == hole))
            .map(|(hole, value)| (*hole, constant(*value)))
            .collect();
        let mut linking = Linking {
            library: self,
            maps: &maps,
            refs,
            codes: Vec::new(),
            fillings: HashMap::new(),
        };
        for (of, by) in &self.substitutes {
            linking.fillings.insert(*of, Filling::Library(*by));
        }
        for (hole, body) in holes {
            let index = self.function(hole)?;
            let filling = match body {
                Body::Is(name) => Filling::Library(self.function(name)?),
                Body::Code(code) => linking.add(hole, code)?,
            };
            linking.fillings.insert(index, filling);
        }
        // Programs that are written by hand, to compare ours with, have fewer holes.
        for (hole, usual) in [("run", "run_event"), ("event", "event_alone")] {
            if let Some(hole) = self.object.by_name.get(hole) {
                let usual = Filling::Library(self.function(usual)?);
                linking.fillings.entry(*hole).or_insert(usual);
            }
        }
        for (hole, code) in &empty {
            if let Some(index) = self.object.by_name.get(*hole) {
                let filling = linking.add(hole, code)?;
                linking.fillings.insert(*index, filling);
            }
        }
        let flat = inline::flatten(Linked {
            linking: &linking,
            of: Filling::Library(self.function(program)?),
        })?;
        let bodies = flat.bodies.iter().map(Linked::origin).collect();
        let lines = flat.insns.into_iter().zip(flat.origins).collect();
        let (insns, origins) = tidy(lines).into_iter().unzip();
        Ok(Instance {
            insns,
            bodies,
            origins,
        })
    }

    fn function(&self, name: &str) -> Result<usize, Report> {
        let index = self.object.by_name.get(name).copied();
        index.ok_or_else(|| Report::new(format!("the kernel half has no function '{name}'")))
    }
}

/// What stands where a function is called.
#[derive(Clone, Copy)]
enum Filling {
    /// By its index in the object.
    Library(usize),
    /// By its index in [`Linking::codes`].
    Code(usize),
}

/// A linking in progress.
struct Linking<'a> {
    library: &'a Library,
    /// File descriptors of the library's maps.
    maps: &'a [Option<RawFd>],
    refs: &'a dyn Fn(&str, MapRef) -> Option<RawFd>,
    codes: Vec<Generated<'a>>,
    /// By the hole's index in the object.
    fillings: HashMap<usize, Filling>,
}

struct Generated<'a> {
    hole: &'a str,
    code: &'a Code,
    frame: Frame,
}

impl<'a> Linking<'a> {
    fn add(&mut self, hole: &'a str, code: &'a Code) -> Result<Filling, Report> {
        let frame = Frame::of(&code.insns, Some(code.stack))?;
        self.codes.push(Generated { hole, code, frame });
        Ok(Filling::Code(self.codes.len() - 1))
    }

    fn library_function(&self, index: usize) -> &Function {
        &self.library.object.functions[index]
    }
}

#[derive(Clone, Copy)]
struct Linked<'l> {
    linking: &'l Linking<'l>,
    of: Filling,
}

impl Linked<'_> {
    fn origin(&self) -> Origin {
        match self.of {
            Filling::Library(index) => {
                Origin::Library(self.linking.library_function(index).name.clone())
            }
            Filling::Code(index) => {
                let Generated { hole, code, .. } = &self.linking.codes[index];
                let label = if code.label.is_empty() {
                    (*hole).to_owned()
                } else {
                    code.label.clone()
                };
                Origin::Code {
                    label,
                    lines: code.lines.clone(),
                }
            }
        }
    }

    /// What is called when the function of that index is.
    fn callee(&self, index: usize) -> Resolved<Self> {
        let of = self
            .linking
            .fillings
            .get(&index)
            .copied()
            .unwrap_or(Filling::Library(index));
        Resolved::Call(Self {
            linking: self.linking,
            of,
        })
    }

    fn library_link(&self, link: Link) -> Result<Resolved<Self>, Report> {
        match link {
            Link::Call(index) => Ok(self.callee(index)),
            Link::Map { map, value } => match self.linking.maps.get(map).copied().flatten() {
                Some(fd) => Ok(Resolved::Map { fd, value }),
                None => {
                    let name = self
                        .linking
                        .library
                        .object
                        .maps
                        .get(map)
                        .map_or("?", |map| map.name.as_str());
                    Err(Report::new(format!(
                        "the program wants the map {name}, which it wasn't given"
                    )))
                }
            },
        }
    }

    fn code_link(&self, generated: &Generated<'_>, at: usize) -> Result<Resolved<Self>, Report> {
        let code = generated.code;
        if let Ok(index) = code.calls.binary_search_by_key(&at, |(at, _)| *at) {
            return Ok(self.callee(self.linking.library.function(code.calls[index].1)?));
        }
        let Ok(index) = code.maps.binary_search_by_key(&at, |(at, _)| *at) else {
            return Ok(Resolved::Same);
        };
        let map = code.maps[index].1;
        let fd = (self.linking.refs)(generated.hole, map);
        let fd = fd.ok_or_else(|| {
            Report::new(format!("the program wants {map:?}, which it wasn't given"))
        })?;
        let value = match map {
            MapRef::Set(_) | MapRef::Span(_) | MapRef::Target => None,
            MapRef::Control { offset }
            | MapRef::Variables { offset }
            | MapRef::Patterns { offset } => Some(offset),
        };
        Ok(Resolved::Map { fd, value })
    }
}

impl inline::Body for Linked<'_> {
    fn insns(&self) -> &[bpf_insn] {
        match self.of {
            Filling::Library(index) => &self.linking.library_function(index).insns,
            Filling::Code(index) => &self.linking.codes[index].code.insns,
        }
    }

    fn frame(&self) -> &Frame {
        match self.of {
            Filling::Library(index) => &self.linking.library_function(index).frame,
            Filling::Code(index) => &self.linking.codes[index].frame,
        }
    }

    fn resolve(&self, at: usize) -> Result<Resolved<Self>, Report> {
        match self.of {
            Filling::Code(index) => self.code_link(&self.linking.codes[index], at),
            Filling::Library(index) => {
                let links = &self.linking.library_function(index).links;
                match links.binary_search_by_key(&at, |(at, _)| *at) {
                    Ok(link) => self.library_link(links[link].1),
                    Err(_) => Ok(Resolved::Same),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
