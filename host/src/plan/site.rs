//! A declaration's texts, compiled with the names and types of one site.

use super::Layout;
use super::layout::{Wanted, lay_out};
use super::span::{BoundSpan, StoredBy, Ties};
use crate::codegen::{self, FieldValue, LookUp, StoredPart, Then};
use crate::expr::tree::{Node, Part, Text};
use crate::expr::{
    self, Bound, Checked, ColumnItem, Entry, Item, Names, Refusal, Refused, Scope, Slot, Touched,
};
use crate::report::{Place, Report};
use crate::spec::{
    Declaration, Ending, Look, Room, SetId, Source, SpanId, Step, TallyId, Tie, VarId,
};
use moontrace_abi::limits::SMALL_KEY;

/// What a site's program does, before it is code.
pub(super) struct Compiled {
    /// In the order written, each with what messages call it.
    pub steps: Vec<(codegen::Step, String)>,
    /// Bytes of what they bind of spans.
    pub bound: u32,
    pub ending: CompiledEnding,
    /// What is kept of a call's beginning for its return.
    pub kept: Vec<Part>,
}

#[derive(PartialEq)]
pub(super) enum CompiledEnding {
    Emit {
        layout: Layout,
        values: Vec<FieldValue>,
    },
    Tally {
        tally: TallyId,
        room: Room,
        keys: Vec<Item>,
        columns: Vec<ColumnItem>,
    },
    Begin {
        span: SpanId,
        marks: bool,
        key: Vec<Part>,
        stored: Vec<StoredPart>,
    },
    Nothing,
    Change {
        set: SetId,
        parts: Vec<Part>,
        /// The text of the member.
        words: String,
        there: bool,
    },
}

/// Compiles all texts, with the names at the site and at the beginning of calls that return there. Every mistake is in the result. With `lenient`, a field that the handler reads and this site
/// doesn't have is nil: another site has it.
pub(super) fn compile(
    declaration: &Declaration,
    (names, at_entry): (&dyn Names, Option<&dyn Names>),
    slots: &dyn Fn(VarId) -> Slot,
    ties: Ties<'_>,
    touched: &Touched,
    lenient: bool,
) -> Result<Compiled, Vec<Refusal>> {
    let entry = at_entry.map(Entry::new);
    let mut site = Site {
        declaration,
        names,
        entry: entry.as_ref(),
        slots,
        ties,
        touched,
        lenient,
        bound: Vec::new(),
        refused: Refused::default(),
        steps: Vec::new(),
        spans: Vec::new(),
        refusals: Vec::new(),
    };
    let (mut fetched, mut keys) = (Vec::new(), Vec::new());
    for step in &declaration.steps {
        match step {
            Step::Where(source) => {
                let checked = expr::condition(source, &site.scope());
                let label = format!(":where {} @ {}", quoted(&source.text), source.place);
                let checked = site.keep(checked);
                let step = checked.map(|node| (codegen::Step::If(node), label));
                site.steps.extend(step);
            }
            Step::Fetch(source) => fetched.extend(site.list(source)),
            Step::By(source) => keys.extend(site.list(source)),
            Step::Look(look, tie) => site.look(*look, tie),
            Step::Member { set, key, there } => {
                let found = expr::member(key, &site.scope()).map(|parts| Node::InSet(*set, parts));
                let (name, node) = match there {
                    true => ("within", found),
                    false => ("without", found.map(|found| Node::Not(Box::new(found)))),
                };
                let label = format!(":{name} {} @ {}", quoted(&key.text), key.place);
                if let Some(node) = site.keep(node) {
                    site.steps.push((node.into(), label));
                }
            }
        }
    }
    let ending = site.ending(fetched, keys);
    match (site.refusals.is_empty(), ending) {
        (true, Some(ending)) => {
            let (steps, bound) = site.all_steps();
            Ok(Compiled {
                steps,
                bound,
                ending,
                kept: entry.map(Entry::kept).unwrap_or_default(),
            })
        }
        _ => {
            // One mistake is said once, where it is.
            site.refusals.retain(|refusal| !refusal.said);
            Err(site.refusals)
        }
    }
}

/// What a name is where a chain starts a span, as the chain itself would store it; `None` where it is nothing.
pub(super) fn compiled_at_start(
    declaration: &Declaration,
    (names, at_entry): (&dyn Names, Option<&dyn Names>),
    slots: &dyn Fn(VarId) -> Slot,
    touched: &Touched,
    name: &str,
) -> Option<Checked> {
    let entry = at_entry.map(Entry::new);
    let scope = Scope {
        names,
        given: &declaration.given,
        definitions: &declaration.definitions,
        bound: &[],
        refused: Refused::nothing(),
        entry: entry.as_ref(),
        span: None,
        slots,
        touched,
    };
    let source = Source {
        text: name.to_owned(),
        place: declaration.place.clone(),
    };
    Some(expr::list(&source, &scope).ok()?.pop()?.checked)
}

