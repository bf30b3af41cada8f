//! The columns of a tally: `[name =] count([cond]) | sum(e) | hist(e)`.

use super::checker::Checker;
use super::definitions::values;
use super::limits::Work;
use super::{Refusal, Result, Scope};
use crate::expr::parse;
use crate::expr::syntax::{Kind, Syntax};
use crate::expr::tree::Node;
use crate::report::did_you_mean;
use crate::spec::Source;

#[derive(Clone, Debug, PartialEq)]
pub struct ColumnItem {
    /// What the text calls it, else its function.
    pub name: String,
    pub function: ColumnFunction,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ColumnFunction {
    /// Of all events, or of those for which it holds.
    Count(Option<Node>),
    Sum(Node),
    /// Log2.
    Hist(Node),
}

impl ColumnFunction {
    /// What is measured at each event.
    pub fn argument(&self) -> Option<&Node> {
        match self {
            Self::Count(argument) => argument.as_ref(),
            Self::Sum(argument) | Self::Hist(argument) => Some(argument),
        }
    }
}

/// Each function with what it takes, for messages.
const FUNCTIONS: [(&str, &str); 3] = [
    ("count", "count() or count(condition)"),
    ("sum", "sum(number)"),
    ("hist", "hist(number)"),
];
const LATER: [&str; 5] = ["avg", "min", "max", "stats", "lhist"];
const THERE_ARE: &str = "there are count(), sum(number) and hist(number)";

/// A text that is a list of columns.
///
/// # Errors
/// All mistakes of the list, placed.
pub fn columns(
    source: &Source,
    scope: &Scope<'_>,
) -> std::result::Result<Vec<ColumnItem>, Vec<Refusal>> {
    let parsed =
        parse::list(&source.text).map_err(|report| vec![report.at(source.place.clone()).into()])?;
    let work = Work::default();
    let checker = Checker::new(source, scope, &work);
    let (mut items, mut refusals) = (Vec::<ColumnItem>::new(), Vec::new());
    for named in &parsed {
        let checked = checker.column(&named.syntax).and_then(|(function, word)| {
            let name = named.name.clone().unwrap_or_else(|| word.into());
            match items.iter().any(|item| item.name == name) {
                true => Err(checker.called_twice("columns", &name, &named.syntax.span)),
                false => Ok(ColumnItem { name, function }),
            }
        });
        match checked {
            Ok(item) => items.push(item),
            Err(refusal) => refusals.push(refusal),
        }
    }
    if parsed.is_empty() {
        let report = checker.refuse(&(0..source.text.len()), "a table needs a column");
        refusals.push(report.help("write: count()").into());
    }
    if refusals.is_empty() {
        Ok(items)
    } else {
        Err(refusals)
    }
}

impl Checker<'_> {
    fn column(&self, syntax: &Syntax) -> Result<(ColumnFunction, &'static str)> {
        let (name, arguments) = match &syntax.kind {
            Kind::Call(name, arguments) => (name.as_str(), arguments.as_slice()),
            other => {
                let help = match other {
                    Kind::Name(name) if is_function(name) => format!("write: {}", form_of(name)),
                    _ => format!("write: sum({})", self.quote(&syntax.span)),
                };
                let report = self.refuse(&syntax.span, "a column is made by a function");
                return Err(report.help(help).into());
            }
        };
        match (name, arguments) {
            ("count", []) => Ok((ColumnFunction::Count(None), "count")),
            ("count", [condition]) => {
                let condition = self.condition(condition)?;
                Ok((ColumnFunction::Count(Some(condition)), "count"))
            }
            ("sum", [of]) => Ok((ColumnFunction::Sum(self.number(of)?.0), "sum")),
            ("hist", [of]) => Ok((ColumnFunction::Hist(self.number(of)?.0), "hist")),
            ("hist", [_, bits]) => {
                let report =
                    self.refuse(&bits.span, "finer histograms are not in this version yet");
                Err(report.help("write: hist(number)").into())
            }
            (name, _) if is_function(name) => {
                let message = format!("'{name}' does not take {}", values(arguments.len()));
                let report = self.refuse(&syntax.span, message);
                Err(report.help(format!("write: {}", form_of(name))).into())
            }
            (name, _) if LATER.contains(&name) => {
                let message = format!("'{name}' is not in this version yet");
                Err(self.refuse(&syntax.span, message).help(THERE_ARE).into())
            }
            (name, _) => {
                let functions = FUNCTIONS.iter().map(|(function, _)| *function);
                let help = did_you_mean(name, functions).unwrap_or_else(|| THERE_ARE.into());
                let report = self.refuse(&syntax.span, format!("'{name}' makes no column"));
                Err(report.help(help).into())
            }
        }
    }
}

fn is_function(name: &str) -> bool {
    FUNCTIONS.iter().any(|(function, _)| *function == name)
}

fn form_of(name: &str) -> &'static str {
    let found = FUNCTIONS.iter().find(|(function, _)| *function == name);
    found.map_or("count()", |(_, form)| form)
}
