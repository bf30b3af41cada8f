//! A script that runs: what its VM asks for, done. All state of a run is here, on the VM's thread.

use super::files::Files;
use super::permit::Permit;
use super::refusal::{failed, no_maps, no_permission, not_attached, refused};
use super::script::Script;
use crate::facts::stacks::Meaning;
use crate::kernel::control::{Closed, Done, Order};
use crate::kernel::engine_log::EngineLog;
use crate::kernel::library::Library;
use crate::kernel::{Abilities, Control, Instance, Shared};
use crate::lua::session::Site;
use crate::output::Writer;
use crate::plan::{Output, Planner, ProbePlan, TallyShape};
use crate::report::{Report, plainly};
use crate::spec::{Member, ProbeId, SetId, VarId};
use crate::sys::mapping::RingMapping;
use crate::sys::signals::Wakeup;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

/// The kernel half, as ebpf/build makes it.
static OBJECT: &[u8] = include_bytes!("../../../ebpf/moontrace.bpf.o");

/// One probe, from its declaration on.
pub(super) struct Probe {
    pub plan: Arc<ProbePlan>,
    /// Its programs, a site each, in the order of the plan; none before it is attached and while the control thread
    /// has them.
    pub instances: Vec<Instance>,
    /// What is left of its programs when it was detached.
    pub closed: Vec<Closed>,
    /// `detach()` was called; where the control threads have its programs, they are taken down when they come back.
    pub gone: bool,
}

impl Probe {
    /// At how many sites it is attached.
    pub(super) fn attached(&self) -> usize {
        self.instances.iter().map(Instance::attached).sum()
    }
}

/// A set before its map is made, which is when a probe first looks into it or changes it.
#[derive(Default)]
pub(super) struct Waiting {
    /// The most members that it is to hold.
    pub keys: u32,
    pub members: BTreeSet<Member>,
}

/// How programs are loaded and attached.
pub(super) struct Setup {
    /// Bytes of the ring, a power of two.
    pub ring: u32,
    /// Programs look into the set of traced processes.
    pub follow: bool,
    /// The one process that is traced, where it is one.
    pub process: Option<u32>,
    /// `-v`
    pub verbose: bool,
    /// `--engine-log`: the kernel half to load, in place of the one inside.
    pub engine: Option<PathBuf>,
    /// What the control thread wakes the loop by.
    pub wakeup: Wakeup,
}

/// What the VM's `Session` stands on.
pub(super) struct Running {
    pub planner: RefCell<Planner>,
    /// Made when the first probe is attached: what only checks needs no rights.
    pub shared: RefCell<Option<Shared>>,
    pub ring: RefCell<Option<RingMapping>>,
    pub probes: RefCell<BTreeMap<ProbeId, Probe>>,
    /// Declared and not yet attached.
    pub(super) waiting: RefCell<Vec<ProbeId>>,
    /// How many probes the control thread has.
    pub(super) underway: Cell<usize>,
    pub(super) control: RefCell<Option<Control>>,
    /// By the number that is in every record; those of `follow` have none.
    pub(super) sites: RefCell<BTreeMap<u32, Rc<Site>>>,
    /// Sets whose maps are not made yet.
    pub(super) sets: RefCell<BTreeMap<SetId, Waiting>>,
    pub(super) variables: RefCell<BTreeMap<VarId, Member>>,
    /// What keeps the set of traced processes.
    followers: RefCell<Vec<Instance>>,
    engine_log: RefCell<Option<EngineLog>>,
    /// What addresses stand for.
    pub(super) meaning: Meaning,
    pub writer: RefCell<Writer>,
    setup: Setup,
    /// The run ends: nothing is armed any more.
    over: Cell<bool>,
    /// What the body prints is not wanted: it is only checked.
    pub(super) muted: Cell<bool>,
    /// What the script may do.
    pub(super) permit: Permit,
    pub(super) files: Files,
}

impl Running {
    pub(super) fn new(mut planner: Planner, writer: Writer, setup: Setup, script: &Script) -> Self {
        let permit = script.permit.clone();
        let asked = permit.clone();
        planner.ask(Box::new(move |touch, spot| asked.check_touch(touch, spot)));
        Self {
            permit,
            files: script.files.clone(),
            planner: RefCell::new(planner),
            shared: RefCell::new(None),
            ring: RefCell::new(None),
            probes: RefCell::new(BTreeMap::new()),
            waiting: RefCell::new(Vec::new()),
            underway: Cell::new(0),
            control: RefCell::new(None),
            sites: RefCell::new(BTreeMap::new()),
            sets: RefCell::new(BTreeMap::new()),
            variables: RefCell::new(BTreeMap::new()),
            followers: RefCell::new(Vec::new()),
            engine_log: RefCell::new(None),
            meaning: Meaning::default(),
            writer: RefCell::new(writer),
            setup,
            over: Cell::new(false),
            muted: Cell::new(false),
        }
    }

