//! The event as a handler sees it: `e`, one reused userdata a site, whose fields are decoded when they are read.
//!
//! Written on Lua's stack itself: a table of eight fields made for each event cost 378 ns, mlua's own userdata 573,
//! this 220 (three fields read, one counted).

use super::session::Site;
use crate::event::record::{Datum, Record};
use crate::rows::Value;
use mlua::Lua;
use mlua::ffi::{self, lua_State};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::{CStr, c_int, c_void};
use std::rc::Rc;

/// A site's event. Lua holds its address, so it must stay where it is for as long as Lua lives.
pub(crate) struct View {
    site: Rc<Site>,
    /// The bytes that the running handler is called with.
    record: Cell<Option<(*const u8, usize)>>,
    /// `comm`, when it is fetched, and the last one: it seldom changes, and making a Lua string of it costs 20 ns.
    comm: Option<usize>,
    last_comm: Cell<[u8; COMM]>,
    /// The userdata in Lua's registry.
    userdata: Cell<c_int>,
}

/// Bytes of a `comm` with its NUL.
const COMM: usize = 16;

/// Fields that every event has, by number; the layout's follow.
const PROBE: usize = 0;
const TIME: usize = 1;
const CPU: usize = 2;
const LAYOUT: usize = 3;
const ALWAYS_THERE: [&str; LAYOUT] = ["probe", "time", "cpu"];

const EXPIRED: &CStr =
    c"the event is valid in its handler only: e:copy() makes one that can be kept";
const READ_ONLY: &CStr =
    c"an event's fields can't be set: e:copy() makes a table that can be changed";

/// Names under one part of a path: what `e` or `e.args` has.
#[derive(Default)]
struct Members {
    field: Option<usize>,
    members: BTreeMap<String, Self>,
}

impl Members {
    fn of(site: &Site) -> Self {
        let mut root = Self::default();
        let names = site.layout.fields.iter().map(|field| field.name.as_str());
        for (number, name) in ALWAYS_THERE.into_iter().chain(names).enumerate() {
            let parts = name
                .split(['.', '['])
                .map(|part| part.trim_end_matches(']'));
            let leaf = parts.fold(&mut root, |node, part| {
                node.members.entry(part.to_owned()).or_default()
            });
            leaf.field.get_or_insert(number);
        }
        root
    }
}

impl View {
    /// Makes the userdata of a site's events, and those of the paths in it.
    pub(crate) fn new(lua: &Lua, site: Rc<Site>) -> mlua::Result<Box<Self>> {
        let comm = site
            .layout
            .fields
            .iter()
            .position(|field| field.name == "comm");
        let members = Members::of(&site);
        let view = Box::new(Self {
            comm: comm.map(|index| index + LAYOUT),
            last_comm: Cell::new([0; COMM]),
            record: Cell::new(None),
            userdata: Cell::new(ffi::LUA_NOREF),
            site,
        });
        let address: *const Self = &raw const *view;
        // SAFETY: `push_members` leaves one value, which `luaL_ref` takes; the depth of paths bounds the stack it needs.
        unsafe {
            lua.exec_raw::<()>((), |state| {
                push_members(state, address, &members, true);
                (*address)
                    .userdata
                    .set(ffi::luaL_ref(state, ffi::LUA_REGISTRYINDEX));
            })?;
        }
        Ok(view)
    }

    /// Pushes `e` for a record, which must outlive the handler's call; [`Self::expire`] ends that.
    ///
    /// # Safety
    /// `state` must be of the VM that this was made for, with a slot free.
    pub(crate) unsafe fn push(&self, state: *mut lua_State, record: &[u8]) {
        self.record.set(Some((record.as_ptr(), record.len())));
        // SAFETY: the caller's promise.
        unsafe { ffi::lua_rawgeti(state, ffi::LUA_REGISTRYINDEX, self.userdata.get().into()) };
    }

    pub(crate) fn expire(&self) {
        self.record.set(None);
    }

