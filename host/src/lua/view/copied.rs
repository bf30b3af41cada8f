//! Copied structs and arrays as tables, made when they are read.

use super::push_bytes;
use crate::event::copied::{Content, Copied};
use mlua::ffi::{self, lua_State};
use std::ffi::c_int;

/// Pushes a struct as a table by member, an array as one by index from 0 (as paths count), anything else as its value.
/// Integers are numbers: their names are for people.
///
/// # Safety
/// In a C function, with two slots free. It may raise; nothing here has to be dropped.
pub(super) unsafe fn push_copied(state: *mut lua_State, copied: Copied<'_>) {
    // SAFETY: the caller's promise; `luaL_checkstack` makes room for what is pushed at this depth.
    unsafe {
        match copied.content() {
            Content::Nil => ffi::lua_pushnil(state),
            Content::Bool(value) => ffi::lua_pushboolean(state, value.into()),
            Content::Int(value, ..) => ffi::lua_pushinteger(state, value as i64),
            Content::Text(bytes) => push_bytes(state, bytes),
            Content::Address(text) => push_bytes(state, text.bytes()),
            Content::List(elements) => {
                ffi::luaL_checkstack(state, 4, c"a struct within structs".as_ptr());
                ffi::lua_createtable(state, elements.len() as c_int, 1);
                for (number, element) in elements.iter().enumerate() {
                    push_copied(state, element);
                    ffi::lua_rawseti(state, -2, number as i64);
                }
            }
            Content::Struct(members) => {
                ffi::luaL_checkstack(state, 4, c"a struct within structs".as_ptr());
                ffi::lua_createtable(state, 0, members.len() as c_int);
                for (part, member) in members.iter() {
                    push_bytes(state, part.name.as_bytes());
                    push_copied(state, member);
                    ffi::lua_rawset(state, -3);
                }
            }
        }
    }
}
