//! Lists of items, and what a handler reads: anything that has one value.

use super::checker::Checker;
use super::copied::Copied;
use super::limits::Work;
use super::term::Term;
use super::{Refusal, Refused, Result, Scope};
use crate::expr::parse;
use crate::expr::syntax::{Kind, Step, Syntax};
use crate::expr::tree::{Node, Stack, Symbol, Text};
use crate::expr::types::Type;
use crate::report::Report;
use crate::spec::Source;
use std::ops::Range;

/// An item of a list, or what a handler reads.
#[derive(Clone, Debug, PartialEq)]
pub enum Checked {
    Int(Node, Type),
    Condition(Node),
    Text(Text),
    /// A struct or array, as it lies in memory.
    Copied(Box<Copied>),
    Stack(Stack),
    Symbol(Symbol),
    /// The item is just this word: the host knows it without a field.
    Probe,
    Func,
    Time,
    Cpu,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// What the text calls it, else the last part of its path, else its own text.
    pub name: String,
    pub checked: Checked,
}

/// A list with mistakes.
#[derive(Clone, Debug, PartialEq)]
pub struct Wrong {
    /// What is well in it.
    pub items: Vec<Item>,
    /// All mistakes, placed.
    pub refusals: Vec<Refusal>,
    /// What later texts may call the rest of it.
    pub refused: Refused,
}

/// A text that is a list: `[name =] expr, …`. Later items may use the names of earlier ones.
///
/// # Errors
/// When there is a mistake in it.
pub fn list(source: &Source, scope: &Scope<'_>) -> std::result::Result<Vec<Item>, Box<Wrong>> {
    let parsed = parse::list(&source.text).map_err(|report| {
        Box::new(Wrong {
            items: Vec::new(),
            refusals: vec![report.at(source.place.clone()).into()],
            refused: Refused {
                names: Vec::new(),
                any: true,
            },
        })
    })?;
    let work = Work::default();
    let (mut bound, mut refused) = (scope.bound.to_vec(), scope.refused.clone());
    let (mut items, mut refusals) = (Vec::<Item>::new(), Vec::new());
    for named in parsed {
        let checker = Checker::new(
            source,
            &Scope {
                bound: &bound,
                refused: &refused,
                ..*scope
            },
            &work,
        );
        let span = &named.syntax.span;
        let name = named
            .name
            .unwrap_or_else(|| name_of(&named.syntax, &source.text));
        let checked = match items.iter().any(|item| item.name == name) {
            true => Err(checker.called_twice("items", &name, span)),
            false => checker.item(&named.syntax),
        };
        match checked {
            Ok(checked) => {
                checker.note_item(&checked, span);
                bound.push((name.clone(), checked.clone()));
                items.push(Item { name, checked });
            }
            Err(refusal) => {
                refusals.push(refusal);
                refused.names.push(name);
            }
        }
    }
    if refusals.is_empty() {
        return Ok(items);
    }
    Err(Box::new(Wrong {
        items,
        refusals,
        refused,
    }))
}

/// What a handler reads of its event: a path such as `args.filename`.
///
/// # Errors
/// One refusal, placed.
pub fn path(source: &Source, scope: &Scope<'_>) -> Result<Checked> {
    let syntax =
        parse::expression(&source.text).map_err(|report| report.at(source.place.clone()))?;
    let work = Work::default();
    let checker = Checker::new(source, scope, &work);
    let checked = checker.item(&syntax)?;
    checker.note_item(&checked, &syntax.span);
    Ok(checked)
}

/// What an unnamed item is called.
fn name_of(syntax: &Syntax, text: &str) -> String {
    match &syntax.kind {
        Kind::Name(name) | Kind::Given(name) => name.clone(),
        Kind::Path { steps, .. } if let Some(Step::Member(name, _)) = steps.last() => name.clone(),
        _ => text[syntax.span.clone()]
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" "),
    }
}

impl Checker<'_> {
    pub(super) fn called_twice(&self, what: &str, name: &str, span: &Range<usize>) -> Refusal {
        let report = self.refuse(span, format!("two {what} are called '{name}'"));
        let help = format!("give one another name: other = {}", self.quote(span));
        report.help(help).into()
    }

    fn item(&self, syntax: &Syntax) -> Result<Checked> {
        if let Kind::Name(name) = &syntax.kind
            && !self.scope.bound.iter().any(|(bound, _)| bound == name)
        {
            match name.as_str() {
                "probe" => return Ok(Checked::Probe),
                "func" => return Ok(Checked::Func),
                "time" => return Ok(Checked::Time),
                "cpu" => return Ok(Checked::Cpu),
                _ => {}
            }
        }
        let term = whole(syntax, self.term(syntax)?);
        let span = &syntax.span;
        if let Some(copied) = self.copied(&term, span)? {
            return Ok(Checked::Copied(Box::new(copied)));
        }
        let checked = match term.clone() {
            term if term.is_string() => term.into_string().map(Checked::Text),
            Term::Int(node, ty) => Some(Checked::Int(node, ty)),
            Term::Bool(node) => Some(Checked::Condition(node)),
            Term::Stack(stack) => Some(Checked::Stack(stack)),
            Term::Symbol(symbol) => Some(Checked::Symbol(symbol)),
            _ => None,
        };
        checked.ok_or_else(|| {
            let (text, what) = (self.quote(span), term.describe());
            let report = self.refuse(span, format!("'{text}' is {what}, which has no size"));
            self.with_members(&term, report, span)
        })
    }

    /// A report on a term that is too much, with what can be named of it instead.
    pub(super) fn with_members(&self, term: &Term, report: Report, span: &Range<usize>) -> Refusal {
        let text = self.quote(span);
        let Some(of) = struct_of(term) else {
            return report.help(format!("name an element: {text}[0]")).into();
        };
        let members = self.scope.names.members(&of);
        let some = members.iter().take(4).map(|name| format!("{text}.{name}"));
        let help = format!("name a member: {}", some.collect::<Vec<_>>().join(", "));
        report.help(help).into()
    }
}

/// `as('struct sock', x)`, which goes on as a pointer does, is the struct itself where nothing follows.
fn whole(syntax: &Syntax, term: Term) -> Term {
    let names_struct = match &syntax.kind {
        Kind::Call(name, arguments) if name == "as" => {
            matches!(arguments.first().map(|ty| &ty.kind), Some(Kind::Str(ty)) if !ty.contains(&b'*'))
        }
        _ => false,
    };
    match term {
        Term::Int(base, Type::Pointer { to, space })
            if names_struct && matches!(*to, Type::Struct(_)) =>
        {
            Term::Memory {
                base,
                offset: 0,
                space,
                ty: *to,
            }
        }
        term => term,
    }
}

fn struct_of(term: &Term) -> Option<crate::expr::types::StructType> {
    match term {
        Term::Memory {
            ty: Type::Struct(of),
            ..
        } => Some(of.clone()),
        _ => None,
    }
}
