//! Copied structs and arrays as tables, made when they are read.

use super::copy::set_path;
use super::shown::dress;
use super::{LAYOUT, View, push_bytes};
use crate::event::copied::{self, Copied};
use crate::plan::Content;
use mlua::ffi::{self, lua_State};
use std::ffi::c_int;

impl View {
    /// Is this field a table to Lua?
    pub(super) fn is_table(&self, number: usize) -> bool {
        let field = number
            .checked_sub(LAYOUT)
            .and_then(|number| self.site.layout.fields.get(number));
        let content = field.map(|field| &field.content);
        matches!(content, Some(Content::Copied { shape, .. }) if shape.has_parts())
    }

    /// Sets in the table on top, which that field is, what the handler reads by paths that go on from there: pointers
    /// followed and strings read.
    ///
    /// # Safety
    /// As [`Self::push_field`].
    pub(super) unsafe fn set_paths_within(&self, state: *mut lua_State, number: usize) {
        let fields = self.site.layout.fields.as_slice();
        let whole = number
            .checked_sub(LAYOUT)
            .and_then(|number| fields.get(number));
        let (Some(whole), true) = (whole, self.is_table(number)) else {
            return;
        };
        for (number, field) in fields.iter().enumerate() {
            let rest = field.name.strip_prefix(&whole.name);
            let Some(path) = rest.and_then(|rest| rest.strip_prefix(['.', '['])) else {
                continue;
            };
            // SAFETY: the caller's promise; a table is on top.
            unsafe { set_path(state, self, number + LAYOUT, path) };
        }
    }
}

/// Pushes a struct as a table by member, an array as one by index from 0 (as paths count), anything else as its value.
/// Integers are numbers: their names are for people.
///
/// # Safety
/// In a C function, with two slots free. It may raise; nothing here has to be dropped.
pub(super) unsafe fn push_copied(state: *mut lua_State, copied: Copied<'_>) {
    // SAFETY: the caller's promise; `luaL_checkstack` makes room for what is pushed at this depth.
    unsafe {
        match copied.content() {
            copied::Content::Nil | copied::Content::Null => ffi::lua_pushnil(state),
            copied::Content::Bool(value) => ffi::lua_pushboolean(state, value.into()),
            copied::Content::Int(value, ..) => ffi::lua_pushinteger(state, value as i64),
            copied::Content::Text(bytes) | copied::Content::Bytes(bytes) => {
                push_bytes(state, bytes)
            }
            copied::Content::Address(text) => push_bytes(state, text.bytes()),
            copied::Content::List(elements) => {
                ffi::luaL_checkstack(state, 4, c"a struct within structs".as_ptr());
                ffi::lua_createtable(state, elements.len() as c_int, 1);
                dress(state, copied.shape());
                for (number, element) in elements.iter().enumerate() {
                    push_copied(state, element);
                    ffi::lua_rawseti(state, -2, number as i64);
                }
            }
            copied::Content::Struct(members) => {
                ffi::luaL_checkstack(state, 4, c"a struct within structs".as_ptr());
                ffi::lua_createtable(state, 0, members.len() as c_int);
                dress(state, copied.shape());
                for (part, member) in members.iter() {
                    push_bytes(state, part.name.as_bytes());
                    push_copied(state, member);
                    ffi::lua_rawset(state, -3);
                }
            }
        }
    }
}
