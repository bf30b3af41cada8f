//! Records → handlers: the hot path. One protected call a batch, one raw call an event.

use super::error::{Failure, ScriptError};
use super::meter::Part;
use super::script::Script;
use super::session::Site;
use super::view::View;
use crate::event::record::{Record, values};
use crate::report::Report;
use crate::rows::Value;
use crate::spec::ProbeId;
use mlua::ffi::{self, lua_State};
use mlua::{Function, Lua};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::ffi::c_int;
use std::rc::Rc;

/// Records of the ring, oldest first, their header included. Each is consumed by the call that returns it.
pub trait Records {
    fn next(&mut self) -> Option<&[u8]>;
}

/// What is known of each site that has had an event.
#[derive(Default)]
pub(crate) struct Dispatcher {
    targets: RefCell<HashMap<u32, Rc<Target>>>,
    /// Whose handler failed last.
    failed: Cell<Option<u32>>,
    /// Whose events nobody wants any more.
    silent: RefCell<HashSet<ProbeId>>,
}

/// Where the events of a site go.
enum Target {
    Handler { function: c_int, view: Box<View> },
    Print(Rc<Site>),
    Nobody,
}

/// Why a batch ended.
enum Pause {
    /// There are no more records.
    Drained,
    /// A handler's error is on top of Lua's stack.
    Failed,
    /// A handler has opened chains, which are declared when it returns.
    Opened,
    /// Before a handler could be called.
    Problem(mlua::Error),
}

impl Dispatcher {
    /// Hands records on until there are no more, or one fails: then what is left of them is still to be handed on.
    pub(crate) fn run(
        &self,
        lua: &Lua,
        script: &Script,
        records: &mut dyn Records,
    ) -> Result<(), ScriptError> {
        loop {
            let mut pause = Pause::Drained;
            // SAFETY: `batch` keeps Lua's stack and raises nothing: handlers are called protected. What it leaves on the
            // stack is an error, the result of this call.
            let left = unsafe {
                lua.exec_raw::<mlua::Value>((), |state| {
                    pause = self.batch(lua, state, script, records);
                })
            };
            match (pause, left) {
                (_, Err(error)) | (Pause::Problem(error), _) => return Err(script.explain(&error)),
                (Pause::Drained, _) => return Ok(()),
                (Pause::Opened, _) => {
                    script
                        .declare_open()
                        .map_err(|failure| script.explain(&failure.into()))?;
                }
                (Pause::Failed, Ok(mlua::Value::Error(error))) => {
                    return Err(script.explain(&error));
                }
                (Pause::Failed, Ok(error)) => {
                    let text = error.to_string().map_err(|error| script.explain(&error))?;
                    return Err(script.explain_text(&text));
                }
            }
        }
    }

    /// Whose handler failed last, as it was named.
    pub(crate) fn failed(&self, script: &Script) -> Option<String> {
        let site = script.session.site(self.failed.get()?)?;
        Some(site.name.clone())
    }

    /// The probe whose handler failed last is heard no more; gives its site.
    pub(crate) fn silence(&self, script: &Script) -> Option<Rc<Site>> {
        let failed = script.session.site(self.failed.take()?)?;
        self.silent.borrow_mut().insert(failed.id);
        let is_of_another = |number: &u32| {
            let site = script.session.site(*number);
            site.is_none_or(|site| site.id != failed.id)
        };
        let mut targets = self.targets.borrow_mut();
        targets.retain(|number, _| is_of_another(number));
        Some(failed)
    }