    /// The record that the handler is called with; `None` when no handler runs.
    fn record(&self) -> Option<Record<'_>> {
        let (start, length) = self.record.get()?;
        // SAFETY: between `push` and `expire` the bytes are borrowed by the loop that hands them out.
        Record::new(unsafe { std::slice::from_raw_parts(start, length) })
    }

    fn datum(&self, number: usize) -> Option<Datum<'_>> {
        let record = self.record()?;
        Some(match number {
            PROBE => Datum::Probe,
            TIME => Datum::Unsigned(record.header().time),
            CPU => Datum::Unsigned(record.header().cpu.into()),
            field => {
                let field = self.site.layout.fields.get(field - LAYOUT);
                // The record borrows nothing of its own: both borrows last as long as `self` is lent.
                field.map_or(Datum::Nil, |field| record.get(field))
            }
        })
    }

    /// Pushes a field's value.
    ///
    /// # Safety
    /// To be called by C functions of the view, with two slots free. It may raise.
    unsafe fn push_field(&self, state: *mut lua_State, number: usize) {
        let datum = self.datum(number);
        // SAFETY: the caller's promise; nothing here has to be dropped.
        unsafe {
            match datum {
                None => raise(state, EXPIRED),
                Some(Datum::Str(bytes)) => push_bytes(state, bytes),
                Some(Datum::Probe) => push_bytes(state, self.site.probe.as_bytes()),
                Some(Datum::Func) => push_bytes(state, self.site.func.as_bytes()),
                Some(Datum::Int(value)) => ffi::lua_pushinteger(state, value),
                // Integers keep their 64 bits: an address must print with %x and equal its literal.
                Some(Datum::Unsigned(value)) => ffi::lua_pushinteger(state, value as i64),
                Some(Datum::Bool(value)) => ffi::lua_pushboolean(state, value.into()),
                Some(Datum::Nil) => ffi::lua_pushnil(state),
                Some(Datum::Constant(value)) => match value {
                    Value::Str(bytes) => push_bytes(state, bytes),
                    Value::Int(value) => ffi::lua_pushinteger(state, *value),
                    Value::Unsigned(value) => ffi::lua_pushinteger(state, *value as i64),
                    Value::Bool(value) => ffi::lua_pushboolean(state, (*value).into()),
                    Value::Nil | Value::Hist(_) => ffi::lua_pushnil(state),
                },
            }
        }
    }

    /// Pushes `comm`, the same string as long as it is the same.
    ///
    /// # Safety
    /// As [`Self::push_field`], with the event's userdata at index 1.
    unsafe fn push_comm(&self, state: *mut lua_State, number: usize) {
        let mut comm = [0; COMM];
        // SAFETY: the caller's promise; an event's userdata has one user value.
        unsafe {
            let Some(Datum::Str(bytes)) = self.datum(number) else {
                return self.push_field(state, number);
            };
            if bytes.len() >= COMM || bytes.is_empty() {
                return push_bytes(state, bytes);
            }
            comm[..bytes.len()].copy_from_slice(bytes);
            if self.last_comm.get() == comm {
                ffi::lua_getiuservalue(state, 1, 1);
                return;
            }
            push_bytes(state, bytes);
            ffi::lua_pushvalue(state, -1);
            ffi::lua_setiuservalue(state, 1, 1);
            self.last_comm.set(comm);
        }
    }
}

