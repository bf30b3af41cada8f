//! `in`: a literal list, a list or set that the script gives, the processes that are traced.

use super::arithmetic::{is_hex, take_signs};
use super::checker::Checker;
use super::limits::{Work, join};
use super::strings::same;
use super::term::{Term, and, compare, known, or};
use super::{Refusal, Result, Scope};
use crate::expr::parse;
use crate::expr::syntax::{Kind, Members, Syntax};
use crate::expr::tree::{Node, Part, Relation, TARGET, Text};
use crate::expr::walk::Branch;
use crate::report::Report;
use crate::spec::{Given, Member, Source};
use moontrace_abi::limits::{KEY_PARTS, SET_KEY};
use std::ops::Range;

/// A value that is looked for, or one that it is compared with.
#[derive(Clone)]
enum Value {
    Int { node: Node, hex: bool },
    Text(Text),
    Tuple(Vec<Self>),
}

impl Value {
    fn describe(&self) -> String {
        match self {
            Self::Int { .. } => "a number".into(),
            Self::Text(_) => "a string".into(),
            Self::Tuple(parts) => {
                let parts: Vec<String> = parts.iter().map(Self::describe).collect();
                format!("a tuple of {}", parts.join(" and "))
            }
        }
    }

    /// Operations that it is made of.
    fn size(&self) -> usize {
        match self {
            Self::Int { node, .. } => Branch::Node(node).size(),
            Self::Text(text) => Branch::Text(text).size(),
            Self::Tuple(parts) => parts.iter().map(Self::size).sum(),
        }
    }
}

/// A text that is a member of a set, as it stands before `in`; a tuple needs no brackets.
///
/// # Errors
/// One refusal, placed.
pub fn member(source: &Source, scope: &Scope<'_>) -> Result<Vec<Part>> {
    let placed = |report: Report| report.at(source.place.clone());
    let items = parse::list(&source.text).map_err(placed)?;
    let work = Work::default();
    let checker = Checker::new(source, scope, &work);
    if let Some(name) = items.iter().find_map(|item| item.name.as_ref()) {
        let report = Report::new(format!("parts of a member have no names, as '{name}' is"));
        return Err(placed(report).into());
    }
    let whole = 0..source.text.len();
    let mut values = Vec::new();
    for item in &items {
        values.push(checker.value(&item.syntax)?);
    }
    let parts = match values.len() {
        0 => {
            let message = "a member of a set is wanted, and this is empty";
            return Err(checker.refuse(&whole, message).into());
        }
        1 => checker.parts_of(values.remove(0), &whole)?,
        _ => checker.parts_of(Value::Tuple(values), &whole)?,
    };
    parts
        .iter()
        .for_each(|part| checker.note(part.into(), &whole));
    Ok(parts)
}

