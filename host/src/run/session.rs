//! What the VM asks for, done.

use super::running::{Probe, Running, Waiting};
use super::signal;
use crate::event::span;
use crate::event::tally::{self, Meanings};
use crate::kernel::Instance;
use crate::kernel::control::Batch;
use crate::kernel::table::Reading;
use crate::lua::session::{Session, Site, Standing, State};
use crate::output::flame;
use crate::permission::Permission;
use crate::plan::{Output, ProbePlan, Traced};
use crate::report::{Report, plainly, unwritable};
use crate::rows::{Flame, Frame, RawStack, Stack, Symbols, Table, Value};
use crate::spec::{Declaration, Member, ProbeId, SetId, SpanId, TallyId, VarId};
use std::collections::BTreeSet;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

impl Session for Running {
    fn declare(&self, declaration: Declaration) -> Result<(), Vec<Report>> {
        let permitted = self.permit.check_declaration(&declaration);
        permitted.map_err(|report| vec![report])?;
        let plan = self.planner.borrow_mut().plan(&declaration)?;
        self.waiting.borrow_mut().push(plan.id);
        self.enter(plan);
        Ok(())
    }

    fn shown(&self, value: &Value) -> String {
        crate::output::shown(value)
    }

    fn has_target(&self) -> bool {
        self.planner.borrow().traced() != Traced::All
    }

    fn permit(&self, wanted: &Permission) -> Result<(), Report> {
        self.permit.check(wanted)
    }

    fn exists(&self, spec: &str) -> Result<bool, Report> {
        let patterns = crate::spec::probe::parse(spec)?;
        self.permit.check_probes(&patterns)?;
        self.planner.borrow().facts().exists(&patterns)
    }

    fn read_tally(&self, id: TallyId, take: bool) -> Result<Table, Report> {
        let planner = self.planner.borrow();
        let Some(shape) = planner.tally(id) else {
            return Ok(Table::default());
        };
        let shared = self.shared.borrow();
        let read = shared
            .as_ref()
            .map_or(Ok(Reading::default()), |shared| shared.read_table(id, take));
        let Reading {
            entries,
            stacks,
            ns,
        } = read
            .map_err(|error| Report::new(format!("a tally can't be read: {}", plainly(&error))))?;
        let entries = entries
            .into_iter()
            .map(|entry| tally::Entry {
                key: entry.key,
                values: entry.values,
            })
            .collect();
        let meanings = Meanings {
            sites: &|site| self.name_of(site),
            stacks: &stacks,
            symbols: &self.meaning,
        };
        Ok(tally::table(shape, entries, ns as f64 / 1e9, &meanings))
    }

    fn read_span(&self, id: SpanId, at_least: u64) -> Result<Table, Report> {
        let planner = self.planner.borrow();
        let Some(shape) = planner.spans().find(|shape| shape.id == id) else {
            return Ok(Table::default());
        };
        let shared = self.shared.borrow();
        let read = shared
            .as_ref()
            .map_or(Ok(Reading::default()), |shared| shared.read_span(shape));
        let Reading {
            entries, stacks, ..
        } = read
            .map_err(|error| Report::new(format!("a span can't be read: {}", plainly(&error))))?;
        let entries = entries.into_iter().map(|entry| (entry.key, entry.values));
        let meanings = Meanings {
            sites: &|site| self.name_of(site),
            stacks: &stacks,
            symbols: &self.meaning,
        };
        Ok(span::open(shape, entries, self.now(), at_least, &meanings))
    }

    fn make_set(&self, set: SetId, keys: u32) {
        let members = BTreeSet::new();
        self.sets
            .borrow_mut()
            .insert(set, Waiting { keys, members });
    }

    fn is_in_set(&self, set: SetId, member: &Member) -> Result<bool, Report> {
        let key = self.key_in(set, member)?;
        let shared = self.shared.borrow();
        let map = shared.as_ref().and_then(|shared| shared.set(set));
        match (map, key) {
            (Some(map), Some(key)) => map.lookup(&key, &mut [0]).map_err(|error| not_read(&error)),
            _ => {
                let sets = self.sets.borrow();
                Ok(sets
                    .get(&set)
                    .is_some_and(|set| set.members.contains(member)))
            }
        }
    }

