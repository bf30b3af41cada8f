//! The kernel's side: the library with generated code in its holes, run through BPF_PROG_TEST_RUN.

use crate::world::{self, Set, World};
use moontrace::codegen::{Code, MapRef};
use moontrace::facts::Facts;
use moontrace::kernel::Abilities;
use moontrace::kernel::library::{Body, Instance, Library};
use moontrace::kernel::object::MapDefinition;
use moontrace::sys::bpf::{ProgramType, prog_test_run};
use moontrace::sys::map::{Map, MapSpec, MapType, Update};
use moontrace::sys::mapping::RingMapping;
use moontrace_abi::{Book, Note, Outcome};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

pub(crate) static OBJECT: &[u8] = include_bytes!("../../ebpf/moontrace.bpf.o");

const RING: u32 = 1 << 16;
const MMAPABLE: u32 = 1 << 10;
const READ_ONLY: u32 = 1 << 7;

pub(crate) struct Machine {
    pub(crate) library: Library,
    /// The library's maps, by name.
    maps: Vec<(String, Map)>,
    ring: RingMapping,
    variables: Map,
    sets: Vec<Map>,
    target: Map,
}

/// A loaded program, with the maps that are its own.
pub(crate) struct Program {
    fd: OwnedFd,
    pub(crate) instance: Instance,
    tally: Option<Map>,
    _patterns: Vec<Map>,
}

/// What one run left behind.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Run {
    /// `None` for what is no hit.
    pub(crate) outcome: Option<Outcome>,
    pub(crate) divisions: u64,
    pub(crate) truncations: u64,
    pub(crate) faults: u64,
    pub(crate) record: Vec<u8>,
    /// Key and value of the row that the tally has.
    pub(crate) row: Option<(Vec<u8>, Vec<u8>)>,
}

/// A table: bytes of its key and value.
#[derive(Clone, Copy)]
pub(crate) struct Table {
    pub(crate) key: u32,
    pub(crate) value: u32,
}

impl Machine {
    pub(crate) fn new(world: &World) -> Self {
        let abilities = Abilities::of(Facts::live().version());
        let library = Library::open(OBJECT).unwrap().made_for(abilities).unwrap();
        let maps: Vec<(String, Map)> = library
            .map_definitions()
            .iter()
            .map(|map| (map.name.clone(), make(map)))
            .collect();
        let control = find(&maps, ".data.control");
        let mut armed = vec![0; control.value_size()];
        armed[0] = 1;
        control
            .update(&0u32.to_le_bytes(), &armed, Update::Any)
            .unwrap();
        let ring = RingMapping::new(find(&maps, "EVENTS"), RING as usize).unwrap();
        let variables = array("variables", world::VARIABLES as u32, 0);
        let sets = world.sets.iter().map(make_set).collect();
        let target = hash("target", 8, 1);
        target
            .update(
                &u64::from(std::process::id()).to_le_bytes(),
                &[1],
                Update::Any,
            )
            .unwrap();
        Self {
            library,
            maps,
            ring,
            variables,
            sets,
            target,
        }
    }

    pub(crate) fn set_variables(&self, world: &World) {
        self.variables
            .update(&0u32.to_le_bytes(), &world.variables, Update::Any)
            .unwrap();
    }

