//! Syntax + names → typed tree. Every mistake that a text can have is found here, with its place in it.

mod columns;
mod functions;
mod members;
mod operators;
mod paths;

pub use columns::{ColumnFunction, ColumnItem, columns};

use super::names::{Meaning, Names};
use super::parse;
use super::syntax::{Kind, Syntax, Unary};
use super::tree::{Current, Node, Relation, Slot, Text};
use super::types::{Int, Space, Type};
use crate::report::{Report, did_you_mean};
use crate::spec::{Definition, Given, Member, Source, VarId};
use moontrace_abi::limits::STRING;
use std::collections::BTreeMap;
use std::ops::Range;

/// What the names in a text may mean.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub names: &'a dyn Names,
    /// `$name`
    pub given: &'a BTreeMap<String, Given>,
    pub definitions: &'a [Definition],
    /// What earlier texts of the chain gave names to.
    pub bound: &'a [(String, Checked)],
    /// Where a `var` lies.
    pub slots: &'a dyn Fn(VarId) -> Slot,
}

/// An item of a list, or what a handler reads.
#[derive(Clone, Debug, PartialEq)]
pub enum Checked {
    Int(Node, Type),
    Condition(Node),
    Text(Text),
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

/// Why a text can't be had.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub report: Report,
    /// The only mistake is a field that this probe doesn't have: another match of the same pattern may.
    pub missing: bool,
}

type Result<T> = std::result::Result<T, Refusal>;

/// A text that must be a truth value.
///
/// # Errors
/// One refusal, placed.
pub fn condition(source: &Source, scope: &Scope<'_>) -> Result<Node> {
    let syntax = parse::expression(&source.text).map_err(|report| placed(report, source))?;
    let checker = Checker::new(source, scope);
    let term = checker.term(&syntax).map_err(|refusal| at(refusal, source))?;
    checker.truth(term, &syntax.span).map_err(|refusal| at(refusal, source))
}

/// A text that is a list: `[name =] expr, …`. Later items may use the names of earlier ones.
///
/// # Errors
/// All mistakes of the list.
pub fn list(source: &Source, scope: &Scope<'_>) -> std::result::Result<Vec<Item>, Vec<Refusal>> {
    let parsed = parse::list(&source.text).map_err(|report| vec![placed(report, source)])?;
    let mut bound = scope.bound.to_vec();
    let (mut items, mut refusals) = (Vec::<Item>::new(), Vec::new());
    for named in parsed {
        let checker = Checker::new(source, &Scope { bound: &bound, ..*scope });
        let name = named.name.unwrap_or_else(|| name_of(&named.syntax, &source.text));
        let checked = if items.iter().any(|item| item.name == name) {
            let report = checker.refuse(&named.syntax.span, format!("two items are called '{name}'"));
            Err(report.help(format!("give one of them another name: other = {}", &source.text[named.syntax.span.clone()])))
                .map_err(Refusal::from)
        } else {
            checker.item(&named.syntax)
        };
        match checked {
            Ok(checked) => {
                bound.push((name.clone(), checked.clone()));
                items.push(Item { name, checked });
            }
            Err(refusal) => refusals.push(at(refusal, source)),
        }
    }
    if refusals.is_empty() { Ok(items) } else { Err(refusals) }
}

/// What a handler reads of its event: a path such as `args.filename`.
///
/// # Errors
/// One refusal, placed.
pub fn path(source: &Source, scope: &Scope<'_>) -> Result<Checked> {
    let syntax = parse::expression(&source.text).map_err(|report| placed(report, source))?;
    Checker::new(source, scope).item(&syntax).map_err(|refusal| at(refusal, source))
}

/// What an unnamed item is called.
fn name_of(syntax: &Syntax, text: &str) -> String {
    match &syntax.kind {
        Kind::Member(_, name, _) | Kind::Name(name) | Kind::Given(name) => name.clone(),
        _ => text[syntax.span.clone()].trim().to_string(),
    }
}

fn placed(report: Report, source: &Source) -> Refusal {
    Refusal { report: report.at(source.place.clone()), missing: false }
}