    fn size_of_set(&self, set: SetId) -> Result<usize, Report> {
        let shared = self.shared.borrow();
        match shared.as_ref().and_then(|shared| shared.set(set)) {
            Some(map) => {
                let members = map.entries_now().map_err(|error| not_read(&error))?;
                Ok(members.len())
            }
            None => Ok(self
                .sets
                .borrow()
                .get(&set)
                .map_or(0, |set| set.members.len())),
        }
    }

    fn add_to_set(&self, set: SetId, member: &Member) -> Result<(), Report> {
        self.change_set(set, member, true)
    }

    fn remove_from_set(&self, set: SetId, member: &Member) -> Result<(), Report> {
        self.change_set(set, member, false)
    }

    fn set_variable(&self, variable: VarId, value: &Member) -> Result<(), Report> {
        let words = words(value)?;
        if let (Some(slot), Some(shared)) = (
            self.planner.borrow().variable(variable),
            self.shared.borrow().as_ref(),
        ) {
            shared.store_variable(slot.0, &words);
        }
        self.variables.borrow_mut().insert(variable, value.clone());
        Ok(())
    }

    fn print(&self, text: &[u8]) {
        if !self.muted.get() {
            self.writer.borrow_mut().text(text);
        }
    }

    fn screen(&self) {
        if !self.muted.get() {
            self.writer.borrow_mut().screen();
        }
    }

    fn event(&self, probe: &str, time: u64, cpu: u16, fields: &[(&str, Value)]) {
        self.writer.borrow_mut().event(probe, time, cpu, fields);
    }

    fn table(&self, table: &Table, title: Option<&str>) {
        if !self.muted.get() {
            self.writer.borrow_mut().table(table, title);
        }
    }

    fn folded(&self, table: &Table, flame: &Flame) -> Result<String, Report> {
        flame::folded(table, flame)
    }

    fn draw(&self, table: &Table, flame: &Flame, file: &str) -> Result<(), Report> {
        if self.muted.get() {
            return Ok(());
        }
        self.permit_writing(file)?;
        let svg = flame::svg(table, flame)?;
        let written = self.files.write(file, svg);
        written.map_err(|error| unwritable(file, &error))
    }

    fn may_write(&self, file: &str) -> Result<(), Report> {
        self.permit_writing(file)?;
        let can = self.files.may_write(file);
        can.map_err(|error| unwritable(file, &error))
    }

    fn write_file(&self, file: &str, text: &str) -> Result<(), Report> {
        self.permit_writing(file)?;
        match self.muted.get() {
            true => Ok(()),
            false => {
                let written = self.files.write(file, text);
                written.map_err(|error| unwritable(file, &error))
            }
        }
    }

    fn standings(&self) -> Result<Vec<Standing>, Report> {
        let probes = self.probes.borrow();
        let standing = |(id, probe): (&ProbeId, &Probe)| {
            Ok(Standing {
                id: *id,
                tally: match probe.plan.output {
                    Output::Tally(tally) => Some(tally),
                    _ => None,
                },
                name: probe.plan.name.clone(),
                state: match probe.instances.as_slice() {
                    _ if probe.gone => State::Detached,
                    [] => State::Attaching,
                    _ => State::Attached(probe.attached()),
                },
                books: super::finish::books_of(self, *id)?,
            })
        };
        probes.iter().map(standing).collect()
    }

    fn detach(&self, id: ProbeId) -> Result<(), Report> {
        self.waiting.borrow_mut().retain(|waiting| *waiting != id);
        let mut probes = self.probes.borrow_mut();
        let Some(probe) = probes.get_mut(&id) else {
            return Ok(());
        };
        probe.gone = true;
        let instances = std::mem::take(&mut probe.instances);
        match self.control.borrow().as_ref() {
            Some(control) if instances.iter().any(Instance::is_attached) => {
                self.underway.set(self.underway.get() + 1);
                control.detach(Batch {
                    probe: id,
                    instances,
                });
            }
            _ => probe.instances = instances,
        }
        Ok(())
    }

    fn catch_signal(&self, name: &str) -> Result<i32, Report> {
        signal::catch(name)
    }

    fn site(&self, site: u32) -> Option<Rc<Site>> {
        self.sites.borrow().get(&site).cloned()
    }

