//! One text while it is checked: what its parts are, and what is said of them where they don't fit.

use super::limits::Work;
use super::term::{Term, is_byte_pointer, known};
use super::{Checked, Origin, Refusal, Result, Scope};
use crate::expr::syntax::{Kind, Syntax};
use crate::expr::touched::{self, Touch};
use crate::expr::tree::{Node, Text};
use crate::expr::types::Type;
use crate::expr::walk::Branch;
use crate::report::{Place, Report};
use crate::spec::Source;
use moontrace_abi::limits::LONGEST_STRING;
use std::borrow::Cow;
use std::ops::Range;

/// A text of the script, or the body of a definition that it calls.
pub(super) struct Checker<'a> {
    pub text: &'a str,
    pub place: &'a Place,
    pub scope: Scope<'a>,
    pub work: &'a Work,
    /// Where this is the body of a definition.
    pub call: Option<Call<'a>>,
}

/// A call of a definition. Its arguments are checked where they are used, as parts of the text that calls.
pub(super) struct Call<'a> {
    /// The number of the definition: it may use those with lower ones.
    pub number: usize,
    pub arguments: &'a [Syntax],
    pub caller: &'a Checker<'a>,
}

impl<'a> Checker<'a> {
    pub(super) fn new(source: &'a Source, scope: &Scope<'a>, work: &'a Work) -> Self {
        Self {
            text: &source.text,
            place: &source.place,
            scope: *scope,
            work,
            call: None,
        }
    }

    /// A report on a part of this text.
    pub(super) fn refuse(&self, span: &Range<usize>, message: impl Into<String>) -> Report {
        let mut message = message.into();
        if let Some((name, user)) = self.definition() {
            message = format!("{message} (in the definition of '{name}', which {user} uses)");
        }
        Report::new(message)
            .pointing(self.text, span.clone())
            .at(self.place.clone())
    }

    /// Tells what a checked part of this text touches.
    pub(super) fn note(&self, branch: Branch<'_>, span: &Range<usize>) {
        branch.walk(&mut |branch, _| {
            if let Some(touch) = touched::of_branch(branch) {
                self.touch(touch, span);
            }
        });
    }

    /// The same of an item.
    pub(super) fn note_item(&self, checked: &Checked, span: &Range<usize>) {
        let itself = match checked {
            Checked::Stack(_) => Some(Touch::Stacks),
            Checked::Symbol(symbol) if symbol.user => Some(Touch::Stacks),
            Checked::Copied(copied) => match &copied.origin {
                Origin::At { space, .. } | Origin::Counted { space, .. } => {
                    touched::of_space(*space)
                }
                Origin::Words(_) => None,
            },
            _ => None,
        };
        if let Some(touch) = itself {
            self.touch(touch, span);
        }
        match checked {
            Checked::Int(node, _) | Checked::Condition(node) => {
                self.note(Branch::Node(node), span);
            }
            Checked::Text(text) => self.note(Branch::Text(text), span),
            Checked::Copied(copied) => {
                let nodes = copied.origin.nodes().into_iter();
                nodes.for_each(|node| self.note(Branch::Node(node), span));
            }
            Checked::Stack(stack) => self.note(Branch::Node(&stack.word), span),
            Checked::Symbol(symbol) => self.note(Branch::Node(&symbol.address), span),
            Checked::Probe | Checked::Func | Checked::Time | Checked::Cpu => {}
        }
    }

    pub(super) fn touch(&self, touch: Touch, span: &Range<usize>) {
        self.scope.touched.note(touch, self.text, span, self.place);
    }

    /// The definition whose body this is, and the text of the script that comes to it.
    fn definition(&self) -> Option<(&str, &Place)> {
        let call = self.call.as_ref()?;
        let name = &self.scope.definitions.get(call.number)?.name;
        let mut user = call.caller;
        while let Some(call) = &user.call {
            user = call.caller;
        }
        Some((name, user.place))
    }

    /// A refusal that another match of the same pattern may not have.
    pub(super) fn missing(
        &self,
        span: &Range<usize>,
        message: String,
        help: Option<String>,
    ) -> Refusal {
        let report = Report {
            help,
            ..self.refuse(span, message)
        };
        Refusal {
            report,
            missing: true,
            said: false,
        }
    }

