//! Chains that use spans: what one of them adds to a span changes what others store, so they are planned to their end when
//! all of a chunk are known.

use super::attachment::{Hanging, hang, otherwise};
use super::planner::{Options, Planner, Traced};
use super::site::{Compiled, compiled_at_start};
use super::span::{Chain, Known, Role, Spans, Starts};
use super::{Action, Binds, ProbePlan, SiteId};
use crate::codegen::{Code, SMALL_STACK, Step, StoredPart, Then};
use crate::expr::Checked;
use crate::report::Report;
use crate::spec::{Declaration, Ending, Kind, Look, ProbeId, Source, SpanId, Tie};
use moontrace_abi::limits::{KEY, SCRATCH, SMALL_KEY, SMALL_SPAN};
use std::rc::Rc;

/// How often chains are planned anew at most: each time, all that they add is known to all.
const ROUNDS: usize = 8;

/// Bytes of a span's key and value.
pub(super) struct Size {
    key: u32,
    value: u32,
}

impl Size {
    /// More than fits on the stack?
    pub(super) fn is_long(&self) -> bool {
        self.key as usize > SMALL_KEY || self.value as usize > SMALL_SPAN
    }
}

/// The size of a span's things, and how much of an open one's value a start or mark of it reads before it changes that: 0
/// where it stores all anew.
pub(super) fn stored(
    spans: &Spans,
    span: SpanId,
    marks: bool,
    stored: &[StoredPart],
) -> Result<(Size, u32), Report> {
    let known = spans.get(span);
    let shape = known.map(|known| &known.shape);
    let shape = shape.ok_or_else(|| Report::new("a span without a key"))?;
    let size = Size {
        key: shape.key_size,
        value: shape.value_size(),
    };
    let all = !marks && stored.len() == shape.fields.len();
    let kept = if all { 0 } else { size.value };
    Ok((size, kept))
}

/// Where steps bind what they find, as far as their own sizes say.
pub(super) fn binds(compiled: &Compiled) -> Result<Binds, Report> {
    let mut binds = Binds::Nothing;
    for (step, _) in &compiled.steps {
        let Step::Look(look) = step else { continue };
        if look.then != Then::Refuse && binds == Binds::Nothing {
            binds = Binds::Short;
        }
        if look.key_at.is_some() || compiled.bound as usize > SMALL_SPAN {
            binds = Binds::Long;
        }
    }
    let most = SCRATCH - KEY;
    match compiled.bound as usize > most {
        true => Err(Report::new(format!(
            "the spans of this chain store more than {most} bytes together"
        ))),
        false => Ok(binds),
    }
}

impl Binds {
    /// What stands on the stack leaves less of it to generated code.
    pub(super) fn beside(self, steps: Option<&Code>, action: &Action) -> Self {
        let of_action = match action {
            Action::Emit { record, .. } => record.stack,
            Action::Tally { code, .. } => {
                let measure = code.measure.as_ref().map_or(0, |code| code.stack);
                code.key.stack.max(measure).max(code.columns.stack)
            }
            Action::Begin(code) => code.key.stack.max(code.fields.stack),
            Action::Change { member, .. } => member.stack,
            Action::Enter(_) | Action::Dispatch(_) | Action::Nothing => 0,
        };
        let deepest = steps.map_or(0, |code| code.stack).max(of_action);
        match self {
            Self::Short if deepest + SMALL_SPAN as u32 > SMALL_STACK => Self::Long,
            other => other,
        }
    }
}

/// The ties of a chain, each with what it is to the span.
fn ties(declaration: &Declaration) -> Vec<(Role, &Tie, Option<Look>)> {
    let steps = declaration.steps.iter().filter_map(|step| match step {
        crate::spec::Step::Look(look, tie) => Some((Role::Look, tie, Some(*look))),
        _ => None,
    });
    let ending = match &declaration.ending {
        Ending::Begin { marks: true, tie } => Some((Role::Mark, tie, None)),
        Ending::Begin { marks: false, tie } => Some((Role::Start, tie, None)),
        _ => None,
    };
    steps.chain(ending).collect()
}