fn at(refusal: Refusal, source: &Source) -> Refusal {
    Refusal { report: refusal.report.at(source.place.clone()), ..refusal }
}

impl From<Report> for Refusal {
    fn from(report: Report) -> Self {
        Self { report, missing: false }
    }
}

/// What a part of a text is.
#[derive(Clone, Debug)]
enum Term {
    /// An integer, or a pointer: one to `char` reads as a string where one is wanted.
    Int(Node, Type),
    Bool(Node),
    Text(Text),
    /// Memory at `base + offset`.
    Memory { base: Node, offset: i32, space: Space, ty: Type },
    /// An array whose elements don't lie side by side.
    Elements(Vec<Node>, Type),
}

impl Term {
    /// As messages call it.
    fn describe(&self) -> String {
        match self {
            Self::Int(_, Type::Pointer { to, .. }) if **to == Type::Char => "a string".into(),
            Self::Int(_, ty @ Type::Pointer { .. }) => format!("a pointer ({ty})"),
            Self::Int(..) => "a number".into(),
            Self::Bool(_) => "a truth value".into(),
            Self::Text(_) => "a string".into(),
            Self::Memory { ty: Type::Array { of, .. }, .. } if **of == Type::Char => "a string".into(),
            Self::Memory { ty, .. } => format!("a {ty}"),
            Self::Elements(..) => "an array".into(),
        }
    }

    fn constant(value: i128) -> Self {
        let node = Node::Const(value);
        let ty = Type::Int(node.int());
        Self::Int(node, ty)
    }
}

/// One text, being checked.
struct Checker<'a> {
    text: &'a str,
    scope: Scope<'a>,
    /// The arguments of the definition whose body this is.
    parameters: Vec<(String, Term)>,
    /// Definitions that are being expanded.
    expanding: Vec<&'a str>,
}

impl<'a> Checker<'a> {
    fn new(source: &'a Source, scope: &Scope<'a>) -> Self {
        Self { text: &source.text, scope: *scope, parameters: Vec::new(), expanding: Vec::new() }
    }

    fn refuse(&self, span: &Range<usize>, message: impl Into<String>) -> Report {
        Report::new(message).pointing(self.text, span.clone())
    }

    /// A refusal that another match of the same pattern may not have.
    fn missing(&self, span: &Range<usize>, message: String, help: Option<String>) -> Refusal {
        let report = Report { help, ..self.refuse(span, message) };
        Refusal { report, missing: true }
    }

    fn term(&self, syntax: &Syntax) -> Result<Term> {
        let span = &syntax.span;
        match &syntax.kind {
            Kind::Number(value) => Ok(Term::constant(*value)),
            Kind::Str(bytes) => Ok(Term::Text(Text::Literal(bytes.clone()))),
            Kind::Bool(value) => Ok(Term::Bool(truth_of(*value))),
            Kind::Name(name) => self.word(name, span),
            Kind::Given(name) => self.given(name, span),
            Kind::Member(base, name, name_span) => self.member(base, name, name_span),
            Kind::Index(base, index) => self.index(base, index),
            Kind::Call(name, arguments) => self.call(name, arguments, span),
            Kind::Unary(Unary::Not, of) => {
                let node = self.condition(of)?;
                Ok(Term::Bool(Node::Not(Box::new(node))))
            }
            Kind::Unary(operator, of) => self.unary(*operator, of),
            Kind::Binary(operator, a, b) => self.binary(*operator, a, b, span),
            Kind::InList(value, items) => self.in_list(value, items),
            Kind::InGiven(value, name, name_span) => self.in_given(value, name, name_span),
            Kind::Tuple(_) => {
                Err(self.refuse(span, "a tuple stands before 'in' only").help("write: (a, b) in $name").into())
            }
        }
    }

    /// A part that must be a truth value.
    fn condition(&self, syntax: &Syntax) -> Result<Node> {
        self.truth(self.term(syntax)?, &syntax.span)
    }

