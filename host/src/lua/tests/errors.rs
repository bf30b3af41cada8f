use super::*;

#[test]
fn the_users_own_lines_are_shown_and_no_others() {
    let error = output("local function f(t)\n  return t.x.y\nend\npcall(print)\nlocal ok = f({})");
    let Err(ScriptError::Lua(error)) = error else {
        panic!("{error:?}")
    };
    assert_eq!(error.place.unwrap().line, 2);
    assert!(
        error.message.starts_with("attempt to index a nil value"),
        "{}",
        error.message
    );
    assert_eq!(
        error
            .traceback
            .iter()
            .map(|place| place.line)
            .collect::<Vec<_>>(),
        [5]
    );
}

#[test]
fn syntax_errors_and_raised_values_have_a_place() {
    assert!(failure("x = = 3").starts_with("test.lua:1: unexpected symbol near '='"));
    assert_eq!(failure("\nerror 'boom'"), "test.lua:2: boom");
    assert!(
        failure("\nerror(setmetatable({}, { __tostring = function() return 'object' end }))")
            .starts_with("test.lua:2: object")
    );
    assert!(failure("\n\nstring.rep()").starts_with("test.lua:3: bad argument #1 to 'rep'"));
    assert!(
        failure("printf('%d', {})")
            .starts_with("test.lua:1: printf: argument 2 for '%d' is a table")
    );
    assert!(failure("json.encode(print)").starts_with("test.lua:1: json.encode"));
}

#[test]
fn a_shebang_line_counts() {
    assert!(
        failure("#!/usr/bin/env -S moontrace\nlocal t = nil\nt.x = 1").starts_with("test.lua:3:")
    );
}

#[test]
fn errors_of_the_host_are_strings_when_caught() {
    let text = "local ok, e = pcall(probe, nil)\nprint(type(e), 'it said: ' .. e)\nprint(xpcall(probe, function(e) return type(e) end, 1))\nlocal co = coroutine.wrap(function() probe(1) end)\nprint(type(select(2, pcall(co))))";
    let printed = output(text).unwrap();
    let lines: Vec<_> = printed.lines().collect();
    assert!(
        lines[0].starts_with("string\tit said: test.lua:1: probe takes"),
        "{printed}"
    );
    assert_eq!(lines[1..], ["false\tstring", "string"]);
}

#[test]
fn exit_passes_every_pcall_and_coroutine() {
    for text in [
        "exit(3)",
        "pcall(exit, 3) print 'on'",
        "pcall(pcall, exit, 3) print 'on'",
        "xpcall(exit, print, 3) print 'on'",
        "coroutine.resume(coroutine.create(exit), 3) print 'on'",
        "pcall(coroutine.wrap(function() pcall(exit, 3) end)) print 'on'",
    ] {
        assert_eq!(output(text), Err(ScriptError::Exit(3)), "{text}");
    }
    assert!(failure("exit(256)").contains("0 to 255"));
}

#[test]
fn a_memory_bomb_is_stopped_and_said() {
    for text in [
        "local t = {} while true do t[#t + 1] = string.rep('x', 1 << 20) end",
        "local s = 'x' while true do s = s .. s end",
        "string.rep('x', 1 << 40)",
    ] {
        let message = failure(text);
        assert!(
            message.contains("more than 64 MiB of memory") || message.contains("too large"),
            "{message}"
        );
    }
}
