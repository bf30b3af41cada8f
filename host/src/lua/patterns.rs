//! `string.find`, `match`, `gmatch` and `gsub`, which can be stopped: Lua's own match in a loop of C's, where no hook runs.
//!
//! C functions, as Lua's own are: a function of mlua's costs a handler more than the match itself, and its errors say
//! neither the script's line nor the argument as Lua's do. What is matched and how is in `matcher`, without `unsafe`.
//!
//! Whatever may raise an error leaves the functions by a jump, so nothing in them is ever to be dropped.

mod class;
mod matcher;
#[cfg(test)]
mod tests;

use super::interrupt;
use matcher::{Captured, Matcher, Problem, Work, is_plain, replace};
use mlua::ffi::{self, lua_CFunction, lua_Integer, lua_State};
use mlua::{Lua, Table};
use std::ffi::{CStr, c_char, c_int};
use std::mem::MaybeUninit;
use std::ops::Range;

/// Steps that a call of a replacement function counts for, which may be one of C; and those of a replacement's lookup.
const CALL: usize = 400;
const LOOKUP: usize = 20;

/// Where `gmatch` keeps what it has come to, of its function's upvalues; the first two are its subject and its pattern.
const NEXT: c_int = ffi::lua_upvalueindex(3);
const LAST: c_int = ffi::lua_upvalueindex(4);

unsafe extern "C-unwind" {
    /// Of lauxlib.h; mlua has no declaration.
    fn luaL_typeerror(state: *mut lua_State, argument: c_int, expected: *const c_char) -> c_int;
}

/// Puts them in the place of Lua's own.
pub(crate) fn install(lua: &Lua) -> mlua::Result<()> {
    let functions: [(&str, lua_CFunction); 4] = [
        ("find", find),
        ("match", match_),
        ("gmatch", gmatch),
        ("gsub", gsub),
    ];
    let string: Table = lua.globals().raw_get("string")?;
    for (name, function) in functions {
        // SAFETY: each follows the protocol of C functions, see there.
        string.raw_set(name, unsafe { lua.create_c_function(function)? })?;
    }
    Ok(())
}

unsafe extern "C-unwind" fn find(state: *mut lua_State) -> c_int {
    // SAFETY: Lua's call of a C function.
    unsafe { find_or_match(state, true) }
}

unsafe extern "C-unwind" fn match_(state: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe { find_or_match(state, false) }
}

/// # Safety
/// To be called by a C function as all it does.
unsafe fn find_or_match(state: *mut lua_State, finds: bool) -> c_int {
    // SAFETY: a C function has its arguments and free slots on the stack; the strings stay there while they are used.
    unsafe {
        let (subject, pattern) = (text(state, 1), text(state, 2));
        let from = beginning(ffi::luaL_optinteger(state, 3, 1), subject.len());
        let Some(rest) = subject.get(from..) else {
            ffi::lua_pushnil(state);
            return 1;
        };
        if finds && (ffi::lua_toboolean(state, 4) != 0 || is_plain(pattern)) {
            let Some(at) = memchr::memmem::find(rest, pattern) else {
                ffi::lua_pushnil(state);
                return 1;
            };
            ffi::lua_pushinteger(state, (from + at + 1) as lua_Integer);
            ffi::lua_pushinteger(state, (from + at + pattern.len()) as lua_Integer);
            return 2;
        }
        let is_stopped = || interrupt::is_stopped(state);
        let mut matcher = Matcher::anchoring(subject, pattern, Work::new(&is_stopped));
        let Some(found) = or_raise(state, matcher.next(from, None)) else {
            ffi::lua_pushnil(state);
            return 1;
        };
        if !finds {
            return push_captures(state, &matcher, &found);
        }
        ffi::lua_pushinteger(state, (found.start + 1) as lua_Integer);
        ffi::lua_pushinteger(state, found.end as lua_Integer);
        match matcher.count() {
            0 => 2,
            _ => 2 + push_captures(state, &matcher, &found),
        }
    }
}

unsafe extern "C-unwind" fn gmatch(state: *mut lua_State) -> c_int {
    // SAFETY: a C function has its arguments and free slots on the stack.
    unsafe {
        let subject = text(state, 1);
        text(state, 2);
        let from = beginning(ffi::luaL_optinteger(state, 3, 1), subject.len());
        ffi::lua_settop(state, 2);
        ffi::lua_pushinteger(state, from.min(subject.len() + 1) as lua_Integer);
        ffi::lua_pushnil(state);
        ffi::lua_pushcclosure(state, gmatch_next, 4);
        1
    }
}

