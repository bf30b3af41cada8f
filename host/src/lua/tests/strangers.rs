//! Ways out of Lua, one by one, with the limits of a stranger's script.

use super::*;
use crate::lua::fake::strangers_vm;

/// What it printed, or the error that it ended with.
fn tried(text: &str) -> Result<String, String> {
    let session = Rc::new(Fake::default());
    let vm = strangers_vm(&session);
    vm.run("t.lua", text).map_err(|error| error.to_string())?;
    vm.run_exit().map_err(|error| error.to_string())?;
    Ok(session.take_log())
}

#[track_caller]
fn prints(text: &str, expected: &str) {
    assert_eq!(tried(text).as_deref(), Ok(expected), "{text}");
}

#[track_caller]
fn fails(text: &str, expected: &str) {
    match tried(text) {
        Ok(printed) => panic!("{text} does not fail, and prints {printed}"),
        Err(message) => assert!(message.contains(expected), "{text}: {message}"),
    }
}

#[test]
fn no_library_leads_out() {
    for name in [
        "io",
        "debug",
        "package",
        "dofile",
        "loadfile",
        "warn",
        "loadstring",
    ] {
        fails(&format!("print({name})"), &format!("no global '{name}'"));
        prints(&format!("print(rawget(_G, '{name}'))"), "nil\n");
        prints(
            &format!("print(_ENV == _G, rawget(_ENV, '{name}'))"),
            "true\tnil\n",
        );
        // Neither by the environment of what is loaded.
        fails(
            &format!("load('return {name}')()"),
            &format!("no global '{name}'"),
        );
    }
    for name in [
        "execute",
        "exit",
        "getenv",
        "remove",
        "rename",
        "setlocale",
        "tmpname",
    ] {
        fails(&format!("print(os.{name})"), &format!("no 'os.{name}'"));
        prints(&format!("print(rawget(os, '{name}'))"), "nil\n");
    }
    prints(
        "print(string.dump, ('').dump, rawget(string, 'dump'))",
        "nil\tnil\tnil\n",
    );
    prints(
        "print(pcall(getmetatable, _G), getmetatable(_G))",
        "true\tfalse\n",
    );
    fails("setmetatable(_G, {})", "protected metatable");
    fails("setmetatable(os, { __gc = print })", "__gc");
}

#[test]
fn modules_are_found_by_their_names_alone() {
    for name in [
        "../shared",
        "/etc/passwd",
        "./shared",
        "lib/shared",
        "shared.lua",
        "shared\\0",
        "",
        "..",
        "/proc/self/environ",
        "a/../../b",
    ] {
        fails(&format!("require '{name}'"), "no module");
    }
    prints("print(require 'shared'.x)", "7\n");
}

#[test]
fn files_are_those_of_the_kernel() {
    for path in [
        "/etc/passwd",
        "/proc/../etc/passwd",
        "/proc/self/root/etc/passwd",
        "/proc/self/cwd/Cargo.toml",
        "/sys/../etc/passwd",
        "proc/version",
        "/procx",
    ] {
        let text = format!("print(readfile '{path}')");
        match tried(&text) {
            Ok(printed) => assert_eq!(printed, "nil\n", "{path}"),
            Err(message) => assert!(
                message.contains("readfile reads files of /proc"),
                "{message}"
            ),
        }
    }
}

#[test]
fn bytecode_is_never_loaded() {
    for mode in ["'b'", "'bt'", "'t'", "nil", "''"] {
        for chunk in ["'\\27Lua'", "'\\27LuaT\\0\\x19\\x93\\r\\n'"] {
            let printed = tried(&format!("print(load({chunk}, 'x', {mode}))")).unwrap();
            assert!(printed.starts_with("nil\t"), "{mode}: {printed}");
        }
        // A piece at a time.
        let pieces = format!(
            "local left = {{ '\\27', 'Lua', 'T' }} print(load(function() return table.remove(left, 1) end, 'x', {mode}))"
        );
        let printed = tried(&pieces).unwrap();
        assert!(printed.starts_with("nil\t"), "{mode}: {printed}");
    }
    // No text passes for another file of the script's.
    let message = tried("load('\\n\\n\\nprobe \"nowhere\"', '@t.lua')()").unwrap_err();
    assert!(message.starts_with("t.lua:1:"), "{message}");
}