impl Checker<'_> {
    pub(super) fn is_in(
        &self,
        value: &Syntax,
        members: &Members,
        span: &Range<usize>,
    ) -> Result<Term> {
        self.not_too_tight(value, span)?;
        let node = match members {
            Members::List(items) => self.in_list(value, items)?,
            Members::Given(name, span) => self.in_given(value, name, span)?,
        };
        Ok(Term::Bool(node))
    }

    fn value(&self, syntax: &Syntax) -> Result<Value> {
        if let Kind::Tuple(parts) = &syntax.kind {
            let parts = parts.iter().map(|part| self.value(part));
            return parts.collect::<Result<_>>().map(Value::Tuple);
        }
        let hex = is_hex(syntax);
        let term = self.term(syntax)?;
        let message = format!(
            "'in' looks for numbers and strings, and this is {}",
            term.describe()
        );
        match term {
            term if term.is_string() => term.into_string().map(Value::Text),
            Term::Int(node, _) => Some(Value::Int { node, hex }),
            _ => None,
        }
        .ok_or_else(|| self.refuse(&syntax.span, message).into())
    }

    fn in_list(&self, sought: &Syntax, items: &[Syntax]) -> Result<Node> {
        let span = &sought.span;
        let sought = self.value(sought)?;
        let mut values = Vec::new();
        for item in items {
            let value = self.value(item)?;
            if !alike(&sought, &value) {
                let (wanted, found) = (sought.describe(), value.describe());
                let message = format!("{wanted} is looked for, and this is {found}");
                return Err(self.refuse(&item.span, message).into());
            }
            values.push(value);
        }
        self.any_of(sought, values, span)
    }

    /// Is it one of these, which are like it?
    fn any_of(&self, sought: Value, values: Vec<Value>, span: &Range<usize>) -> Result<Node> {
        if let Value::Int { node, .. } = &sought
            && let Some(constants) = constants(node, &values)
        {
            return Ok(Node::In(Box::new(node.clone()), constants));
        }
        self.within_limits(self.work.spend(sought.size() * values.len()), span)?;
        let equal = values.into_iter().map(|value| equal(sought.clone(), value));
        Ok(join(equal.collect(), or).unwrap_or_else(|| known(false)))
    }

    fn in_given(&self, sought: &Syntax, name: &str, span: &Range<usize>) -> Result<Node> {
        match self.scope.given.get(name) {
            Some(Given::Set(set)) => Ok(Node::InSet(*set, self.parts(sought)?)),
            Some(Given::Target) => {
                let node = self.integer(sought)?;
                Ok(Node::InSet(TARGET, vec![Part::Int(node)]))
            }
            // Without -p and -c every process is a target.
            None if name == "target" => self.integer(sought).map(|_| known(true)),
            Some(Given::List(members)) => {
                let sought_span = &sought.span;
                let sought = self.value(sought)?;
                let values: Vec<Value> = members.iter().map(literal).collect();
                if let Some(other) = values.iter().find(|other| !alike(&sought, other)) {
                    let (wanted, found) = (sought.describe(), other.describe());
                    let message = format!("{wanted} is looked for, and ${name} holds {found}");
                    return Err(self.refuse(span, message).into());
                }
                self.any_of(sought, values, sought_span)
            }
            Some(Given::Nil) | None => self
                .given(name, span)
                .and_then(|term| self.truth(term, span)),
            Some(_) => {
                let report = self.refuse(span, format!("${name} is no set and no list"));
                Err(report.help("a set is made by: set{ 1, 2 }").into())
            }
        }
    }

    /// The parts of a set's member, as they lie in its key.
    fn parts(&self, syntax: &Syntax) -> Result<Vec<Part>> {
        self.parts_of(self.value(syntax)?, &syntax.span)
    }

    fn parts_of(&self, value: Value, span: &Range<usize>) -> Result<Vec<Part>> {
        let refuse = |message: String| Refusal::from(self.refuse(span, message));
        let values = match value {
            Value::Tuple(values) => values,
            one => vec![one],
        };
        if values.len() > KEY_PARTS {
            let count = values.len();
            return Err(refuse(format!(
                "a tuple of {count} parts, and there may be {KEY_PARTS}"
            )));
        }
        let mut parts = Vec::new();
        for value in values {
            parts.push(match value {
                Value::Int { node, .. } => Part::Int(node),
                Value::Text(text) => Part::Text(text),
                Value::Tuple(_) => {
                    return Err(refuse(
                        "a tuple within a tuple is no member of a set".into(),
                    ));
                }
            });
        }
        fit(&mut parts).map_err(refuse)?;
        Ok(parts)
    }
}

/// The constants that an integer is held against, where all values are some.
fn constants(sought: &Node, values: &[Value]) -> Option<Vec<i128>> {
    let mut sought = sought.clone();
    let mut constants = Vec::new();
    for value in values {
        let Value::Int { node, hex } = value else {
            return None;
        };
        let mut node = node.clone();
        take_signs(&mut [(&mut sought, false), (&mut node, *hex)]);
        let Node::Const(constant) = node else {
            return None;
        };
        constants.push(constant);
    }
    Some(constants)
}

fn equal(sought: Value, value: Value) -> Node {
    match (sought, value) {
        (
            Value::Int { node: mut a, hex },
            Value::Int {
                node: mut b,
                hex: other,
            },
        ) => {
            take_signs(&mut [(&mut a, hex), (&mut b, other)]);
            compare(Relation::Eq, a, b)
        }
        (Value::Text(a), Value::Text(b)) => same(a, b),
        (Value::Tuple(a), Value::Tuple(b)) => {
            let parts = a.into_iter().zip(b).map(|(a, b)| equal(a, b));
            join(parts.collect(), and).unwrap_or_else(|| known(true))
        }
        _ => known(false),
    }
}

/// Shares what is left of a member's bytes among its strings; what is longer is no member then.
fn fit(parts: &mut [Part]) -> std::result::Result<(), String> {
    let whole: u32 = parts.iter().map(Part::size).sum();
    if whole as usize <= SET_KEY {
        return Ok(());
    }
    let fixed = parts.iter().filter(|part| !is_read(part)).map(Part::size);
    let fixed = fixed.sum::<u32>() as usize;
    let strings = parts.iter().filter(|part| is_read(part)).count();
    let room = SET_KEY
        .saturating_sub(fixed)
        .checked_div(strings)
        .unwrap_or(0)
        & !7;
    if room < 8 {
        return Err(format!(
            "a member of a set has at most {SET_KEY} bytes, and this one has {whole}"
        ));
    }
    for part in parts {
        if let Part::Text(Text::Read { capacity, .. }) = part {
            *capacity = (*capacity).min(room as u16);
        }
    }
    Ok(())
}

fn is_read(part: &Part) -> bool {
    matches!(part, Part::Text(Text::Read { .. }))
}

fn alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Tuple(a), Value::Tuple(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
        }
        (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}

fn literal(member: &Member) -> Value {
    match member {
        Member::Int(value) => Value::Int {
            node: Node::Const(i128::from(*value)),
            hex: false,
        },
        Member::Str(bytes) => Value::Text(Text::Literal(bytes.clone())),
        Member::Tuple(parts) => Value::Tuple(parts.iter().map(literal).collect()),
    }
}
