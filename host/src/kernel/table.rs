//! A tally's map: made by its shape, read and taken by generations.

use super::stacks::{Interned, Stacks, ids};
use crate::plan::{Storage, TallyShape};
use crate::report::Report;
use crate::spec::Room;
use crate::sys::clock;
use crate::sys::map::{Map, MapSpec, MapType};
use crate::sys::mapping::Mapping;
use crate::sys::rcu::Barrier;
use moontrace_abi::Control;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

/// A row as it lies in the map: its key, the generation in front left out, and the value of each CPU (or the one).
pub struct Entry {
    pub key: Vec<u8>,
    pub values: Vec<u8>,
}

/// What is read of a tally.
#[derive(Default)]
pub struct Reading {
    pub entries: Vec<Entry>,
    /// The stacks that they name.
    pub stacks: Interned,
    /// How long the rows took to come together.
    pub ns: u64,
}

/// The map of one tally, made when the first program that feeds it is loaded.
///
/// Its programs write to the generation that the control value names. Rows of the other one are there only between the
/// switch and the end of [`Table::take`]. All entries are made beforehand: an update never waits for memory, nor is it
/// refused for the lack of it.
pub struct Table {
    shape: TallyShape,
    map: OnceLock<Map>,
    /// The frames of stacks that are keys; `None` where none are.
    stacks: Option<Stacks>,
    /// Where their ids stand in a row's key.
    stack_places: Vec<usize>,
    /// Held while the map is made, which takes milliseconds: a reader does not wait for it.
    making: Mutex<()>,
    /// How many programs feed it.
    programs: AtomicUsize,
    /// When the generation began that programs write to, by the clock of events.
    since: AtomicU64,
    /// Its programs have been let run.
    begun: AtomicBool,
}

impl Table {
    pub fn new(shape: &TallyShape) -> Self {
        Self {
            shape: shape.clone(),
            map: OnceLock::new(),
            stacks: shape.has_stacks().then(|| Stacks::new(shape.room.stacks)),
            stack_places: shape.stack_places(),
            making: Mutex::default(),
            programs: AtomicUsize::new(0),
            since: AtomicU64::new(clock::monotonic()),
            begun: AtomicBool::new(false),
        }
    }

    /// So many more programs are going to feed it.
    ///
    /// # Errors
    /// The one that does so is running, and reckons on being alone.
    pub(super) fn feed(&self, programs: usize) -> Result<(), Report> {
        if self.is_of_one() && self.map.get().is_some() {
            let message = format!(
                "the tally '{}' is a running probe's own, and can't be fed by another one any more",
                self.shape.name
            );
            return Err(Report::new(message).help("make it by tally(), and feed that from both"));
        }
        self.programs.fetch_add(programs, Ordering::Relaxed);
        Ok(())
    }

    /// Is there one program that feeds it, and will there be no other? Of rows that are one for all CPUs each CPU's run of
    /// the program is another; of rows that may be given to another key meanwhile, whoever gives them away is.
    pub(super) fn is_of_one(&self) -> bool {
        let Room { open, lru, .. } = self.shape.room;
        let programs = self.programs.load(Ordering::Relaxed);
        self.shape.storage != Storage::Hash && !open && !lru && programs == 1
    }

    /// Programs write from now on, if they have not done so already: others may come later.
    pub(super) fn begin(&self) {
        if !self.begun.swap(true, Ordering::Relaxed) {
            self.since.store(clock::monotonic(), Ordering::Relaxed);
        }
    }

    /// The map, which is made if it isn't there.
    pub(super) fn map(&self) -> io::Result<&Map> {
        let making = self.making.lock();
        if let Some(map) = self.map.get() {
            return Ok(map);
        }
        let Room { keys, lru, .. } = self.shape.room;
        let (of, entries) = match (self.shape.storage, lru) {
            (Storage::PerCpuArray, _) => (MapType::PerCpuArray, 2),
            (Storage::PerCpuHash, false) => (MapType::PerCpuHash, keys),
            (Storage::PerCpuHash, true) => (MapType::LruPerCpuHash, keys),
            (Storage::Hash, false) => (MapType::Hash, keys),
            (Storage::Hash, true) => (MapType::LruHash, keys),
        };
        let map = Map::create(&MapSpec {
            name: "mt_tally",
            of,
            key_size: self.shape.key_size,
            value_size: self.shape.value_size,
            entries,
            flags: 0,
        })?;
        let map = self.map.get_or_init(|| map);
        drop(making);
        Ok(map)
    }