/// What `gmatch` gives.
unsafe extern "C-unwind" fn gmatch_next(state: *mut lua_State) -> c_int {
    // SAFETY: only `gmatch` makes it, with these upvalues; the strings stay there while they are used.
    unsafe {
        let subject = text(state, ffi::lua_upvalueindex(1));
        let pattern = text(state, ffi::lua_upvalueindex(2));
        let from = ffi::lua_tointeger(state, NEXT) as usize;
        let last = match ffi::lua_type(state, LAST) {
            ffi::LUA_TNIL => None,
            _ => Some(ffi::lua_tointeger(state, LAST) as usize),
        };
        let is_stopped = || interrupt::is_stopped(state);
        let mut matcher = Matcher::new(subject, pattern, Work::new(&is_stopped));
        let Some(found) = or_raise(state, matcher.next(from, last)) else {
            return 0;
        };
        for kept in [NEXT, LAST] {
            ffi::lua_pushinteger(state, found.end as lua_Integer);
            ffi::lua_replace(state, kept);
        }
        push_captures(state, &matcher, &found)
    }
}

unsafe extern "C-unwind" fn gsub(state: *mut lua_State) -> c_int {
    const REPLACEMENT: c_int = 3;
    // SAFETY: a C function has its arguments and free slots on the stack; the strings stay there while they are used. The
    // buffer does not move, and what is pushed above what it has there is popped before it is used again.
    unsafe {
        let (subject, pattern) = (text(state, 1), text(state, 2));
        let kind = ffi::lua_type(state, REPLACEMENT);
        let most = ffi::luaL_optinteger(state, 4, subject.len() as lua_Integer + 1);
        let replacement = match kind {
            ffi::LUA_TNUMBER | ffi::LUA_TSTRING => text(state, REPLACEMENT),
            ffi::LUA_TFUNCTION | ffi::LUA_TTABLE => b"",
            _ => {
                luaL_typeerror(state, REPLACEMENT, c"string/function/table".as_ptr());
                b""
            }
        };
        let mut buffer = MaybeUninit::uninit();
        let buffer: *mut ffi::luaL_Buffer = buffer.as_mut_ptr();
        ffi::luaL_buffinit(state, buffer);
        let is_stopped = || interrupt::is_stopped(state);
        let mut matcher = Matcher::anchoring(subject, pattern, Work::new(&is_stopped));
        // How far the subject stands in the buffer.
        let mut copied = 0;
        let (mut last, mut count, mut changed) = (None, 0, false);
        while count < most {
            let Some(found) = or_raise(state, matcher.next(copied, last)) else {
                break;
            };
            add(buffer, matcher.text(&(copied..found.start)));
            count += 1;
            copied = found.end;
            last = Some(found.end);
            match kind {
                ffi::LUA_TFUNCTION => {
                    ffi::lua_pushvalue(state, REPLACEMENT);
                    let arguments = push_captures(state, &matcher, &found);
                    ffi::lua_call(state, arguments, 1);
                    changed |= add_result(state, buffer, matcher.text(&found));
                    or_raise(state, matcher.work.spend(CALL));
                }
                ffi::LUA_TTABLE => {
                    push(state, or_raise(state, matcher.capture(0, &found)));
                    ffi::lua_gettable(state, REPLACEMENT);
                    changed |= add_result(state, buffer, matcher.text(&found));
                    or_raise(state, matcher.work.spend(LOOKUP));
                }
                _ => {
                    let piece = |captured| match captured {
                        Captured::Text(text) => add(buffer, text),
                        Captured::Position(_) => {
                            push(state, captured);
                            ffi::luaL_addvalue(buffer);
                        }
                    };
                    or_raise(state, replace(&mut matcher, &found, replacement, piece));
                    changed = true;
                }
            }
            if matcher.is_anchored() {
                break;
            }
        }
        if changed {
            add(buffer, matcher.text(&(copied..subject.len())));
            ffi::luaL_pushresult(buffer);
        } else {
            ffi::lua_pushvalue(state, 1);
        }
        ffi::lua_pushinteger(state, count);
        2
    }
}

