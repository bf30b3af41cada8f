//! What a return probe knows of its call's beginning: evaluated there, kept until the call returns.

use super::checker::Checker;
use super::term::Term;
use super::{Refusal, Refused, Result, Scope};
use crate::expr::names::{Meaning, Names};
use crate::expr::syntax::Syntax;
use crate::expr::tree::{Current, Keeper, Kept, Node, Op, Part, Relation, Text};
use crate::expr::types::{Int, Space, Type};
use crate::expr::walk::Branch;
use moontrace_abi::limits::{KEPT, KEPT_FIELDS};
use std::cell::RefCell;
use std::ops::Range;

/// The beginning of the calls that a probe sees return.
pub struct Entry<'a> {
    names: &'a dyn Names,
    kept: RefCell<Vec<Part>>,
}

impl<'a> Entry<'a> {
    /// `names` are those at the beginning.
    pub fn new(names: &'a dyn Names) -> Self {
        Self {
            names,
            kept: RefCell::default(),
        }
    }

    /// What the texts that were checked want to know of the beginning, in the order in which it is kept: behind a word whose
    /// bits say which of it could not be read there.
    pub fn kept(self) -> Vec<Part> {
        self.kept.into_inner()
    }

    /// Where a part is kept. Equal ones are kept once.
    fn keep(&self, part: Part) -> Kept {
        let mut kept = self.kept.borrow_mut();
        let number = kept.iter().position(|there| *there == part);
        let number = number.unwrap_or(kept.len());
        let before: u32 = kept.iter().take(number).map(Part::size).sum();
        let place = Kept {
            by: Keeper::Call,
            offset: 8 + before,
            bit: may_fail(&part).then_some(number as u8),
        };
        if number == kept.len() {
            kept.push(part);
        }
        place
    }

    fn value(&self, node: Node) -> Node {
        let int = node.int();
        match node {
            // It is the same later.
            Node::Const(_) => node,
            node => Node::Kept(self.keep(Part::Int(node)), int),
        }
    }

    fn text(&self, text: Text) -> Text {
        let capacity = text.capacity();
        match text {
            Text::Literal(_) => text,
            text => Text::Read {
                space: Space::Kernel,
                address: Box::new(Node::KeptAddress(self.keep(Part::Text(text)))),
                capacity,
            },
        }
    }

    /// What a name means at the beginning; what it leads to is followed at the return.
    fn meaning(&self, meaning: Meaning) -> Meaning {
        match meaning {
            Meaning::Value(node, ty) => Meaning::Value(self.value(node), ty),
            Meaning::String(text) => Meaning::String(self.text(text)),
            Meaning::Memory { address, space, ty } => Meaning::Memory {
                address: self.value(address),
                space,
                ty,
            },
            Meaning::Elements(nodes, ty) => {
                let nodes = nodes.into_iter().map(|node| self.value(node));
                Meaning::Elements(nodes.collect(), ty)
            }
            Meaning::Counted { start, bytes, of } => Meaning::Counted {
                start: self.value(start),
                bytes: self.value(bytes),
                of,
            },
            stack @ Meaning::Stack(_) => stack,
        }
    }

    /// Room for what is kept by now?
    fn has_room(&self) -> bool {
        let kept = self.kept.borrow();
        kept.len() <= KEPT_FIELDS && 8 + kept.iter().map(Part::size).sum::<u32>() <= KEPT as u32
    }
}

fn may_fail(part: &Part) -> bool {
    let mut reads = false;
    Branch::from(part).walk(&mut |branch, _| {
        reads |= matches!(
            branch,
            Branch::Node(Node::Read { .. }) | Branch::Text(Text::Read { .. })
        );
    });
    reads
}

impl Scope<'_> {
    /// Names of all arguments: the probe's, and those of the call that returns there.
    pub fn argument_names(&self) -> Vec<String> {
        let mut names = self.names.arguments();
        if let Some(entry) = self.entry {
            let passed = entry.names.arguments().into_iter();
            names.extend(passed.filter(|name| self.names.argument(name).is_none()));
        }
        names
    }
}

