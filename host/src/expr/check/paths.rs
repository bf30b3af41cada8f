//! Paths: members, elements, and the pointers between them.

use super::{Checker, Refusal, Result, Term, list_of, meant};
use crate::expr::names::Member;
use crate::expr::syntax::{Kind, Syntax};
use crate::expr::tree::{Node, Op};
use crate::expr::types::{Int, Space, Type};
use crate::report::did_you_mean;
use std::ops::Range;

impl Checker<'_> {
    /// `base.name`
    pub(super) fn member(&self, base: &Syntax, name: &str, name_span: &Range<usize>) -> Result<Term> {
        if let Kind::Name(word) = &base.kind
            && !self.parameters.iter().any(|(parameter, _)| parameter == word)
        {
            match word.as_str() {
                "args" => return self.argument(name, &(base.span.start..name_span.end)),
                "from" => return self.word("from", &base.span),
                "e" => {
                    let whole = base.span.start..name_span.end;
                    let report = self.refuse(&whole, "in text, fields stand by themselves");
                    return Err(report.help(format!("write: {name}")).into());
                }
                _ => {}
            }
        }
        let term = self.term(base)?;
        self.member_of(term, name, name_span, &self.text[base.span.clone()])
    }

    /// `args.NAME`. A mistake is shown under the whole path.
    fn argument(&self, name: &str, span: &Range<usize>) -> Result<Term> {
        let names = self.scope.names;
        if let Some(meaning) = names.argument(name) {
            return Ok(meant(meaning));
        }
        if let Some(why) = names.absent(name).or_else(|| names.absent("args")) {
            return Err(self.missing(span, why, None));
        }
        let known = names.arguments();
        let paths: Vec<String> = known.iter().map(|name| format!("args.{name}")).collect();
        let wrong = format!("args.{name}");
        let help = did_you_mean(&wrong, paths.iter().map(String::as_str)).or_else(|| list_of("there are", &paths));
        let message = format!("no field '{name}' in {}", names.site());
        Err(self.missing(span, message, help))
    }

    /// A member of what `term` is or points to; `base` is its text.
    pub(super) fn member_of(&self, term: Term, name: &str, span: &Range<usize>, base: &str) -> Result<Term> {
        let (address, offset, space, ty) = match term {
            Term::Memory { base, offset, space, ty } => (base, offset, space, ty),
            Term::Int(node, Type::Pointer { to, space }) => (node, 0, space, *to),
            other => {
                let message = format!("'{base}' is {}, which has no members", other.describe());
                return Err(self.refuse(span, message).into());
            }
        };
        let Type::Struct(of) = &ty else {
            let report = self.refuse(span, format!("'{base}' is of type {ty}, which has no members"));
            let help = match &ty {
                Type::Void => format!("say what it points to: as('struct NAME', {base}).{name}"),
                _ => format!("an element is {base}[0]"),
            };
            return Err(report.help(help).into());
        };
        let Some(member) = self.scope.names.member(of, name) else {
            let known = self.scope.names.members(of);
            let help = did_you_mean(name, known.iter().map(String::as_str)).or_else(|| list_of("it has", &known));
            return Err(self.missing(span, format!("no member '{name}' in {}", of.name), help));
        };
        self.load(address, i64::from(offset), space, member, span)
    }

    /// What lies in a struct at `base + offset`.
    fn load(&self, base: Node, offset: i64, space: Space, member: Member, span: &Range<usize>) -> Result<Term> {
        let at = offset + i64::from(member.bit_offset / 8);
        let Some(width) = member.width else {
            return self.place(base, at, space, member.ty, span);
        };
        let int = member.ty.integer().unwrap_or(Int::U32);
        let shift = member.bit_offset % 8;
        let bytes = (shift + u32::from(width)).div_ceil(8);
        // The smallest power of two of bytes that covers the field; it begins where the field does, so it never reaches
        // further than the 8 bytes that a field of at most 64 bits lies in but for one that straddles them.
        let of = match bytes {
            1 => read(&base, space, at, 8, span, self)?,
            2 => read(&base, space, at, 16, span, self)?,
            3 | 4 => read(&base, space, at, 32, span, self)?,
            5..=8 => read(&base, space, at, 64, span, self)?,
            _ => {
                let low = read(&base, space, at, 64, span, self)?;
                let high = read(&base, space, at + 8, 8, span, self)?;
                let low = Node::Binary(Op::Shr, Box::new(low), Box::new(Node::Const(i128::from(shift))));
                let high = Node::Binary(Op::Shl, Box::new(high), Box::new(Node::Const(i128::from(64 - shift))));
                let of = Node::Binary(Op::Or, Box::new(low), Box::new(high));
                let node = Node::Bits { of: Box::new(of), shift: 0, width, signed: int.signed };
                return Ok(Term::Int(node, member.ty));
            }
        };
        let node = Node::Bits { of: Box::new(of), shift: shift as u8, width, signed: int.signed };
        Ok(Term::Int(node, member.ty))
    }

    /// What lies at `base + offset`: its value, or, of what has members or elements, its place.
    fn place(&self, base: Node, offset: i64, space: Space, ty: Type, span: &Range<usize>) -> Result<Term> {
        // What user memory holds are user pointers, whatever the type says.
        let ty = match ty {
            Type::Pointer { to, .. } if space == Space::User => Type::Pointer { to, space },
            other => other,
        };
        let offset = self.offset(offset, span)?;
        match ty {
            Type::Bool => {
                let byte = Node::Read { space, base: Box::new(base), offset, int: Int::U8 };
                Ok(Term::Bool(Node::Compare(
                    crate::expr::tree::Relation::Ne,
                    Box::new(byte),
                    Box::new(Node::Const(0)),
                )))
            }
            ty => match ty.integer() {
                Some(int) => Ok(Term::Int(Node::Read { space, base: Box::new(base), offset, int }, ty)),
                None => Ok(Term::Memory { base, offset, space, ty }),
            },
        }
    }

    fn offset(&self, offset: i64, span: &Range<usize>) -> Result<i32> {
        i32::try_from(offset).map_err(|_| Refusal::from(self.refuse(span, "that is more than 2 GiB away")))
    }

    /// `base[index]`
    pub(super) fn index(&self, base: &Syntax, index: &Syntax) -> Result<Term> {
        let span = base.span.start..index.span.end;
        let (address, offset, space, of, length) = match self.term(base)? {
            Term::Memory { base, offset, space, ty: Type::Array { of, length } } => {
                (base, offset, space, *of, (length > 0).then_some(length))
            }
            Term::Int(node, Type::Pointer { to, space }) => (node, 0, space, *to, None),
            Term::Elements(nodes, ty) => return self.element(nodes, ty, index),
            other => {
                let message = format!("'{}' is {}, which has no elements", &self.text[base.span.clone()], other.describe());
                return Err(self.refuse(&span, message).into());
            }
        };
        let Some(size) = self.scope.names.size(&of) else {
            return Err(self.refuse(&span, format!("elements of type {of} have no size")).into());
        };
        match self.integer(index)? {
            Node::Const(number) => {
                if length.is_some_and(|length| !(0..i128::from(length)).contains(&number)) {
                    return Err(self.no_element(number, length.unwrap_or(0) as usize, index));
                }
                let beyond = i64::try_from(number * i128::from(size)).unwrap_or(i64::MAX);
                self.place(address, i64::from(offset).saturating_add(beyond), space, of, &span)
            }
            number => {
                let bytes = Node::Binary(Op::Mul, Box::new(number), Box::new(Node::Const(i128::from(size))));
                let element = Node::Binary(Op::Add, Box::new(address), Box::new(bytes));
                self.place(element, i64::from(offset), space, of, &span)
            }
        }
    }

    /// One of elements that don't lie side by side: which must be known beforehand.
    fn element(&self, nodes: Vec<Node>, ty: Type, index: &Syntax) -> Result<Term> {
        let Node::Const(number) = self.integer(index)? else {
            return Err(self.refuse(&index.span, "the number of this element must be a constant").into());
        };
        let count = nodes.len();
        let node = usize::try_from(number).ok().and_then(|number| nodes.into_iter().nth(number));
        node.map(|node| Term::Int(node, ty)).ok_or_else(|| self.no_element(number, count, index))
    }

    fn no_element(&self, number: i128, count: usize, index: &Syntax) -> Refusal {
        let message = format!("there is no element {number}: the array has {count}");
        self.refuse(&index.span, message).help("they are counted from 0").into()
    }
}

fn read(base: &Node, space: Space, offset: i64, bits: u8, span: &Range<usize>, checker: &Checker<'_>) -> Result<Node> {
    let offset = checker.offset(offset, span)?;
    Ok(Node::Read { space, base: Box::new(base.clone()), offset, int: Int::new(false, bits) })
}
