//! Flame graphs: methods of whatever has rows.

use super::snapshot::{Readable, Snapshot};
use super::tally::Tally;
use crate::lua::call::Call;
use crate::lua::tallies::Picture;
use crate::report::did_you_mean;
use crate::rows::{Flame, Table};
use mlua::Value;

/// What both have to say of the file.
const FILE: &str = "a file's name such as \"cpu.svg\"";

/// `{ column =, title = }`, which may be left out.
fn flame(call: &Call<'_>, index: usize) -> mlua::Result<Flame> {
    const NAMES: [&str; 2] = ["column", "title"];
    let options = match call.value(index) {
        Value::Nil => return Ok(Flame::default()),
        Value::Table(options) => options,
        _ => return Err(call.wrong(index, "a table: { column =, title = }")),
    };
    let mut flame = Flame::default();
    for pair in options.pairs::<String, Value>() {
        match pair? {
            (name, Value::String(column)) if name == "column" => {
                flame.column = Some(column.to_string_lossy());
            }
            (name, Value::String(title)) if name == "title" => {
                flame.title = Some(title.to_string_lossy());
            }
            (name, value) if NAMES.contains(&name.as_str()) => {
                return Err(call.fail(format!("'{name}' is a text, not a {}", value.type_name())));
            }
            (name, _) => {
                let help = did_you_mean(&name, NAMES);
                return Err(call.fail_with_help(format!("no option '{name}'"), help));
            }
        }
    }
    Ok(flame)
}

/// In the body of a script it says how the tally is shown at exit; later it draws at once.
pub(super) fn flamegraph_of_tally(call: &Call<'_>) -> mlua::Result<Value> {
    let (file, flame) = (call.text(1, FILE)?, flame(call, 2)?);
    let tally = call.this::<Tally>()?;
    if call.script.in_body.get() {
        // Better now than when all is counted.
        call.check(call.script.session.may_write(&file))?;
        let place = call.place();
        let picture = Picture { flame, file, place };
        call.script.tallies.add_picture(tally.id(), picture);
    } else {
        draw(call, &*tally.read(call)?, &flame, &file)?;
    }
    Ok(call.value(0))
}

pub(super) fn flamegraph_of_snapshot(call: &Call<'_>) -> mlua::Result<Value> {
    let (file, flame) = (call.text(1, FILE)?, flame(call, 2)?);
    draw(call, &*call.this::<Snapshot>()?.read(call)?, &flame, &file)?;
    Ok(Value::Nil)
}

fn draw(call: &Call<'_>, table: &Table, flame: &Flame, file: &str) -> mlua::Result<()> {
    call.check(call.script.session.draw(table, flame, file))
}

/// `:folded([file][, options])`: the text, or nothing where a file gets it.
pub(super) fn folded<T: Readable>(call: &Call<'_>) -> mlua::Result<Value> {
    let (file, options) = match call.value(1) {
        Value::String(_) => (Some(call.text(1, FILE)?), 2),
        Value::Nil => (None, 2),
        _ => (None, 1),
    };
    let flame = flame(call, options)?;
    let table = call.this::<T>()?.read(call)?;
    let text = call.check(call.script.session.folded(&table, &flame))?;
    match file {
        Some(file) => {
            call.check(call.script.session.write_file(&file, &text))?;
            Ok(Value::Nil)
        }
        None => Ok(Value::String(call.lua.create_string(text)?)),
    }
}
