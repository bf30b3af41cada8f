//! What the spans should hold: plain maps, changed as each run should change them.

use super::made::{Ending, Made, Shape};
use crate::check::{compare_field, compare_row, same, same_notes};
use crate::machine::Run;
use crate::oracle::Oracle;
use moontrace::codegen::{Step, StoredPart, Then};
use moontrace::expr::eval::Fault;
use moontrace::expr::tree::Part;
use moontrace_abi::{Header, Outcome};
use std::collections::BTreeMap;

/// What is open of a span: each value by its key, as they stand in the map.
pub(crate) type Open = BTreeMap<Vec<u8>, Vec<u8>>;

pub(crate) struct Model<'a> {
    pub(crate) shapes: &'a [Shape],
    pub(crate) open: Vec<Open>,
    pub(crate) met: &'a mut BTreeMap<&'static str, u64>,
}

/// What the kernel has after a run.
pub(crate) struct After<'a> {
    pub(crate) run: &'a Run,
    pub(crate) open: &'a [Open],
    /// CLOCK_MONOTONIC before and after it.
    pub(crate) between: (u64, u64),
}

/// A run that has ended before its ending.
enum Ended {
    Filtered,
    Lost,
}

impl From<Fault> for Ended {
    fn from(_: Fault) -> Self {
        Self::Lost
    }
}

impl Model<'_> {
    fn meet(&mut self, what: &'static str) {
        *self.met.entry(what).or_default() += 1;
    }

    /// Does what the run should have done, and holds the kernel against it. Gives the number of reads that failed.
    pub(crate) fn judge(
        &mut self,
        made: &Made,
        mut oracle: Oracle<'_>,
        after: &After<'_>,
    ) -> Result<u64, String> {
        let run = after.run;
        let passed = self.steps(&made.steps, &mut oracle);
        let (outcome, faults) = match passed {
            Err(Ended::Filtered) => (Outcome::Filtered, Some(0)),
            Err(Ended::Lost) => {
                self.meet("a key or condition that can't be read");
                (Outcome::Read, None)
            }
            Ok(()) if made.bound > 0 => {
                self.meet("ended with what was found");
                self.ending(&made.ending, oracle_at(&mut oracle, run), after)?
            }
            Ok(()) => self.ending(&made.ending, oracle_at(&mut oracle, run), after)?,
        };
        same("outcome", &run.outcome, &Some(outcome))?;
        same("spans", &after.open, &self.open.as_slice())?;
        match faults {
            Some(faults) => same("faults", &run.faults, &faults)?,
            None => return Ok(1),
        }
        if run.faults == 0 {
            same_notes(&oracle, run)?;
        }
        Ok(run.faults)
    }

    fn steps(&mut self, steps: &[Step], oracle: &mut Oracle<'_>) -> Result<(), Ended> {
        for step in steps {
            let look = match step {
                Step::If(node) if oracle.value(node)? == 0 => return Err(Ended::Filtered),
                Step::If(_) => continue,
                Step::Look(look) => look,
            };
            let key = oracle.key(&look.key)?;
            let open = &mut self.open[look.span.0 as usize];
            let found = match look.then {
                Then::Take { .. } => open.remove(&key),
                _ => open.get(&key).cloned(),
            };
            match (found, look.then) {
                (None, Then::Refuse) => {}
                (Some(value), Then::Bind { area, size } | Then::Take { area, size }) => {
                    oracle.bind(area, &value[..size as usize]);
                    self.meet(match look.then {
                        Then::Bind { .. } => "found",
                        _ => "taken out",
                    });
                }
                (there, _) => {
                    self.meet(match there {
                        Some(_) => "found, though it must not be",
                        None => "not found",
                    });
                    return Err(Ended::Filtered);
                }
            }
        }
        Ok(())
    }

    /// How it ends, and how many fields are missing; `None` when it is lost.
    fn ending(
        &mut self,
        ending: &Ending,
        oracle: &Oracle<'_>,
        after: &After<'_>,
    ) -> Result<(Outcome, Option<u64>), String> {
        let run = after.run;
        Ok(match ending {
            Ending::Nothing => (Outcome::Delivered, Some(0)),
            Ending::Emit { layout, values } => {
                same("outcome", &run.outcome, &Some(Outcome::Delivered))?;
                between("the record's time", time_of(run), after.between)?;
                let mut faults = 0;
                for (field, value) in layout.fields.iter().zip(values) {
                    faults += u64::from(compare_field(oracle, run, field, value)?);
                }
                (Outcome::Delivered, Some(faults))
            }
            Ending::Tally { key, arguments } => {
                let values = arguments.iter().map(|node| oracle.value(node));
                let values: Result<Vec<u64>, Fault> = values.collect();
                let Ok((key_bytes, values)) =
                    values.and_then(|values| Ok((oracle.key(key)?, values)))
                else {
                    return Ok((Outcome::Read, None));
                };
                same("outcome", &run.outcome, &Some(Outcome::Delivered))?;
                compare_row(run, key, key_bytes, &values)?;
                (Outcome::Delivered, Some(0))
            }
            Ending::Begin {
                span,
                marks,
                key,
                stored,
            } => {
                let Ok(key) = oracle.key(key) else {
                    self.meet("a key or condition that can't be read");
                    return Ok((Outcome::Read, None));
                };
                let there = self.open[*span].get(&key);
                let shape = &self.shapes[*span];
                let (is_open, is_full) = (
                    there.is_some(),
                    self.open[*span].len() == shape.room as usize,
                );
                if *marks && !is_open {
                    self.meet("marked, but not open");
                    return Ok((Outcome::Filtered, Some(0)));
                }
                let zeros = || vec![0; shape.value_size() as usize];
                let mut value = there.cloned().unwrap_or_else(zeros);
                let faults = store(&mut value, stored, oracle);
                if !is_open && is_full {
                    self.meet("full");
                    return Ok((Outcome::Full, Some(faults)));
                }
                if !marks {
                    let got = after.open[*span].get(&key).ok_or("nothing was started")?;
                    value[..8].copy_from_slice(&got[..8]);
                    between("the time of a start", word(got), after.between)?;
                }
                self.meet(match (marks, is_open) {
                    (true, _) => "marked",
                    (false, true) => "started again",
                    (false, false) => "started",
                });
                if faults > 0 {
                    self.meet("stored without a field that can't be read");
                }
                self.open[*span].insert(key, value);
                (Outcome::Delivered, Some(faults))
            }
        })
    }
}

