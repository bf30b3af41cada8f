//! Paths: members, elements, and the pointers between them.

use super::checker::Checker;
use super::term::{Term, binary};
use super::{Refusal, Result};
use crate::expr::syntax::{Kind, Step, Syntax};
use crate::expr::touched::Touch;
use crate::expr::tree::{Node, Op};
use crate::expr::types::{Space, Type};
use crate::report::{did_you_mean, nearest};
use std::ops::Range;

/// Members of the kernel's structs that lead to what lies in packets (include/linux/skbuff.h, include/net/xdp.h).
const PACKETS: [(&str, &str); 5] = [
    ("struct sk_buff", "data"),
    ("struct sk_buff", "head"),
    ("struct xdp_buff", "data"),
    ("struct xdp_buff", "data_hard_start"),
    ("struct xdp_frame", "data"),
];

/// Bytes on both sides of a pointer in which a thing, or those beside it, may lie that it points to.
const NEAR: i128 = 4096;

impl Checker<'_> {
    /// `root.member[index]…`
    pub(super) fn path(&self, root: &Syntax, steps: &[Step]) -> Result<Term> {
        // Each step may read memory, and stands around those before it.
        let _levels = self.within_limits(self.work.deeper(steps.len()), &root.span)?;
        self.within_limits(self.work.spend(steps.len()), &root.span)?;
        let (mut term, steps, mut end) = self.beginning(root, steps)?;
        for step in steps {
            let base = root.span.start..end;
            (term, end) = match step {
                Step::Member(name, span) => (self.member(term, name, span, &base)?, span.end),
                Step::Index(index) => (self.element(term, index, &base)?, index.span.end + 1),
            };
        }
        Ok(term)
    }

    /// What a path begins with, the steps behind that, and where it ends. `args` and `from` take their first step with them.
    fn beginning<'s>(&self, root: &Syntax, steps: &'s [Step]) -> Result<(Term, &'s [Step], usize)> {
        if let (Kind::Name(word), Some((Step::Member(name, span), rest))) =
            (&root.kind, steps.split_first())
            && self.parameter(word).is_none()
        {
            let whole = root.span.start..span.end;
            match word.as_str() {
                "args" => return Ok((self.argument(name, &whole)?, rest, span.end)),
                "from" => return Ok((self.stored(name, &whole)?, rest, span.end)),
                "e" if self.scope.names.builtin("e").is_none() => {
                    let report = self.refuse(&whole, "in text, fields stand by themselves");
                    return Err(report.help(format!("write: {name}")).into());
                }
                "math" | "string" | "table" | "os" | "io" | "utf8" => {
                    let report = self.refuse(&whole, format!("'{word}.{name}' is Lua"));
                    let help = "this can't run in the kernel: do it in the handler, :on(function(e) … end)";
                    return Err(report.help(help).into());
                }
                _ => {}
            }
        }
        Ok((self.term(root)?, steps, root.span.end))
    }

    /// `args.NAME`. A mistake is shown under the whole path.
    fn argument(&self, name: &str, span: &Range<usize>) -> Result<Term> {
        let names = self.scope.names;
        if let Some(meaning) = self.argument_named(name) {
            return self.kept_in_bounds(meaning.into(), span);
        }
        if let Some(why) = self.absent(name).or_else(|| self.absent("args")) {
            return Err(self.missing(span, why, None));
        }
        let known = self.scope.argument_names();
        let path = |name: &str| format!("args.{name}");
        let near = nearest(name, known.iter().map(String::as_str));
        let near: Vec<String> = near.into_iter().map(path).collect();
        let help = did_you_mean(&path(name), near.iter().map(String::as_str));
        let known: Vec<String> = known.iter().map(|name| path(name)).collect();
        let help = help.or_else(|| enumerated("there are", &known));
        Err(self.missing(span, format!("no field '{name}' in {}", names.site()), help))
    }

    /// A member of what `term` is or points to; `base` is where that stands.
    pub(super) fn member(
        &self,
        term: Term,
        name: &str,
        span: &Range<usize>,
        base: &Range<usize>,
    ) -> Result<Term> {
        let described = term.describe();
        let (address, offset, space, ty) = match term.decayed() {
            Term::Memory {
                base,
                offset,
                space,
                ty,
            } => (base, offset, space, ty),
            Term::Int(node, Type::Pointer { to, space }) => (node, 0, space, *to),
            _ => {
                let message = format!(
                    "'{}' is {described}, which has no members",
                    self.quote(base)
                );
                return Err(self.refuse(span, message).into());
            }
        };
        let Type::Struct(of) = &ty else {
            let base = self.quote(base);
            let report = self.refuse(
                span,
                format!("'{base}' is {described}, which has no members"),
            );
            return Err(match &ty {
                Type::Void => report.help(format!(
                    "say what it points to: as('struct NAME', {base}).{name}"
                )),
                _ if described == "a string" => report,
                _ => report.help(format!("it has elements: {base}[0]")),
            }
            .into());
        };
        if PACKETS.contains(&(of.name.as_str(), name)) {
            self.touch(Touch::Packets, span);
        }
        match self.scope.names.member(of, name) {
            Some(member) => self.load(address, i64::from(offset), space, member, span),
            None => {
                if let Some(path) = self.scope.names.moved(of, name) {
                    let mut term = Term::Memory {
                        base: address,
                        offset,
                        space,
                        ty: ty.clone(),
                    };
                    for part in path.split('.') {
                        term = self.member(term, part, span, base)?;
                    }
                    return Ok(term);
                }
                let known = self.scope.names.members(of);
                let help = did_you_mean(name, known.iter().map(String::as_str));
                let help = help.or_else(|| enumerated("it has", &known));
                Err(self.missing(span, format!("no member '{name}' in {}", of.name), help))
            }
        }
    }

    /// `term[index]`; `base` is where `term` stands.
    fn element(&self, term: Term, index: &Syntax, base: &Range<usize>) -> Result<Term> {
        let described = term.describe();
        let (address, offset, space, of, length) = match term.decayed() {
            Term::Memory {
                base,
                offset,
                space,
                ty: Type::Array { of, length },
            } => (base, offset, space, *of, (length > 0).then_some(length)),
            Term::Int(node, Type::Pointer { to, space }) => (node, 0, space, *to, None),
            Term::Elements(nodes, ty) => return self.listed(nodes, ty, index),
            _ => {
                let message = format!(
                    "'{}' is {described}, which has no elements",
                    self.quote(base)
                );
                return Err(self.refuse(base, message).into());
            }
        };
        let Some(size) = self.scope.names.size(&of) else {
            let text = self.quote(base);
            let report = self.refuse(
                base,
                format!("'{text}' is {described}: its elements have no size"),
            );
            return Err(report
                .help(format!("say what they are: as('u64 *', {text})"))
                .into());
        };
        let number = self.number(index)?.0;
        let is_near = match (&number, length) {
            (Node::Const(_), Some(_)) => true,
            (Node::Const(number), None) => (number * i128::from(size)).abs() <= NEAR,
            _ => false,
        };
        if space == Space::Kernel && !is_near {
            self.touch(Touch::Memory, &index.span);
        }
        match number {
            Node::Const(number) => {
                if let Some(length) = length
                    && !(0..i128::from(length)).contains(&number)
                {
                    return Err(self.no_element(number, length as usize, index));
                }
                let beyond = i64::try_from(number * i128::from(size)).unwrap_or(i64::MAX);
                self.place(
                    address,
                    i64::from(offset).saturating_add(beyond),
                    space,
                    of,
                    base,
                )
            }
            number => {
                let bytes = binary(Op::Mul, number, Node::Const(size.into()));
                let element = binary(Op::Add, address, bytes);
                self.place(element, offset.into(), space, of, base)
            }
        }
    }

    /// One of elements that don't lie side by side: which must be known beforehand.
    fn listed(&self, nodes: Vec<Node>, ty: Type, index: &Syntax) -> Result<Term> {
        let Node::Const(number) = self.number(index)?.0 else {
            let message = "the number of this element must be known beforehand";
            return Err(self.refuse(&index.span, message).into());
        };
        let count = nodes.len();
        let at = usize::try_from(number).ok();
        let node = at.and_then(|at| nodes.into_iter().nth(at));
        node.map(|node| Term::Int(node, ty))
            .ok_or_else(|| self.no_element(number, count, index))
    }

    fn no_element(&self, number: i128, count: usize, index: &Syntax) -> Refusal {
        let message = format!("there is no element {number}: the array has {count}");
        self.refuse(&index.span, message)
            .help("they are counted from 0")
            .into()
    }
}

/// `there are a, b, c and 5 more`, when there is anything.
pub(super) fn enumerated(intro: &str, names: &[String]) -> Option<String> {
    const SHOWN: usize = 8;
    let shown = names
        .iter()
        .take(SHOWN)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    match names.len() {
        0 => None,
        count if count > SHOWN => Some(format!("{intro} {shown} and {} more", count - SHOWN)),
        _ => Some(format!("{intro} {shown}")),
    }
}
