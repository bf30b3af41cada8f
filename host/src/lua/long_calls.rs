//! Functions of Lua's libraries whose loops, in C, could run for long or for ever where no hook stops them: those of
//! `string.rep`, `table.move` and `table.sort`. What is short is left to Lua's own, and what is wrong as well.

use super::interrupt;
use mlua::ffi::{self, lua_CFunction, lua_Integer, lua_State};
use mlua::{Lua, Table};
use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::ptr::copy_nonoverlapping;

/// Elements that Lua's own moves and sorts, in some milliseconds.
const FEW: usize = 10_000;

/// Elements that are moved between two looks at the interrupt.
const STRIDE: usize = 1024;

/// Lua's own function, which each of ours has.
const OWN: c_int = ffi::lua_upvalueindex(1);

/// Puts them in the place of Lua's own.
pub(crate) fn install(lua: &Lua) -> mlua::Result<()> {
    let functions: [(&str, &str, lua_CFunction); 3] = [
        ("string", "rep", rep),
        ("table", "move", move_),
        ("table", "sort", sort),
    ];
    for (library, name, function) in functions {
        let library: Table = lua.globals().raw_get(library)?;
        let own: mlua::Function = library.raw_get(name)?;
        // SAFETY: the argument becomes the upvalue; each follows the protocol of C functions, see there.
        let ours: mlua::Function =
            unsafe { lua.exec_raw(own, |state| ffi::lua_pushcclosure(state, function, 1))? };
        library.raw_set(name, ours)?;
    }
    Ok(())
}

/// Calls Lua's own in our place: on our arguments, and under our name in its errors.
///
/// # Safety
/// To be called by one of these functions, with its arguments on the stack.
unsafe fn own(state: *mut lua_State) -> c_int {
    // SAFETY: the upvalue is a function of Lua's libraries, which has no upvalues itself.
    unsafe { ffi::lua_tocfunction(state, OWN).map_or(0, |own| own(state)) }
}

/// Of no text at all Lua's own makes copies for as long as it is told to; and it copies every byte by itself.
unsafe extern "C-unwind" fn rep(state: *mut lua_State) -> c_int {
    // SAFETY: a C function has its arguments and free slots on the stack; the strings stay there while they are used. The
    // buffer has room for `total` bytes.
    unsafe {
        let (mut length, mut between) = (0, 0);
        let text = ffi::luaL_checklstring(state, 1, &raw mut length);
        let count = ffi::luaL_checkinteger(state, 2);
        let separator = ffi::luaL_optlstring(state, 3, c"".as_ptr(), &raw mut between);
        let unit = length.saturating_add(between);
        if count <= 0 || unit == 0 {
            ffi::lua_pushliteral(state, c"");
            return 1;
        }
        // In bytes, with a separator at the end.
        let whole = (unit as lua_Integer).checked_mul(count);
        let whole = whole.filter(|&whole| whole <= lua_Integer::from(c_int::MAX));
        let Some(total) = whole.map(|whole| whole as usize - between) else {
            return own(state);
        };
        let mut buffer = MaybeUninit::uninit();
        let to = ffi::luaL_buffinitsize(state, buffer.as_mut_ptr(), total);
        copy_nonoverlapping(text, to, length);
        let mut done = length;
        if done < total {
            copy_nonoverlapping(separator, to.add(length), between);
            done = unit;
        }
        while done < total {
            let more = done.min(total - done);
            copy_nonoverlapping(to, to.add(done), more);
            done += more;
        }
        ffi::luaL_pushresultsize(buffer.as_mut_ptr(), total);
        1
    }
}

/// Lua's own goes over any range that it is told.
unsafe extern "C-unwind" fn move_(state: *mut lua_State) -> c_int {
    // SAFETY: a C function has its arguments and free slots on the stack.
    unsafe {
        let from = ffi::luaL_checkinteger(state, 2);
        let to_last = ffi::luaL_checkinteger(state, 3);
        let to = ffi::luaL_checkinteger(state, 4);
        let last = to_last.checked_sub(from);
        let fits = last.and_then(|last| to.checked_add(last)).is_some();
        let is_long = FEW as lua_Integer..lua_Integer::MAX;
        let Some(last) = last.filter(|last| fits && is_long.contains(last)) else {
            return own(state);
        };
        let target = match ffi::lua_isnoneornil(state, 5) {
            0 => 5,
            _ => 1,
        };
        ffi::lua_settop(state, 5);
        // Nothing to move: it looks only at the tables.
        for (argument, value) in [(2, 1), (3, 0)] {
            ffi::lua_pushinteger(state, value);
            ffi::lua_replace(state, argument);
        }
        own(state);
        let is_other = target == 5 && ffi::lua_compare(state, 1, 5, ffi::LUA_OPEQ) == 0;
        let is_forward = to > to_last || to <= from || is_other;
        for step in 0..=last {
            let index = if is_forward { step } else { last - step };
            ffi::lua_geti(state, 1, from + index);
            ffi::lua_seti(state, target, to + index);
            if (step as usize).is_multiple_of(STRIDE) && interrupt::is_stopped(state) {
                interrupt::raise(state);
            }
        }
        ffi::lua_pushvalue(state, target);
        1
    }
}