/// Stores what a start or a mark has; what can't be read is not there.
fn store(value: &mut [u8], stored: &[StoredPart], oracle: &Oracle<'_>) -> u64 {
    let mut there = word(&value[8..]);
    let mut faults = 0;
    for StoredPart { part, offset, bit } in stored {
        let bytes = oracle.key(std::slice::from_ref::<Part>(part));
        let (mask, is_there) = (1 << bit, bytes.is_ok());
        there = if is_there {
            there | mask
        } else {
            there & !mask
        };
        faults += u64::from(!is_there);
        let bytes = bytes.unwrap_or_else(|Fault| vec![0; part.size() as usize]);
        value[*offset as usize..][..bytes.len()].copy_from_slice(&bytes);
    }
    value[8..16].copy_from_slice(&there.to_le_bytes());
    faults
}

fn word(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes[..8].try_into().unwrap())
}

/// The time that a record has; 0 where there is none.
fn time_of(run: &Run) -> u64 {
    let record = run.record.get(std::mem::offset_of!(Header, time)..);
    record.map_or(0, word)
}

/// A run has one time: its record has told it.
fn oracle_at<'o, 'w>(oracle: &'o mut Oracle<'w>, run: &Run) -> &'o Oracle<'w> {
    oracle.set_time(time_of(run));
    oracle
}

fn between(what: &str, time: u64, (before, after): (u64, u64)) -> Result<(), String> {
    if (before..=after).contains(&time) {
        Ok(())
    } else {
        Err(format!("{what} is {time}, not in {before}..={after}"))
    }
}
