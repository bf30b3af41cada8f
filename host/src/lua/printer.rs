//! `print` and `printf`: straight from Lua's stack into one buffer, no Lua string between.

use super::format::{Arg, format, printed_as_text};
use super::meter::Meter;
use super::session::Session;
use mlua::ffi::{self, lua_State};
use mlua::{Function, Lua};
use std::cell::RefCell;
use std::ffi::c_int;
use std::rc::Rc;

/// A function that is written for Lua's stack itself.
pub(crate) struct Native {
    pub(crate) name: &'static str,
    pub(crate) signature: &'static str,
    pub(crate) doc: &'static str,
    /// As in [`Entry`](super::call::Entry).
    pub(crate) takes: &'static [(&'static str, &'static str)],
    pub(crate) gives: &'static str,
    pub(crate) example: &'static str,
    function: ffi::lua_CFunction,
}

/// What its functions are, as the documentation says it.
pub(crate) const DOC: &str = "Output.";

pub(crate) const FUNCTIONS: [Native; 2] = [
    Native {
        name: "print",
        signature: "print(…)",
        doc: "Prints values with tabs between, and a newline.",
        takes: &[("...", "any")],
        gives: "",
        example: r#"print("pid", 1, true)"#,
        function: print,
    },
    Native {
        name: "printf",
        signature: "printf(format, …)",
        doc: "Prints as `string.format` formats, without a newline of its own. A nil prints as `nil` in every conversion; `%u` takes an integer without its sign.",
        takes: &[("format", "string"), ("...", "any")],
        gives: "",
        example: r#"printf("%-16s %5d\n", "sshd", 42)"#,
        function: printf,
    },
];

pub(crate) struct Printer {
    session: Rc<dyn Session>,
    meter: Rc<Meter>,
    /// What is being built: a line, or the message of an error. Nothing of Lua's is called while it is borrowed.
    buffer: RefCell<Vec<u8>>,
}

impl Printer {
    pub(crate) fn new(session: Rc<dyn Session>, meter: Rc<Meter>) -> Self {
        Self {
            session,
            meter,
            buffer: RefCell::default(),
        }
    }

    /// The Lua function. The printer must outlive every call of it.
    pub(crate) fn function(&self, lua: &Lua, native: &Native) -> mlua::Result<Function> {
        let function = native.function;
        let this = std::ptr::from_ref(self).cast_mut().cast();
        // SAFETY: the two pushes need two free slots, which `exec_raw` has checked; the closure becomes its result.
        unsafe {
            lua.exec_raw((), |state| {
                ffi::lua_pushlightuserdata(state, this);
                ffi::lua_pushcclosure(state, function, 1);
            })
        }
    }

    /// Builds a line from the first `count` values on the stack and hands it on.
    ///
    /// # Safety
    /// `state` must be valid and its first `count` slots in use.
    unsafe fn write(
        &self,
        state: *mut lua_State,
        build: impl FnOnce(&mut Vec<u8>, &Stack) -> Result<(), String>,
    ) -> Result<(), ()> {
        // SAFETY: the caller's promise.
        let stack = unsafe { Stack::of(state) };
        let Ok(mut buffer) = self.buffer.try_borrow_mut() else {
            return Err(());
        };
        buffer.clear();
        // Before it is built: what many arguments make together can be more than there is memory for.
        let built = self.meter.print(stack.length());
        match built.and_then(|()| build(&mut buffer, &stack)) {
            Ok(()) => {
                self.session.print(&buffer);
                Ok(())
            }
            Err(message) => {
                buffer.clear();
                buffer.extend_from_slice(message.as_bytes());
                Err(())
            }
        }
    }
}

/// Bytes that a number takes about.
const NUMBER: usize = 20;

/// The arguments of a running C function.
struct Stack {
    state: *mut lua_State,
    count: usize,
}

impl Stack {
    /// # Safety
    /// `state` must be valid for as long as this is used, with no fewer values than now.
    unsafe fn of(state: *mut lua_State) -> Self {
        // SAFETY: the caller's promise.
        let count = usize::try_from(unsafe { ffi::lua_gettop(state) }).unwrap_or(0);
        Self { state, count }
    }

