//! `e:copy()`: an event that can be kept.

use super::names::view;
use super::{ALWAYS_THERE, LAYOUT, View, push_bytes};
use mlua::ffi::{self, lua_State};
use std::ffi::c_int;

/// `e:copy()`: a plain table of every field; upvalue 1 is the view.
pub(super) unsafe extern "C-unwind" fn copy(state: *mut lua_State) -> c_int {
    // SAFETY: as for `index`; `luaL_checkstack` makes room for the tables of a path.
    unsafe {
        let view = &*view(state, 1);
        ffi::lua_settop(state, 1);
        ffi::lua_createtable(state, 0, (LAYOUT + view.site.layout.fields.len()) as c_int);
        for (number, name) in ALWAYS_THERE.into_iter().enumerate() {
            view.push_field(state, number);
            set_part(state, 2, name);
        }
        for (number, field) in view.site.layout.fields.iter().enumerate() {
            set_path(state, view, number + LAYOUT, &field.name);
        }
        1
    }
}

/// Sets a field of the event in the table on top, by a path of its own tables.
///
/// # Safety
/// A table on top, in a C function of the view. It may raise; nothing here has to be dropped.
pub(super) unsafe fn set_path(state: *mut lua_State, view: &View, number: usize, path: &str) {
    // SAFETY: the caller's promise; `luaL_checkstack` makes room.
    unsafe {
        ffi::luaL_checkstack(state, 8, c"an event's path".as_ptr());
        let top = ffi::lua_gettop(state);
        ffi::lua_pushvalue(state, top);
        let mut rest = path;
        while let Some((part, longer)) = rest.split_once(['.', '[']) {
            enter_part(state, part.trim_end_matches(']'));
            rest = longer;
        }
        let part = rest.trim_end_matches(']');
        push_part(state, part);
        // A path may go on where this one ends: its table stays, unless this is all of it.
        if ffi::lua_rawget(state, top + 1) != ffi::LUA_TTABLE || view.is_table(number) {
            ffi::lua_settop(state, top + 1);
            view.push_field(state, number);
            set_part(state, top + 1, part);
        }
        ffi::lua_settop(state, top);
    }
}

/// Replaces the table on top by the one under a name in it, made when there is none.
///
/// # Safety
/// A table on top, four slots free.
unsafe fn enter_part(state: *mut lua_State, part: &str) {
    // SAFETY: the caller's promise.
    unsafe {
        push_part(state, part);
        if ffi::lua_rawget(state, -2) != ffi::LUA_TTABLE {
            ffi::lua_pop(state, 1);
            ffi::lua_createtable(state, 0, 1);
            push_part(state, part);
            ffi::lua_pushvalue(state, -2);
            ffi::lua_rawset(state, -4);
        }
        ffi::lua_remove(state, -2);
    }
}

/// Sets a field of the table at an index to the value on top, which it takes.
///
/// # Safety
/// A table at `table`, a value on top, a slot free.
unsafe fn set_part(state: *mut lua_State, table: c_int, part: &str) {
    // SAFETY: the caller's promise.
    unsafe {
        push_part(state, part);
        ffi::lua_insert(state, -2);
        ffi::lua_rawset(state, table);
    }
}

/// A part of a path as a script writes it: an index is a number.
///
/// # Safety
/// A slot free.
pub(super) unsafe fn push_part(state: *mut lua_State, part: &str) {
    // SAFETY: the caller's promise.
    unsafe {
        match part.parse() {
            Ok(index) => ffi::lua_pushinteger(state, index),
            Err(_) => push_bytes(state, part.as_bytes()),
        }
    }
}
