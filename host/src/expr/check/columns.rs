//! The columns of a tally: `[name =] count([cond]) | sum(e) | avg(e) | min(e) | max(e) | stats(e) | hist(e[, bits]) |
//! lhist(e, min, max, step)`.

use super::checker::Checker;
use super::definitions::values;
use super::limits::Work;
use super::{Refusal, Result, Scope};
use crate::expr::known::{Known, find};
use crate::expr::parse;
use crate::expr::syntax::{Kind, Syntax};
use crate::expr::tree::Node;
use crate::expr::walk::Branch;
use crate::report::did_you_mean;
use crate::spec::Source;
use moontrace_abi::bucket::{FINEST, Linear};
use moontrace_abi::limits::STEPS;

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
    Avg(Node),
    Min(Node),
    Max(Node),
    Stats(Node),
    /// Log2, with the bits that each power of two is split by.
    Hist(Node, u8),
    LinearHist(Node, Linear),
}

impl ColumnFunction {
    /// What is measured at each event.
    pub fn argument(&self) -> Option<&Node> {
        match self {
            Self::Count(argument) => argument.as_ref(),
            Self::Sum(argument)
            | Self::Avg(argument)
            | Self::Min(argument)
            | Self::Max(argument)
            | Self::Stats(argument)
            | Self::Hist(argument, _)
            | Self::LinearHist(argument, _) => Some(argument),
        }
    }
}

