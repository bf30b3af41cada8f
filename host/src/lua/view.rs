//! The event as a handler sees it: `e`, one reused userdata a site, whose fields are decoded when they are read.
//!
//! Written on Lua's stack itself: a table of eight fields made for each event cost 378 ns, mlua's own userdata 573,
//! this 220 (three fields read, one counted).

mod copied;
mod copy;
mod names;
mod shown;

use super::script::Script;
use super::session::{Session, Site};
use super::tables::to_lua;
use crate::event::record::{Datum, Record};
use crate::plan::Content;
use crate::rows::Value;
use copied::push_copied;
use mlua::Lua;
use mlua::ffi::{self, lua_State};
use names::{Fields, Names, push_names};
use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_int};
use std::rc::Rc;

/// A site's event. Lua holds its address, so it must stay where it is for as long as Lua lives.
pub(crate) struct View {
    site: Rc<Site>,
    /// The bytes that the running handler is called with.
    record: Cell<Option<(*const u8, usize)>>,
    /// `comm`, when it is fetched, and the last one: it seldom changes, and making a Lua string of it costs 20 ns.
    comm: Option<usize>,
    last_comm: Cell<[u8; COMM]>,
    /// What each of its userdata finds fields by: the event's and those of the paths in it.
    #[expect(clippy::vec_box, reason = "Lua holds their addresses")]
    fields: RefCell<Vec<Box<Fields>>>,
    /// The userdata in Lua's registry.
    userdata: Cell<c_int>,
    /// Where values stand in it that are made by mlua, the last one each time.
    made: Cell<c_int>,
    lua: Lua,
}

/// Bytes of a `comm` with its NUL.
const COMM: usize = 16;

/// Fields that every event has, by number; the layout's follow.
const PROBE: usize = 0;
const TIME: usize = 1;
const CPU: usize = 2;
const LAYOUT: usize = 3;
const ALWAYS_THERE: [&str; LAYOUT] = ["probe", "time", "cpu"];

const UNMADE: &CStr = c"the stack can't be had: Lua has no memory for it";

const EXPIRED: &CStr =
    c"the event is valid in its handler only: e:copy() makes one that can be kept";

impl View {
    /// Makes the userdata of a site's events, and those of the paths in it.
    pub(crate) fn new(
        lua: &Lua,
        session: &Rc<dyn Session>,
        site: Rc<Site>,
    ) -> mlua::Result<Box<Self>> {
        let comm = site
            .layout
            .fields
            .iter()
            .position(|field| field.name == "comm");
        let names = Names::of(&site);
        let view = Box::new(Self {
            comm: comm.map(|index| index + LAYOUT),
            last_comm: Cell::new([0; COMM]),
            record: Cell::new(None),
            fields: RefCell::new(Vec::new()),
            userdata: Cell::new(ffi::LUA_NOREF),
            made: Cell::new(ffi::LUA_NOREF),
            lua: lua.clone(),
            site,
        });
        let address: *const Self = &raw const *view;
        for field in &view.site.layout.fields {
            if let Content::Copied { shape, .. } = &field.content {
                shown::furnish(lua, session, shape)?;
            }
        }
        // SAFETY: `push_names` leaves one value, which `luaL_ref` takes; the depth of paths bounds the stack it needs.
        unsafe {
            lua.exec_raw::<()>((), |state| {
                push_names(state, address, &names, true);
                (*address)
                    .userdata
                    .set(ffi::luaL_ref(state, ffi::LUA_REGISTRYINDEX));
                ffi::lua_pushboolean(state, 0);
                (*address)
                    .made
                    .set(ffi::luaL_ref(state, ffi::LUA_REGISTRYINDEX));
            })?;
        }
        Ok(view)
    }

    /// Pushes `e`.
    ///
    /// # Safety
    /// `state` must be of the VM that this was made for, with a slot free.
    pub(crate) unsafe fn push(&self, state: *mut lua_State) {
        // SAFETY: the caller's promise.
        unsafe { ffi::lua_rawgeti(state, ffi::LUA_REGISTRYINDEX, self.userdata.get().into()) };
    }

    /// From now on `e` is this record, which must outlive the handler's call; [`Self::expire`] ends that.
    pub(crate) fn show(&self, record: &[u8]) {
        self.record.set(Some((record.as_ptr(), record.len())));
    }

    pub(crate) fn expire(&self) {
        self.record.set(None);
    }

    /// The record that the handler is called with; `None` when no handler runs.
    #[inline]
    fn record(&self) -> Option<Record<'_>> {
        let (start, length) = self.record.get()?;
        // SAFETY: between `push` and `expire` the bytes are borrowed by the loop that hands them out.
        Record::new(unsafe { std::slice::from_raw_parts(start, length) })
    }

    #[inline]
    fn datum(&self, number: usize) -> Option<Datum<'_>> {
        let record = self.record()?;
        Some(match number {
            PROBE => Datum::Probe,
            TIME => Datum::Unsigned(record.time()),
            CPU => Datum::Unsigned(record.cpu().into()),
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
                Some(Datum::Stack(_) | Datum::Symbol { .. }) => {
                    if !self.make(number) {
                        raise(state, UNMADE);
                    }
                    ffi::lua_rawgeti(state, ffi::LUA_REGISTRYINDEX, self.made.get().into());
                }
                Some(Datum::Copied(copied)) => {
                    push_copied(state, copied);
                    self.set_paths_within(state, number);
                }
                Some(Datum::Constant(value)) => match value {
                    Value::Str(bytes) => push_bytes(state, bytes),
                    Value::Int(value) => ffi::lua_pushinteger(state, *value),
                    Value::Unsigned(value) => ffi::lua_pushinteger(state, *value as i64),
                    Value::Bool(value) => ffi::lua_pushboolean(state, (*value).into()),
                    Value::Named(value, _) => ffi::lua_pushinteger(state, *value as i64),
                    // No constant of a text is any of these.
                    Value::Nil
                    | Value::Null
                    | Value::Float(_)
                    | Value::Stats(_)
                    | Value::Hist(_)
                    | Value::Bytes(_)
                    | Value::Stack(_)
                    | Value::List(_)
                    | Value::Struct(_) => ffi::lua_pushnil(state),
                },
            }
        }
    }

    /// Makes the value of a field that the host has to look up, where [`Self::push_field`] finds it. Nothing that it has made
    /// is left to be dropped.
    fn make(&self, number: usize) -> bool {
        let (Some(datum), Some(record)) = (self.datum(number), self.record()) else {
            return false;
        };
        let made = Script::of(&self.lua).and_then(|script| {
            let (site, symbols) = (&self.site, &*script.session);
            let value = datum.to_value(&site.probe, &site.func, symbols, record.time());
            let value = to_lua(&self.lua, &value)?;
            let place = self.made.get().into();
            // SAFETY: the value is the one on the stack, which `lua_rawseti` takes.
            unsafe {
                self.lua.exec_raw::<()>(value, |state| {
                    ffi::lua_rawseti(state, ffi::LUA_REGISTRYINDEX, place);
                })
            }
        });
        made.is_ok()
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
/// A slot free.
unsafe fn push_bytes(state: *mut lua_State, bytes: &[u8]) {
    // SAFETY: the caller's promise; Lua copies the bytes.
    unsafe {
        ffi::lua_pushlstring(state, bytes.as_ptr().cast(), bytes.len());
    }
}
