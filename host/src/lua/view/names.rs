//! The names that an event has, and what reading one does.

use super::copy::{copy, push_part};
use super::{ALWAYS_THERE, View, push_bytes, raise};
use crate::lua::session::Site;
use mlua::ffi::{self, lua_State};
use std::collections::BTreeMap;
use std::ffi::{CStr, c_int, c_void};

const READ_ONLY: &CStr =
    c"an event's fields can't be set: e:copy() makes a table that can be changed";

/// Names under one part of a path: what `e` or `e.args` has.
#[derive(Default)]
pub(super) struct Names {
    /// The number of the field that is called so.
    field: Option<usize>,
    /// Those that go on behind this one.
    longer: BTreeMap<String, Self>,
}

impl Names {
    pub(super) fn of(site: &Site) -> Self {
        let mut root = Self::default();
        let names = site.layout.fields.iter().map(|field| field.name.as_str());
        for (number, name) in ALWAYS_THERE.into_iter().chain(names).enumerate() {
            let parts = name
                .split(['.', '['])
                .map(|part| part.trim_end_matches(']'));
            let leaf = parts.fold(&mut root, |node, part| {
                node.longer.entry(part.to_owned()).or_default()
            });
            leaf.field.get_or_insert(number);
        }
        root
    }
}

/// Where the fields of one part of the paths are found by their names' addresses: Lua has one string for all equal short
/// ones, and the table of names keeps these alive. Looking there spares Lua's own look-up, 15 ns a field.
pub(super) struct Fields {
    view: *const View,
    /// Addresses and numbers of fields, hashed by the address; more than half are free (null).
    slots: Vec<(*const c_void, usize)>,
}

impl Fields {
    fn new(view: *const View, named: &[(*const c_void, usize)]) -> Self {
        let size = (2 * named.len() + 1).next_power_of_two();
        let mut fields = Self {
            view,
            slots: vec![(std::ptr::null(), 0); size],
        };
        for entry in named {
            let mut at = fields.start(entry.0);
            while !fields.slots[at].0.is_null() {
                at = (at + 1) % size;
            }
            fields.slots[at] = *entry;
        }
        fields
    }

    /// Strings lie 8 bytes or more apart.
    #[inline]
    fn start(&self, name: *const c_void) -> usize {
        (name.addr() >> 3) & (self.slots.len() - 1)
    }

    #[inline]
    fn find(&self, name: *const c_void) -> Option<usize> {
        let mut at = self.start(name);
        loop {
            let (there, number) = *self.slots.get(at)?;
            if there.is_null() {
                return None;
            }
            if there == name {
                return Some(number);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }
}

/// Pushes the userdata of a part of the paths. Its metatable's `__index` looks names up in a table: a number is a field,
/// anything else is the value itself (the userdata of a longer path, a method).
///
/// # Safety
/// `view` must live as long as Lua. It may raise when memory runs out, which leaves nothing but garbage behind.
pub(super) unsafe fn push_names(
    state: *mut lua_State,
    view: *const View,
    of: &Names,
    is_event: bool,
) {
    let pointer: *mut c_void = view.cast_mut().cast();
    // SAFETY: `luaL_checkstack` makes room for what is pushed at this depth.
    unsafe {
        ffi::luaL_checkstack(state, 8, c"an event's path".as_ptr());
        ffi::lua_newuserdatauv(state, 0, 1);
        ffi::lua_createtable(state, 0, 4);
        ffi::lua_createtable(state, 0, of.longer.len() as c_int + 1);
        let mut named = Vec::new();
        for (name, names) in &of.longer {
            push_part(state, name);
            match names.field {
                Some(number) if names.longer.is_empty() || (*view).is_table(number) => {
                    named.push((ffi::lua_topointer(state, -1), number));
                    ffi::lua_pushinteger(state, number as i64);
                }
                _ => push_names(state, view, names, false),
            }
            ffi::lua_rawset(state, -3);
        }
        if is_event {
            ffi::lua_pushlightuserdata(state, pointer);
            ffi::lua_pushcclosure(state, copy, 1);
            ffi::lua_setfield(state, -2, c"copy".as_ptr());
        }
        let fields = Box::new(Fields::new(view, &named));
        let address: *const Fields = &raw const *fields;
        (*view).fields.borrow_mut().push(fields);
        ffi::lua_pushlightuserdata(state, address.cast_mut().cast());
        ffi::lua_pushcclosure(state, index, 2);
        ffi::lua_setfield(state, -2, c"__index".as_ptr());
        ffi::lua_pushcclosure(state, set_index, 0);
        ffi::lua_setfield(state, -2, c"__newindex".as_ptr());
        push_bytes(state, b"event");
        ffi::lua_setfield(state, -2, c"__name".as_ptr());
        ffi::lua_pushboolean(state, 0);
        ffi::lua_setfield(state, -2, c"__metatable".as_ptr());
        ffi::lua_setmetatable(state, -2);
    }
}

/// `e.NAME`: upvalue 1 is the table of names, upvalue 2 their [`Fields`].
unsafe extern "C-unwind" fn index(state: *mut lua_State) -> c_int {
    // SAFETY: Lua calls it with the userdata and a key, and with free slots; the view, which owns the fields, lives as
    // long as Lua.
    unsafe {
        let fields: *const Fields = ffi::lua_touserdata(state, ffi::lua_upvalueindex(2)).cast();
        if let Some(number) = (*fields).find(ffi::lua_topointer(state, 2)) {
            push(state, &*(*fields).view, number);
            return 1;
        }
        ffi::lua_pushvalue(state, 2);
        match ffi::lua_rawget(state, ffi::lua_upvalueindex(1)) {
            // A name too long for Lua to have once only.
            ffi::LUA_TNUMBER => {
                let number = ffi::lua_tointeger(state, -1) as usize;
                push(state, &*(*fields).view, number);
            }
            ffi::LUA_TNIL => return unknown(state),
            _ => {}
        }
        1
    }
}

/// # Safety
/// As [`index`].
#[inline]
unsafe fn push(state: *mut lua_State, view: &View, number: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        match view.comm {
            Some(comm) if comm == number => view.push_comm(state, number),
            _ => view.push_field(state, number),
        }
    }
}

unsafe extern "C-unwind" fn set_index(state: *mut lua_State) -> c_int {
    // SAFETY: as for `index`.
    unsafe { raise(state, READ_ONLY) }
}

/// Raises what reading a name that was not fetched says.
///
/// # Safety
/// As [`index`].
unsafe fn unknown(state: *mut lua_State) -> c_int {
    // SAFETY: as for `index`. `luaL_tolstring` gives a string that stays on the stack.
    unsafe {
        let mut length = 0;
        let name = ffi::luaL_tolstring(state, 2, &raw mut length);
        ffi::luaL_where(state, 1);
        push_bytes(state, b"the event has no field '");
        ffi::lua_pushlstring(state, name, length);
        push_bytes(state, b"': it was not fetched (name it in :fetch)");
        ffi::lua_concat(state, 4);
        ffi::lua_error(state)
    }
}

/// # Safety
/// In a closure of the view's, whose upvalue of that number is the view.
pub(super) unsafe fn view(state: *mut lua_State, upvalue: c_int) -> *const View {
    // SAFETY: the caller's promise.
    unsafe {
        ffi::lua_touserdata(state, ffi::lua_upvalueindex(upvalue))
            .cast_const()
            .cast()
    }
}
