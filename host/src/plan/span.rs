//! Spans: the key and the fields that their chains give them, and what `from` is.

use super::table::{in_key, key_fields};
use super::{KeyContent, KeyField, SiteId, stack_places};
use crate::codegen::StoredPart;
use crate::expr::names::Meaning;
use crate::expr::tree::{Current, Keeper, Kept, Node, Part, Stack, Text};
use crate::expr::types::{Int, Space, Type};
use crate::expr::{Bound, Checked, Item, Names};
use crate::report::{Report, did_you_mean};
use crate::spec::{Declaration, Span, SpanId};
use moontrace_abi::limits::{SPAN, SPAN_FIELDS};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The time, and the word that says which fields are there.
const HEAD: u32 = 16;

/// What a span has of each of its things.
#[derive(Clone, Debug)]
pub struct SpanShape {
    pub id: SpanId,
    pub keys: Vec<KeyField>,
    /// Bytes of the map's key.
    pub key_size: u32,
    pub fields: Vec<SpanField>,
    /// How many things may be open at once.
    pub room: u32,
    /// How many different stacks may be stored.
    pub stacks: u32,
}

/// A field, whose bit is its number.
#[derive(Clone, Debug)]
pub struct SpanField {
    /// Its offset is that from the start of the value.
    pub field: KeyField,
    /// As the first start has it; what no two starts have alike is a plain number.
    pub ty: Type,
    pub by: StoredBy,
}

/// Who stores a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredBy {
    /// Each start, since `from.NAME` is read.
    Reader,
    /// Each start, since the span's own list has it.
    List,
    /// The starts and marks that fetch it.
    Fetch,
}

/// All spans of a script.
#[derive(Clone, Default)]
pub(super) struct Spans(BTreeMap<SpanId, Known>);

#[derive(Clone)]
pub(super) struct Known {
    pub shape: SpanShape,
    /// Those that use it, in the order of their plans.
    pub chains: Vec<Chain>,
    /// Counts what has changed what chains are compiled to.
    pub revision: u32,
    /// Its map is made: it stays as it is.
    pub fixed: bool,
}

/// A chain that uses a span.
#[derive(Clone)]
pub(super) struct Chain {
    pub declaration: Rc<Declaration>,
    pub role: Role,
    pub first: SiteId,
    /// The revision of the span that it is planned for.
    pub revision: u32,
    /// It finds its things by a key of its own where any process may run.
    pub is_tied: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Start,
    Mark,
    Look,
}

/// What a name is where a span begins.
pub(super) trait Starts {
    /// At all sites of a start that know the name.
    fn known(&self, start: &Declaration, name: &str) -> Vec<Checked>;
    /// Names that are known there, for the message.
    fn names(&self, start: &Declaration) -> Vec<String>;
}

/// The spans as a chain that is compiled meets them.
#[derive(Clone, Copy)]
pub(super) struct Ties<'a> {
    pub spans: &'a RefCell<Spans>,
    pub starts: &'a dyn Starts,
}

impl SpanShape {
    /// Bytes of the map's value.
    pub fn value_size(&self) -> u32 {
        let fields = self.fields.iter();
        HEAD + fields.map(|field| bytes(field.field.content)).sum::<u32>()
    }

    /// Where the ids of stacks stand in its value.
    pub fn stack_places(&self) -> Vec<usize> {
        stack_places(self.fields.iter().map(|field| &field.field))
    }
}

/// Bytes that a part of a key, or a field, takes.
fn bytes(content: KeyContent) -> u32 {
    match content {
        KeyContent::Text { capacity } => capacity.into(),
        KeyContent::Stack { .. } => 16,
        _ => 8,
    }
}

impl Spans {
    pub(super) fn shapes(&self) -> impl Iterator<Item = &SpanShape> {
        self.0.values().map(|known| &known.shape)
    }

    pub(super) fn get(&self, span: SpanId) -> Option<&Known> {
        self.0.get(&span)
    }

    /// Leaves only what programs use already.
    pub(super) fn forget_open(&mut self) {
        self.0.retain(|_, known| known.fixed);
    }

    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut Known> {
        self.0.values_mut()
    }

    /// Enters a chain that is planned.
    pub(super) fn enter(&mut self, span: SpanId, mut chain: Chain) {
        if let Some(known) = self.0.get_mut(&span) {
            chain.revision = known.revision;
            known.chains.push(chain);
        }
    }
}