    /// # Safety
    /// To be called inside `exec_raw` with its state, which must be `lua`'s.
    unsafe fn batch(
        &self,
        lua: &Lua,
        state: *mut lua_State,
        script: &Script,
        records: &mut dyn Records,
    ) -> Pause {
        let mut last: Option<(u32, Rc<Target>)> = None;
        // SAFETY: `exec_raw` leaves a C function's free slots, of which five are used: the message handler at index 1,
        // the last site's handler and its event at 2 and 3, and what a call takes.
        unsafe {
            ffi::lua_settop(state, 0);
            ffi::lua_pushcfunction(state, add_traceback);
            while let Some(bytes) = records.next() {
                let Some(record) = Record::new(bytes) else {
                    continue;
                };
                let site = record.site();
                let target = match &last {
                    Some((known, target)) if *known == site => target,
                    _ => match self.target(lua, script, site) {
                        Ok(target) => {
                            ffi::lua_settop(state, 1);
                            if let Target::Handler { function, view } = &*target {
                                let function = (*function).into();
                                ffi::lua_rawgeti(state, ffi::LUA_REGISTRYINDEX, function);
                                view.push(state);
                            }
                            &last.insert((site, target)).1
                        }
                        Err(error) => {
                            ffi::lua_settop(state, 0);
                            return Pause::Problem(error);
                        }
                    },
                };
                match &**target {
                    Target::Nobody => {}
                    Target::Print(site) => print(script, site, &record),
                    Target::Handler { view, .. } => {
                        ffi::lua_pushvalue(state, 2);
                        ffi::lua_pushvalue(state, 3);
                        view.show(bytes);
                        script.meter.begin(Part::Later);
                        let status = ffi::lua_pcall(state, 1, 0, 1);
                        script.meter.end();
                        view.expire();
                        if status != ffi::LUA_OK {
                            ffi::lua_replace(state, 1);
                            ffi::lua_settop(state, 1);
                            self.failed.set(Some(site));
                            return Pause::Failed;
                        }
                        if script.has_open() {
                            ffi::lua_settop(state, 0);
                            return Pause::Opened;
                        }
                    }
                }
            }
            ffi::lua_settop(state, 0);
        }
        Pause::Drained
    }

    fn target(&self, lua: &Lua, script: &Script, number: u32) -> mlua::Result<Rc<Target>> {
        if let Some(target) = self.targets.borrow().get(&number) {
            return Ok(Rc::clone(target));
        }
        let Some(site) = script.session.site(number) else {
            let report = Report::new(format!("an event of an unknown probe site, {number}"))
                .help("this is a mistake in moontrace: please report it");
            return Err(Failure::Reports(vec![report]).into());
        };
        let handler = script.handlers.borrow().get(&site.id).cloned();
        let target = Rc::new(match handler {
            _ if self.silent.borrow().contains(&site.id) => Target::Nobody,
            None => Target::Print(site),
            Some(function) => Target::Handler {
                function: reference(lua, function)?,
                view: View::new(lua, &script.session, site)?,
            },
        });
        self.targets.borrow_mut().insert(number, Rc::clone(&target));
        Ok(target)
    }
}

/// A number by which Lua's registry holds a function, for as long as Lua lives.
fn reference(lua: &Lua, function: Function) -> mlua::Result<c_int> {
    let mut reference = ffi::LUA_NOREF;
    // SAFETY: the function is the one value on the stack, which `luaL_ref` takes.
    unsafe {
        lua.exec_raw::<()>(function, |state| {
            reference = ffi::luaL_ref(state, ffi::LUA_REGISTRYINDEX);
        })?;
    }
    Ok(reference)
}

/// A row of `:print`.
fn print(script: &Script, site: &Site, record: &Record<'_>) {
    let values = values(
        record,
        &site.layout,
        (&site.probe, &site.func),
        &*script.session,
    );
    let names = site.layout.fields.iter().map(|field| field.name.as_str());
    let fields: Vec<(&str, Value)> = names.zip(values).collect();
    script
        .session
        .event(&site.name, record.time(), record.cpu(), &fields);
}

/// The message handler: Lua's errors get the traceback of where they were raised; the host's carry their own.
unsafe extern "C-unwind" fn add_traceback(state: *mut lua_State) -> c_int {
    // SAFETY: Lua calls it with the error as its one argument and with free slots.
    unsafe {
        if ffi::lua_type(state, 1) != ffi::LUA_TUSERDATA {
            let message = ffi::luaL_tolstring(state, 1, std::ptr::null_mut());
            ffi::luaL_traceback(state, state, message, 1);
        }
        1
    }
}
