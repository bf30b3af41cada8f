//! `in`: a literal list, a list or set that the script gives, the processes that are traced.

use super::{Checker, Refusal, Result, Term, truth_of};
use crate::expr::syntax::{Kind, Syntax};
use crate::expr::tree::{Node, Part, Relation, TARGET, Text};
use crate::spec::{Given, Member};
use moontrace_abi::limits::SET_KEY;
use std::ops::Range;

/// A value that is looked for, or one that it is compared with.
enum Value {
    Int(Node),
    Text(Text),
    Tuple(Vec<Value>),
}

impl Value {
    fn describe(&self) -> &'static str {
        match self {
            Self::Int(_) => "a number",
            Self::Text(_) => "a string",
            Self::Tuple(_) => "a tuple",
        }
    }
}

impl Checker<'_> {
    fn value(&self, syntax: &Syntax) -> Result<Value> {
        if let Kind::Tuple(parts) = &syntax.kind {
            return parts.iter().map(|part| self.value(part)).collect::<Result<_>>().map(Value::Tuple);
        }
        let term = self.term(syntax)?;
        if let Some(text) = self.string_of(&term) {
            return Ok(Value::Text(text));
        }
        match term {
            Term::Int(node, _) => Ok(Value::Int(node)),
            other => {
                let message = format!("'in' looks for numbers and strings, and this is {}", other.describe());
                Err(self.refuse(&syntax.span, message).into())
            }
        }
    }

    pub(super) fn in_list(&self, value: &Syntax, items: &[Syntax]) -> Result<Term> {
        let sought = self.value(value)?;
        let mut values = Vec::new();
        for item in items {
            let found = self.value(item)?;
            if !alike(&sought, &found) {
                let message = format!("{} is looked for, and this is {}", sought.describe(), found.describe());
                return Err(self.refuse(&item.span, message).into());
            }
            values.push(found);
        }
        self.any_of(&sought, values, &value.span).map(Term::Bool)
    }

    fn any_of(&self, sought: &Value, values: Vec<Value>, span: &Range<usize>) -> Result<Node> {
        if let Value::Int(node) = sought {
            let constants: Option<Vec<i128>> = values
                .iter()
                .map(|value| if let Value::Int(Node::Const(constant)) = value { Some(*constant) } else { None })
                .collect();
            if let Some(constants) = constants {
                return Ok(Node::In(Box::new(node.clone()), constants));
            }
        }
        let mut any = None;
        for value in values {
            let equal = self.equal(sought, value, span)?;
            any = Some(match any {
                None => equal,
                Some(before) => Node::Or(Box::new(before), Box::new(equal)),
            });
        }
        Ok(any.unwrap_or_else(|| truth_of(false)))
    }

    fn equal(&self, sought: &Value, value: Value, span: &Range<usize>) -> Result<Node> {
        match (sought, value) {
            (Value::Int(a), Value::Int(b)) => Ok(Node::Compare(Relation::Eq, Box::new(a.clone()), Box::new(b))),
            (Value::Text(a), Value::Text(b)) => self.same(a.clone(), b, span),
            (Value::Tuple(a), Value::Tuple(b)) => {
                let mut all = None;
                for (sought, value) in a.iter().zip(b) {
                    let equal = self.equal(sought, value, span)?;
                    all = Some(match all {
                        None => equal,
                        Some(before) => Node::And(Box::new(before), Box::new(equal)),
                    });
                }
                Ok(all.unwrap_or_else(|| truth_of(true)))
            }
            _ => Ok(truth_of(false)),
        }
    }

    pub(super) fn in_given(&self, value: &Syntax, name: &str, name_span: &Range<usize>) -> Result<Term> {
        match self.scope.given.get(name) {
            Some(Given::Set(set)) => {
                let parts = self.parts(value)?;
                Ok(Term::Bool(Node::InSet(*set, parts)))
            }
            Some(Given::Target) => {
                let node = self.integer(value)?;
                Ok(Term::Bool(Node::InSet(TARGET, vec![Part::Int(node)])))
            }
            // Without -p and -c every process is a target.
            None if name == "target" => self.integer(value).map(|_| Term::Bool(truth_of(true))),
            Some(Given::List(members)) => {
                let sought = self.value(value)?;
                let values: Vec<Value> = members.iter().map(literal).collect();
                if let Some(other) = values.iter().find(|other| !alike(&sought, other)) {
                    let message = format!("{} is looked for, and ${name} holds {}", sought.describe(), other.describe());
                    return Err(self.refuse(name_span, message).into());
                }
                self.any_of(&sought, values, &value.span).map(Term::Bool)
            }
            Some(_) => {
                let report = self.refuse(name_span, format!("${name} is no set and no list"));
                Err(report.help("a set is made by: set{ 1, 2 }").into())
            }
            None => Err(self.no_given(name, name_span)),
        }
    }

    /// The parts of a set's member, as they lie in its key.
    fn parts(&self, syntax: &Syntax) -> Result<Vec<Part>> {
        let values = match self.value(syntax)? {
            Value::Tuple(values) => values,
            one => vec![one],
        };
        let mut parts = Vec::new();
        for value in values {
            parts.push(match value {
                Value::Int(node) => Part::Int(node),
                Value::Text(text) => Part::Text(text),
                Value::Tuple(_) => {
                    return Err(self.refuse(&syntax.span, "a tuple within a tuple is no member of a set").into());
                }
            });
        }
        fit(&mut parts).map_err(|message| Refusal::from(self.refuse(&syntax.span, message)))?;
        Ok(parts)
    }
}

/// Shares what is left of a member's bytes among its strings; what is longer is no member then.
fn fit(parts: &mut [Part]) -> std::result::Result<(), String> {
    let whole: u32 = parts.iter().map(Part::size).sum();
    if whole as usize <= SET_KEY {
        return Ok(());
    }
    let fixed: usize = parts.iter().filter(|part| !is_read(part)).map(|part| part.size() as usize).sum();
    let strings = parts.iter().filter(|part| is_read(part)).count();
    let room = SET_KEY.saturating_sub(fixed).checked_div(strings).unwrap_or(0) & !7;
    if room < 8 {
        return Err(format!("a member of a set has at most {SET_KEY} bytes, and this one has {whole}"));
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
        (Value::Tuple(a), Value::Tuple(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b)),
        (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}

fn literal(member: &Member) -> Value {
    match member {
        Member::Int(value) => Value::Int(Node::Const(i128::from(*value))),
        Member::Str(bytes) => Value::Text(Text::Literal(bytes.clone())),
        Member::Tuple(parts) => Value::Tuple(parts.iter().map(literal).collect()),
    }
}
