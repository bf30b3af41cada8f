//! What of the API may be called, and what that gives: for those who follow a chain as it is typed.

use crate::lua::{api, printer, types};

/// Methods of a type of the API (`tally`), each with how a call of it is written (`:rows()`); of any other name none.
pub fn methods(of: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let methods = types::ALL
        .iter()
        .filter(move |known| known.name == of)
        .flat_map(|of| of.methods);
    methods.map(|method| (method.name, method.signature))
}

/// The API's functions, each with how a call of it is written: `probe(spec)`.
pub fn functions() -> impl Iterator<Item = (&'static str, &'static str)> {
    let functions = api::ALL.iter().flat_map(|namespace| namespace.functions);
    let printing = printer::FUNCTIONS.iter();
    functions
        .map(|entry| (entry.name, entry.signature))
        .chain(printing.map(|native| (native.name, native.signature)))
}

/// The type of the API that a method of one gives, or without one a function; `None` where it gives anything else.
pub fn given_by(of: Option<&str>, name: &str) -> Option<&'static str> {
    let functions = api::ALL.iter().flat_map(|namespace| namespace.functions);
    let mut all: Box<dyn Iterator<Item = _>> = match of {
        None => Box::new(functions),
        Some(of) => {
            let of = types::ALL.iter().find(|known| known.name == of)?;
            Box::new(of.methods.iter())
        }
    };
    let given = all.find(|entry| entry.name == name)?.gives;
    let given = given.strip_prefix("moontrace.")?;
    Some(types::ALL.iter().find(|of| of.name == given)?.name)
}
