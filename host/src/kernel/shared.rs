//! What the instances of one script share: the library, the control words, the ring, tallies, sets, spans and variables.

use super::engine_log::{self, EngineLog};
use super::library::Library;
use super::maps::Maps;
use super::object::MapDefinition;
use super::stacks::{Interned, OF_SPAN, Stacks, ids as ids_at};
use super::table::{Entry, Reading, Table};
use crate::plan::{SetShape, SpanShape, TallyShape};
use crate::report::Report;
use crate::spec::{SetId, TallyId};
use crate::sys::map::{Map, MapSpec, MapType, Update};
use crate::sys::mapping::{Mapping, RingMapping};
use crate::sys::rcu::Barrier;
use moontrace_abi::{Control, limits};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::io;
use std::mem::{offset_of, size_of};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Processes that `-p` and `-c` may follow at a time.
const TARGETS: u32 = 65_536;
/// `BPF_F_MMAPABLE` (5.5)
const MMAPABLE: u32 = 1 << 10;

/// The maps that are there from the start, and those that are made when a probe first needs them.
pub struct Shared {
    maps: Maps,
    control_words: Mapping,
    variable_words: Mapping,
    ring_size: u32,
    barrier: OnceCell<Barrier>,
}

impl Shared {
    /// `ring_size` in bytes, a power of two; `follow` when programs look into the set of traced processes.
    pub fn new(library: Library, ring_size: u32, follow: bool) -> io::Result<Self> {
        let value = |name, size: usize| {
            let entries = 1;
            let value_size = size as u32;
            Map::create(&MapSpec {
                name,
                of: MapType::Array,
                key_size: 4,
                value_size,
                entries,
                flags: MMAPABLE,
            })
        };
        let control = value("mt_control", size_of::<Control>())?;
        let control_words = Mapping::of_array(&control, size_of::<Control>())?;
        let variables = value("mt_variables", limits::VARIABLES)?;
        let variable_words = Mapping::of_array(&variables, limits::VARIABLES)?;
        let mut data = Vec::new();
        for section in library
            .map_definitions()
            .iter()
            .filter(|map| map.name.starts_with(".rodata") || map.name.starts_with(".bss"))
        {
            data.push((section.name.clone(), constants(section)?));
        }
        let log = library.map_definitions().iter();
        let log = log
            .filter(|map| map.name == engine_log::MAP)
            .map(ring_of_log);
        data.extend(log.collect::<io::Result<Vec<_>>>()?);
        let target = if follow {
            Some(hash("mt_target", 8, TARGETS, &library)?)
        } else {
            None
        };
        Ok(Self {
            maps: Maps {
                library: Arc::new(library),
                control: Arc::new(control),
                variables: Arc::new(variables),
                own: Arc::new(data),
                target: target.map(Arc::new),
                ring: None,
                sets: BTreeMap::new(),
                spans: BTreeMap::new(),
                span_stacks: BTreeMap::new(),
                tables: BTreeMap::new(),
            },
            control_words,
            variable_words,
            ring_size,
            barrier: OnceCell::new(),
        })
    }

    /// What programs are linked with that are loaded from now on.
    pub fn maps(&self) -> &Maps {
        &self.maps
    }

    /// The reader of the library's own log, if it has one.
    pub fn engine_log(&self) -> io::Result<Option<EngineLog>> {
        let mut own = self.maps.own.iter();
        let log = own.find(|(name, _)| name == engine_log::MAP);
        log.map(|(_, ring)| EngineLog::of(ring)).transpose()
    }

    /// Lets the programs of this script run, all at once.
    pub fn arm(&self) {
        self.maps.tables.values().for_each(|table| table.begin());
        self.store(offset_of!(Control, armed), 1);
    }

    /// Stops them, and returns when none is running any more.
    pub fn disarm(&self) -> io::Result<()> {
        self.store(offset_of!(Control, armed), 0);
        self.barrier()?.wait()
    }

    /// Returns when the kernel has let go of what was detached. Whoever attaches to the same tracepoint next would wait
    /// for that instead, some 15 ms (kernel/tracepoint.c, tp_rcu_cond_sync).
    pub fn settle(&self) -> io::Result<()> {
        self.barrier()?.wait()
    }

    /// Says whether the reader of the ring sleeps, and wants to be woken by the next record.
    pub fn asleep(&self, asleep: bool) {
        self.store(offset_of!(Control, asleep), u64::from(asleep));
    }

    fn store(&self, offset: usize, value: u64) {
        if let Some(word) = self.control_words.word(offset) {
            word.store(value, Ordering::SeqCst);
        }
    }

