//! What each kernel says of each test, and whether that is well.

use crate::boot::Tests;
use crate::report::Verdict;
use libtest_mimic::{Completion, Failed};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

pub(crate) struct Matrix {
    tests: Tests,
    guests: Vec<Guest>,
}

struct Guest {
    kernel: &'static str,
    /// The tests that this run is about: they share the guest's first boot.
    wanted: BTreeSet<String>,
    /// `None` of a test that the guest was booted for and gave no answer to.
    verdicts: Mutex<BTreeMap<String, Option<Verdict>>>,
    /// It was booted ahead of its first question.
    ahead: AtomicBool,
}

impl Matrix {
    /// Of kernels, each with the tests that are wanted there.
    pub(crate) fn new(tests: Tests, kernels: Vec<(&'static str, BTreeSet<String>)>) -> Self {
        let guest = |(kernel, wanted)| Guest {
            kernel,
            wanted,
            verdicts: Mutex::default(),
            ahead: AtomicBool::new(false),
        };
        let guests = kernels.into_iter().map(guest).collect();
        Self { tests, guests }
    }

    /// Runs a test in the guest with that kernel. What is skipped there must pass elsewhere.
    pub(crate) fn judge(self: &Arc<Self>, kernel: &str, name: &str) -> Result<Completion, Failed> {
        let at = self.guests.iter().position(|guest| guest.kernel == kernel);
        let at = at.ok_or("no such guest")?;
        self.boot_ahead(at + 1);
        let guest = &self.guests[at];
        match guest.verdict(&self.tests, name, &BTreeSet::new()) {
            Some(Verdict::Passed) => Ok(Completion::Completed),
            Some(Verdict::Failed(message)) => Err(message.into()),
            Some(Verdict::Skipped(reason)) => match self.passes_elsewhere(guest, name) {
                Ok(()) => Ok(Completion::ignored_with(reason)),
                Err(others) => Err(format!(
                    "skipped in the guest ({reason}), and passed nowhere: {others}"
                )
                .into()),
            },
            None => Err("the guest gave no answer for it".into()),
        }
    }

    /// Has a guest answer meanwhile: each takes one of the machine's CPUs.
    fn boot_ahead(self: &Arc<Self>, at: usize) {
        let Some(guest) = self.guests.get(at) else {
            return;
        };
        let Some(first) = guest.wanted.first().cloned() else {
            return;
        };
        if !guest.ahead.swap(true, Ordering::Relaxed) {
            let matrix = self.clone();
            std::thread::spawn(move || {
                let guest = &matrix.guests[at];
                guest.verdict(&matrix.tests, &first, &BTreeSet::new());
            });
        }
    }

    /// On this machine's own kernel, or in another guest, the newest first. The error says what it did there.
    fn passes_elsewhere(self: &Arc<Self>, guest: &Guest, name: &str) -> Result<(), String> {
        let mut others = Vec::new();
        match self.tests.run_here(name) {
            Some(Verdict::Passed) => return Ok(()),
            verdict => others.push(format!("here {verdict:?}")),
        }
        let skipped = guest.skipped();
        for (at, other) in self.guests.iter().enumerate().rev() {
            if other.kernel == guest.kernel {
                continue;
            }
            if let Some(before) = at.checked_sub(1) {
                self.boot_ahead(before);
            }
            match other.verdict(&self.tests, name, &skipped) {
                Some(Verdict::Passed) => return Ok(()),
                verdict => others.push(format!("{} {verdict:?}", other.kernel)),
            }
        }
        Err(others.join(", "))
    }
}

impl Guest {
    /// What the guest says of a test. It is booted when it has not been asked yet: for all tests that are wanted there, else
    /// for this one `along` with others that will be asked next.
    fn verdict(&self, tests: &Tests, name: &str, along: &BTreeSet<String>) -> Option<Verdict> {
        let Ok(mut verdicts) = self.verdicts.lock() else {
            return None;
        };
        if let Some(known) = verdicts.get(name) {
            return known.clone();
        }
        let mut asked = match self.wanted.contains(name) {
            true => self.wanted.clone(),
            false => along.clone(),
        };
        asked.insert(name.to_owned());
        asked.retain(|name| !verdicts.contains_key(name));
        let mut answers = tests.run_in_guest(self.kernel, &asked);
        verdicts.extend(asked.into_iter().map(|name| {
            let answer = answers.remove(&name);
            (name, answer)
        }));
        verdicts.get(name).cloned().flatten()
    }

    /// The tests that it has skipped so far.
    fn skipped(&self) -> BTreeSet<String> {
        let Ok(verdicts) = self.verdicts.lock() else {
            return BTreeSet::new();
        };
        let skipped = |(name, verdict): (&String, &Option<Verdict>)| {
            matches!(verdict, Some(Verdict::Skipped(_))).then(|| name.clone())
        };
        verdicts.iter().filter_map(skipped).collect()
    }
}