/// A key that says no more than that the thread runs is what there would be without one.
fn has_own_key(tie: &Tie) -> bool {
    tie.key
        .as_ref()
        .is_some_and(|key| !matches!(key.text.trim(), "tid" | "pid"))
}

/// Enters a chain that has a plan in the spans that it uses.
pub(super) fn enter(spans: &mut Spans, declaration: &Declaration, plan: &ProbePlan, first: SiteId) {
    let ties = ties(declaration);
    if ties.is_empty() {
        return;
    }
    let declaration_of_all = Rc::new(declaration.clone());
    let anywhere = plan.sites.iter().any(|site| !is_of_process(site.kind));
    for (role, tie, _) in ties {
        let chain = Chain {
            declaration: Rc::clone(&declaration_of_all),
            role,
            first,
            revision: 0,
            is_tied: has_own_key(tie) && anywhere,
        };
        spans.enter(tie.span.id, chain);
    }
}

/// Does a process run there because it is the one that is meant?
fn is_of_process(kind: Kind) -> bool {
    matches!(kind, Kind::Uprobe | Kind::Uretprobe | Kind::Usdt)
}

impl Planner {
    /// What a declaration is hung up by: one that finds its things by a key of its own says itself whose they are.
    pub(super) fn options_of(&self, declaration: &Declaration) -> Options {
        let kinds = declaration.patterns.iter();
        let tied = ties(declaration).iter().any(|(_, tie, _)| has_own_key(tie));
        let traced = match tied && !kinds.clone().any(|pattern| is_of_process(pattern.kind)) {
            true => Traced::All,
            false => self.options.traced,
        };
        Options {
            traced,
            ..self.options
        }
    }

    /// Plans those chains again that others have changed since, and makes sure that spans begin somewhere: for when all of
    /// a chunk or handler are declared. From now on the spans stay as they are.
    ///
    /// # Errors
    /// All mistakes, each once.
    pub fn complete(&mut self) -> Result<Vec<ProbePlan>, Vec<Report>> {
        let made = self.plan_to_the_end();
        if made.is_err() {
            self.spans.forget_open();
        }
        made
    }

    fn plan_to_the_end(&mut self) -> Result<Vec<ProbePlan>, Vec<Report>> {
        let mut made: Vec<ProbePlan> = Vec::new();
        for _ in 0..ROUNDS {
            let stale = self.stale();
            if stale.is_empty() {
                break;
            }
            for (declaration, first) in stale {
                let plan = self.plan_from(&declaration, first)?;
                self.renewed(declaration.id);
                made.retain(|there| there.id != plan.id);
                made.push(plan);
            }
        }
        let traced = self.options.traced;
        let open = self.spans.all_mut().filter(|known| !known.fixed);
        let wrong: Vec<Report> = open.filter_map(|known| mistake(known, traced)).collect();
        if !wrong.is_empty() {
            return Err(wrong);
        }
        self.spans.all_mut().for_each(|known| known.fixed = true);
        Ok(made)
    }

    /// Chains that were planned before their spans were what they are now.
    fn stale(&mut self) -> Vec<(Rc<Declaration>, SiteId)> {
        let mut stale: Vec<(Rc<Declaration>, SiteId)> = Vec::new();
        for known in self.spans.all_mut().filter(|known| !known.fixed) {
            for chain in &known.chains {
                let is_there = stale
                    .iter()
                    .any(|(there, _)| there.id == chain.declaration.id);
                if chain.revision != known.revision && !is_there {
                    stale.push((Rc::clone(&chain.declaration), chain.first));
                }
            }
        }
        stale
    }

