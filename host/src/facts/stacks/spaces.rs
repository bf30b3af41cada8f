//! What processes have mapped, and when: those that have ended, too.

use super::files::{Files, Identity, Mapped};
use super::maps;
use crate::sys::mappings::Change;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Processes that have ended and are remembered, at least.
const REMEMBERED: usize = 16_384;

/// Part of a file that can be run at an address.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// Since when, ns; 0 of what was there when it was first looked at.
    since: u64,
    start: u64,
    end: u64,
    /// Bytes from the file's start.
    offset: u64,
    pub(super) file: Arc<Mapped>,
}

impl Part {
    /// Where an address within it is in the file.
    pub(super) fn offset_of(&self, address: u64) -> u64 {
        (address - self.start).wrapping_add(self.offset)
    }
}

/// What a process has mapped since it became the program that it is.
#[derive(Clone, Debug, Default)]
struct Image {
    since: u64,
    /// In the order in which they came: the last that holds an address is what is there.
    parts: Arc<Vec<Part>>,
}

#[derive(Debug, Default)]
struct Process {
    /// The program that it was, and those that it became.
    images: Vec<Image>,
    ended: bool,
}

/// All processes.
#[derive(Default)]
pub(super) struct Spaces {
    processes: HashMap<u32, Process>,
    files: Files,
    /// Those that have ended, the first one first.
    ended: VecDeque<u32>,
    pub(super) missed: u64,
}

impl Spaces {
    pub(super) fn apply(&mut self, time: u64, change: Change) {
        match change {
            Change::Lost(count) => self.missed += count,
            Change::Executed { pid } => self.begin(
                pid,
                Image {
                    since: time,
                    ..Image::default()
                },
            ),
            Change::Forked { pid, parent } => {
                // A parent that nobody has looked at is looked at by its child, which has the same.
                if self.image(parent, time).is_none() {
                    self.look_at(parent);
                }
                let parts = self
                    .image(parent, time)
                    .map(|image| Arc::clone(&image.parts));
                if let Some(parts) = parts {
                    self.begin(pid, Image { since: time, parts });
                } else {
                    self.look_at(pid);
                }
            }
            Change::Ended { pid } => self.end(pid),
            Change::Mapped {
                pid,
                start,
                length,
                offset,
                device,
                inode,
                path,
            } => {
                let end = start.saturating_add(length);
                let path = String::from_utf8_lossy(&path).into_owned();
                let identity = Identity {
                    device,
                    inode,
                    path,
                };
                let file = self.files.get(identity, pid, (start, end));
                // What it had before is there as well.
                if self.image(pid, time).is_none() {
                    self.look_at(pid);
                }
                let process = self.processes.entry(pid).or_default();
                let image = process.images.iter_mut().rfind(|image| image.since <= time);
                let image = match image {
                    Some(image) => image,
                    None => process.images.push_mut(Image::default()),
                };
                Arc::make_mut(&mut image.parts).push(Part {
                    since: time,
                    start,
                    end,
                    offset,
                    file,
                });
            }
        }
    }

    /// Reads what a live process has mapped, unless that is known.
    pub(super) fn look_at(&mut self, pid: u32) {
        if self
            .processes
            .get(&pid)
            .is_some_and(|process| !process.images.is_empty())
        {
            return;
        }
        let Some(lines) = maps::of_process(pid) else {
            return;
        };
        let parts = lines.into_iter().map(|line| {
            let identity = Identity {
                device: line.device,
                inode: line.inode,
                path: line.path,
            };
            Part {
                since: 0,
                start: line.start,
                end: line.end,
                offset: line.offset,
                file: self.files.get(identity, pid, (line.start, line.end)),
            }
        });
        let parts = Arc::new(parts.collect());
        self.begin(pid, Image { since: 0, parts });
    }

    /// What is at an address of a process at some time. A process that nobody has looked at is looked at now.
    pub(super) fn find(&mut self, pid: u32, time: u64, address: u64) -> Option<Part> {
        if self.image(pid, time).is_none() {
            self.look_at(pid);
        }
        let image = self.image(pid, time)?;
        let there = |part: &&Part| part.since <= time && (part.start..part.end).contains(&address);
        image.parts.iter().rfind(there).cloned()
    }

