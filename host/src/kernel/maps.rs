//! What programs are linked with: the library, and the maps that a script's instances share.

use super::library::Library;
use super::stacks::Stacks;
use super::table::Table;
use crate::codegen::MapRef;
use crate::spec::{SetId, SpanId, TallyId};
use crate::sys::map::Map;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::Arc;

/// The section of the control words in the library.
const CONTROL: &str = ".data.control";

/// A copy is cheap and holds the maps open: a thread that loads programs has one of its own, of the moment when it was
/// asked to.
#[derive(Clone)]
pub struct Maps {
    pub library: Arc<Library>,
    pub(super) control: Arc<Map>,
    pub(super) variables: Arc<Map>,
    /// The library's own data and those of its maps that are nobody else's, by their names in it.
    pub(super) own: Arc<Vec<(String, Map)>>,
    pub(super) target: Option<Arc<Map>>,
    pub(super) ring: Option<Arc<Map>>,
    pub(super) sets: BTreeMap<SetId, Arc<Map>>,
    pub(super) spans: BTreeMap<SpanId, Arc<Map>>,
    /// The frames of the stacks that spans store.
    pub(super) span_stacks: BTreeMap<SpanId, Arc<Stacks>>,
    pub(super) tables: BTreeMap<TallyId, Arc<Table>>,
}

impl Maps {
    /// The maps that the library's functions refer to and all instances share.
    pub(super) fn of_library(&self) -> Vec<(&str, RawFd)> {
        let own = self.own.iter().map(|(name, map)| (name.as_str(), fd(map)));
        own.chain([(CONTROL, fd(&self.control))]).collect()
    }

    pub(super) fn ring(&self) -> Option<RawFd> {
        self.ring.as_deref().map(fd)
    }

    /// # Errors
    /// When the kernel makes no map for the table.
    pub(super) fn table(&self, tally: TallyId) -> io::Result<Option<RawFd>> {
        let table = self.tables.get(&tally);
        table.map(|table| table.map().map(fd)).transpose()
    }

    /// The frames of a tally's stacks, where it has any.
    ///
    /// # Errors
    /// As [`Self::table`].
    pub(super) fn stacks(&self, tally: TallyId) -> io::Result<Option<RawFd>> {
        let stacks = self.tables.get(&tally).map(|table| table.stacks());
        Ok(stacks.transpose()?.flatten().map(fd))
    }

    /// Does one program alone feed the tally, with rows of its own on each CPU?
    pub(super) fn is_of_one(&self, tally: TallyId) -> bool {
        self.tables
            .get(&tally)
            .is_some_and(|table| table.is_of_one())
    }

    pub(super) fn span(&self, span: SpanId) -> Option<RawFd> {
        self.spans.get(&span).map(|map| fd(map))
    }

    /// The frames of the stacks that a span stores, where it stores any.
    ///
    /// # Errors
    /// As [`Self::table`].
    pub(super) fn span_stacks(&self, span: SpanId) -> io::Result<Option<RawFd>> {
        let stacks = self.span_stacks.get(&span);
        stacks.map(|stacks| stacks.map().map(fd)).transpose()
    }

    /// A map that generated code refers to.
    pub(super) fn reference(&self, map: MapRef) -> Option<RawFd> {
        match map {
            MapRef::Set(set) => self.sets.get(&set).map(|map| fd(map)),
            MapRef::Span(span) => self.span(span),
            MapRef::Target => self.target.as_deref().map(fd),
            MapRef::Control { .. } => Some(fd(&self.control)),
            MapRef::Variables { .. } => Some(fd(&self.variables)),
            // They are an instance's own.
            MapRef::Patterns { .. } => None,
        }
    }
}

fn fd(map: &Map) -> RawFd {
    map.as_fd().as_raw_fd()
}