    fn renewed(&mut self, id: ProbeId) {
        for known in self.spans.all_mut() {
            let revision = known.revision;
            let chains = known.chains.iter_mut();
            let renewed = chains.filter(|chain| chain.declaration.id == id);
            renewed.for_each(|chain| chain.revision = revision);
        }
    }
}

/// What is wrong with a span, now that all its chains are known.
fn mistake(known: &Known, traced: Traced) -> Option<Report> {
    let place = |chain: &Chain| {
        let ties = ties(&chain.declaration);
        let mut ties = ties
            .iter()
            .filter(|(_, tie, _)| tie.span.id == known.shape.id);
        ties.next().map_or_else(
            || chain.declaration.place.clone(),
            |(_, tie, _)| tie.place.clone(),
        )
    };
    let first = known.chains.first()?;
    if !known.chains.iter().any(|chain| chain.role == Role::Start) {
        let report = Report::new("nothing begins in this span: no chain ends in :start of it");
        return Some(report.at(place(first)));
    }
    let tied = known.chains.iter().find(|chain| chain.is_tied)?;
    let says_whose = |chain: &Chain| says_target(&chain.declaration);
    if traced == Traced::All || known.chains.iter().any(says_whose) {
        return None;
    }
    let report = Report::new(
        "-p and -c mean the running process, and this span has a key of its own: its things may be another's",
    );
    let report = report.help("say whose are meant: :where \"pid in $target\"");
    Some(report.at(place(tied)))
}

/// Does any text of a chain say `$target`?
fn says_target(declaration: &Declaration) -> bool {
    let mut texts: Vec<&Source> = Vec::new();
    for step in &declaration.steps {
        match step {
            crate::spec::Step::Where(source)
            | crate::spec::Step::Fetch(source)
            | crate::spec::Step::By(source) => texts.push(source),
            crate::spec::Step::Look(_, tie) => texts.extend(&tie.key),
            crate::spec::Step::Member { key, .. } => texts.push(key),
        }
    }
    match &declaration.ending {
        Ending::Print(list) => texts.extend(list),
        Ending::Tally { columns, .. } => texts.push(columns),
        Ending::Begin { tie, .. } => texts.extend(&tie.key),
        Ending::Change { key, .. } => texts.push(key),
        Ending::Handler { .. } | Ending::Nothing => {}
    }
    let defined = declaration.definitions.iter().map(|known| &known.body);
    let mut all = texts.into_iter().map(|source| &source.text).chain(defined);
    all.any(|text| text.contains("$target"))
}

impl Starts for Planner {
    fn known(&self, start: &Declaration, name: &str) -> Vec<Checked> {
        let options = self.options_of(start);
        let Ok(found) = self.matches(start) else {
            return Vec::new();
        };
        let all = found.matches.len();
        let mut known = Vec::new();
        for found in &found.matches {
            let Ok(hanging) = hang(&self.facts, &options, found, all) else {
                continue;
            };
            let here = |hanging: &Hanging| {
                let names = self.names(hanging, found);
                compiled_at_start(
                    start,
                    names.both(),
                    &|id| self.slot(id),
                    &self.touched,
                    name,
                )
            };
            let other = || here(&otherwise(&self.facts, &options, found, &hanging)?);
            known.extend(here(&hanging).or_else(other));
        }
        known
    }

    fn names(&self, start: &Declaration) -> Vec<String> {
        let options = self.options_of(start);
        let found = self.matches(start).map(|found| found.matches);
        let mut names: Vec<String> = ["pid", "tid", "uid", "gid", "cpu", "comm", "ppid", "cgroup"]
            .map(String::from)
            .to_vec();
        if let Some(first) = found.iter().flatten().next()
            && let Ok(hanging) = hang(&self.facts, &options, first, 1)
        {
            let here = self.names(&hanging, first);
            names.extend(here.here.arguments());
            names.extend(here.here.builtins());
            names.extend(here.at_entry.iter().flat_map(|names| names.arguments()));
        }
        names
    }
}

#[cfg(test)]
mod tests;
