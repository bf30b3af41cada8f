//! The columns of a tally: `[name =] count([cond]) | sum(e) | hist(e)`.

use super::{Checker, Refusal, Result, Scope, at, placed};
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

const FUNCTIONS: [&str; 3] = ["count", "sum", "hist"];
const LATER: [&str; 6] = ["avg", "min", "max", "stats", "lhist", "last"];

/// A text that is a list of columns.
///
/// # Errors
/// All mistakes of the list.
pub fn columns(source: &Source, scope: &Scope<'_>) -> std::result::Result<Vec<ColumnItem>, Vec<Refusal>> {
    let parsed = parse::list(&source.text).map_err(|report| vec![placed(report, source)])?;
    let checker = Checker::new(source, scope);
    let (mut items, mut refusals) = (Vec::<ColumnItem>::new(), Vec::new());
    for named in parsed {
        match checker.column(&named.syntax) {
            Ok((function, word)) => {
                let name = named.name.unwrap_or_else(|| word.into());
                if items.iter().any(|item| item.name == name) {
                    let report = checker.refuse(&named.syntax.span, format!("two columns are called '{name}'"));
                    refusals.push(at(report.help("give one another name: other = …").into(), source));
                }
                items.push(ColumnItem { name, function });
            }
            Err(refusal) => refusals.push(at(refusal, source)),
        }
    }
    if items.is_empty() && refusals.is_empty() {
        let report = checker.refuse(&(0..0), "a tally needs a column");
        refusals.push(at(report.help("write: count()").into(), source));
    }
    if refusals.is_empty() { Ok(items) } else { Err(refusals) }
}

impl Checker<'_> {
    fn column(&self, syntax: &Syntax) -> Result<(ColumnFunction, &'static str)> {
        let Kind::Call(name, arguments) = &syntax.kind else {
            let report = self.refuse(&syntax.span, "a column is made by a function");
            return Err(report.help(format!("write: sum({})", &self.text[syntax.span.clone()])).into());
        };
        match (name.as_str(), arguments.as_slice()) {
            ("count", []) => Ok((ColumnFunction::Count(None), "count")),
            ("count", [condition]) => Ok((ColumnFunction::Count(Some(self.condition(condition)?)), "count")),
            ("sum", [of]) => Ok((ColumnFunction::Sum(self.integer(of)?), "sum")),
            ("hist", [of]) => Ok((ColumnFunction::Hist(self.integer(of)?), "hist")),
            ("hist", [_, bits]) => {
                Err(self.refuse(&bits.span, "finer histograms are not in this version yet").help("write: hist(e)").into())
            }
            (name, _) if FUNCTIONS.contains(&name) => {
                let message = format!("{name} does not take {} values", arguments.len());
                let help = if name == "count" { "write: count() or count(condition)".into() } else { format!("write: {name}(e)") };
                Err(self.refuse(&syntax.span, message).help(help).into())
            }
            (name, _) if LATER.contains(&name) => {
                let report = self.refuse(&syntax.span, format!("{name}() is not in this version yet"));
                Err(report.help("there are count, sum and hist").into())
            }
            (name, _) => {
                let report = self.refuse(&syntax.span, format!("'{name}' makes no column"));
                let help = did_you_mean(name, FUNCTIONS).unwrap_or_else(|| "there are count, sum and hist".into());
                Err(report.help(help).into())
            }
        }
    }
}