    fn barrier(&self) -> io::Result<&Barrier> {
        if self.barrier.get().is_none() {
            let _ = self.barrier.set(Barrier::new()?);
        }
        self.barrier
            .get()
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    /// The reader's side of the ring, made with it when the first program that emits is.
    pub fn make_ring(&mut self) -> io::Result<RingMapping> {
        let ring = Map::create(&MapSpec {
            name: "mt_events",
            of: MapType::RingBuffer,
            key_size: 0,
            value_size: 0,
            entries: self.ring_size,
            flags: 0,
        })?;
        let mapping = RingMapping::new(&ring, self.ring_size as usize)?;
        self.maps.ring = Some(Arc::new(ring));
        Ok(mapping)
    }

    /// The ring, to be polled.
    pub fn ring(&self) -> Option<&Map> {
        self.maps.ring.as_deref()
    }

    /// Makes a tally's table, unless it is there, for so many more programs.
    ///
    /// # Errors
    /// A running program has the table to itself.
    pub fn add_table(&mut self, shape: &TallyShape, programs: usize) -> Result<(), Report> {
        let new = || Arc::new(Table::new(shape));
        let table = self.maps.tables.entry(shape.id).or_insert_with(new);
        table.feed(programs)
    }

    /// The rows of a tally, which `take` leaves empty.
    pub fn read_table(&self, tally: TallyId, take: bool) -> io::Result<Reading> {
        let Some(table) = self.maps.tables.get(&tally) else {
            return Ok(Reading::default());
        };
        let mut read = match take {
            true => table.take(&self.control_words, self.barrier()?)?,
            false => table.read(&self.control_words)?,
        };
        let ids: Vec<_> = table.stack_ids(&read.entries).collect();
        self.read_stored(&ids, &mut read.stacks)?;
        Ok(read)
    }

    /// Reads the stacks of these ids that spans have stored. An id is the same wherever its stack is kept.
    fn read_stored(&self, ids: &[[u64; 2]], read: &mut Interned) -> io::Result<()> {
        let mut spans = self.maps.span_stacks.values();
        spans.try_for_each(|stacks| stacks.read(OF_SPAN, ids.iter().copied(), read))
    }

    /// Makes a set's map with room for so many keys, unless it is there.
    pub fn make_set(&mut self, shape: &SetShape, keys: u32) -> io::Result<()> {
        if let std::collections::btree_map::Entry::Vacant(e) = self.maps.sets.entry(shape.id) {
            let set = hash("mt_set", shape.key_size, keys, &self.maps.library)?;
            e.insert(Arc::new(set));
        }
        Ok(())
    }

    /// A set's map, once it is made.
    pub fn set(&self, set: SetId) -> Option<&Map> {
        self.maps.sets.get(&set).map(Arc::as_ref)
    }

    /// Puts a member's key into a set or takes it out. A set that no program looks into has no map yet.
    pub fn change_set(&self, set: SetId, key: &[u8], there: bool) -> io::Result<()> {
        match self.maps.sets.get(&set) {
            Some(map) => change(map, key, there),
            None => Ok(()),
        }
    }

    /// Makes a span's map, unless it is there.
    pub fn make_span(&mut self, shape: &SpanShape) -> io::Result<()> {
        if let std::collections::btree_map::Entry::Vacant(e) = self.maps.spans.entry(shape.id) {
            let span = Map::create(&MapSpec {
                name: "mt_span",
                of: MapType::Hash,
                key_size: shape.key_size,
                value_size: shape.value_size(),
                entries: shape.room,
                flags: self.maps.library.abilities().hash_flags(),
            })?;
            e.insert(Arc::new(span));
            if !shape.stack_places().is_empty() {
                let stacks = Arc::new(Stacks::new(shape.stacks));
                self.maps.span_stacks.insert(shape.id, stacks);
            }
        }
        Ok(())
    }

    /// What is open of a span now, each with its key and its value, and the stacks that are stored of it. Nothing while
    /// the span has no map.
    pub fn read_span(&self, shape: &SpanShape) -> io::Result<Reading> {
        let mut read = Reading::default();
        if let Some(map) = self.maps.spans.get(&shape.id) {
            let entries = map.entries_now()?.into_iter();
            let entry = |(key, values)| Entry { key, values };
            read.entries = entries.map(entry).collect();
            let places = shape.stack_places();
            let values = read.entries.iter().map(|entry| &entry.values);
            let ids: Vec<_> = values.flat_map(|value| ids_at(value, &places)).collect();
            self.read_stored(&ids, &mut read.stacks)?;
        }
        Ok(read)
    }

    /// Has a process traced, or no longer.
    pub fn change_target(&self, pid: u32, there: bool) -> io::Result<()> {
        match &self.maps.target {
            Some(map) => change(map, &u64::from(pid).to_le_bytes(), there),
            None => Ok(()),
        }
    }

    /// Changes words of the variables, each at once.
    pub fn store_variable(&self, offset: u32, words: &[u64]) {
        for (number, value) in words.iter().enumerate() {
            if let Some(word) = self.variable_words.word(offset as usize + 8 * number) {
                word.store(*value, Ordering::SeqCst);
            }
        }
    }
}

fn ring_of_log(definition: &MapDefinition) -> io::Result<(String, Map)> {
    let ring = Map::create(&MapSpec {
        name: "mt_log",
        of: definition.of,
        key_size: 0,
        value_size: 0,
        entries: engine_log::RING,
        flags: 0,
    })?;
    Ok((definition.name.clone(), ring))
}

/// A section of constants, or of zeros, as a map that nobody changes any more.
fn constants(section: &MapDefinition) -> io::Result<Map> {
    let map = Map::create(&MapSpec {
        name: "mt_rodata",
        of: section.of,
        key_size: section.key_size,
        value_size: section.value_size,
        entries: section.entries,
        flags: section.flags,
    })?;
    if let Some(data) = &section.data {
        map.update(&0u32.to_le_bytes(), data, Update::Any)?;
    }
    map.freeze()?;
    Ok(map)
}

fn hash(name: &str, key_size: u32, entries: u32, library: &Library) -> io::Result<Map> {
    Map::create(&MapSpec {
        name,
        of: MapType::Hash,
        key_size,
        value_size: 1,
        entries,
        flags: library.abilities().hash_flags(),
    })
}

fn change(map: &Map, key: &[u8], there: bool) -> io::Result<()> {
    if there {
        map.update(key, &[1], Update::Any)
    } else {
        map.delete(key).map(|_| ())
    }
}