#[test]
fn metatables_lead_nowhere() {
    for (text, expected) in [
        // Strings of the host's own are looked at in Rust.
        (
            "getmetatable('').__index = function() return 'stolen' end print(('x').y, #'x')",
            "stolen\t1\n",
        ),
        ("getmetatable('').__tostring = error print('x')", "x\n"),
        (
            "local ok = pcall(setmetatable, {}, { __gc = 1 }) print(ok)",
            "false\n",
        ),
        (
            "local m = setmetatable({}, { __index = function() return print end }) print(pcall(setmetatable, {}, m))",
            "nil",
        ),
        (
            "local t = setmetatable({}, { __metatable = 'no', __close = function() print 'closed' end }) do local x <close> = t end",
            "closed\n",
        ),
    ] {
        let printed = tried(text).unwrap();
        match expected {
            "nil" => assert!(printed.starts_with("true\t"), "{text}: {printed}"),
            _ => assert_eq!(printed, expected, "{text}"),
        }
    }
    // A finalizer that is put in later never becomes one.
    prints(
        "local m = {} setmetatable({}, m) m.__gc = function() print 'ran' end collectgarbage() collectgarbage()",
        "",
    );
}

#[test]
fn hostile_errors_are_errors() {
    for object in [
        "setmetatable({}, { __tostring = function() error 'again' end })",
        "setmetatable({}, { __tostring = function() return 5 end })",
        "setmetatable({}, { __tostring = function() return ('x'):rep(1 << 40) end })",
        "setmetatable({}, { __index = function(t) error(t) end, __name = ('n'):rep(1 << 20) })",
        "setmetatable({}, { __tostring = function() exit(7) end })",
        "nil",
        "print",
        "coroutine.create(print)",
    ] {
        for raise in [
            format!("error({object})"),
            format!("pcall(error, {object}) error({object}, 5)"),
            format!("coroutine.wrap(function() error({object}) end)()"),
            format!("xpcall(error, function(e) error(e) end, {object}) error({object})"),
            format!(
                "local x <close> = setmetatable({{}}, {{ __close = function() error({object}) end }})"
            ),
            format!("on_exit(function() error({object}) end)"),
        ] {
            assert!(tried(&raise).is_err(), "{raise}");
        }
    }
}

#[test]
fn exit_and_errors_pass_every_pcall() {
    for text in [
        "pcall(exit, 3) print 'no'",
        "xpcall(exit, print, 3) print 'no'",
        "coroutine.wrap(function() pcall(exit, 3) print 'no' end)() print 'no'",
        "local co = coroutine.create(exit) print(coroutine.resume(co, 3)) print 'no'",
        "local co = coroutine.create(function() local x <close> = setmetatable({}, { __close = function() exit(3) end }) coroutine.yield() end) coroutine.resume(co) print(coroutine.close(co)) print 'no'",
    ] {
        let session = Rc::new(Fake::default());
        let ended = strangers_vm(&session).run("t.lua", text);
        assert_eq!(ended, Err(ScriptError::Exit(3)), "{text}");
        assert_eq!(session.take_log(), "", "{text}");
    }
}

#[test]
fn coroutines_that_outlive_their_call_end_with_the_script() {
    prints(
        "co = coroutine.create(function() local x <close> = setmetatable({}, { __close = function() print 'closed' end }) coroutine.yield() print 'on' end)
         coroutine.resume(co) on_exit(function() print(coroutine.status(co)) coroutine.close(co) print(coroutine.status(co)) end)",
        "suspended\nclosed\ndead\n",
    );
    prints(
        "f = coroutine.wrap(function() while true do coroutine.yield(1) end end) f() on_exit(function() print(f()) end)",
        "1\n",
    );
}