    /// Are there probes that are declared and not yet attached?
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.borrow().is_empty()
    }

    /// What wakes the loop.
    pub(super) fn wakeup(&self) -> &Wakeup {
        &self.setup.wakeup
    }

    /// Are there probes that are being attached or detached?
    pub(super) fn is_underway(&self) -> bool {
        self.underway.get() > 0
    }

    /// How many sites are attached.
    pub(super) fn attached(&self) -> usize {
        let probes = self.probes.borrow();
        probes.values().map(Probe::attached).sum()
    }

    /// Is nothing waiting in the ring, written or being written?
    pub(super) fn ring_is_empty(&self) -> bool {
        self.ring
            .borrow_mut()
            .as_mut()
            .is_none_or(RingMapping::is_empty)
    }

    /// What the script prints is dropped from now on.
    pub(super) fn mute(&self) {
        self.muted.set(true);
    }

    /// May this user do what was planned?
    pub(super) fn may_trace(&self) -> Result<(), Report> {
        let planner = self.planner.borrow();
        let features = planner.facts().features();
        if features.cap_bpf() && features.cap_perfmon() || !self.is_waiting() {
            Ok(())
        } else {
            Err(no_permission())
        }
    }

    /// Makes what all programs of the script share, and the thread that attaches them, unless they are there.
    pub(super) fn make_shared(&self) -> Result<(), Report> {
        if self.shared.borrow().is_some() {
            return Ok(());
        }
        let library = match &self.setup.engine {
            Some(file) => super::engine_log::library(file)?,
            None => Library::open(OBJECT)?,
        };
        let version = self.planner.borrow().facts().version();
        let library = library.made_for(Abilities::of(version))?;
        let shared = Shared::new(library, self.setup.ring, self.setup.follow)
            .map_err(|error| no_maps(&error))?;
        let log = shared.engine_log().map_err(|error| no_maps(&error))?;
        *self.engine_log.borrow_mut() = log;
        let control = self.setup.wakeup.try_clone().and_then(Control::start);
        let control = control.map_err(|error| {
            Report::new(format!("no thread can be started: {}", plainly(&error)))
        })?;
        *self.shared.borrow_mut() = Some(shared);
        *self.control.borrow_mut() = Some(control);
        Ok(())
    }

    /// Lets all programs run at once.
    pub(super) fn arm(&self) {
        if let Some(shared) = self.shared.borrow().as_ref()
            && !self.over.get()
        {
            self.meaning.wait_for_processes();
            shared.arm();
        }
    }

    /// Stops all programs, and waits for those that run.
    pub(super) fn disarm(&self) -> Result<(), Report> {
        self.over.set(true);
        match self.shared.borrow().as_ref() {
            Some(shared) => shared.disarm().map_err(|error| {
                Report::new(format!(
                    "waiting for running programs failed: {}",
                    plainly(&error)
                ))
            }),
            None => Ok(()),
        }
    }

    /// Has `root` and its children traced: at once, or, when it is `held`, as soon as it has become the command.
    pub(super) fn follow(&self, root: Option<u32>, held: Option<u32>) -> Result<(), Report> {
        let plans = self.planner.borrow_mut().follow(held)?;
        let shared = self.shared.borrow();
        let Some(shared) = shared.as_ref() else {
            return Ok(());
        };
        if let Some(root) = root {
            let added = shared.change_target(root, true);
            added.map_err(|error| {
                Report::new(format!(
                    "process {root} can't be traced: {}",
                    plainly(&error)
                ))
            })?;
        }
        for plan in plans {
            let mut instance =
                Instance::load(shared.maps(), &plan).map_err(|error| refused(error, None))?;
            instance
                .attach()
                .map_err(|error| not_attached(&error.error, &plan.probe, None))?;
            self.followers.borrow_mut().push(instance);
        }
        Ok(())
    }

    /// Has the children that a traced process has already traced, too, and theirs. For when forks are seen: what is
    /// forked meanwhile is there twice, which is no harm.
    pub(super) fn follow_children(&self, root: u32) -> Result<(), Report> {
        let shared = self.shared.borrow();
        let Some(shared) = shared.as_ref() else {
            return Ok(());
        };
        let mut parents = vec![root];
        while let Some(parent) = parents.pop() {
            for child in children(parent) {
                let added = shared.change_target(child, true);
                added.map_err(|error| {
                    Report::new(format!(
                        "process {child} can't be traced: {}",
                        plainly(&error)
                    ))
                })?;
                parents.push(child);
            }
        }
        Ok(())
    }

    /// Has the control threads load and attach what was declared since the last time.
    pub(super) fn attach_waiting(&self) -> Result<(), Vec<Report>> {
        let one = |report| vec![report];
        self.complete()?;
        self.make_shared().map_err(one)?;
        // Chains that were left without an ending were declared last.
        let mut ids = self.waiting.take();
        ids.sort_unstable();
        self.make_maps(&ids).map_err(|report| {
            self.forget(&ids);
            one(report)
        })?;
        let (shared, control) = (self.shared.borrow(), self.control.borrow());
        if let (Some(shared), Some(control)) = (shared.as_ref(), control.as_ref()) {
            let probes = self.probes.borrow();
            let asked = ids.iter().filter_map(|id| probes.get(id));
            let maps = Arc::new(shared.maps().clone());
            let order = |probe: &Probe| Order {
                plan: probe.plan.clone(),
                maps: maps.clone(),
            };
            let orders: Vec<Order> = asked.map(order).collect();
            self.underway.set(self.underway.get() + orders.len());
            control.attach(orders);
        }
        Ok(())
    }

    /// Has plans that wait for what others add to spans made to their end. With a mistake, none of what waits is attached.
    pub(super) fn complete(&self) -> Result<(), Vec<Report>> {
        let made = self.planner.borrow_mut().complete();
        let made = made.inspect_err(|_| self.forget(&self.waiting.take()))?;
        for plan in made {
            // It may have been detached before it was attached.
            if self.waiting.borrow().contains(&plan.id) {
                self.enter(plan);
            }
        }
        Ok(())
    }

    pub(super) fn forget(&self, ids: &[ProbeId]) {
        let mut probes = self.probes.borrow_mut();
        ids.iter().for_each(|id| drop(probes.remove(id)));
    }

    /// Takes back what the control threads have done; with `wait`, until they have nothing more to do. When the last link
    /// is live, all programs may run. What could not be attached is gone.
    pub(super) fn take_done(&self, wait: bool) -> Result<(), Vec<Report>> {
        // Every turn of the loop asks: the control word, which programs read at each hit, is left alone.
        if self.underway.get() == 0 {
            return Ok(());
        }
        let control = self.control.borrow();
        let Some(control) = control.as_ref() else {
            return Ok(());
        };
        let mut reports = Vec::new();
        while self.underway.get() > 0 {
            let done = if wait { control.wait() } else { control.poll() };
            let Some(done) = done else { break };
            self.underway.set(self.underway.get() - 1);
            // Programs are a part of the kernel's stacks.
            self.meaning.forget_kernel();
            let mut probes = self.probes.borrow_mut();
            match done {
                Done::Attached(batch) => {
                    let Some(probe) = probes.get_mut(&batch.probe) else {
                        continue;
                    };
                    if probe.gone {
                        self.underway.set(self.underway.get() + 1);
                        control.detach(batch);
                    } else {
                        self.tell(&probe.plan, &batch.instances);
                        probe.instances = batch.instances;
                    }
                }
                Done::Detached { probe, closed } => {
                    if let Some(probe) = probes.get_mut(&probe) {
                        probe.closed = closed;
                    }
                }
                Done::Failed {
                    probe,
                    number,
                    error,
                } => {
                    let probe = probes.remove(&probe);
                    let planner = self.planner.borrow();
                    let report =
                        probe.map(|probe| failed(planner.facts(), error, &probe.plan, number));
                    reports.extend(report.filter(|report| !reports.contains(report)));
                }
            }
        }
        if self.underway.get() == 0 && reports.is_empty() {
            self.arm();
        }
        if reports.is_empty() {
            Ok(())
        } else {
            Err(reports)
        }
    }

    /// The maps that the programs of these probes refer to, where they are not there yet.
    fn make_maps(&self, ids: &[ProbeId]) -> Result<(), Report> {
        let (planner, probes, mut shared) = (
            self.planner.borrow(),
            self.probes.borrow(),
            self.shared.borrow_mut(),
        );
        let Some(shared) = shared.as_mut() else {
            return Ok(());
        };
        let no_map =
            |error: io::Error| Report::new(format!("the kernel makes no map: {}", plainly(&error)));
        for plan in ids
            .iter()
            .filter_map(|id| probes.get(id))
            .map(|probe| &probe.plan)
        {
            self.watch_processes(plan, &planner);
            match plan.output {
                Output::Tally(tally) => {
                    if let Some(shape) = planner.tally(tally) {
                        let fed = shared.add_table(shape, plan.sites.len());
                        fed.map_err(|report| report.at(plan.place.clone()))?;
                    }
                }
                Output::Handler | Output::Print => {
                    let mut ring = self.ring.borrow_mut();
                    if ring.is_none() {
                        *ring = Some(shared.make_ring().map_err(no_map)?);
                    }
                }
                Output::Nothing => {}
            }
        }
        for shape in planner.spans() {
            shared.make_span(shape).map_err(no_map)?;
        }
        let mut sets = self.sets.borrow_mut();
        for shape in planner.sets() {
            if shared.set(shape.id).is_some() {
                continue;
            }
            let Waiting { keys, members } = sets.remove(&shape.id).unwrap_or_default();
            shared.make_set(shape, keys).map_err(no_map)?;
            for member in members {
                let key = shape.key(&member)?;
                let added = shared.change_set(shape.id, &key, true);
                added.map_err(|error| super::session::not_changed(&error))?;
            }
        }
        for (id, value) in self.variables.borrow().iter() {
            if let Some(slot) = planner.variable(*id) {
                shared.store_variable(slot.0, &super::session::words(value)?);
            }
        }
        Ok(())
    }

    /// Where stacks of processes are taken, remembers what those map: they may have ended when the stacks are read.
    fn watch_processes(&self, plan: &ProbePlan, planner: &Planner) {
        let of_tally = |tally| planner.tally(tally).map(TallyShape::has_user_addresses);
        let mut sites = plan.sites.iter();
        if sites.any(|site| site.takes_user_stacks(&of_tally))
            && let Err(error) = self.meaning.watch_processes(self.setup.process)
        {
            let why = plainly(&error);
            self.writer.borrow_mut().note(&format!(
                "stacks of processes that end before they are read will have no names: {why}"
            ));
        }
    }

    /// Prints what the kernel half has said for its developers.
    pub(super) fn say_engine_log(&self) {
        if let Some(log) = self.engine_log.borrow_mut().as_mut() {
            super::engine_log::say(log);
        }
    }

    /// `-v`: how each site is attached, why, and how long it took.
    fn tell(&self, plan: &ProbePlan, instances: &[Instance]) {
        let planner = self.planner.borrow();
        let why = |function: &str| planner.facts().untraceable(function);
        if let Some(words) = super::skipped::report(plan, instances, self.setup.verbose, &why) {
            self.writer.borrow_mut().note(&words);
        }
        if !self.setup.verbose {
            return;
        }
        for missing in &plan.missing {
            let words = format!("{}: left out: {missing}", plan.name);
            self.writer.borrow_mut().note(&words);
        }
        for (site, instance) in plan.sites.iter().zip(instances) {
            let why = match site.why.as_str() {
                "" => String::new(),
                why => format!(" ({why})"),
            };
            let words = crate::plan::attachment_words(&site.attachment);
            let (load, attach) = instance.took;
            let more = match site.others.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            self.writer.borrow_mut().note(&format!(
                "{}{more}: {words}{why}, loaded in {:.2} ms, attached in {:.2} ms",
                site.probe,
                load.as_secs_f64() * 1e3,
                attach.as_secs_f64() * 1e3
            ));
        }
    }

    pub(super) fn name_of(&self, site: u32) -> Option<(String, String)> {
        let probes = self.probes.borrow();
        let sites = probes.values().flat_map(|probe| &probe.plan.sites);
        let mut names = sites.flat_map(crate::plan::SitePlan::names);
        names
            .find(|(id, ..)| id.0 == site)
            .map(|(_, probe, func)| (probe.to_owned(), func.to_owned()))
    }
}

/// The children of a process, as its threads' `children` files have them (proc_pid_children(5)).
fn children(pid: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten();
    let lists =
        threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect()
}