    /// Links a raw tracepoint program. A table wants a map of its own.
    pub(crate) fn link(
        &self,
        holes: &[(&str, &Code)],
        action: &'static str,
        table: Option<Table>,
    ) -> Result<Program, String> {
        let tally = table.map(|table| hash("tally", table.key, table.value));
        let patterns: Vec<(&str, Map)> = holes
            .iter()
            .filter(|(_, code)| !code.patterns.is_empty())
            .map(|(hole, code)| (*hole, constant(code)))
            .collect();
        let mut maps: Vec<(&str, RawFd)> = self
            .maps
            .iter()
            .map(|(name, map)| (name.as_str(), number(map)))
            .collect();
        if let Some(tally) = &tally {
            maps.retain(|(name, _)| *name != "TALLY");
            maps.push(("TALLY", number(tally)));
        }
        let control = number(find(&self.maps, ".data.control"));
        let refs = |hole: &str, map: MapRef| match map {
            MapRef::Set(id) => self.sets.get(id.0 as usize).map(number),
            MapRef::Span(_) => None,
            MapRef::Target => Some(number(&self.target)),
            MapRef::Control { .. } => Some(control),
            MapRef::Variables { .. } => Some(number(&self.variables)),
            MapRef::Patterns { .. } => patterns
                .iter()
                .find(|(name, _)| *name == hole)
                .map(|(_, map)| number(map)),
        };
        let mut bodies: Vec<(&str, Body<'_>)> = holes
            .iter()
            .map(|(hole, code)| (*hole, Body::Code(code)))
            .collect();
        bodies.push(("act", Body::Is(action)));
        let instance = self
            .library
            .instance("mt_raw_tracepoint", &bodies, &maps, &refs)
            .map_err(|report| format!("refused by the linker: {}", report.message))?;
        let fd = self
            .library
            .load(&instance, ProgramType::RawTracepoint, "random")
            .map_err(|rejection| {
                let log = rejection.log;
                let start = log.len().saturating_sub(3000);
                let tail: String = log.chars().skip(log[..start].chars().count()).collect();
                format!("rejected by the verifier: {}\n{tail}", rejection.error)
            })?;
        let patterns = patterns.into_iter().map(|(_, map)| map).collect();
        Ok(Program {
            fd,
            instance,
            tally,
            _patterns: patterns,
        })
    }

    /// Runs a program once, from books, ring and table that are empty.
    pub(crate) fn run(&mut self, program: &Program, context: &[u64; 12]) -> Run {
        let books = find(&self.maps, "BOOKS");
        let mut book = vec![0; books.lookup_size()];
        books
            .update(&0u32.to_le_bytes(), &book, Update::Any)
            .unwrap();
        if let Some(tally) = &program.tally {
            let mut key = vec![0; tally.key_size()];
            while tally.next_key(None, &mut key).unwrap() {
                tally.delete(&key).unwrap();
            }
        }
        prog_test_run(&program.fd, context).unwrap();
        let mut run = Run::default();
        while let Some(record) = self.ring.next_record() {
            run.record = record.to_vec();
        }
        assert!(books.lookup(&0u32.to_le_bytes(), &mut book).unwrap());
        let words = |index: usize| -> u64 {
            let copies = book.chunks_exact(size_of::<Book>());
            copies
                .map(|copy| u64::from_le_bytes(copy[8 * index..][..8].try_into().unwrap()))
                .sum()
        };
        const OUTCOMES: [Outcome; 7] = [
            Outcome::Filtered,
            Outcome::Delivered,
            Outcome::Ring,
            Outcome::Read,
            Outcome::Full,
            Outcome::Memory,
            Outcome::Busy,
        ];
        assert!((0..8).map(words).sum::<u64>() <= 1, "one outcome a run");
        run.outcome = OUTCOMES
            .into_iter()
            .find(|outcome| words(*outcome as usize) == 1);
        let note = |note: Note| words(std::mem::offset_of!(Book, notes) / 8 + note as usize);
        (run.divisions, run.truncations, run.faults) = (
            note(Note::Division),
            note(Note::Truncated),
            note(Note::Fault),
        );
        if let Some(tally) = &program.tally {
            let (mut key, mut value) = (vec![0; tally.key_size()], vec![0; tally.lookup_size()]);
            if tally.next_key(None, &mut key).unwrap() && tally.lookup(&key, &mut value).unwrap() {
                run.row = Some((key, value));
            }
        }
        run
    }
}

impl AsFd for Program {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn number(map: &Map) -> RawFd {
    map.as_fd().as_raw_fd()
}

fn find<'a>(maps: &'a [(String, Map)], name: &str) -> &'a Map {
    maps.iter()
        .find(|(of, _)| of == name)
        .map(|(_, map)| map)
        .unwrap()
}

fn make(definition: &MapDefinition) -> Map {
    let of = definition.of;
    let mut spec = MapSpec {
        name: &definition.name,
        of,
        key_size: definition.key_size,
        value_size: definition.value_size,
        entries: definition.entries,
        flags: definition.flags,
    };
    if of == MapType::RingBuffer {
        (spec.key_size, spec.value_size, spec.entries) = (0, 0, RING);
    }
    if definition.name == ".data.control" {
        spec.flags |= MMAPABLE;
    }
    let map = Map::create(&spec).unwrap_or_else(|error| panic!("{spec:?}: {error}"));
    if let Some(data) = &definition.data {
        map.update(&0u32.to_le_bytes(), data, Update::Any).unwrap();
        if spec.flags & READ_ONLY != 0 {
            map.freeze().unwrap();
        }
    }
    map
}

fn array(name: &str, value_size: u32, flags: u32) -> Map {
    Map::create(&MapSpec {
        name,
        of: MapType::Array,
        key_size: 4,
        value_size,
        entries: 1,
        flags,
    })
    .unwrap()
}

fn hash(name: &str, key_size: u32, value_size: u32) -> Map {
    Map::create(&MapSpec {
        name,
        of: MapType::Hash,
        key_size,
        value_size,
        entries: 64,
        flags: 0,
    })
    .unwrap()
}

fn make_set(set: &Set) -> Map {
    let map = hash("set", set.key_size(), 1);
    for member in &set.members {
        map.update(&set.key(member), &[1], Update::Any).unwrap();
    }
    map
}

fn constant(code: &Code) -> Map {
    let bytes: Vec<u8> = code
        .patterns
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect();
    let map = array("patterns", bytes.len() as u32, READ_ONLY);
    map.update(&0u32.to_le_bytes(), &bytes, Update::Any)
        .unwrap();
    map.freeze().unwrap();
    map
}