impl<'a> Ties<'a> {
    /// The key by which a chain finds things of the span: that of the first chain holds for all.
    pub(super) fn key(&self, span: &Span, items: &[Item]) -> Result<Vec<Part>, Report> {
        let by_site = |item: &&Item| matches!(item.checked, Checked::Probe | Checked::Func);
        if let Some(item) = items.iter().find(by_site) {
            let message = format!("'{}' is another one where a span ends", item.name);
            return Err(Report::new(message).help("a key is the same on both sides of a span"));
        }
        let of_addresses =
            |item: &&Item| matches!(item.checked, Checked::Stack(_) | Checked::Symbol(_));
        if let Some(item) = items.iter().find(of_addresses) {
            let message = format!(
                "'{}' is a stack or a symbol, by which nothing is found",
                item.name
            );
            return Err(Report::new(message).help("a key is made of numbers and strings"));
        }
        let (keys, parts, key_size) = key_fields(&Node::Const(0), items)?;
        let mut spans = self.spans.borrow_mut();
        let Some(known) = spans.0.get_mut(&span.id) else {
            let shape = SpanShape {
                id: span.id,
                keys,
                key_size,
                fields: Vec::new(),
                room: span.keys,
                stacks: span.stacks,
            };
            let known = Known {
                shape,
                chains: Vec::new(),
                revision: 0,
                fixed: false,
            };
            spans.0.insert(span.id, known);
            return Ok(parts);
        };
        let there = &mut known.shape.keys;
        if there.len() == keys.len() {
            let same = there.iter_mut().zip(&keys).all(|(there, new)| {
                if let (KeyContent::Int { signed }, KeyContent::Int { signed: new }) =
                    (&mut there.content, new.content)
                {
                    *signed |= new;
                    return true;
                }
                there.content == new.content
            });
            if same {
                return Ok(parts);
            }
        }
        let message = format!(
            "this span's key is {}, and this one is {}",
            words(there),
            words(&keys)
        );
        let strings = |keys: &[KeyField]| {
            let mut keys = keys.iter();
            keys.any(|key| matches!(key.content, KeyContent::Text { .. }))
        };
        let report = Report::new(message);
        Err(match strings(there) && strings(&keys) {
            true => report.help("give a string the same length everywhere: str(p, 64)"),
            false => {
                report.help("it is found by the same key wherever it is used; the default is tid")
            }
        })
    }

    /// A span that a step binds, as a copy at byte `area` of the run's room for them.
    pub(super) fn bound(self, span: SpanId, area: u32) -> BoundSpan<'a> {
        BoundSpan {
            ties: self,
            span,
            area,
            used: Cell::new(8),
        }
    }

    /// A field that a start or a mark stores.
    pub(super) fn store(
        &self,
        span: SpanId,
        name: &str,
        checked: &Checked,
        by: StoredBy,
    ) -> Result<StoredPart, Report> {
        let mut spans = self.spans.borrow_mut();
        let known = spans.0.get_mut(&span).ok_or_else(unknown)?;
        let (part, bit) = known.store(name, checked, by)?;
        let offset = known.shape.fields[bit].field.offset;
        Ok(StoredPart {
            part,
            offset,
            bit: bit as u8,
        })
    }

    /// Names that each start is to evaluate.
    pub(super) fn wanted(&self, span: SpanId) -> Vec<String> {
        let spans = self.spans.borrow();
        let fields = spans.get(span).map(|known| &known.shape.fields);
        let fields = fields.into_iter().flatten();
        let wanted = fields.filter(|field| field.by == StoredBy::Reader);
        wanted.map(|field| field.field.name.clone()).collect()
    }
}

fn unknown() -> Report {
    Report::new("a span without a key")
}

impl Known {
    fn position(&self, name: &str) -> Option<usize> {
        let mut fields = self.shape.fields.iter();
        fields.position(|field| field.field.name == name)
    }

    fn starts(&self) -> impl Iterator<Item = &Chain> {
        let chains = self.chains.iter();
        chains.filter(|chain| chain.role == Role::Start)
    }