/// The text of a chain's call, for labels.
fn quoted(text: &str) -> String {
    format!(
        "'{}'",
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    )
}

struct Site<'a> {
    declaration: &'a Declaration,
    names: &'a dyn Names,
    entry: Option<&'a Entry<'a>>,
    slots: &'a dyn Fn(VarId) -> Slot,
    lenient: bool,
    touched: &'a Touched,
    ties: Ties<'a>,
    /// What earlier `:fetch` and `:by` gave names to.
    bound: Vec<(String, Checked)>,
    /// The same of what is refused.
    refused: Refused,
    steps: Vec<(codegen::Step, String)>,
    /// The spans that steps have bound, each with the step's number.
    spans: Vec<(usize, BoundSpan<'a>)>,
    refusals: Vec<Refusal>,
}

impl Compiled {
    /// Does the same code come of both? What only the host knows, fields' names and how they are shown, may differ.
    pub(super) fn runs_like(&self, other: &Self) -> bool {
        let alike = match (&self.ending, &other.ending) {
            // Where values lie follows from what they are.
            (CompiledEnding::Emit { values, .. }, CompiledEnding::Emit { values: others, .. }) => {
                values == others
            }
            (ending, other) => ending == other,
        };
        alike && self.steps == other.steps && self.bound == other.bound && self.kept == other.kept
    }

    /// How the records lie; `None` where none are made.
    pub(super) fn layout(&self) -> Option<&Layout> {
        match &self.ending {
            CompiledEnding::Emit { layout, .. } => Some(layout),
            CompiledEnding::Tally { .. }
            | CompiledEnding::Begin { .. }
            | CompiledEnding::Change { .. }
            | CompiledEnding::Nothing => None,
        }
    }

    /// Hands every node of all texts to `each`.
    pub(super) fn visit<'a>(&'a self, each: &mut dyn FnMut(&'a Node)) {
        match &self.ending {
            CompiledEnding::Emit { values, .. } => {
                for value in values {
                    match value {
                        FieldValue::Int(node) | FieldValue::Word(node) | FieldValue::Bool(node) => {
                            node.visit(each)
                        }
                        FieldValue::Text(text) => text.visit(each),
                        FieldValue::Copied(origin) => origin.visit(each),
                        FieldValue::Stack(stack) => stack.word.visit(each),
                        FieldValue::Symbol(symbol) => symbol.address.visit(each),
                        FieldValue::Nothing => {}
                    }
                }
            }
            CompiledEnding::Tally { keys, columns, .. } => {
                for key in keys {
                    match &key.checked {
                        Checked::Int(node, _) | Checked::Condition(node) => node.visit(each),
                        Checked::Text(text) => text.visit(each),
                        Checked::Copied(copied) => copied.origin.visit(each),
                        Checked::Stack(stack) => stack.word.visit(each),
                        Checked::Symbol(symbol) => symbol.address.visit(each),
                        Checked::Probe | Checked::Func | Checked::Time | Checked::Cpu => {}
                    }
                }
                columns
                    .iter()
                    .filter_map(|column| column.function.argument())
                    .for_each(|node| node.visit(each));
            }
            CompiledEnding::Begin { key, stored, .. } => {
                let stored = stored.iter().map(|stored| &stored.part);
                key.iter().chain(stored).for_each(|part| part.visit(each));
            }
            CompiledEnding::Change { parts, .. } => {
                parts.iter().for_each(|part| part.visit(each));
            }
            CompiledEnding::Nothing => {}
        }
        for (step, _) in &self.steps {
            match step {
                codegen::Step::If(node) => node.visit(each),
                codegen::Step::Look(look) => look.key.iter().for_each(|part| part.visit(each)),
            }
        }
    }
}

