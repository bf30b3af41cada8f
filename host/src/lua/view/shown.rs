//! What `tostring` makes of a copied struct or array: what the default printing shows.

use crate::layout::Shape;
use crate::lua::session::Session;
use crate::rows;
use mlua::ffi::{self, lua_State};
use mlua::{Lua, Table, Value};
use std::ffi::c_void;
use std::rc::Rc;
use std::sync::Arc;

/// Tables within tables that a handler has set; those in them are `…`.
const DEPTH: u32 = 4;

/// Makes the metatables of tables of a shape and of those within it. Lua's registry keeps them under the shape's address, so
/// that the shape must stay where it is for as long as Lua lives.
pub(super) fn furnish(lua: &Lua, session: &Rc<dyn Session>, shape: &Shape) -> mlua::Result<()> {
    match shape {
        Shape::Struct(parts) => {
            for part in parts {
                furnish(lua, session, &part.shape)?;
            }
        }
        Shape::Array { of, .. } => furnish(lua, session, of)?,
        _ => return Ok(()),
    }
    let (session, known) = (Rc::clone(session), shape.clone());
    let text = lua.create_function(move |lua, table: Value| {
        lua.create_string(session.shown(&value(&known, table)))
    })?;
    let metatable = lua.create_table()?;
    metatable.raw_set("__tostring", text)?;
    // It is nobody's to change.
    metatable.raw_set("__metatable", false)?;
    // SAFETY: the metatable is the one value on the stack, which `lua_rawsetp` takes.
    unsafe {
        lua.exec_raw::<()>(metatable, |state| {
            ffi::lua_rawsetp(state, ffi::LUA_REGISTRYINDEX, key(shape))
        })
    }
}

fn key(shape: &Shape) -> *const c_void {
    std::ptr::from_ref(shape).cast()
}

/// Gives the table on top, which was made of that shape, its metatable.
///
/// # Safety
/// A table on top, a slot free.
pub(super) unsafe fn dress(state: *mut lua_State, shape: &Shape) {
    // SAFETY: the caller's promise.
    unsafe {
        match ffi::lua_rawgetp(state, ffi::LUA_REGISTRYINDEX, key(shape)) {
            ffi::LUA_TTABLE => ffi::lua_setmetatable(state, -2),
            _ => {
                ffi::lua_pop(state, 1);
                0
            }
        };
    }
}

/// The value that Lua's stands for. A handler may have set others than those that were copied.
fn value(shape: &Shape, of: Value) -> rows::Value {
    match (shape, of) {
        (Shape::Struct(parts), Value::Table(table)) => {
            let member = |name: &str| table.raw_get(name).unwrap_or(Value::Nil);
            let members = parts.iter().map(|part| {
                (
                    Arc::clone(&part.name),
                    value(&part.shape, member(&part.name)),
                )
            });
            rows::Value::Struct(members.collect())
        }
        (Shape::Array { of, length, .. }, Value::Table(table)) => {
            let elements = (0..*length).map(|number| table.raw_get(number).unwrap_or(Value::Nil));
            let there = elements.take_while(|element| !element.is_nil());
            rows::Value::List(there.map(|element| value(of, element)).collect())
        }
        (Shape::Int(int, shown), Value::Integer(number)) => {
            let number = match int.signed {
                true => number.into(),
                false => i128::from(number as u64),
            };
            match shown {
                Some(shown) => rows::Value::Named(number, shown.clone()),
                None => rows::Value::of_integer(number),
            }
        }
        (_, other) => plain(other, DEPTH),
    }
}

/// What is there in place of a copied value: of a pointer, what the handler reads behind it.
fn plain(of: Value, depth: u32) -> rows::Value {
    match of {
        Value::Boolean(value) => rows::Value::Bool(value),
        Value::Integer(value) => rows::Value::Int(value),
        Value::Number(value) => rows::Value::Float(value),
        Value::String(value) => rows::Value::Str(value.as_bytes().to_vec()),
        Value::Table(table) if depth > 0 => rows::Value::Struct(members(&table, depth - 1)),
        Value::Table(_) => rows::Value::Str("…".into()),
        _ => rows::Value::Nil,
    }
}

/// What a table has by names, in their order.
fn members(table: &Table, depth: u32) -> Vec<(Arc<str>, rows::Value)> {
    let pairs = table.pairs::<mlua::LuaString, Value>().flatten();
    let named = pairs.map(|(name, of)| (Arc::from(name.to_string_lossy()), plain(of, depth)));
    let mut members: Vec<(Arc<str>, rows::Value)> = named.collect();
    members.sort_by(|a, b| a.0.cmp(&b.0));
    members
}