impl Checker<'_> {
    /// An argument of the probe, or of the call that returns there.
    pub(super) fn argument_named(&self, name: &str) -> Option<Meaning> {
        let at_entry = || {
            let entry = self.scope.entry?;
            Some(entry.meaning(entry.names.argument(name)?))
        };
        self.scope.names.argument(name).or_else(at_entry)
    }

    /// A word of the probe, or of the call that returns there.
    pub(super) fn builtin_named(&self, name: &str) -> Option<Meaning> {
        let at_entry = || {
            let entry = self.scope.entry?;
            Some(entry.meaning(entry.names.builtin(name)?))
        };
        self.scope.names.builtin(name).or_else(at_entry)
    }

    /// Why a name means nothing here.
    pub(super) fn absent(&self, name: &str) -> Option<String> {
        let at_return = self.scope.names.absent(name);
        match self.scope.entry {
            // The entry has the arguments, and says what is wrong with them.
            Some(entry) if name != "retval" => entry.names.absent(name).or(at_return),
            _ => at_return,
        }
    }

    /// `elapsed`: ns since the span began that a step has bound, else since the call did.
    pub(super) fn elapsed(&self, span: &Range<usize>) -> Result<Term> {
        let now = Node::Current(Current::Time);
        let began = match (self.scope.span, self.scope.entry) {
            (Some(bound), _) => bound.time(),
            (None, Some(entry)) => entry.value(now.clone()),
            (None, None) => return Err(self.no_call("elapsed", span)),
        };
        let began = Box::new(began);
        let elapsed = Node::Binary(Op::Sub, Box::new(now), began);
        self.kept_in_bounds(Term::Int(elapsed, Type::Int(Int::U64)), span)
    }

    /// `entry(e)`: what `e` was when the call began.
    pub(super) fn at_entry(&self, of: &Syntax, span: &Range<usize>) -> Result<Term> {
        let Some(entry) = self.scope.entry else {
            return Err(self.no_call("entry", span));
        };
        let then = Checker {
            scope: Scope {
                names: entry.names,
                entry: None,
                span: None,
                bound: &[],
                refused: Refused::nothing(),
                ..self.scope
            },
            call: None,
            ..*self
        };
        let term = then.term(of)?;
        let kept = if term.is_string() {
            let text = then.string(of)?;
            self.note(Branch::Text(&text), span);
            Term::Text(entry.text(text))
        } else {
            match term {
                Term::Int(node, ty) => {
                    self.note(Branch::Node(&node), span);
                    Term::Int(entry.value(node), ty)
                }
                Term::Bool(node) => {
                    self.note(Branch::Node(&node), span);
                    let kept = Box::new(entry.value(node));
                    Term::Bool(Node::Compare(Relation::Ne, kept, Box::new(Node::Const(0))))
                }
                other => {
                    let message = format!(
                        "a number or a string is kept, and this is {}",
                        other.describe()
                    );
                    let report = self.refuse(&of.span, message);
                    return Err(report.help("name a member or an element of it").into());
                }
            }
        };
        self.kept_in_bounds(kept, span)
    }

    /// Refuses what is more than is kept of a call.
    pub(super) fn kept_in_bounds(&self, term: Term, span: &Range<usize>) -> Result<Term> {
        match self.scope.entry {
            Some(entry) if !entry.has_room() => {
                let message = format!(
                    "of a call's beginning at most {KEPT_FIELDS} values of {KEPT} bytes are kept"
                );
                let report = self.refuse(span, message);
                Err(report
                    .help("give strings a length: entry(str(p, 64))")
                    .into())
            }
            _ => Ok(term),
        }
    }

    fn no_call(&self, name: &str, span: &Range<usize>) -> Refusal {
        let message = format!(
            "'{name}' is known where a call returns, and this is {}",
            self.scope.names.site()
        );
        let help = "kretprobe, fexit, uretprobe and sys_exit_* are whole calls";
        let help = match name {
            "elapsed" => format!("{help}; of a span it is known behind :finish or :within"),
            _ => help.to_owned(),
        };
        self.refuse(span, message).help(help).into()
    }
}
