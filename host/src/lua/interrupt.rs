//! Stopping Lua from a signal handler: whatever runs, a `pcall` loop and coroutines included.
//!
//! A count hook that is always on would make Lua twice as slow; one that is set when the signal comes costs nothing before.
//! A loop inside a C function can't be stopped this way: `patterns` and `long_calls` have functions that look themselves.

use mlua::ffi::{self, lua_Debug, lua_State};
use mlua::{Function, Lua};
use std::ffi::{c_int, c_void};
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering::SeqCst};

/// Its address is the key under which a VM's registry holds its [`Shared`].
static KEY: u8 = 0;

/// What Lua raises when it is stopped.
const MESSAGE: &std::ffi::CStr = c"interrupted";

/// Stops a VM.
#[derive(Clone, Debug)]
pub struct Interrupter(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    triggered: AtomicBool,
    /// The coroutine (or main state) whose code runs now; null when the VM is gone.
    running: AtomicPtr<lua_State>,
}

impl Interrupter {
    /// Makes what runs in the VM, or runs next, end as interrupted: nothing runs any more until it is cleared.
    ///
    /// Async-signal-safe; to be called on the VM's own thread, which is where its signal handlers have to run.
    pub fn trigger(&self) {
        self.0.triggered.store(true, SeqCst);
        let state = self.0.running.load(SeqCst);
        if !state.is_null() {
            // SAFETY: the state lives (coroutines are taken back from `running` before they can be collected), and
            // `lua_sethook` may be called from a signal handler: Lua's manual names that use.
            unsafe { set(state) };
        }
    }

    /// For a VM whose main state nothing runs in yet. The VM must call [`Self::detach`] before it ends.
    pub(crate) fn attach(lua: &Lua) -> mlua::Result<Self> {
        let shared = Arc::new(Shared {
            triggered: AtomicBool::new(false),
            running: AtomicPtr::default(),
        });
        let pointer: *const Shared = Arc::as_ptr(&shared);
        // SAFETY: one slot is used; `detach` takes the pointer out of the registry before the last Arc can go.
        unsafe {
            lua.exec_raw::<()>((), |state| {
                ffi::lua_pushlightuserdata(state, pointer.cast_mut().cast());
                ffi::lua_rawsetp(state, ffi::LUA_REGISTRYINDEX, key());
            })?;
            lua.exec_raw::<()>((), |state| shared.running.store(state, SeqCst))?;
        }
        Ok(Self(shared))
    }

    pub(crate) fn detach(&self, lua: &Lua) {
        self.0.running.store(null_mut(), SeqCst);
        // SAFETY: one slot is used. A registry that can't be written keeps its Arc, and so the pointer valid.
        let removed = unsafe {
            lua.exec_raw::<()>((), |state| {
                ffi::lua_pushnil(state);
                ffi::lua_rawsetp(state, ffi::LUA_REGISTRYINDEX, key());
            })
        };
        if removed.is_err() {
            std::mem::forget(Arc::clone(&self.0));
        }
    }

    pub(crate) fn is_triggered(&self) -> bool {
        self.0.triggered.load(SeqCst)
    }

    pub(crate) fn clear(&self) {
        self.0.triggered.store(false, SeqCst);
    }

    /// `enter(co)` and `leave(before, …)`, which the sandbox's `coroutine.resume` calls around Lua's own: the first gives
    /// what the second is to put back; the second gives the rest of its arguments.
    pub(crate) fn functions(lua: &Lua) -> mlua::Result<(Function, Function)> {
        // SAFETY: both follow the protocol of C functions, see there.
        unsafe { Ok((lua.create_c_function(enter)?, lua.create_c_function(leave)?)) }
    }
}

fn key() -> *const c_void {
    (&raw const KEY).cast()
}

/// # Safety
/// `state` must be a live state.
unsafe fn set(state: *mut lua_State) {
    // SAFETY: the caller's promise.
    unsafe { ffi::lua_sethook(state, Some(stop), ffi::LUA_MASKCOUNT, 1) };
}

/// # Safety
/// `state` must be running in a VM, with a slot free.
unsafe fn shared<'a>(state: *mut lua_State) -> Option<&'a Shared> {
    // SAFETY: what the registry holds under the key is a `Shared` that lives as long as it stands there.
    unsafe {
        ffi::lua_rawgetp(state, ffi::LUA_REGISTRYINDEX, key());
        let pointer: *const Shared = ffi::lua_touserdata(state, -1).cast_const().cast();
        ffi::lua_pop(state, 1);
        pointer.as_ref()
    }
}

/// The hook: raises at every instruction until the interrupt is cleared, so that no `pcall` gets further.
unsafe extern "C-unwind" fn stop(state: *mut lua_State, _: *mut lua_Debug) {
    // SAFETY: Lua calls hooks with free slots on the stack; nothing here is to be dropped when `lua_error` leaves.
    unsafe {
        if is_stopped(state) {
            raise(state);
        }
        ffi::lua_sethook(state, None, 0, 0);
    }
}

/// Is what runs in the VM to end? For C functions, which the hook does not reach.
///
/// # Safety
/// `state` must be running in a VM, with a slot free.
pub(super) unsafe fn is_stopped(state: *mut lua_State) -> bool {
    // SAFETY: the caller's promise.
    unsafe { shared(state).is_some_and(|shared| shared.triggered.load(SeqCst)) }
}

/// Raises what Lua is stopped by. Whoever catches it gets no further: the hook is set by then.
///
/// # Safety
/// `state` must be running in a VM, with a slot free, and in its caller nothing is to be dropped.
pub(super) unsafe fn raise(state: *mut lua_State) -> ! {
    // SAFETY: the caller's promise.
    unsafe {
        ffi::lua_pushstring(state, MESSAGE.as_ptr());
        ffi::lua_error(state)
    }
}

/// Makes a coroutine the one that runs: `trigger` stops it from now on.
unsafe extern "C-unwind" fn enter(state: *mut lua_State) -> c_int {
    // SAFETY: a C function has free slots; the coroutine is an argument of Lua's `resume` for as long as it runs.
    unsafe {
        let coroutine = ffi::lua_tothread(state, 1);
        if !coroutine.is_null() {
            run(state, coroutine);
        }
        ffi::lua_pushlightuserdata(state, state.cast());
        1
    }
}

/// Makes the first argument the one that runs again.
unsafe extern "C-unwind" fn leave(state: *mut lua_State) -> c_int {
    // SAFETY: only the sandbox calls it, with what `enter` gave: the state that called it, which runs now.
    unsafe {
        let before: *mut lua_State = ffi::lua_touserdata(state, 1).cast();
        if !before.is_null() {
            run(state, before);
        }
        ffi::lua_gettop(state) - 1
    }
}

/// # Safety
/// Both must be live states of one VM, `state` running with a slot free.
unsafe fn run(state: *mut lua_State, next: *mut lua_State) {
    // SAFETY: the caller's promise. The order matters: a trigger before the store is seen by the load, one after it
    // finds the new state.
    unsafe {
        let Some(shared) = shared(state) else { return };
        shared.running.store(next, SeqCst);
        if shared.triggered.load(SeqCst) {
            set(next);
        }
    }
}
