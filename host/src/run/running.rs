//! A script that runs: what its VM asks for, done. All state of a run is here, on the VM's thread.

use super::members;
use crate::cli::RunArgs;
use crate::event;
use crate::facts::Facts;
use crate::kernel::{Instance, Shared};
use crate::lua::session::{Session, Site};
use crate::output::Writer;
use crate::plan::{Output, Planner, ProbePlan, SitePlan};
use crate::report::Report;
use crate::rows::{Table, Value};
use crate::spec::{Declaration, Member, ProbeId, SetId, TallyId, VarId};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// One probe, from its declaration on.
pub(super) struct Probe {
    pub plan: ProbePlan,
    /// Its programs, a site each, once they are attached.
    pub instances: Vec<Instance>,
}

/// What the VM's `Session` stands on.
pub struct Running {
    pub(super) planner: RefCell<Planner>,
    pub(super) shared: RefCell<Shared>,
    pub(super) probes: RefCell<BTreeMap<ProbeId, Probe>>,
    /// By the number that is in every record.
    sites: RefCell<Vec<Option<Rc<Site>>>>,
    /// What sets and variables hold: kept here for maps that are made later.
    sets: RefCell<BTreeMap<SetId, BTreeSet<Member>>>,
    pub(super) writer: RefCell<Writer>,
    pub(super) exit: Cell<Option<i32>>,
}