/// Takes a replacement off the stack and adds it or, where it is nil or false, what was matched. Does that change anything?
///
/// # Safety
/// `state` is running, the buffer its own, with nothing between what it has on the stack and the replacement.
unsafe fn add_result(state: *mut lua_State, buffer: *mut ffi::luaL_Buffer, matched: &[u8]) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        if ffi::lua_toboolean(state, -1) == 0 {
            ffi::lua_pop(state, 1);
            add(buffer, matched);
            return false;
        }
        if ffi::lua_isstring(state, -1) == 0 {
            let kind = ffi::luaL_typename(state, -1);
            ffi::luaL_error(state, c"invalid replacement value (a %s)".as_ptr(), kind);
        }
        ffi::luaL_addvalue(buffer);
        true
    }
}

/// # Safety
/// The buffer is in use, and what it has is on top of the stack.
unsafe fn add(buffer: *mut ffi::luaL_Buffer, text: &[u8]) {
    // SAFETY: the caller's promise.
    unsafe { ffi::luaL_addlstring(buffer, text.as_ptr().cast(), text.len()) };
}

/// Every capture, or the whole match where there are none; gives how many values that are.
///
/// # Safety
/// `state` is running.
unsafe fn push_captures(
    state: *mut lua_State,
    matcher: &Matcher<'_, '_>,
    whole: &Range<usize>,
) -> c_int {
    let count = matcher.count().max(1);
    // SAFETY: the caller's promise; room is made.
    unsafe {
        ffi::luaL_checkstack(state, count as c_int, c"too many captures".as_ptr());
        for index in 0..count {
            push(state, or_raise(state, matcher.capture(index, whole)));
        }
    }
    count as c_int
}

/// # Safety
/// `state` is running with a slot free.
unsafe fn push(state: *mut lua_State, captured: Captured<'_>) {
    // SAFETY: the caller's promise.
    unsafe {
        match captured {
            Captured::Text(text) => {
                ffi::lua_pushlstring(state, text.as_ptr().cast(), text.len());
            }
            Captured::Position(at) => ffi::lua_pushinteger(state, at as lua_Integer),
        }
    }
}

/// The string at an index; a number there becomes one. Anything else is an error of the argument's.
///
/// # Safety
/// `state` is running; the value stays where it is for as long as the text is used.
unsafe fn text<'s>(state: *mut lua_State, index: c_int) -> &'s [u8] {
    let mut length = 0;
    // SAFETY: the caller's promise; Lua's strings do not move.
    unsafe {
        let bytes = ffi::luaL_checklstring(state, index, &raw mut length);
        std::slice::from_raw_parts(bytes.cast(), length)
    }
}

/// Where `init` of `length` bytes begins, from 0 on: negative ones count from the end.
fn beginning(init: lua_Integer, length: usize) -> usize {
    match usize::try_from(init) {
        Ok(init) => init.saturating_sub(1),
        Err(_) => length.saturating_sub(usize::try_from(init.unsigned_abs()).unwrap_or(usize::MAX)),
    }
}

/// # Safety
/// `state` is running, and where this is called nothing is to be dropped.
unsafe fn or_raise<T>(state: *mut lua_State, result: Result<T, Problem>) -> T {
    match result {
        Ok(value) => value,
        // SAFETY: the caller's promise.
        Err(problem) => unsafe { raise(state, problem) },
    }
}

/// # Safety
/// As for [`or_raise`].
#[cold]
unsafe fn raise(state: *mut lua_State, problem: Problem) -> ! {
    let message: &CStr = match problem {
        // SAFETY: the caller's promise.
        Problem::Interrupted => unsafe { interrupt::raise(state) },
        Problem::TooComplex => c"pattern too complex",
        Problem::TooManyCaptures => c"too many captures",
        Problem::EndsInEscape => c"malformed pattern (ends with '%%')",
        Problem::OpenSet => c"malformed pattern (missing ']')",
        Problem::BalanceLacksArguments => c"malformed pattern (missing arguments to '%%b')",
        Problem::FrontierLacksSet => c"missing '[' after '%%f' in pattern",
        Problem::ClosesNothing => c"invalid pattern capture",
        Problem::UnfinishedCapture => c"unfinished capture",
        Problem::NoCapture(_) => c"invalid capture index %%%d",
        Problem::ReplacementEscape => c"invalid use of '%%' in replacement string",
    };
    let index = match problem {
        Problem::NoCapture(index) => c_int::from(index),
        _ => 0,
    };
    // SAFETY: the caller's promise; no format takes more than that number.
    unsafe {
        ffi::luaL_error(state, message.as_ptr(), index);
    }
    unreachable!("luaL_error does not return")
}