    fn truth(&self, term: Term, span: &Range<usize>) -> Result<Node> {
        let text = &self.text[span.clone()];
        match term {
            Term::Bool(node) => Ok(node),
            Term::Int(_, Type::Pointer { to, .. }) if *to == Type::Char => Err(self.not_true("a string", text, span)),
            Term::Int(..) => {
                let report = self.refuse(span, "a number is no truth value");
                Err(report.help(format!("write: {text} ~= 0 (in Lua 0 is true, in C it is false)")).into())
            }
            other => Err(self.not_true(&other.describe(), text, span)),
        }
    }

    fn not_true(&self, what: &str, text: &str, span: &Range<usize>) -> Refusal {
        let help = format!("compare it: {text} ~= ''");
        let report = self.refuse(span, format!("{what} is no truth value"));
        if what == "a string" { report.help(help).into() } else { report.into() }
    }

    /// A part that must be an integer, or a pointer as one.
    fn integer(&self, syntax: &Syntax) -> Result<Node> {
        match self.term(syntax)? {
            Term::Int(_, Type::Pointer { to, .. }) if *to == Type::Char => {
                let report = self.refuse(&syntax.span, "a number is wanted, and this is a string");
                Err(report.help(format!("its address is ptr({})", &self.text[syntax.span.clone()])).into())
            }
            Term::Int(node, _) => Ok(node),
            Term::Bool(_) => {
                let report = self.refuse(&syntax.span, "a number is wanted, and this is a truth value");
                Err(report.help(format!("write: {} and 1 or 0", &self.text[syntax.span.clone()])).into())
            }
            other => {
                let message = format!("a number is wanted, and this is {}", other.describe());
                Err(self.refuse(&syntax.span, message).into())
            }
        }
    }

    /// The string that a term is, where it is one.
    fn string_of(&self, term: &Term) -> Option<Text> {
        match term {
            Term::Text(text) => Some(text.clone()),
            Term::Int(node, Type::Pointer { to, space }) if **to == Type::Char => {
                let address = Box::new(node.clone());
                Some(Text::Read { space: *space, address, capacity: STRING as u16 })
            }
            Term::Memory { base, offset, space, ty: Type::Array { of, length } } if **of == Type::Char => {
                let capacity = if *length == 0 { STRING } else { (*length as usize).min(STRING) };
                let address = Box::new(plus(base.clone(), i64::from(*offset)));
                Some(Text::Read { space: *space, address, capacity: capacity as u16 })
            }
            _ => None,
        }
    }

    /// A part that must be a string.
    fn string(&self, syntax: &Syntax) -> Result<Text> {
        let term = self.term(syntax)?;
        self.string_of(&term).ok_or_else(|| {
            let report = self.refuse(&syntax.span, format!("a string is wanted, and this is {}", term.describe()));
            match term {
                Term::Int(..) => report.help(format!("the string at an address is str({})", &self.text[syntax.span.clone()])),
                _ => report,
            }
            .into()
        })
    }

    /// An item of a list: anything that has one value.
    fn item(&self, syntax: &Syntax) -> Result<Checked> {
        if let Kind::Name(name) = &syntax.kind {
            match name.as_str() {
                "probe" => return Ok(Checked::Probe),
                "func" => return Ok(Checked::Func),
                "time" => return Ok(Checked::Time),
                "cpu" => return Ok(Checked::Cpu),
                _ => {}
            }
        }
        let term = self.term(syntax)?;
        if let Some(text) = self.string_of(&term) {
            return Ok(Checked::Text(text));
        }
        match term {
            Term::Int(node, ty) => Ok(Checked::Int(node, ty)),
            Term::Bool(node) => Ok(Checked::Condition(node)),
            Term::Text(text) => Ok(Checked::Text(text)),
            Term::Elements(..) => {
                let text = &self.text[syntax.span.clone()];
                let report = self.refuse(&syntax.span, format!("{text} is an array, which has no single value"));
                Err(report.help(format!("name an element: {text}[0]")).into())
            }
            Term::Memory { ty, .. } => {
                let message = format!("{} is {}, which has no single value", &self.text[syntax.span.clone()], describe_memory(&ty));
                let report = self.refuse(&syntax.span, message);
                Err(match &ty {
                    Type::Struct(of) => {
                        let members = self.scope.names.members(of);
                        report.help(format!("name a member: {}", members.into_iter().take(6).collect::<Vec<_>>().join(", ")))
                    }
                    Type::Array { .. } => report.help("name an element: x[0]"),
                    _ => report,
                }
                .into())
            }
        }
    }