    /// What of a value is stored under the name, and the field's number.
    fn store(
        &mut self,
        name: &str,
        checked: &Checked,
        by: StoredBy,
    ) -> Result<(Part, usize), Report> {
        let (content, mut ty, part) = stored(name, checked)?;
        let Some(number) = self.position(name) else {
            self.add(name, content, ty, by)?;
            return Ok((part, self.shape.fields.len() - 1));
        };
        let fixed = self.fixed;
        let there = &mut self.shape.fields[number];
        let met = match (there.field.content, content) {
            (KeyContent::Int { signed: a }, KeyContent::Int { signed: b }) => {
                let signed = a | b;
                if ty.to_string() != there.ty.to_string() {
                    ty = Type::Int(if signed { Int::I64 } else { Int::U64 });
                }
                KeyContent::Int { signed }
            }
            (a, b) if a == b => a,
            _ => {
                let message = format!("'{name}' has another type elsewhere where this span begins");
                return Err(Report::new(message).help(content.same_everywhere()));
            }
        };
        let changed = met != there.field.content || ty.to_string() != there.ty.to_string();
        if changed && fixed && met != there.field.content {
            let message = format!(
                "'{name}' has 64 bits without a sign in the probes of this span that run already"
            );
            return Err(Report::new(message));
        }
        let fetched = by == StoredBy::Fetch && there.by == StoredBy::Reader;
        if changed && !fixed {
            (there.field.content, there.ty) = (met, ty);
            there.field.shown = there.ty.shown();
        }
        if fetched {
            there.by = by;
        }
        self.revision += u32::from((changed && !fixed) || fetched);
        Ok((part, number))
    }

    fn add(
        &mut self,
        name: &str,
        content: KeyContent,
        ty: Type,
        by: StoredBy,
    ) -> Result<(), Report> {
        if ["time", "age"].contains(&name) {
            let message = format!("'{name}' is what a span has of each start by itself");
            return Err(Report::new(message).help(format!("give it another name: {name}_then = …")));
        }
        if self.fixed {
            return Err(runs_already(name));
        }
        let offset = self.shape.value_size();
        let fields = &mut self.shape.fields;
        if fields.len() == SPAN_FIELDS || (offset + bytes(content)) as usize > SPAN {
            let message = format!("a span stores at most {SPAN_FIELDS} fields and {SPAN} bytes");
            return Err(Report::new(message).help("give its strings a length: str(p, 64)"));
        }
        let field = KeyField {
            name: name.to_owned(),
            content,
            shown: ty.shown(),
            offset,
        };
        fields.push(SpanField { field, ty, by });
        self.revision += 1;
        Ok(())
    }
}

fn runs_already(name: &str) -> Report {
    let message = format!("the probes of this span run already, and store no '{name}'");
    let help = format!("name it where the span is made: span(\"{name}\")");
    Report::new(message).help(help)
}

/// What is stored of a value.
fn stored(name: &str, checked: &Checked) -> Result<(KeyContent, Type, Part), Report> {
    let int = |node: Node, ty: Type| {
        let signed = node.int().wide().signed;
        (KeyContent::Int { signed }, ty, Part::Int(node))
    };
    Ok(match checked {
        Checked::Int(node, ty) => int(node.clone(), ty.clone()),
        Checked::Condition(node) => (KeyContent::Bool, Type::Bool, Part::Int(node.clone())),
        Checked::Text(text) => {
            let part = Part::Text(padded(text.clone()));
            let capacity = part.size() as u16;
            (KeyContent::Text { capacity }, Type::Str, part)
        }
        Checked::Time => int(Node::Current(Current::Time), Type::Int(Int::U64)),
        Checked::Cpu => int(Node::Current(Current::Cpu), Type::Int(Int::U32)),
        Checked::Copied(_) => {
            let message = format!("'{name}' is a struct or an array, which a span does not store");
            return Err(Report::new(message).help("name a member or an element of it"));
        }
        Checked::Stack(stack) => {
            let content = KeyContent::Stack {
                user: stack.user,
                frames: stack.frames,
            };
            (content, Type::Void, Part::Stack(stack.clone()))
        }
        Checked::Symbol(_) => {
            let message = format!("'{name}' is a symbol, which a span does not store");
            return Err(
                Report::new(message).help("take it where the span ends, or store its address")
            );
        }
        Checked::Probe | Checked::Func => {
            let message = format!("'{name}' is not stored in a span");
            return Err(Report::new(message).help("fetch a number or a word instead: kind = 1"));
        }
    })
}

/// A word of the script takes as much as other such words do. All else has the length that it has.
fn padded(text: Text) -> Text {
    match text {
        Text::Literal(_) => in_key(text),
        Text::Select(condition, a, b) => {
            Text::Select(condition, Box::new(padded(*a)), Box::new(padded(*b)))
        }
        other => other,
    }
}