    /// What it was at that time; of one that is first seen later, what it was then.
    fn image(&self, pid: u32, time: u64) -> Option<&Image> {
        let images = &self.processes.get(&pid)?.images;
        images
            .iter()
            .rfind(|image| image.since <= time)
            .or(images.first())
    }

    fn begin(&mut self, pid: u32, image: Image) {
        let process = self.processes.entry(pid).or_default();
        process.ended = false;
        let place = process
            .images
            .partition_point(|before| before.since <= image.since);
        process.images.insert(place, image);
    }

    fn end(&mut self, pid: u32) {
        let Some(process) = self.processes.get_mut(&pid) else {
            return;
        };
        process.ended = true;
        self.ended.push_back(pid);
        if self.ended.len() <= REMEMBERED {
            return;
        }
        // A process of the same number may live now.
        if let Some(first) = self.ended.pop_front()
            && self
                .processes
                .get(&first)
                .is_some_and(|process| process.ended)
        {
            self.processes.remove(&first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No process has that number.
    const PID: u32 = u32::MAX - 7;

    fn mapped(pid: u32, start: u64, path: &str) -> Change {
        Change::Mapped {
            pid,
            start,
            length: 0x1000,
            offset: 0x2000,
            device: (0, 0),
            inode: 0,
            path: path.into(),
        }
    }

    fn at(spaces: &mut Spaces, pid: u32, time: u64, address: u64) -> Option<(String, u64)> {
        let part = spaces.find(pid, time, address)?;
        Some((part.file.name.to_string(), part.offset_of(address)))
    }

    #[test]
    fn a_process_is_what_it_was_at_the_time() {
        let mut spaces = Spaces::default();
        let old = Some(("old".to_owned(), 0x2010));
        let new = Some(("new".to_owned(), 0x2010));
        spaces.apply(10, mapped(PID, 0x1000, "old"));
        spaces.apply(20, Change::Executed { pid: PID });
        spaces.apply(21, mapped(PID, 0x1000, "new"));
        spaces.apply(30, Change::Ended { pid: PID });
        assert_eq!(at(&mut spaces, PID, 15, 0x1010), old);
        assert_eq!(at(&mut spaces, PID, 25, 0x1010), new);
        assert_eq!(at(&mut spaces, PID, u64::MAX, 0x1010), new);
        assert_eq!(at(&mut spaces, PID, 25, 0x2010), None);
        // What was mapped later was not there.
        assert_eq!(at(&mut spaces, PID, 20, 0x1010), None);
    }

    #[test]
    fn a_child_has_what_its_parent_had_and_not_what_that_gets_later() {
        let (mut spaces, child) = (Spaces::default(), PID - 1);
        spaces.apply(10, mapped(PID, 0x1000, "both"));
        spaces.apply(
            20,
            Change::Forked {
                pid: child,
                parent: PID,
            },
        );
        spaces.apply(30, mapped(PID, 0x5000, "parent's"));
        let both = Some(("both".to_owned(), 0x2000));
        assert_eq!(at(&mut spaces, child, 40, 0x1000), both);
        assert_eq!(at(&mut spaces, child, 40, 0x5000), None);
    }

    #[test]
    fn the_first_that_have_ended_are_forgotten_first() {
        let mut spaces = Spaces::default();
        for number in 0..=REMEMBERED as u32 {
            spaces.apply(10, mapped(PID - number, 0x1000, "x"));
            spaces.apply(20, Change::Ended { pid: PID - number });
        }
        assert_eq!(at(&mut spaces, PID, 15, 0x1000), None);
        assert!(at(&mut spaces, PID - 1, 15, 0x1000).is_some());
    }

    #[test]
    fn a_live_process_is_read_when_it_is_first_asked_for() {
        let here = at as fn(&mut Spaces, u32, u64, u64) -> Option<(String, u64)>;
        let address = here as usize as u64;
        let (name, _) = here(&mut Spaces::default(), std::process::id(), 1, address).unwrap();
        assert_eq!(name, std::env::current_exe().unwrap().to_str().unwrap());
    }
}