    /// A word that stands alone.
    fn word(&self, name: &str, span: &Range<usize>) -> Result<Term> {
        if let Some((_, term)) = self.parameters.iter().find(|(parameter, _)| parameter == name) {
            return Ok(term.clone());
        }
        if let Some((_, checked)) = self.scope.bound.iter().rev().find(|(bound, _)| bound == name) {
            return Ok(match checked {
                Checked::Int(node, ty) => Term::Int(node.clone(), ty.clone()),
                Checked::Condition(node) => Term::Bool(node.clone()),
                Checked::Text(text) => Term::Text(text.clone()),
                Checked::Time => Term::Int(Node::Current(Current::Time), Type::Int(Int::U64)),
                Checked::Cpu => Term::Int(Node::Current(Current::Cpu), Type::Int(Int::U32)),
                Checked::Probe => return self.own_word("probe", span),
                Checked::Func => return self.own_word("func", span),
            });
        }
        self.own_word(name, span)
    }

    /// A word of the language, of the probe or of the kernel.
    fn own_word(&self, name: &str, span: &Range<usize>) -> Result<Term> {
        let current = |current: Current| {
            let node = Node::Current(current);
            let ty = Type::Int(node.int());
            Ok(Term::Int(node, ty))
        };
        match name {
            "pid" => return current(Current::Pid),
            "tid" => return current(Current::Tid),
            "uid" => return current(Current::Uid),
            "gid" => return current(Current::Gid),
            "cpu" => return current(Current::Cpu),
            "time" => return current(Current::Time),
            "cgroup" => return current(Current::Cgroup),
            "comm" => return Ok(Term::Text(Text::Comm)),
            "curtask" => {
                let ty = self.task(span)?;
                return Ok(Term::Int(Node::Current(Current::Task), ty));
            }
            "ppid" => return self.parent(span),
            "elapsed" | "from" => {
                let message = format!("'{name}' comes with spans and whole calls, which this version does not have yet");
                return Err(self.refuse(span, message).into());
            }
            "kstack" | "ustack" => {
                return Err(self.refuse(span, format!("'{name}' is not in this version yet")).into());
            }
            _ => {}
        }
        if let Some(meaning) = self.scope.names.builtin(name) {
            return Ok(meant(meaning));
        }
        if let Some(value) = self.scope.names.constant(name) {
            return Ok(Term::constant(value));
        }
        if let Some(why) = self.scope.names.absent(name) {
            return Err(self.missing(span, why, None));
        }
        let names = self.scope.names;
        if name == "args" {
            let message = format!("the arguments of {} have names: args.NAME", names.site());
            return Err(self.missing(span, message, list_of("there are", &names.arguments())));
        }
        if names.argument(name).is_some() {
            let help = Some(format!("the argument is args.{name}"));
            return Err(self.missing(span, format!("there is no '{name}' at {}", names.site()), help));
        }
        let mut known: Vec<String> = WORDS.iter().map(|word| (*word).into()).collect();
        known.extend(names.builtins());
        known.extend(names.arguments().iter().map(|name| format!("args.{name}")));
        known.extend(self.scope.bound.iter().map(|(name, _)| name.clone()));
        let help = did_you_mean(name, known.iter().map(String::as_str));
        Err(self.missing(span, format!("there is no '{name}' at {}", names.site()), help))
    }

    fn task(&self, span: &Range<usize>) -> Result<Type> {
        self.scope.names.task().ok_or_else(|| {
            let message = "this needs the kernel's type information (BTF), which this kernel doesn't give";
            self.refuse(span, message).help("the kernel option is CONFIG_DEBUG_INFO_BTF").into()
        })
    }

