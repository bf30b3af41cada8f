//! A declaration's texts, compiled with the names and types of one site.

use super::layout::Wanted;
use crate::expr::tree::{Node, Part};
use crate::expr::{self, Checked, ColumnItem, Entry, Item, Names, Refusal, Scope, Slot};
use crate::report::Report;
use crate::spec::{Declaration, Ending, Room, Source, Step, TallyId, VarId};

/// What a site's program does, before it is code.
#[derive(PartialEq)]
pub(super) struct Compiled {
    /// In the order written, each with what messages call it.
    pub conditions: Vec<(Node, String)>,
    pub ending: CompiledEnding,
    /// What is kept of a call's beginning for its return.
    pub kept: Vec<Part>,
}

#[derive(PartialEq)]
pub(super) enum CompiledEnding {
    Emit(Vec<Wanted>),
    Tally {
        tally: TallyId,
        room: Room,
        keys: Vec<Item>,
        columns: Vec<ColumnItem>,
    },
}

/// Compiles all texts, with the names at the site and at the beginning of calls that return there. Every mistake is in the result. With `lenient`, a field that the handler reads and this site
/// doesn't have is nil: another site has it.
pub(super) fn compile(
    declaration: &Declaration,
    (names, at_entry): (&dyn Names, Option<&dyn Names>),
    slots: &dyn Fn(VarId) -> Slot,
    lenient: bool,
) -> Result<Compiled, Vec<Refusal>> {
    let entry = at_entry.map(Entry::new);
    let mut site = Site {
        declaration,
        names,
        entry: entry.as_ref(),
        slots,
        lenient,
        bound: Vec::new(),
        refusals: Vec::new(),
    };
    let (mut conditions, mut fetched, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    for step in &declaration.steps {
        match step {
            Step::Where(source) => {
                let checked = expr::condition(source, &site.scope());
                let label = format!(":where {} @ {}", quoted(&source.text), source.place);
                conditions.extend(site.keep(checked).map(|node| (node, label)));
            }
            Step::Fetch(source) => fetched.extend(site.list(source)),
            Step::By(source) => keys.extend(site.list(source)),
        }
    }
    let ending = site.ending(fetched, keys);
    match (site.refusals.is_empty(), ending) {
        (true, Some(ending)) => Ok(Compiled {
            conditions,
            ending,
            kept: entry.map(Entry::kept).unwrap_or_default(),
        }),
        _ => Err(site.refusals),
    }
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
    /// What earlier `:fetch` and `:by` gave names to.
    bound: Vec<(String, Checked)>,
    refusals: Vec<Refusal>,
}

impl Compiled {
    /// Hands every node of all texts to `each`.
    pub(super) fn visit<'a>(&'a self, each: &mut dyn FnMut(&'a Node)) {
        let mut checked = |checked: &'a Checked| match checked {
            Checked::Int(node, _) | Checked::Condition(node) => node.visit(each),
            Checked::Text(text) => text.visit(each),
            Checked::Stack(stack) => stack.memory.visit(each),
            Checked::Symbol(symbol) => symbol.address.visit(each),
            Checked::Copied(copied) => {
                let nodes = copied.origin.nodes();
                nodes.into_iter().for_each(|node| node.visit(each));
            }
            Checked::Probe | Checked::Func | Checked::Time | Checked::Cpu => {}
        };
        match &self.ending {
            CompiledEnding::Emit(wanted) => wanted
                .iter()
                .filter_map(|wanted| wanted.value.as_ref())
                .for_each(checked),
            CompiledEnding::Tally { keys, columns, .. } => {
                keys.iter().for_each(|key| checked(&key.checked));
                columns
                    .iter()
                    .filter_map(|column| column.function.argument())
                    .for_each(|node| node.visit(each));
            }
        }
        self.conditions
            .iter()
            .for_each(|(node, _)| node.visit(each));
    }
}

impl Site<'_> {
    fn scope(&self) -> Scope<'_> {
        Scope {
            names: self.names,
            given: &self.declaration.given,
            definitions: &self.declaration.definitions,
            bound: &self.bound,
            entry: self.entry,
            slots: self.slots,
        }
    }

    fn keep<T>(&mut self, checked: Result<T, Refusal>) -> Option<T> {
        checked.map_err(|refusal| self.refusals.push(refusal)).ok()
    }

    /// The items of a list, whose names later texts may use.
    fn list(&mut self, source: &Source) -> Vec<Item> {
        match expr::list(source, &self.scope()) {
            Ok(items) => {
                self.bound.extend(
                    items
                        .iter()
                        .map(|item| (item.name.clone(), item.checked.clone())),
                );
                items
            }
            Err(refusals) => {
                self.refusals.extend(refusals);
                Vec::new()
            }
        }
    }

    fn ending(&mut self, fetched: Vec<Item>, keys: Vec<Item>) -> Option<CompiledEnding> {
        let mut wanted: Vec<Wanted> = fetched
            .into_iter()
            .map(|item| want(item, ":fetch"))
            .collect();
        match &self.declaration.ending {
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
                    keys,
                    columns,
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
            self.refusals.push(Refusal {
                report,
                missing: false,
            });
        }
        Some(CompiledEnding::Emit(wanted))
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