/// Lua's own compares by itself where it is given no function: many elements are compared by one that looks.
unsafe extern "C-unwind" fn sort(state: *mut lua_State) -> c_int {
    // SAFETY: a C function has its arguments and free slots on the stack.
    unsafe {
        let is_long = ffi::lua_type(state, 1) == ffi::LUA_TTABLE && ffi::lua_rawlen(state, 1) > FEW;
        if is_long && ffi::lua_isnoneornil(state, 2) != 0 {
            ffi::lua_settop(state, 1);
            ffi::lua_pushcfunction(state, is_less);
        }
        own(state)
    }
}

unsafe extern "C-unwind" fn is_less(state: *mut lua_State) -> c_int {
    // SAFETY: a C function has its arguments and free slots on the stack.
    unsafe {
        if interrupt::is_stopped(state) {
            interrupt::raise(state);
        }
        let is_less = ffi::lua_compare(state, 1, 2, ffi::LUA_OPLT);
        ffi::lua_pushboolean(state, is_less);
        1
    }
}

#[cfg(test)]
mod tests {
    use super::install;
    use mlua::Lua;

    /// What ours and Lua's own give, an error and its line as well.
    #[track_caller]
    fn agree(code: &str) {
        let outcome = |lua: &Lua| -> String {
            lua.set_memory_limit(1 << 26).unwrap();
            let code = format!("return tostring(select(2, pcall(function()\n{code}\nend)))");
            lua.load(code).set_name("@t.lua").eval().unwrap()
        };
        let ours = Lua::new();
        install(&ours).unwrap();
        assert_eq!(outcome(&ours), outcome(&Lua::new()), "{code}");
    }

    #[test]
    fn copies_are_as_lua_makes_them() {
        for code in [
            "return ('ab'):rep(0) .. ('ab'):rep(-1) .. ('ab'):rep(1, ',') .. ('ab'):rep(2, ', ') .. ('ab'):rep(7)",
            "return ('x'):rep(5, '--') .. (''):rep(4, '-')",
            "return (''):rep(7)",
            "return string.rep(12, 3, 4)",
            "return ('abc'):rep(1e18)",
            "return ('abc'):rep(math.maxinteger)",
            "return ('a'):rep({})",
            "return string.rep()",
            "return ('a'):rep(1, {})",
        ] {
            agree(code);
        }
        let ours = Lua::new();
        install(&ours).unwrap();
        assert!(
            ours.load("return (''):rep(math.maxinteger) == ''")
                .eval::<bool>()
                .unwrap()
        );
    }

    #[test]
    fn moves_are_as_lua_makes_them() {
        for (from, to_last, to) in [
            ("1", "30000", "2"),
            ("2", "30000", "1"),
            ("1", "30000", "50000"),
            ("1", "10001", "20000"),
            ("1", "math.maxinteger", "2"),
            ("0", "math.maxinteger", "-9"),
            ("math.mininteger", "math.maxinteger", "1"),
            ("3", "2", "1"),
            ("1", "30000", "{}"),
            ("1.5", "2", "1"),
        ] {
            for other in ["", ", {}", ", t", ", 5"] {
                agree(&format!(
                    "local t = {{}} for i = 1, 30000 do t[i] = i end
                     local moved = table.move(t, {from}, {to_last}, {to}{other})
                     local n, sum = 0, 0
                     for i, v in pairs(moved) do n, sum = n + 1, sum + i * v end
                     return n .. ' ' .. sum .. ' ' .. tostring(moved == t)"
                ));
            }
        }
        agree("table.move(5, 1, 30000, 2)");
        agree("table.move({}, 1, 30000, 2, 5)");
    }

    #[test]
    fn sorts_are_as_lua_makes_them() {
        for code in [
            "table.sort(t) return table.concat(t, ' ')",
            "table.sort(t, function(a, b) return a > b end) return table.concat(t, ' ')",
            "t[500] = 'x' table.sort(t)",
            "table.sort(t, 5)",
            "table.sort(5)",
        ] {
            agree(&format!(
                "local t = {{}} for i = 1, 20000 do t[i] = i * 7919 % 20011 end {code}"
            ));
        }
    }
}
