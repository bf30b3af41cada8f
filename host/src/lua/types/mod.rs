//! The API's values, one file each. A method is an entry in its type's table.

pub(crate) mod chain;
pub(crate) mod event;
mod flame;
pub(crate) mod histogram;
pub(crate) mod set;
pub(crate) mod snapshot;
pub(crate) mod span;
pub(crate) mod stack;
pub(crate) mod tally;
pub(crate) mod variable;

use super::call::{Call, Entry};
use super::error::Failure;
use super::script::Script;
use crate::report::{Report, did_you_mean};
use mlua::{AnyUserData, Lua, MetaMethod, MultiValue, UserDataMethods, UserDataRegistry, Value};

/// All that is known of a type.
pub(crate) struct Type {
    /// What messages and the documentation call a value of it.
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    /// A script, which works as it stands.
    pub(crate) example: &'static str,
    pub(crate) fields: &'static [Field],
    pub(crate) methods: &'static [Entry],
    /// Methods that the design names and this version lacks.
    pub(crate) later: &'static [&'static str],
}

/// What can be read of a value beside its methods.
pub(crate) struct Field {
    /// `#` is how many there are, `[integer]` what stands at a number, `[string]` at any other name.
    pub(crate) name: &'static str,
    /// In the words of the Lua language server.
    pub(crate) ty: &'static str,
    /// Whole sentences.
    pub(crate) doc: &'static str,
}

/// Every type, as the documentation lists them.
pub(crate) const ALL: [&Type; 9] = [
    &chain::TYPE,
    &event::TYPE,
    &tally::TYPE,
    &snapshot::TYPE,
    &histogram::TYPE,
    &span::TYPE,
    &stack::TYPE,
    &set::TYPE,
    &variable::TYPE,
];

/// The type of a value of the API.
pub(crate) fn of(data: &AnyUserData) -> Option<&'static Type> {
    let known: [(bool, &'static Type); 8] = [
        (data.is::<chain::Probe>(), &chain::TYPE),
        (data.is::<tally::Tally>(), &tally::TYPE),
        (data.is::<snapshot::Snapshot>(), &snapshot::TYPE),
        (data.is::<histogram::Hist>(), &histogram::TYPE),
        (data.is::<span::Span>(), &span::TYPE),
        (data.is::<stack::StackValue>(), &stack::TYPE),
        (data.is::<set::Set>(), &set::TYPE),
        (data.is::<variable::Variable>(), &variable::TYPE),
    ];
    known.into_iter().find(|(is, _)| *is).map(|(_, of)| of)
}

/// Gives the Rust type its methods; reading another name is an error with the nearest.
pub(crate) fn register<T>(registry: &mut UserDataRegistry<T>, of: &'static Type) {
    for entry in of.methods {
        registry.add_function(entry.name, move |lua, args: MultiValue| {
            Call::run(lua, entry, true, args)
        });
    }
    registry.add_meta_function(MetaMethod::Index, move |lua, (_, key): (Value, Value)| {
        Err::<(), _>(no_method(lua, of, &key.to_string()?)?)
    });
    registry.add_meta_function(MetaMethod::ToString, move |_, _: Value| Ok(of.name));
}

pub(super) fn no_method(lua: &Lua, of: &Type, name: &str) -> mlua::Result<mlua::Error> {
    let script = Script::of(lua)?;
    let message = match of.later.contains(&name) {
        true => format!("':{name}' comes in a later version"),
        false => format!("a {} has no '{name}'", of.name),
    };
    let names = of.methods.iter().map(|entry| entry.name);
    let is_step = chain::TYPE.methods.iter().any(|entry| entry.name == name);
    let help = match of.name {
        _ if of.later.contains(&name) => None,
        "tally" if is_step => Some(format!("':{name}' stands before the chain's ending")),
        _ => did_you_mean(name, names),
    };
    let report = Report {
        help,
        ..Report::new(message)
    }
    .at(script.here(lua));
    Ok(Failure::Reports(vec![script.chunks.point(report, name)]).into())
}
