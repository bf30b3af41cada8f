//! One program, of a site or of several: linked, loaded, attached, and its books.

use super::array;
use super::attach::{self, Link, NotAttached, Skipped};
use super::calls::Calls;
use super::maps::Maps;
use super::parallel::compute_in_parallel;
use super::program::{self, Given, LoadError};
use crate::plan::{Action, Attachment, Branch, SiteId, SitePlan};
use crate::sys::bpf;
use crate::sys::map::{Map, MapType, Update};
use moontrace_abi::limits::{SCRATCH, SCRATCH_SLOTS};
use moontrace_abi::{Book, Outcome};
use std::io;
use std::mem::{offset_of, size_of};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

/// A program of the script: load → attach → (armed, disarmed with all others) → read the books → drop.
pub struct Instance {
    pub site: SiteId,
    attachment: Attachment,
    /// How many sites share the program.
    count: usize,
    optional: bool,
    program: OwnedFd,
    /// The programs that it hands hits on to: the kernel empties the map when nobody has it open any more.
    _branches: Option<Map>,
    /// Its own, and theirs.
    books: Map,
    link: Option<Link>,
    /// Where the calls begin that return here: the program that keeps what is to be known of them.
    entry: Option<Box<Self>>,
    /// What the kernel does not take, of a pattern's sites.
    pub skipped: Vec<Skipped>,
    /// How long it took to link and load, and to attach.
    pub took: (Duration, Duration),
}

impl Instance {
    /// Links and loads the programs of a site, or of several that are attached as one. The maps that they share with others
    /// must be there.
    pub fn load(shared: &Maps, plan: &SitePlan) -> Result<Self, LoadError> {
        let calls = Calls::default();
        let mut instance = Self::load_one(shared, plan, &calls)?;
        if let Some(entry) = &plan.entry {
            let entry = Self::load_one(shared, entry, &calls)?;
            instance.took.0 += entry.took.0;
            instance.entry = Some(Box::new(entry));
        }
        Ok(instance)
    }

    fn load_one(shared: &Maps, plan: &SitePlan, calls: &Calls) -> Result<Self, LoadError> {
        let start = Instant::now();
        let books = array("mt_books", MapType::PerCpuArray, size_of::<Book>(), 1)?;
        let scratch = match program::wants_scratch(plan) {
            true => Some(array(
                "mt_scratch",
                MapType::PerCpuArray,
                8 + SCRATCH,
                SCRATCH_SLOTS as u32,
            )?),
            false => None,
        };
        let mut given = Given {
            books: &books,
            scratch: scratch.as_ref(),
            calls,
            branches: None,
        };
        let branches = match &plan.program.action {
            Action::Dispatch(branches) => Some(load_branches(shared, branches, given)?),
            _ => None,
        };
        given.branches = branches.as_ref();
        let program = program::load(shared, plan, given)?;
        Ok(Self {
            site: plan.id,
            attachment: plan.attachment.clone(),
            count: plan.count(),
            optional: plan.optional,
            program,
            _branches: branches,
            books,
            link: None,
            entry: None,
            skipped: Vec::new(),
            took: (start.elapsed(), Duration::ZERO),
        })
    }

    /// Hangs the program up. It does nothing before the script is armed.
    pub fn attach(&mut self) -> Result<(), NotAttached> {
        let start = Instant::now();
        let attached = attach::attach(self.program.as_fd(), &self.attachment, self.optional)?;
        (self.link, self.skipped) = (attached.link, attached.skipped);
        if let (Some(entry), Some(_)) = (&mut self.entry, &self.link) {
            entry.attach()?;
        }
        self.took.1 = start.elapsed();
        Ok(())
    }

    /// Takes the program down; its books stay readable.
    pub fn detach(&mut self) {
        self.link = None;
        if let Some(entry) = &mut self.entry {
            entry.detach();
        }
    }

    pub(super) fn attachment(&self) -> &Attachment {
        &self.attachment
    }

    pub fn is_attached(&self) -> bool {
        self.link.is_some()
    }

    /// How many of its sites are attached.
    pub fn attached(&self) -> usize {
        match self.link {
            Some(_) => self.count.saturating_sub(self.skipped.len()),
            None => 0,
        }
    }

    /// How its runs ended, summed over all CPUs, and the hits for which the kernel skipped it.
    pub fn books(&self) -> io::Result<(Book, u64)> {
        let mut bytes = vec![0; self.books.lookup_size()];
        self.books.lookup(&0u32.to_le_bytes(), &mut bytes)?;
        let mut sum = Book::default();
        for cpu in bytes.chunks_exact(size_of::<Book>()) {
            add_words(&mut sum.outcomes, &cpu[offset_of!(Book, outcomes)..]);
            add_words(&mut sum.notes, &cpu[offset_of!(Book, notes)..]);
        }
        let mut missed = bpf::prog_info(&self.program)?.recursion_misses;
        if let Some(entry) = &self.entry {
            let (of_entry, missed_there) = entry.books()?;
            missed += missed_there;
            // A call whose beginning could not be kept is lost; all others are counted where they return.
            for (loss, _) in Outcome::LOSSES {
                sum.outcomes[loss as usize] += of_entry.outcomes[loss as usize];
            }
            for (note, more) in sum.notes.iter_mut().zip(of_entry.notes) {
                *note += more;
            }
        }
        Ok((sum, missed))
    }

    /// Is it a raw tracepoint? Kernels count skipped runs of those earlier than of all others.
    pub fn is_raw_tracepoint(&self) -> bool {
        let first = match &self.attachment {
            Attachment::Each(all) => all.first(),
            one => Some(one),
        };
        matches!(first, Some(Attachment::RawTracepoint { .. }))
    }
}

fn add_words(sums: &mut [u64], bytes: &[u8]) {
    for (sum, word) in sums.iter_mut().zip(bytes.chunks_exact(8)) {
        *sum += word.try_into().map_or(0, u64::from_ne_bytes);
    }
}

/// Loads what a program hands hits on to, by its numbers. The map holds the programs.
fn load_branches(shared: &Maps, branches: &[Branch], given: Given<'_>) -> Result<Map, LoadError> {
    let numbers = branches.iter().flat_map(|branch| &branch.numbers);
    let end = numbers.max().map_or(1, |last| last + 1);
    let map = array("mt_branches", MapType::Programs, size_of::<u32>(), end)?;
    let load = |branch: &Branch| -> Result<(), LoadError> {
        let program = program::load(shared, &branch.site, given)?;
        let program = program.as_fd().as_raw_fd().to_ne_bytes();
        for number in &branch.numbers {
            map.update(&number.to_ne_bytes(), &program, Update::Any)?;
        }
        Ok(())
    };
    compute_in_parallel(branches, load)
        .into_iter()
        .collect::<Result<(), _>>()?;
    Ok(map)
}
