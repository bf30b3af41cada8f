//! What the script defines: `define "f(x) = expr"`.

use super::checker::{Call, Checker};
use super::term::Term;
use super::{Refusal, Result};
use crate::expr::parse;
use crate::expr::syntax::Syntax;
use std::ops::Range;

impl Checker<'_> {
    /// The number of the definition that a name means here: the latest of those that may be used.
    pub(super) fn definition_named(&self, name: &str) -> Option<usize> {
        let all = self.scope.definitions;
        let count = self.call.as_ref().map_or(all.len(), |call| call.number);
        all[..count.min(all.len())]
            .iter()
            .rposition(|definition| definition.name == name)
    }

    /// Names of definitions that may be used here.
    pub(super) fn definitions(&self) -> impl Iterator<Item = &str> {
        let count = self.call.as_ref().map_or(usize::MAX, |call| call.number);
        self.scope
            .definitions
            .iter()
            .take(count)
            .map(|definition| definition.name.as_str())
    }

    /// What is said of a name that is defined, but not before the definition that uses it.
    pub(super) fn defined_too_late(&self, name: &str, span: &Range<usize>) -> Option<Refusal> {
        let call = self.call.as_ref()?;
        let number = self
            .scope
            .definitions
            .iter()
            .rposition(|definition| definition.name == name)?;
        let message = if number == call.number {
            String::from("this uses itself")
        } else {
            format!("'{name}' is defined after this")
        };
        let report = self.refuse(span, message);
        Some(
            report
                .help("a definition may use those that were made before it")
                .into(),
        )
    }

    /// A definition's body, in which parameters stand for the arguments.
    pub(super) fn expand(
        &self,
        number: usize,
        arguments: &[Syntax],
        span: &Range<usize>,
    ) -> Result<Term> {
        let Some(definition) = self.scope.definitions.get(number) else {
            return Err(self.refuse(span, "there is no such definition").into());
        };
        let (wanted, given) = (definition.parameters.len(), arguments.len());
        if wanted != given {
            let form = format!("{}({})", definition.name, definition.parameters.join(", "));
            let message = format!(
                "'{}' takes {}, not {given}",
                definition.name,
                values(wanted)
            );
            return Err(self
                .refuse(span, message)
                .help(format!("write: {form}"))
                .into());
        }
        let body = parse::expression(&definition.body)
            .map_err(|report| report.at(definition.place.clone()))?;
        let inner = Checker {
            text: &definition.body,
            place: &definition.place,
            scope: self.scope,
            work: self.work,
            call: Some(Call {
                number,
                arguments,
                caller: self,
            }),
        };
        inner.term(&body)
    }
}

/// `no value`, `1 value`, `2 values`
pub(super) fn values(count: usize) -> String {
    match count {
        0 => "no value".into(),
        1 => "1 value".into(),
        _ => format!("{count} values"),
    }
}