    /// The map of the frames of its stacks.
    pub(super) fn stacks(&self) -> io::Result<Option<&Map>> {
        self.stacks.as_ref().map(Stacks::map).transpose()
    }

    /// The stacks that rows name.
    pub(super) fn stack_ids<'a>(
        &'a self,
        rows: &'a [Entry],
    ) -> impl Iterator<Item = [u64; 2]> + use<'a> {
        let places = &self.stack_places;
        rows.iter().flat_map(|row| ids(&row.key, places))
    }

    fn is_keyed(&self) -> bool {
        self.shape.storage != Storage::PerCpuArray
    }

    /// All rows as they are now, while programs may go on adding to them.
    pub fn read(&self, control: &Mapping) -> io::Result<Reading> {
        let Some(map) = self.map.get() else {
            return Ok(Reading::default());
        };
        let ns = clock::monotonic().saturating_sub(self.since.load(Ordering::Relaxed));
        self.all(map, self.generation(control), ns)
    }

    /// Rows first: the stacks of each are there before it is.
    fn all(&self, map: &Map, generation: u64, ns: u64) -> io::Result<Reading> {
        let entries = self.rows(map, generation)?;
        let mut stacks = Interned::new();
        if let Some(own) = &self.stacks {
            own.read(generation, self.stack_ids(&entries), &mut stacks)?;
        }
        Ok(Reading {
            entries,
            stacks,
            ns,
        })
    }

    /// All rows up to now, and none of them is left. What programs add from the switch on is in the next reading: no
    /// update is lost, and none is in two readings.
    pub fn take(&self, control: &Mapping, barrier: &Barrier) -> io::Result<Reading> {
        let Some(map) = self.map.get() else {
            return Ok(Reading::default());
        };
        let old = self.generation(control);
        if let Some(word) = control.word(Control::generation_offset(self.shape.id.0) as usize) {
            word.store(1 - old, Ordering::SeqCst);
        }
        let now = clock::monotonic();
        let ns = now.saturating_sub(self.since.swap(now, Ordering::Relaxed));
        barrier.wait()?;
        let read = self.all(map, old, ns)?;
        self.clear(map, old, &read.entries)?;
        if let Some(stacks) = &self.stacks {
            stacks.clear(old)?;
        }
        Ok(read)
    }

    fn generation(&self, control: &Mapping) -> u64 {
        let word = control.word(Control::generation_offset(self.shape.id.0) as usize);
        word.map_or(0, |word| word.load(Ordering::SeqCst))
    }

    fn rows(&self, map: &Map, generation: u64) -> io::Result<Vec<Entry>> {
        let mut values = vec![0; map.lookup_size()];
        if !self.is_keyed() {
            map.lookup(&(generation as u32).to_le_bytes(), &mut values)?;
            // Every field of a tally without a key is 0 before its first hit: then it has no row yet.
            let hit = values.iter().any(|byte| *byte != 0);
            return Ok(if hit {
                vec![Entry {
                    key: Vec::new(),
                    values,
                }]
            } else {
                Vec::new()
            });
        }
        let mut rows = Vec::new();
        let (mut key, mut next) = (None::<Vec<u8>>, vec![0; map.key_size()]);
        while map.next_key(key.as_deref(), &mut next)? {
            // A row that a program has just made may be read before its first update: that is its state now.
            if next[..8] == generation.to_le_bytes() && map.lookup(&next, &mut values)? {
                rows.push(Entry {
                    key: next[8..].to_vec(),
                    values: values.clone(),
                });
            }
            key = Some(next.clone());
        }
        Ok(rows)
    }

    fn clear(&self, map: &Map, generation: u64, rows: &[Entry]) -> io::Result<()> {
        if !self.is_keyed() {
            let zeros = vec![0; map.lookup_size()];
            return map.update(
                &(generation as u32).to_le_bytes(),
                &zeros,
                crate::sys::map::Update::Any,
            );
        }
        for row in rows {
            let key = [&generation.to_le_bytes()[..], &row.key].concat();
            map.delete(&key)?;
        }
        Ok(())
    }
}