/// Pushes the userdata of a part of the paths. Its metatable's `__index` looks names up in a table: a number is a field,
/// anything else is the value itself (the userdata of a longer path, a method).
///
/// # Safety
/// `view` must live as long as Lua. It may raise when memory runs out, which leaves nothing but garbage behind.
unsafe fn push_members(state: *mut lua_State, view: *const View, of: &Members, is_event: bool) {
    let pointer: *mut c_void = view.cast_mut().cast();
    // SAFETY: `luaL_checkstack` makes room for what is pushed at this depth.
    unsafe {
        ffi::luaL_checkstack(state, 8, c"an event's path".as_ptr());
        ffi::lua_newuserdatauv(state, 0, 1);
        ffi::lua_createtable(state, 0, 4);
        ffi::lua_createtable(state, 0, of.members.len() as c_int + 1);
        for (name, member) in &of.members {
            // An index is a number in a script, whatever it looks like in a path.
            match name.parse() {
                Ok(index) => ffi::lua_pushinteger(state, index),
                Err(_) => push_bytes(state, name.as_bytes()),
            }
            match member.field {
                Some(number) if member.members.is_empty() => {
                    ffi::lua_pushinteger(state, number as i64);
                }
                _ => push_members(state, view, member, false),
            }
            ffi::lua_rawset(state, -3);
        }
        if is_event {
            ffi::lua_pushlightuserdata(state, pointer);
            ffi::lua_pushcclosure(state, copy, 1);
            ffi::lua_setfield(state, -2, c"copy".as_ptr());
        }
        ffi::lua_pushlightuserdata(state, pointer);
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

/// `e.NAME`: upvalue 1 is the table of names, upvalue 2 the view.
unsafe extern "C-unwind" fn index(state: *mut lua_State) -> c_int {
    // SAFETY: Lua calls it with the userdata and a key, and with free slots; the view lives as long as Lua.
    unsafe {
        ffi::lua_pushvalue(state, 2);
        match ffi::lua_rawget(state, ffi::lua_upvalueindex(1)) {
            ffi::LUA_TNUMBER => {
                let number = ffi::lua_tointeger(state, -1) as usize;
                let view = &*view(state, 2);
                match view.comm {
                    Some(comm) if comm == number => view.push_comm(state, number),
                    _ => view.push_field(state, number),
                }
            }
            ffi::LUA_TNIL => return unknown(state),
            _ => {}
        }
        1
    }
}

unsafe extern "C-unwind" fn set_index(state: *mut lua_State) -> c_int {
    // SAFETY: as for `index`.
    unsafe { raise(state, READ_ONLY) }
}

/// `e:copy()`: a plain table of every field; upvalue 1 is the view.
unsafe extern "C-unwind" fn copy(state: *mut lua_State) -> c_int {
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
            ffi::luaL_checkstack(state, 8, c"an event's path".as_ptr());
            ffi::lua_pushvalue(state, 2);
            let mut rest = field.name.as_str();
            while let Some((part, longer)) = rest.split_once(['.', '[']) {
                enter_part(state, part.trim_end_matches(']'));
                rest = longer;
            }
            let part = rest.trim_end_matches(']');
            push_part(state, part);
            // A path may go on where this one ends: its table stays.
            if ffi::lua_rawget(state, 3) != ffi::LUA_TTABLE {
                ffi::lua_settop(state, 3);
                view.push_field(state, number + LAYOUT);
                set_part(state, 3, part);
            }
            ffi::lua_settop(state, 2);
        }
        1
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

/// # Safety
/// A slot free.
unsafe fn push_part(state: *mut lua_State, part: &str) {
    // SAFETY: the caller's promise.
    unsafe {
        match part.parse() {
            Ok(index) => ffi::lua_pushinteger(state, index),
            Err(_) => push_bytes(state, part.as_bytes()),
        }
    }
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

/// Raises a message with the caller's line in front.
///
/// # Safety
/// In a C function, with two slots free and nothing to be dropped.
unsafe fn raise(state: *mut lua_State, message: &CStr) -> ! {
    // SAFETY: the caller's promise.
    unsafe {
        ffi::luaL_where(state, 1);
        ffi::lua_pushstring(state, message.as_ptr());
        ffi::lua_concat(state, 2);
        ffi::lua_error(state)
    }
}

/// # Safety
/// In a closure of the view's, whose upvalue of that number is the view.
unsafe fn view(state: *mut lua_State, upvalue: c_int) -> *const View {
    // SAFETY: the caller's promise.
    unsafe {
        ffi::lua_touserdata(state, ffi::lua_upvalueindex(upvalue))
            .cast_const()
            .cast()
    }
}

/// # Safety
/// A slot free.
unsafe fn push_bytes(state: *mut lua_State, bytes: &[u8]) {
    // SAFETY: the caller's promise; Lua copies the bytes.
    unsafe {
        ffi::lua_pushlstring(state, bytes.as_ptr().cast(), bytes.len());
    }
}