#[test]
fn memory_has_an_end() {
    for text in [
        "local x = ('x'):rep(1 << 30)",
        "local x = ('x'):rep(1 << 20, ('y'):rep(1 << 20))",
        "local x = ('x'):rep(1 << 20) while true do x = x .. x end",
        "local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1000) .. i end",
        "local t = {} for i = 1, 1e9 do t[i] = {} end",
        "local t = {} for i = 1, 1000 do t[i] = ('x'):rep(1 << 20) end table.concat(t)",
        "local t = {} for i = 1, 1e9 do t[i] = coroutine.wrap(function() coroutine.yield() end) t[i]() end",
        "local s = ('x'):rep(1 << 20) local t = {} for i = 1, 1e9 do t[i] = s:upper() .. i end",
        "('x'):rep(1 << 24):gsub('x', ('y'):rep(1 << 10))",
        "load(function() return ('x'):rep(1 << 20) end)",
        "table.move({ 1 }, 1, 1, 1) local t = {} for i = 1, 1e9 do t[#t + 1] = function() return i end end",
    ] {
        match tried(text) {
            Err(message) => assert!(
                message.contains("more than 256 MiB") || message.contains("too large"),
                "{text}: {message}"
            ),
            Ok(printed) => assert!(text.starts_with("load("), "{text}: {printed}"),
        }
    }
}

#[test]
fn depth_has_an_end() {
    for text in [
        "local function f() return 1 + f() end f()",
        "local t = setmetatable({}, {}) getmetatable(t).__index = t print(t.x)",
        "print(load(('('):rep(100000) .. '1' .. (')'):rep(100000)))",
        "local s = 'x' for i = 1, 300 do s = '(' .. s .. ')' end print(('x'):find(s))",
        "local t = {} for i = 1, 100000 do t = { t } end print(tostring(t):sub(1, 5))",
        "string.gsub('x', 'x', function() return string.gsub('x', 'x', error) end)",
        "local function wrap() return coroutine.wrap(wrap)() end wrap()",
    ] {
        // An error or an answer, and no crash.
        let _ = tried(text);
    }
    fails(
        "local function f() return 1 + f() end f()",
        "stack overflow",
    );
}

#[test]
fn what_is_printed_is_so_much_and_no_more() {
    fails("print(('x'):rep((1 << 20) + 1))", "at most 1 MiB");
    fails(
        "printf('%s%s', ('x'):rep(1 << 19), ('x'):rep(1 << 19))",
        "at most 1 MiB",
    );
    fails(
        "local s = ('x'):rep(1 << 19) print(s, s, s)",
        "at most 1 MiB",
    );
    fails(
        "for i = 1, 1e9 do print(('x'):rep(100000)) end",
        "t.lua:1: more than 16 MiB",
    );
    fails(
        "for i = 1, 1000 do pcall(print, ('x'):rep(100000)) end error 'done'",
        "done",
    );
    fails("printf('%99999d', 1)", "two digits");
    fails("print(('%1000d'):format(1))", "invalid conversion");
    // One's own may print what it likes.
    let printed = output("for i = 1, 20 do print(('x'):rep(1 << 20)) end").unwrap();
    assert_eq!(printed.len(), 20 * ((1 << 20) + 1));
}

#[test]
fn garbage_is_collected_as_the_host_wants_it() {
    for what in [
        "stop",
        "restart",
        "step",
        "incremental",
        "generational",
        "isrunning",
    ] {
        fails(&format!("collectgarbage '{what}'"), "collectgarbage takes");
    }
    prints("print(math.type(math.random(10)))", "integer\n");
}