    fn syscall_name(&self, number: i64) -> Option<&'static str> {
        crate::facts::syscalls::name(u32::try_from(number).ok()?)
    }

    fn cgroup(&self, folder: &str) -> Option<u64> {
        crate::sys::cgroup::id(folder)
    }

    fn now(&self) -> u64 {
        crate::sys::clock::monotonic()
    }

    fn time_of_day(&self) -> u64 {
        crate::sys::clock::time_of_day()
    }
}

impl Symbols for Running {
    fn longest(&self) -> usize {
        self.meaning.longest()
    }

    fn stack(&self, raw: &RawStack, time: u64) -> Arc<Stack> {
        self.meaning.stack(raw, time)
    }

    fn symbol(&self, address: u64, process: Option<u32>, time: u64) -> Frame {
        self.meaning.symbol(address, process, time)
    }
}

impl Running {
    /// Enters a plan, in place of an earlier one of the same probe.
    pub(super) fn enter(&self, plan: ProbePlan) {
        for site in &plan.sites {
            for ((number, probe, func), layout) in site.names().zip(site.layouts()) {
                let site_of = Site {
                    id: plan.id,
                    probe: probe.to_owned(),
                    func: func.to_owned(),
                    name: plan.name.clone(),
                    layout: layout.clone(),
                };
                self.sites.borrow_mut().insert(number.0, Rc::new(site_of));
            }
        }
        self.probes.borrow_mut().insert(
            plan.id,
            Probe {
                plan: Arc::new(plan),
                instances: Vec::new(),
                closed: Vec::new(),
                gone: false,
            },
        );
    }

    fn permit_writing(&self, file: &str) -> Result<(), Report> {
        self.permit.check(&Permission::Write(file.to_owned()))
    }

    /// A member as a key of the set; `None` before anything looks into it.
    fn key_in(&self, set: SetId, member: &Member) -> Result<Option<Vec<u8>>, Report> {
        let planner = self.planner.borrow();
        let key = planner.set(set).map(|shape| shape.key(member));
        key.transpose()
    }

    fn change_set(&self, set: SetId, member: &Member, there: bool) -> Result<(), Report> {
        let key = self.key_in(set, member)?;
        let shared = self.shared.borrow();
        let shared = shared.as_ref().filter(|shared| shared.set(set).is_some());
        if let (Some(shared), Some(key)) = (shared, key) {
            let changed = shared.change_set(set, &key, there);
            return changed.map_err(|error| not_changed(&error));
        }
        let mut sets = self.sets.borrow_mut();
        let Some(Waiting { keys, members }) = sets.get_mut(&set) else {
            return Ok(());
        };
        if !there {
            members.remove(member);
        } else if members.len() < *keys as usize || members.contains(member) {
            members.insert(member.clone());
        } else {
            return Err(full());
        }
        Ok(())
    }
}

fn full() -> Report {
    Report::new("the set is full").help("give it more room: set{ keys = 100000 }")
}

/// Why a set could not be changed.
pub(super) fn not_changed(error: &io::Error) -> Report {
    match error.raw_os_error() {
        Some(libc::E2BIG) => full(),
        _ => Report::new(format!("the set can't be changed: {}", plainly(error))),
    }
}

fn not_read(error: &io::Error) -> Report {
    Report::new(format!("the set can't be read: {}", plainly(error)))
}

/// A variable's value as the words of its place.
pub(super) fn words(value: &Member) -> Result<Vec<u64>, Report> {
    const BYTES: usize = moontrace_abi::limits::VARIABLE_STRING;
    match value {
        Member::Int(value) => Ok(vec![*value as u64]),
        Member::Str(bytes) if bytes.len() < BYTES => {
            let mut padded = bytes.clone();
            padded.resize(BYTES, 0);
            Ok(padded
                .chunks_exact(8)
                .map(|word| word.try_into().map_or(0, u64::from_le_bytes))
                .collect())
        }
        Member::Str(bytes) => {
            let message = format!(
                "a string of {} bytes is too long for a var: it has room for {}",
                bytes.len(),
                BYTES - 1
            );
            Err(Report::new(message))
        }
        Member::Tuple(_) => Err(Report::new("a var is a number or a string")),
    }
}