    /// The value at a position, counted from 1. Strings live as long as they stand on the stack: for the whole call.
    fn get<'a>(&self, position: usize) -> Arg<'a> {
        let index = match c_int::try_from(position) {
            Ok(index) if position >= 1 && position <= self.count => index,
            _ => return Arg::Missing,
        };
        // SAFETY: the index is in use, none of these calls raises, and `lua_tolstring` is asked for strings only.
        unsafe {
            match ffi::lua_type(self.state, index) {
                ffi::LUA_TNIL => Arg::Nil,
                ffi::LUA_TBOOLEAN => Arg::Bool(ffi::lua_toboolean(self.state, index) != 0),
                ffi::LUA_TNUMBER if ffi::lua_isinteger(self.state, index) != 0 => {
                    Arg::Int(ffi::lua_tointeger(self.state, index))
                }
                ffi::LUA_TNUMBER => Arg::Float(ffi::lua_tonumber(self.state, index)),
                ffi::LUA_TSTRING => {
                    let mut length = 0;
                    let text = ffi::lua_tolstring(self.state, index, &raw mut length);
                    Arg::Str(std::slice::from_raw_parts(text.cast(), length))
                }
                ffi::LUA_TTABLE => Arg::Other("table"),
                ffi::LUA_TFUNCTION => Arg::Other("function"),
                ffi::LUA_TTHREAD => Arg::Other("thread"),
                _ => Arg::Other("userdata"),
            }
        }
    }

    /// About how many bytes they make.
    fn length(&self) -> usize {
        let lengths = (1..=self.count).map(|position| match self.get(position) {
            Arg::Str(text) => text.len(),
            _ => NUMBER,
        });
        lengths.fold(0, usize::saturating_add)
    }

    /// Is there a value that only `tostring` can print?
    fn has_objects(&self) -> bool {
        (1..=self.count).any(|position| matches!(self.get(position), Arg::Other(_)))
    }
}

/// # Safety
/// To be called by Lua only, with a printer as its upvalue. It may leave by Lua's `longjmp`, so no frame of it holds
/// anything that is to be dropped at those calls.
unsafe extern "C-unwind" fn print(state: *mut lua_State) -> c_int {
    // SAFETY: as stated above; every index is below the number of arguments.
    unsafe {
        let stack = Stack::of(state);
        if stack.has_objects() {
            for index in 1..=ffi::lua_gettop(state) {
                make_text(state, index);
            }
        }
        finish(state, |printer| {
            printer.write(state, |out, stack| {
                for position in 1..=stack.count {
                    let separator = if position > 1 { "\t" } else { "" };
                    out.extend_from_slice(separator.as_bytes());
                    format(out, b"%s", |_| stack.get(position))
                        .map_err(|error| error.to_string())?;
                }
                out.push(b'\n');
                Ok(())
            })
        })
    }
}

/// # Safety
/// As [`print`].
unsafe extern "C-unwind" fn printf(state: *mut lua_State) -> c_int {
    // SAFETY: as stated above; `make_text` is called for positions in use only.
    unsafe {
        let stack = Stack::of(state);
        if stack.has_objects()
            && let Arg::Str(text) = stack.get(1)
        {
            for position in printed_as_text(text).take_while(|position| *position <= stack.count) {
                make_text(state, position as c_int);
            }
        }
        finish(state, |printer| {
            printer.write(state, |out, stack| match stack.get(1) {
                Arg::Str(text) => format(out, text, |position| stack.get(position))
                    .map_err(|error| format!("printf: {error}")),
                _ => Err("printf takes a format first, as string.format does".to_owned()),
            })
        })
    }
}

/// Puts the string of a table, function or userdata in its place.
///
/// # Safety
/// `index` must be in use. It may raise.
unsafe fn make_text(state: *mut lua_State, index: c_int) {
    // SAFETY: the caller's promise; a C function has free slots for the one string.
    unsafe {
        if !matches!(Stack::of(state).get(index as usize), Arg::Other(_)) {
            return;
        }
        ffi::luaL_tolstring(state, index, std::ptr::null_mut());
        ffi::lua_replace(state, index);
    }
}

/// Runs the printing half of a function; raises what it says.
///
/// # Safety
/// As [`print`].
unsafe fn finish(state: *mut lua_State, print: impl FnOnce(&Printer) -> Result<(), ()>) -> c_int {
    // SAFETY: the upvalue is the printer that made this function and outlives it. Raising leaves nothing behind: the
    // message stays in the printer's buffer, which is not borrowed any more.
    unsafe {
        let printer: *const Printer = ffi::lua_touserdata(state, ffi::lua_upvalueindex(1))
            .cast_const()
            .cast();
        if print(&*printer).is_ok() {
            return 0;
        }
        let message = (*printer).buffer.as_ptr();
        ffi::luaL_where(state, 1);
        ffi::lua_pushlstring(state, (*message).as_ptr().cast(), (*message).len());
        ffi::lua_concat(state, 2);
        ffi::lua_error(state)
    }
}