    /// A part of the text for a message: the whole of it, or its beginning.
    pub(super) fn quote(&self, span: &Range<usize>) -> Cow<'a, str> {
        const SHOWN: usize = 60;
        let text = self.text.get(span.clone()).unwrap_or_default();
        match text.char_indices().nth(SHOWN) {
            None => text.into(),
            Some((end, _)) => format!("{}…", &text[..end]).into(),
        }
    }

    /// Gives the place in this text to what the limits refuse.
    pub(super) fn within_limits<T>(&self, counted: Result<T>, span: &Range<usize>) -> Result<T> {
        counted.map_err(|refusal| {
            let report = self.refuse(span, refusal.report.message);
            report
                .help("a long list of values goes into a set: x in $name")
                .into()
        })
    }

    /// What a part is. Its depth counts from where this is called.
    pub(super) fn term(&self, syntax: &Syntax) -> Result<Term> {
        let span = &syntax.span;
        let _levels = self.within_limits(self.work.deeper(1), span)?;
        self.within_limits(self.work.spend(1), span)?;
        match &syntax.kind {
            Kind::Number { value, .. } => Ok(Term::constant(*value)),
            Kind::Str(bytes) => self.literal_text(bytes, span),
            Kind::Bool(value) => Ok(Term::Bool(known(*value))),
            Kind::Name(name) => self.word(name, span),
            Kind::Given(name) => self.given(name, span),
            Kind::Path { root, steps } => self.path(root, steps),
            Kind::Call(name, arguments) => self.call(name, arguments, span),
            Kind::Unary(operator, of) => self.unary(*operator, of),
            Kind::Chain(first, rest) => self.chain(first, rest, span),
            Kind::Compare(relation, a, b) => self.comparison(*relation, a, b, span),
            Kind::And(operands) => self.and(operands, span),
            Kind::Or(operands) => self.or(operands, span),
            Kind::In(value, members) => self.is_in(value, members, span),
            Kind::Tuple(_) => {
                let report = self.refuse(span, "a tuple stands before 'in' only");
                Err(report.help("write: (a, b) in $name").into())
            }
        }
    }

    fn literal_text(&self, bytes: &[u8], span: &Range<usize>) -> Result<Term> {
        if bytes.len() >= LONGEST_STRING {
            let message = format!(
                "a string of {} bytes, and {} are the limit",
                bytes.len(),
                LONGEST_STRING - 1
            );
            return Err(self.refuse(span, message).into());
        }
        if bytes.contains(&0) {
            let report = self.refuse(span, "a NUL ends a string: there can be none within");
            return Err(report.into());
        }
        Ok(Term::Text(Text::Literal(bytes.to_vec())))
    }

    /// A part that must be a truth value.
    pub(super) fn condition(&self, syntax: &Syntax) -> Result<Node> {
        let term = self.term(syntax)?;
        self.truth(term, &syntax.span)
    }

    pub(super) fn truth(&self, term: Term, span: &Range<usize>) -> Result<Node> {
        let text = self.quote(span);
        if let Term::Bool(node) = term {
            return Ok(node);
        }
        let report = self.refuse(span, format!("{} is no truth value", term.describe()));
        Err(match term {
            term if term.is_string() => report.help(format!("compare it: {text} ~= ''")),
            Term::Int(..) => {
                let why = "in Lua 0 is true, in C it is false";
                report.help(format!("write: {text} ~= 0 ({why})"))
            }
            _ => report,
        }
        .into())
    }

    /// A part that must be an integer, or a pointer as one.
    pub(super) fn integer(&self, syntax: &Syntax) -> Result<Node> {
        let term = self.term(syntax)?;
        let is_string = term.is_string();
        match term {
            Term::Int(node, _) if !is_string => Ok(node),
            term => Err(self.no_number(&term, &syntax.span)),
        }
    }

    /// A part that must be a number to count with, and its type. Pointers are none, unless to single bytes.
    pub(super) fn number(&self, syntax: &Syntax) -> Result<(Node, Type)> {
        let term = self.term(syntax)?;
        match term {
            Term::Int(node, ty) if !matches!(ty, Type::Pointer { .. }) || is_byte_pointer(&ty) => {
                Ok((node, ty))
            }
            Term::Int(_, ref ty) if !term.is_string() => {
                let text = self.quote(&syntax.span);
                let message = format!("a number is wanted, and this is a pointer ({ty})");
                let report = self.refuse(&syntax.span, message);
                let help = format!("its address is ptr({text}), what it points to {text}[0]");
                Err(report.help(help).into())
            }
            term => Err(self.no_number(&term, &syntax.span)),
        }
    }

    fn no_number(&self, term: &Term, span: &Range<usize>) -> Refusal {
        let text = self.quote(span);
        let message = format!("a number is wanted, and this is {}", term.describe());
        let report = self.refuse(span, message);
        match term {
            Term::Bool(_) => report.help(format!("write: {text} and 1 or 0")),
            Term::Int(..) | Term::Memory { .. } => {
                report.help(format!("its address is ptr({text})"))
            }
            _ => report,
        }
        .into()
    }
}