    /// `curtask.real_parent.tgid`
    fn parent(&self, span: &Range<usize>) -> Result<Term> {
        let task = Term::Int(Node::Current(Current::Task), self.task(span)?);
        let parent = self.member_of(task, "real_parent", span, "curtask")?;
        self.member_of(parent, "tgid", span, "curtask.real_parent")
    }

    fn given(&self, name: &str, span: &Range<usize>) -> Result<Term> {
        let only_in = |what: &str| {
            let report = self.refuse(span, format!("${name} is {what}, which stands behind 'in' only"));
            Refusal::from(report.help(format!("write: x in ${name}")))
        };
        match self.scope.given.get(name) {
            Some(Given::Int(value)) => Ok(Term::constant(i128::from(*value))),
            Some(Given::Bool(value)) => Ok(Term::Bool(truth_of(*value))),
            Some(Given::Str(bytes)) => Ok(Term::Text(Text::Literal(bytes.clone()))),
            Some(Given::Var(id, Member::Int(_))) => {
                let node = Node::Variable { slot: (self.scope.slots)(*id), int: Int::I64 };
                Ok(Term::Int(node, Type::Int(Int::I64)))
            }
            Some(Given::Var(id, Member::Str(_))) => Ok(Term::Text(Text::Variable((self.scope.slots)(*id)))),
            Some(Given::Var(_, Member::Tuple(_)) | Given::List(_)) => Err(only_in("a list")),
            Some(Given::Set(_)) => Err(only_in("a set")),
            Some(Given::Target) => Err(only_in("the set of traced processes")),
            Some(Given::Nil) => {
                let report = self.refuse(span, format!("the option ${name} was not given"));
                Err(report.help(format!("leave the step away without it: :where(opt.{name} and \"…\")")).into())
            }
            None if name == "target" => Err(only_in("the set of traced processes")),
            None => Err(self.no_given(name, span)),
        }
    }

    fn no_given(&self, name: &str, span: &Range<usize>) -> Refusal {
        let known = self.scope.given.keys().map(String::as_str);
        let help = did_you_mean(name, known).unwrap_or_else(|| format!("give it a value: :with{{ {name} = … }}"));
        self.refuse(span, format!("${name} has no value")).help(help).into()
    }
}

/// The words that every probe has.
const WORDS: [&str; 9] = ["pid", "tid", "uid", "gid", "cpu", "time", "cgroup", "comm", "ppid"];

fn truth_of(value: bool) -> Node {
    let relation = if value { Relation::Eq } else { Relation::Ne };
    Node::Compare(relation, Box::new(Node::Const(0)), Box::new(Node::Const(0)))
}

fn meant(meaning: Meaning) -> Term {
    match meaning {
        Meaning::Value(node, Type::Bool) => Term::Bool(node),
        Meaning::Value(node, ty) => Term::Int(node, ty),
        Meaning::String(text) => Term::Text(text),
        Meaning::Memory { address, space, ty } => Term::Memory { base: address, offset: 0, space, ty },
        Meaning::Elements(nodes, ty) => Term::Elements(nodes, ty),
    }
}

/// An address some bytes on.
fn plus(base: Node, offset: i64) -> Node {
    if offset == 0 {
        return base;
    }
    Node::Binary(super::tree::Op::Add, Box::new(base), Box::new(Node::Const(i128::from(offset))))
}

fn describe_memory(ty: &Type) -> String {
    match ty {
        Type::Struct(of) => of.name.clone(),
        Type::Array { .. } => "an array".into(),
        other => format!("a {other}"),
    }
}

/// `there are a, b, c and 5 more`, when there is anything.
fn list_of(intro: &str, names: &[String]) -> Option<String> {
    const SHOWN: usize = 8;
    let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => None,
        count if count > SHOWN => Some(format!("{intro} {shown} and {} more", count - SHOWN)),
        _ => Some(format!("{intro} {shown}")),
    }
}
