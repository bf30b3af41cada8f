//! Declarations, one after the other, against one machine: what they share is decided here.

use super::action::{Tables, action};
use super::attachment::{Hanging, hang, otherwise};
use super::call;
use super::dispatch::{self, Bundle};
use super::sharing::{self, Group, Ready};
use super::site::{Compiled, compile};
use super::span::{Spans, Ties};
use super::{
    Layout, Output, ProbePlan, Program, SetShape, SiteId, SiteName, SitePlan, SpanShape,
    TallyShape, func, set, spans, told,
};
use crate::codegen;
use crate::expr::tree::{Node, Op};
use crate::expr::{Refusal, Slot, Spot, Touch, Touched};
use crate::facts::{Facts, Found, Match};
use crate::report::Report;
use crate::spec::{Declaration, Ending, Given, Kind, Member, SetId, TallyId, VarId};
use moontrace_abi::limits::{VARIABLE_STRING, VARIABLES};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Which processes' hits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traced {
    All,
    /// `-p`
    Process(u32),
    /// A set that grows with the children: `-c`, `--follow`.
    Set,
}

impl Traced {
    /// The one process, where it is one.
    pub(super) fn process(self) -> Option<u32> {
        match self {
            Self::Process(pid) => Some(pid),
            Self::All | Self::Set => None,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub traced: Traced,
    /// `--attach exact`: no cheaper substitute.
    pub exact: bool,
    /// `--max-probes`
    pub most_sites: usize,
}

/// Makes plans. What its plans share (tallies, sets, variables, numbers of sites) grows from one to the next.
pub struct Planner {
    pub(super) facts: Facts,
    pub(super) options: Options,
    tallies: BTreeMap<TallyId, TallyShape>,
    sets: Vec<SetShape>,
    pub(super) spans: Spans,
    variables: BTreeMap<VarId, Slot>,
    variable_bytes: u32,
    pub(super) sites: u32,
    /// What the texts touch of the declaration that is being planned.
    pub(super) touched: Touched,
    /// Says whether they may.
    allows: Option<Allows>,
}

/// Whether the texts of a script may touch something; the report says why not.
pub type Allows = Box<dyn Fn(Touch, &Spot) -> Result<(), Report>>;

impl Planner {
    pub fn new(facts: Facts, options: Options) -> Self {
        Self {
            facts,
            options,
            tallies: BTreeMap::new(),
            sets: Vec::new(),
            spans: Spans::default(),
            variables: BTreeMap::new(),
            variable_bytes: 0,
            sites: 0,
            touched: Touched::default(),
            allows: None,
        }
    }

    /// What texts touch is asked about from now on.
    pub fn ask(&mut self, allows: Allows) {
        self.allows = Some(allows);
    }

    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The table of a tally, once a probe feeds it.
    pub fn tally(&self, tally: TallyId) -> Option<&TallyShape> {
        self.tallies.get(&tally)
    }

    /// What a set holds, once a probe looks into it.
    pub fn set(&self, set: SetId) -> Option<&SetShape> {
        self.sets.iter().find(|shape| shape.id == set)
    }

    /// Every set that a probe looks into.
    pub fn sets(&self) -> &[SetShape] {
        &self.sets
    }

    /// Every span that a probe uses.
    pub fn spans(&self) -> impl Iterator<Item = &SpanShape> {
        self.spans.shapes()
    }

    /// Where a variable lies, once a probe uses it.
    pub fn variable(&self, variable: VarId) -> Option<Slot> {
        self.variables.get(&variable).copied()
    }

    /// What the SPEC of a declaration matches here.
    pub fn matches(&self, declaration: &Declaration) -> Result<Found, Report> {
        let pid = self.options.traced.process();
        let found = self.facts.find(&declaration.patterns, pid)?.by_one_name();
        if found.matches.len() > self.options.most_sites {
            let count = found.matches.len();
            let message = format!("'{}' matches {count} probes", declaration.spec);
            return Err(Report::new(message).help(format!("--max-probes {count} allows them")));
        }
        Ok(found)
    }

    /// Which processes' hits count.
    pub fn traced(&self) -> Traced {
        self.options.traced
    }

    /// Plans a declaration.
    ///
    /// # Errors
    /// All its mistakes, each once; the planner is as it was then.
    pub fn plan(&mut self, declaration: &Declaration) -> Result<ProbePlan, Vec<Report>> {
        let declaration = &self.with_target(declaration);
        let plan = self.plan_from(declaration, SiteId(self.sites))?;
        spans::enter(&mut self.spans, declaration, &plan, SiteId(self.sites));
        self.sites += plan.sites.iter().map(SitePlan::count).sum::<usize>() as u32;
        Ok(plan)
    }

    /// A declaration in which `$target` is what there is to trace.
    fn with_target(&self, declaration: &Declaration) -> Declaration {
        let mut declaration = declaration.clone();
        match self.options.traced {
            Traced::Set => {}
            Traced::All => declaration.given.retain(|_, given| *given != Given::Target),
            Traced::Process(pid) => {
                let all = declaration.given.values_mut();
                let targets = all.filter(|given| **given == Given::Target);
                targets.for_each(|given| *given = Given::List(vec![Member::Int(pid.into())]));
            }
        }
        declaration
    }

    /// The same, its sites counted from there.
    pub(super) fn plan_from(
        &mut self,
        declaration: &Declaration,
        SiteId(first): SiteId,
    ) -> Result<ProbePlan, Vec<Report>> {
        let place = |report: Report| vec![report.at(declaration.place.clone())];
        let Found {
            matches,
            optional,
            renamed,
            missing,
        } = self.matches(declaration).map_err(place)?;
        self.place_variables(declaration).map_err(place)?;
        self.touched.take();
        let found: Vec<(Match, bool)> = matches.into_iter().zip(optional).collect();
        let spans = RefCell::new(self.spans.clone());
        let ties = Ties {
            spans: &spans,
            starts: self,
        };
        let groups = self.groups(declaration, found, ties)?;
        let spans = spans.into_inner();
        let (mut tallies, mut sets, mut sites) =
            (self.tallies.clone(), self.sets.clone(), Vec::new());
        let mut next = first;
        for bundle in dispatch::bundles(&self.facts, groups) {
            for group in bundle.groups() {
                set::shapes(&group.compiled, &mut sets).map_err(place)?;
            }
            let mut plan = |id, group| self.site(declaration, id, group, (&mut tallies, &spans));
            let made = match bundle {
                Bundle::One(group) => plan(SiteId(next), *group),
                Bundle::Several(all) => all.site(SiteId(next), &self.target(), &mut plan),
            };
            let mut made = made.map_err(place)?;
            next += made.count() as u32;
            if let Some((_, asked)) = renamed.iter().find(|(probe, _)| *probe == made.probe) {
                add_reason(&mut made.why, &format!("this kernel's {asked}"));
            }
            sites.push(made);
        }
        self.check_touched()?;
        (self.tallies, self.sets, self.spans) = (tallies, sets, spans);
        let output = match &declaration.ending {
            Ending::Handler { .. } => Output::Handler,
            Ending::Print(_) => Output::Print,
            Ending::Tally { tally, .. } => Output::Tally(*tally),
            Ending::Begin { .. } | Ending::Nothing | Ending::Change { .. } => Output::Nothing,
        };
        let name = declaration
            .name
            .clone()
            .unwrap_or_else(|| declaration.spec.clone());
        Ok(ProbePlan {
            id: declaration.id,
            place: declaration.place.clone(),
            name,
            sites,
            output,
            missing: missing.into_iter().map(|report| report.message).collect(),
        })
    }

    /// Refuses what the texts may not touch.
    fn check_touched(&self) -> Result<(), Vec<Report>> {
        let touched = self.touched.take();
        let Some(allows) = &self.allows else {
            return Ok(());
        };
        let refused = touched.iter();
        let refused = refused.filter_map(|(touch, spot)| allows(*touch, spot).err());
        let refused: Vec<Report> = refused.collect();
        match refused.is_empty() {
            true => Ok(()),
            false => Err(refused),
        }
    }

    /// Gives each `var` of a declaration its place.
    fn place_variables(&mut self, declaration: &Declaration) -> Result<(), Report> {
        for given in declaration.given.values() {
            let Given::Var(id, value) = given else {
                continue;
            };
            if self.variables.contains_key(id) {
                continue;
            }
            let bytes = if matches!(value, Member::Str(_)) {
                VARIABLE_STRING as u32
            } else {
                8
            };
            if (self.variable_bytes + bytes) as usize > VARIABLES {
                return Err(Report::new(format!(
                    "the script's variables take more than {VARIABLES} bytes"
                )));
            }
            self.variables.insert(*id, Slot(self.variable_bytes));
            self.variable_bytes += bytes;
        }
        Ok(())
    }

    /// The matches by the programs that they share.
    fn groups(
        &self,
        declaration: &Declaration,
        found: Vec<(Match, bool)>,
        ties: Ties<'_>,
    ) -> Result<Vec<Group>, Vec<Report>> {
        let compiled = self.compile(declaration, &found, ties)?;
        let all = found.into_iter().zip(compiled);
        let all = all.map(|((found, optional), (hanging, compiled))| Ready {
            found,
            optional,
            hanging,
            compiled,
        });
        let all = all.collect();
        Ok(sharing::bring_together(
            &self.facts,
            self.options.exact,
            all,
        ))
    }

    /// The texts, compiled for each match. A field that only some of them have is nil at the others.
    fn compile(
        &self,
        declaration: &Declaration,
        found: &[(Match, bool)],
        ties: Ties<'_>,
    ) -> Result<Vec<(Hanging, Compiled)>, Vec<Report>> {
        let slots = |id| self.slot(id);
        let options = self.options_of(declaration);
        let (mut attempts, mut hopeless) = (Vec::new(), false);
        for (found_one, _) in found {
            let attempt = |hanging: Hanging| {
                let names = self.names(&hanging, found_one);
                let compiled = compile(
                    declaration,
                    names.both(),
                    &slots,
                    ties,
                    &self.touched,
                    false,
                );
                (hanging, names, compiled)
            };
            let hanging = hang(&self.facts, &options, found_one, found.len())
                .map_err(|report| vec![report.at(declaration.place.clone())])?;
            let mut best = attempt(hanging);
            let wanting = match &best.2 {
                // A program at the beginning of each call is needed only where there is no way without.
                Ok(compiled) => {
                    call::has_arguments_alone(&compiled.kept)
                        || !compiled.kept.is_empty()
                            && !call::is_possible(&self.facts, &best.0.attachment)
                }
                Err(_) => !hopeless,
            };
            if wanting && let Some(other) = otherwise(&self.facts, &options, found_one, &best.0) {
                let other = attempt(other);
                let is_better = match &best.2 {
                    Ok(_) => {
                        !call::is_possible(&self.facts, &best.0.attachment)
                            || other.2.as_ref().is_ok_and(|other| other.kept.is_empty())
                    }
                    // What is wrong with the texts is wrong with them at all of many matches. Of a return, the other way
                    // knows more names, so that it says better what is wrong.
                    Err(_) => {
                        hopeless = other.2.is_err();
                        other.2.is_ok() || found_one.kind == Kind::Kretprobe
                    }
                };
                if is_better {
                    best = other;
                }
            }
            attempts.push(best);
        }
        let some = attempts.iter().any(|(.., compiled)| compiled.is_ok());
        let mut done = Vec::new();
        for (mut hanging, names, mut compiled) in attempts {
            if let Err(refusals) = &compiled
                && some
                && refusals.iter().all(|refusal| refusal.missing)
            {
                compiled = compile(declaration, names.both(), &slots, ties, &self.touched, true);
            }
            let compiled = compiled.map_err(reports)?;
            if !self.options.exact && !reads_record(&compiled) {
                hanging.without_record();
            }
            for moved in names.here.moved_members() {
                add_reason(&mut hanging.why, &moved);
            }
            done.push((hanging, compiled));
        }
        Ok(done)
    }

    fn site(
        &self,
        declaration: &Declaration,
        id: SiteId,
        group: Group,
        (tallies, spans): (&mut BTreeMap<TallyId, TallyShape>, &Spans),
    ) -> Result<SitePlan, Report> {
        let target = self.target();
        let guards = told::guards(&self.facts, &group);
        let guard = told::guard(&guards, &target)?;
        let cookie = told::cookie(&group, &target)?;
        let call = call::returned(&self.facts, id, &group, &target)?;
        let entry = call::entered(&self.facts, id, &group, &target)?;
        let Group {
            members,
            layouts,
            optional,
            hanging,
            compiled,
            ..
        } = group;
        // What keys have of a site is its number.
        let number = match &cookie {
            None => Node::Const(id.0.into()),
            Some(_) => {
                let first = Box::new(Node::Const(id.0.into()));
                Node::Binary(Op::Add, Box::new(Node::Cookie), first)
            }
        };
        let steps = match compiled.steps.as_slice() {
            [] => None,
            steps => Some(codegen::steps(steps, &target)?),
        };
        let binds = spans::binds(&compiled)?;
        let shared = Tables { tallies, spans };
        let action = action(declaration, compiled.ending, &number, shared, &target)?;
        let binds = binds.beside(steps.as_ref(), &action);
        let texts = compiled.steps.into_iter().map(|(_, label)| label);
        let kind = match members.first() {
            Some(first) => first.kind,
            None => return Err(Report::new("a program without a site")),
        };
        let layouts = layouts
            .into_iter()
            .chain(std::iter::repeat_with(Layout::default));
        let mut names = members
            .into_iter()
            .zip(layouts)
            .map(|(found, layout)| SiteName {
                layout,
                func: func(&found.probe),
                probe: found.probe,
            });
        let SiteName { probe, func, .. } = names.next().unwrap_or_default();
        Ok(SitePlan {
            id,
            probe,
            func,
            others: names.collect(),
            optional,
            kind,
            attachment: hanging.attachment,
            why: hanging.why,
            conditions: guards
                .into_iter()
                .map(|(_, words)| words)
                .chain(texts)
                .collect(),
            program: Program {
                cookie,
                guard,
                steps,
                call,
                binds,
                action,
            },
            entry,
        })
    }

    /// Where a variable lies.
    pub(super) fn slot(&self, id: VarId) -> Slot {
        self.variables.get(&id).copied().unwrap_or(Slot(0))
    }

    /// The names at a match, and at the beginning of the calls that return there.
    pub(super) fn names(&self, hanging: &Hanging, found: &Match) -> call::BothNames<'_> {
        let at_entry = call::beginning(&hanging.site);
        call::BothNames {
            here: self.facts.names(&hanging.site, &found.probe),
            at_entry: at_entry.map(|site| self.facts.names(&site, &found.probe)),
        }
    }

    pub(super) fn target(&self) -> codegen::Target {
        let namespace = self
            .facts
            .pid_namespace()
            .filter(|namespace| !namespace.is_initial());
        codegen::Target {
            pid_namespace: namespace.map(|namespace| (namespace.device, namespace.inode)),
        }
    }
}

/// One more reason why a site is attached or read as it is.
fn add_reason(why: &mut String, more: &str) {
    if !why.is_empty() {
        why.push_str(", ");
    }
    why.push_str(more);
}

/// Is anything read from the program's context?
fn reads_record(compiled: &Compiled) -> bool {
    let mut reads = false;
    compiled
        .visit(&mut |node| reads |= matches!(node, Node::Context { .. } | Node::ContextAddress));
    reads
}

/// Each report once.
fn reports(refusals: Vec<Refusal>) -> Vec<Report> {
    let mut reports: Vec<Report> = Vec::new();
    for refusal in refusals {
        if !reports.contains(&refusal.report) {
            reports.push(refusal.report);
        }
    }
    reports
}