impl Site<'_> {
    fn scope(&self) -> Scope<'_> {
        Scope {
            names: self.names,
            given: &self.declaration.given,
            definitions: &self.declaration.definitions,
            bound: &self.bound,
            refused: &self.refused,
            entry: self.entry,
            span: self.spans.last().map(|(_, bound)| bound as &dyn Bound),
            slots: self.slots,
            touched: self.touched,
        }
    }

    fn keep<T>(&mut self, checked: Result<T, Refusal>) -> Option<T> {
        checked.map_err(|refusal| self.refusals.push(refusal)).ok()
    }

    /// The items of a list, whose names later texts may use.
    fn list(&mut self, source: &Source) -> Vec<Item> {
        let items = match expr::list(source, &self.scope()) {
            Ok(items) => items,
            Err(wrong) => {
                self.refusals.extend(wrong.refusals);
                self.refused.names.extend(wrong.refused.names);
                self.refused.any |= wrong.refused.any;
                wrong.items
            }
        };
        let named = items.iter();
        let named = named.map(|item| (item.name.clone(), item.checked.clone()));
        self.bound.extend(named);
        items
    }

    /// A part of the script that is wrong as a whole.
    fn refuse(&mut self, report: Report, place: &Place) {
        self.refusals.push(report.at(place.clone()).into());
    }

    /// The key by which the chain finds things of a span.
    fn span_key(&mut self, tie: &Tie) -> Option<Vec<Part>> {
        let default = || Source {
            text: "tid".into(),
            place: tie.place.clone(),
        };
        let source = tie.key.clone().unwrap_or_else(default);
        let items = expr::list(&source, &self.scope());
        let items = items
            .map_err(|wrong| self.refusals.extend(wrong.refusals))
            .ok()?;
        let key = self.ties.key(&tie.span, &items);
        key.map_err(|report| self.refuse(report, &source.place))
            .ok()
    }

    fn look(&mut self, look: Look, tie: &Tie) {
        let Some(key) = self.span_key(tie) else {
            return;
        };
        let name = match look {
            Look::Within => "within",
            Look::Without => "without",
            Look::Finish => "finish",
        };
        let by = tie.key.as_ref().map_or("tid", |key| &key.text);
        let label = format!(":{name} {} @ {}", quoted(by), tie.place);
        // Nothing that follows reads the span that was bound before: what is used of it is known.
        let area = self.spans.iter().map(|(_, bound)| bound.used()).sum();
        let then = match look {
            Look::Without => Then::Refuse,
            Look::Within => Then::Bind { area, size: 0 },
            Look::Finish => Then::Take { area, size: 0 },
        };
        if look != Look::Without {
            let bound = self.ties.bound(tie.span.id, area);
            self.spans.push((self.steps.len(), bound));
        }
        let look = LookUp {
            span: tie.span.id,
            key,
            key_at: None,
            then,
        };
        self.steps.push((codegen::Step::Look(look), label));
    }

    /// The steps, now that it is known what is read of each span; and the bytes that they bind.
    fn all_steps(self) -> (Vec<(codegen::Step, String)>, u32) {
        let mut steps = self.steps;
        let mut total = 0;
        for (number, bound) in self.spans {
            if let Some((codegen::Step::Look(look), _)) = steps.get_mut(number)
                && let Then::Bind { size, .. } | Then::Take { size, .. } = &mut look.then
            {
                *size = bound.used();
                total += *size;
            }
        }
        for (step, _) in &mut steps {
            if let codegen::Step::Look(look) = step
                && look.key.iter().map(Part::size).sum::<u32>() > SMALL_KEY as u32
            {
                look.key_at = Some(total);
            }
        }
        (steps, total)
    }

    /// What a start or a mark stores: what it fetches, and a start also what the span lists and what is read of it.
    fn begin(&mut self, marks: bool, tie: &Tie, fetched: Vec<Item>) -> Option<CompiledEnding> {
        let key = self.span_key(tie)?;
        let span = tie.span.id;
        let mut all: Vec<(Item, StoredBy)> = Vec::new();
        all.extend(fetched.into_iter().map(|item| (item, StoredBy::Fetch)));
        if marks && all.is_empty() {
            let report = Report::new("this mark has nothing to add to what has begun")
                .help("say what stands before it: :fetch \"name = expr\"");
            self.refuse(report, &tie.place);
            return None;
        }
        if let Some(list) = tie.span.fields.as_ref().filter(|_| !marks) {
            match expr::list(list, &self.scope()) {
                Ok(items) => all.extend(items.into_iter().map(|item| (item, StoredBy::List))),
                Err(wrong) => self.refusals.extend(wrong.refusals),
            }
        }
        if !marks {
            for text in self.ties.wanted(span) {
                let place = tie.place.clone();
                // Another start knows it.
                let items = expr::list(&Source { text, place }, &self.scope());
                let items = items.unwrap_or_else(|wrong| wrong.items).into_iter();
                all.extend(items.map(|item| (item, StoredBy::Reader)));
            }
        }
        let mut stored = Vec::new();
        for (number, (item, by)) in all.iter().enumerate() {
            if all[..number]
                .iter()
                .any(|(there, _)| there.name == item.name)
            {
                continue;
            }
            match self.ties.store(span, &item.name, &item.checked, *by) {
                Ok(part) => stored.push(part),
                Err(report) => self.refuse(report, &tie.place),
            }
        }
        Some(CompiledEnding::Begin {
            span,
            marks,
            key,
            stored,
        })
    }

    fn ending(&mut self, fetched: Vec<Item>, keys: Vec<Item>) -> Option<CompiledEnding> {
        if let Ending::Begin { marks, tie } = &self.declaration.ending {
            if keys.is_empty() {
                return self.begin(*marks, tie, fetched);
            }
            let report = Report::new(":by makes the rows of a table, and this chain has none")
                .help("the key of a span stands behind it: :start(span, key)");
            self.refuse(report, &tie.place);
            return None;
        }
        let mut wanted: Vec<Wanted> = fetched
            .into_iter()
            .map(|item| want(item, ":fetch"))
            .collect();
        let ending = &self.declaration.ending;
        if !keys.is_empty() && !matches!(ending, Ending::Tally { .. }) {
            let report = Report::new(":by makes the rows of a table, and this chain has none")
                .at(self.declaration.place.clone())
                .help("end it with :count(), :sum(e), :hist(e) or :tally(columns)");
            self.refusals.push(report.into());
        }
        match ending {
            Ending::Tally {
                tally,
                columns,
                room,
            } => {
                let columns = expr::columns(columns, &self.scope());
                let columns = columns
                    .map_err(|refusals| self.refusals.extend(refusals))
                    .ok()?;
                return Some(CompiledEnding::Tally {
                    tally: *tally,
                    room: *room,
                    keys: keys.into_iter().map(|key| self.in_place(key)).collect(),
                    columns,
                });
            }
            Ending::Nothing if keys.is_empty() => return Some(CompiledEnding::Nothing),
            Ending::Nothing | Ending::Begin { .. } => {}
            Ending::Change { set, key, there } => {
                let parts = expr::member(key, &self.scope());
                return self.keep(parts).map(|parts| CompiledEnding::Change {
                    set: *set,
                    parts,
                    words: quoted(&key.text),
                    there: *there,
                });
            }
            Ending::Handler { reads } => self.read(reads, &mut wanted),
            Ending::Print(Some(list)) => {
                wanted = self
                    .list(list)
                    .into_iter()
                    .map(|item| want(item, ":print"))
                    .collect()
            }
            Ending::Print(None) if wanted.is_empty() => self.default_fields(&mut wanted),
            Ending::Print(None) => {}
        }
        if !keys.is_empty() {
            let report = Report::new(":by makes the rows of a table, and this chain has none")
                .at(self.declaration.place.clone())
                .help("end it with :count(), :sum(e), :hist(e) or :tally(columns)");
            self.refusals.push(report.into());
        }
        if !self.refusals.is_empty() {
            return None;
        }
        let refused = |report: Report| Refusal::from(report.at(self.declaration.place.clone()));
        let (layout, values) = self.keep(lay_out(wanted).map_err(refused))?;
        Some(CompiledEnding::Emit { layout, values })
    }

    /// A key that is the thread's name is read where the kernel has it, which is worth looking up there: some 15 ns a hit for
    /// 1 to 2 ms of the start.
    fn in_place(&self, mut key: Item) -> Item {
        if let Checked::Text(Text::Comm(place)) = &mut key.checked {
            *place = self.names.padded_comm();
        }
        key
    }

    /// What a handler reads of its event.
    fn read(&mut self, reads: &[Source], wanted: &mut Vec<Wanted>) {
        for read in reads {
            if wanted.iter().any(|there| there.name == read.text) {
                continue;
            }
            let bound = self
                .bound
                .iter()
                .find(|(name, _)| *name == read.text)
                .map(|(_, checked)| checked.clone());
            let checked = match bound {
                Some(checked) => Ok(checked),
                None => expr::path(read, &self.scope()),
            };
            let value = match checked {
                Err(refusal) if refusal.missing && self.lenient => None,
                checked => match self.keep(checked) {
                    Some(value) => Some(value),
                    None => continue,
                },
            };
            let why = format!("the handler reads it in line {}", read.place.line);
            wanted.push(Wanted {
                name: read.text.clone(),
                value,
                why,
            });
        }
    }

    /// What `:print()` shows: time, comm, pid, the arguments and what is returned; what has no single value is left out.
    fn default_fields(&mut self, wanted: &mut Vec<Wanted>) {
        let arguments = self.scope().argument_names();
        let first = ["time", "comm", "pid"].map(String::from);
        // A tracepoint's record has it among the arguments.
        let returned = self.names.builtin("retval").filter(|returned| {
            let mut all = arguments.iter();
            !all.any(|name| self.names.argument(name).as_ref() == Some(returned))
        });
        let returned = returned.map(|_| "retval".to_owned());
        let arguments = arguments.into_iter().map(|name| format!("args.{name}"));
        for text in first.into_iter().chain(arguments).chain(returned) {
            let source = Source {
                text,
                place: self.declaration.place.clone(),
            };
            if let Ok(mut items) = expr::list(&source, &self.scope()) {
                wanted.extend(items.pop().map(|item| want(item, ":print()")));
            }
        }
    }
}

fn want(item: Item, why: &str) -> Wanted {
    Wanted {
        name: item.name,
        value: Some(item.checked),
        why: why.into(),
    }
}