/// Each function.
pub(in crate::expr) static FUNCTIONS: [Known; 8] = [
    Known {
        name: "count",
        form: "count() or count(condition)",
        doc: "Events, or those for which the condition holds.",
        example: r#"probe "tracepoint:syscalls:sys_exit_openat"
  :by "comm" :tally "count(), failed = count(retval < 0)""#,
    },
    Known {
        name: "sum",
        form: "sum(number)",
        doc: "The sum of a value, which wraps at 64 bits.",
        example: r#"probe "tracepoint:syscalls:sys_exit_read" :where "retval > 0"
  :by "comm" :tally "reads = count(), bytes = sum(retval)""#,
    },
    Known {
        name: "avg",
        form: "avg(number)",
        doc: "The average of a value; nothing where there was no event.",
        example: r#"probe "tracepoint:syscalls:sys_exit_read"
  :by "comm" :tally "count(), us = avg(elapsed / 1us)""#,
    },
    Known {
        name: "min",
        form: "min(number)",
        doc: "The smallest value; nothing where there was no event.",
        example: r#"probe "tracepoint:syscalls:sys_exit_read"
  :by "comm" :tally "shortest = min(elapsed), longest = max(elapsed)""#,
    },
    Known {
        name: "max",
        form: "max(number)",
        doc: "The largest value; nothing where there was no event.",
        example: r#"probe "tracepoint:syscalls:sys_exit_read"
  :by "comm" :tally "shortest = min(elapsed), longest = max(elapsed)""#,
    },
    Known {
        name: "stats",
        form: "stats(number)",
        doc: "Count, sum, average, smallest and largest value.",
        example: r#"probe "tracepoint:syscalls:sys_exit_read"
  :by "comm" :tally "us = stats(elapsed / 1us)""#,
    },
    Known {
        name: "hist",
        form: "hist(number) or hist(number, bits)",
        doc: "How often values fell between powers of 2; with `bits` (0 to 5) each of these is split into that power of 2 equal parts.",
        example: r#"probe "tracepoint:syscalls:sys_enter_read"
  :by "comm" :tally "count(), sizes = hist(args.count, 1)""#,
    },
    Known {
        name: "lhist",
        form: "lhist(number, min, max, step)",
        doc: "How often values fell into equal steps, at most 1000; what is below `min`, and from `max` on, has a bucket of its own.",
        example: r#"probe "tracepoint:syscalls:sys_enter_read"
  :tally "count(), sizes = lhist(args.count, 0, 4096, 512)""#,
    },
];
const THERE_ARE: &str = "there are count, sum, avg, min, max, stats, hist and lhist";

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
            Ok(item) => {
                let argument = item.function.argument();
                let span = &named.syntax.span;
                argument
                    .into_iter()
                    .for_each(|node| checker.note(Branch::Node(node), span));
                items.push(item);
            }
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
            ("avg", [of]) => Ok((ColumnFunction::Avg(self.number(of)?.0), "avg")),
            ("min", [of]) => Ok((ColumnFunction::Min(self.number(of)?.0), "min")),
            ("max", [of]) => Ok((ColumnFunction::Max(self.number(of)?.0), "max")),
            ("stats", [of]) => Ok((ColumnFunction::Stats(self.number(of)?.0), "stats")),
            ("hist", [of]) => Ok((ColumnFunction::Hist(self.number(of)?.0, 0), "hist")),
            ("hist", [of, bits]) => {
                let (of, bits) = (self.number(of)?.0, self.bits(bits)?);
                Ok((ColumnFunction::Hist(of, bits), "hist"))
            }
            ("lhist", [of, min, max, step]) => {
                let (of, steps) = (self.number(of)?.0, self.steps(min, max, step)?);
                Ok((ColumnFunction::LinearHist(of, steps), "lhist"))
            }
            (name, _) if is_function(name) => {
                let message = format!("'{name}' is given {}", values(arguments.len()));
                let report = self.refuse(&syntax.span, message);
                Err(report.help(format!("write: {}", form_of(name))).into())
            }
            (name, _) => {
                let functions = FUNCTIONS.iter().map(|function| function.name);
                let help = did_you_mean(name, functions).unwrap_or_else(|| THERE_ARE.into());
                let report = self.refuse(&syntax.span, format!("'{name}' makes no column"));
                Err(report.help(help).into())
            }
        }
    }

    /// A number that is known before any event.
    fn known(&self, syntax: &Syntax) -> Result<i64> {
        let message = match self.number(syntax)?.0 {
            Node::Const(value) => match i64::try_from(value) {
                Ok(value) => return Ok(value),
                Err(_) => "this number has more than 63 bits",
            },
            _ => "this has to be known before any event: a number, or $name",
        };
        Err(self.refuse(&syntax.span, message).into())
    }

    fn bits(&self, syntax: &Syntax) -> Result<u8> {
        match u8::try_from(self.known(syntax)?) {
            Ok(bits) if bits <= FINEST => Ok(bits),
            _ => {
                let message = format!("a power of two is split by 0 to {FINEST} bits");
                let report = self.refuse(&syntax.span, message);
                Err(report.help("each bit halves the buckets: with 3, a bucket is at most an eighth of its values wide").into())
            }
        }
    }

    fn steps(&self, min: &Syntax, max: &Syntax, step: &Syntax) -> Result<Linear> {
        let steps = Linear {
            min: self.known(min)?,
            max: self.known(max)?,
            step: self.known(step)?,
        };
        if steps.step <= 0 {
            let report = self.refuse(&step.span, "a step is larger than 0");
            return Err(report.into());
        }
        if steps.max <= steps.min {
            let report = self.refuse(&max.span, "the end of the steps is above their start");
            return Err(report.help("write: lhist(number, min, max, step)").into());
        }
        if steps.steps() > STEPS {
            let message = format!(
                "these are {} steps, and there may be {STEPS}",
                steps.steps()
            );
            let span = steps.max.wrapping_sub(steps.min) as u64;
            let report = self.refuse(&step.span, message);
            return Err(report
                .help(format!("a step of {} would do", span.div_ceil(STEPS)))
                .into());
        }
        Ok(steps)
    }
}

fn is_function(name: &str) -> bool {
    find(&FUNCTIONS, name).is_some()
}

fn form_of(name: &str) -> &'static str {
    find(&FUNCTIONS, name).map_or("count()", |known| known.form)
}
