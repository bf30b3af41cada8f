//! What may stand in a text that is not whole yet.

use super::Scope;
use super::checker::Checker;
use super::limits::Work;
use super::term::Term;
use crate::expr::parse;
use crate::expr::types::Type;
use crate::spec::Source;

/// The type of what a text is, for those who go on from there; `None` where it is nothing, or nothing that has a type (a
/// stack, a buffer).
pub fn type_of(source: &Source, scope: &Scope<'_>) -> Option<Type> {
    let syntax = parse::expression(&source.text).ok()?;
    let work = Work::default();
    match Checker::new(source, scope, &work).term(&syntax).ok()? {
        Term::Int(_, ty) | Term::Memory { ty, .. } => Some(ty),
        Term::Bool(_) => Some(Type::Bool),
        Term::Text(_) => Some(Type::Str),
        Term::Elements(nodes, of) => Some(Type::Array {
            of: Box::new(of),
            length: nodes.len().try_into().ok()?,
        }),
        Term::Counted { of, .. } => Some(Type::Array {
            of: Box::new(of),
            length: 0,
        }),
        Term::Stack(_) | Term::Symbol(_) | Term::Bytes { .. } => None,
    }
}
