//! Stacks of processes: which file an address was in when the stack was taken, and what that file says of it.

use super::guarded::guarded;
use super::perf_map::PerfMaps;
use super::watch::Watch;
use super::{frames_of, looked_up};
use crate::rows::{Frame, RawStack, Stack};
use blazesym::Pid;
use blazesym::symbolize::Input;
use blazesym::symbolize::Symbolizer;
use blazesym::symbolize::source::{Elf, Process, Source};
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the kernel itself maps into every process, the same everywhere.
const VDSO: &str = "[vdso]";

#[derive(Default)]
pub(super) struct User {
    watch: Watch,
    perf_maps: PerfMaps,
    symbolizer: OnceCell<Symbolizer>,
    /// Each place in a file is in many stacks.
    known: HashMap<(PathBuf, u64), Option<Arc<[Frame]>>>,
    /// Files that could not be read to the end.
    damaged: HashSet<PathBuf>,
}

impl User {
    pub(super) fn watch(&mut self, only: Option<u32>) -> io::Result<()> {
        self.watch.start(only)
    }

    pub(super) fn wait(&mut self) {
        self.watch.wait();
    }

    pub(super) fn missed(&self) -> u64 {
        self.watch.spaces(|spaces| spaces.missed)
    }

    pub(super) fn stack(&mut self, raw: &RawStack, time: u64) -> Stack {
        let pid = raw.process[0] as u32;
        let mut frames = Vec::new();
        for (number, address) in raw.addresses.iter().enumerate() {
            frames.extend(
                self.frames(pid, time, *address, looked_up(number, *address))
                    .iter()
                    .cloned(),
            );
        }
        Stack {
            raw: raw.clone(),
            frames,
        }
    }

    /// What an address of a process meant at that time, innermost first; it is looked up at `at`.
    pub(super) fn frames(&mut self, pid: u32, time: u64, address: u64, at: u64) -> Arc<[Frame]> {
        let unknown = Frame {
            address,
            ..Frame::default()
        };
        let part = self.watch.spaces(|spaces| spaces.find(pid, time, at));
        let Some(part) = part else {
            return [self
                .compiled(pid, at)
                .map_or(unknown, |frame| at_address(frame, address, at))]
            .into();
        };
        let (name, offset) = (&part.file.name, part.offset_of(at));
        let found = match &part.file.source {
            Some(source) => self.in_file(source.clone(), offset, name),
            None if **name == *VDSO => self.in_vdso(offset),
            None => self.compiled(pid, at).map(|frame| [frame].into()),
        };
        let unknown = Frame {
            module: (!name.is_empty() && **name != *"//anon").then(|| Arc::clone(name)),
            offset,
            ..unknown
        };
        let frames = found.unwrap_or_else(|| [unknown].into());
        let frames = frames.iter().cloned();
        frames.map(|frame| at_address(frame, address, at)).collect()
    }

    /// What a compiler within the process has made.
    fn compiled(&mut self, pid: u32, at: u64) -> Option<Frame> {
        let (symbol, offset) = self.perf_maps.find(pid, at)?;
        Some(Frame {
            symbol: Some(symbol),
            offset,
            ..Frame::default()
        })
    }

    fn in_file(&mut self, source: PathBuf, offset: u64, name: &Arc<str>) -> Option<Arc<[Frame]>> {
        let key = (source, offset);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        if self.damaged.contains(&key.0) {
            return None;
        }
        let symbolizer = self.symbolizer.get_or_init(Symbolizer::new);
        let read = guarded(|| in_file(symbolizer, &key.0, offset, name));
        let frames = read.unwrap_or_else(|| {
            self.symbolizer.take();
            self.damaged.insert(key.0.clone());
            None
        });
        self.known.insert(key, frames.clone());
        frames
    }

    /// Where ours is, the same code is.
    fn in_vdso(&self, offset: u64) -> Option<Arc<[Frame]>> {
        let own = super::maps::of_process(std::process::id())?;
        let vdso = own.into_iter().find(|line| line.path == VDSO)?;
        let symbolizer = self.symbolizer.get_or_init(Symbolizer::new);
        let source = Source::Process(Process::new(Pid::Slf));
        let found = symbolizer.symbolize_single(&source, Input::AbsAddr(vdso.start + offset));
        let sym = found.ok()?.into_sym()?;
        Some(frames_of(&sym, 0, 0, Some(VDSO.into())).into())
    }
}

/// What a file says of a place in it.
pub(super) fn in_file(
    symbolizer: &Symbolizer,
    path: &Path,
    offset: u64,
    name: &Arc<str>,
) -> Option<Arc<[Frame]>> {
    let elf = Source::Elf(Elf::new(path));
    let found = symbolizer.symbolize_single(&elf, Input::FileOffset(offset));
    let sym = found.ok()?.into_sym()?;
    Some(frames_of(&sym, 0, 0, Some(Arc::clone(name))).into())
}

/// What is known of a place, of an address there that was looked up at `at`.
fn at_address(frame: Frame, address: u64, at: u64) -> Frame {
    let offset = match frame.inlined {
        true => 0,
        false => frame.offset + (address - at),
    };
    Frame {
        address,
        offset,
        ..frame
    }
}