fn words(keys: &[KeyField]) -> String {
    let word = |key: &KeyField| match key.content {
        KeyContent::Text { capacity } => format!("a string of {} bytes", capacity - 1),
        KeyContent::Bool => "a truth value".to_owned(),
        _ => "a number".to_owned(),
    };
    match keys {
        [one] => word(one),
        _ => format!("({})", keys.iter().map(word).collect::<Vec<_>>().join(", ")),
    }
}

/// A span that a step has bound.
pub(super) struct BoundSpan<'a> {
    ties: Ties<'a>,
    span: SpanId,
    area: u32,
    /// Bytes of the value that texts read.
    used: Cell<u32>,
}

impl BoundSpan<'_> {
    pub(super) fn used(&self) -> u32 {
        self.used.get()
    }

    fn kept(&self, offset: u32, bit: Option<u8>) -> Kept {
        Kept {
            by: Keeper::Span(self.area),
            offset,
            bit,
        }
    }

    /// A field that nobody has asked for yet: what the starts know under the name.
    fn ask_starts(&self, name: &str) -> Result<usize, Report> {
        let spans = self.ties.spans.borrow();
        let known = spans.get(self.span).ok_or_else(unknown)?;
        if known.fixed {
            return Err(runs_already(name));
        }
        let starts: Vec<Rc<Declaration>> = known
            .starts()
            .map(|chain| Rc::clone(&chain.declaration))
            .collect();
        let fields = known.shape.fields.iter();
        let mut names: Vec<String> = fields.map(|field| field.field.name.clone()).collect();
        drop(spans);
        if starts.is_empty() {
            let message = format!(
                "what '{name}' is must be known here, and no start of this span stands before this"
            );
            return Err(Report::new(message).help("write the chain that ends in :start first"));
        }
        let ask = |start: &Rc<Declaration>| self.ties.starts.known(start, name);
        let kinds: Vec<Checked> = starts.iter().flat_map(ask).collect();
        if kinds.is_empty() {
            let report = Report::new(format!("no start of this span knows '{name}'"));
            if name == "args" {
                let help = "an argument of the start is stored by its name: from.NAME";
                return Err(report.help(help));
            }
            let more = |start: &Rc<Declaration>| self.ties.starts.names(start);
            names.extend(starts.iter().flat_map(more));
            let help = did_you_mean(name, names.iter().map(String::as_str));
            let help = help.unwrap_or_else(|| format!("store it there: :fetch \"{name} = …\""));
            return Err(report.help(help));
        }
        let mut spans = self.ties.spans.borrow_mut();
        let known = spans.0.get_mut(&self.span).ok_or_else(unknown)?;
        let mut number = 0;
        for kind in &kinds {
            (_, number) = known.store(name, kind, StoredBy::Reader)?;
        }
        Ok(number)
    }
}

impl Bound for BoundSpan<'_> {
    fn time(&self) -> Node {
        Node::Kept(self.kept(0, None), Int::U64)
    }

    fn field(&self, name: &str, names: &dyn Names) -> Result<Meaning, Report> {
        let position = |spans: &Spans| spans.get(self.span)?.position(name);
        let there = position(&self.ties.spans.borrow());
        let number = match there {
            Some(number) => number,
            None => self.ask_starts(name)?,
        };
        let spans = self.ties.spans.borrow();
        let known = spans.get(self.span).ok_or_else(unknown)?;
        let SpanField { field, ty, .. } = &known.shape.fields[number];
        let end = field.offset + bytes(field.content);
        self.used.set(self.used.get().max(end));
        let kept = self.kept(field.offset, Some(number as u8));
        Ok(match field.content {
            KeyContent::Text { capacity } => Meaning::String(Text::Read {
                space: Space::Kernel,
                address: Box::new(Node::KeptAddress(kept)),
                capacity,
            }),
            KeyContent::Int { signed } => {
                let int = if signed { Int::I64 } else { Int::U64 };
                Meaning::Value(Node::Kept(kept, int), here(ty, names))
            }
            KeyContent::Stack { user, frames } => Meaning::Stack(Stack {
                user,
                frames,
                word: Box::new(Node::Kept(kept, Int::U64)),
            }),
            _ => Meaning::Value(Node::Kept(kept, Int::U64), Type::Bool),
        })
    }
}

/// A type as this site's own names know it.
fn here(ty: &Type, names: &dyn Names) -> Type {
    match ty {
        Type::Pointer { to, space } => Type::Pointer {
            to: Box::new(match &**to {
                Type::Struct(of) => names.type_named(&of.name).unwrap_or(Type::Void),
                Type::Pointer { .. } => here(to, names),
                other => other.clone(),
            }),
            space: *space,
        },
        other => other.clone(),
    }
}
