//! What a chain does with sets: it looks into them, and changes them.

use super::{Chain, end, on_open, source};
use crate::lua::call::Call;
use crate::lua::types::set::Set;
use crate::spec::{Ending, SetId, Step};
use mlua::Value;

const KEY: &str = "what is looked for in the set as a text";

/// `:within(set, key)` and `:without(set, key)`.
pub(super) fn look(call: &Call<'_>, chain: &mut Chain, there: bool) -> mlua::Result<()> {
    let set = set(call)?;
    let key = source(call, 2, KEY)?;
    chain.steps.push(Step::Member { set, key, there });
    Ok(())
}

/// `:add(set, key)` and `:remove(set, key)`.
pub(super) fn change(call: &Call<'_>, there: bool) -> mlua::Result<Value> {
    on_open(call, |chain| {
        let set = set(call)?;
        let key = source(call, 2, "a member of the set as a text")?;
        end(call, chain, Ending::Change { set, key, there })
    })?;
    Ok(call.value(0))
}

/// The set that a call's first argument is.
fn set(call: &Call<'_>) -> mlua::Result<SetId> {
    let set = match call.value(1) {
        Value::UserData(data) => data.borrow::<Set>().ok().map(|set| set.id()),
        _ => None,
    };
    let example = format!("{}(s, \"pid\")", call.name());
    set.ok_or_else(|| {
        let message = format!("{} takes a set and a key", call.name());
        call.fail_with_help(message, Some(format!("write: {example}")))
    })
}
