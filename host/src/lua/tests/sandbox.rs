use super::*;

#[test]
fn nothing_reaches_out() {
    for name in [
        "io",
        "debug",
        "package",
        "dofile",
        "loadfile",
        "os.execute",
        "os.remove",
        "os.getenv",
        "os.exit",
        "os.tmpname",
        "os.rename",
        "os.setlocale",
    ] {
        let message = failure(&format!("print({name})"));
        assert!(
            message.contains(name.split('.').next_back().unwrap()),
            "{message}"
        );
    }
    assert_eq!(
        output("print(string.dump, rawget(_G, 'io'), rawget(_G, 'package'))").unwrap(),
        "nil\tnil\tnil\n"
    );
    assert_eq!(
        output("print(os.time() > 0, os.clock() >= 0, #os.date('%Y'))").unwrap(),
        "true\ttrue\t4\n"
    );
    assert!(
        failure("setmetatable({}, { __gc = print })")
            .starts_with("test.lua:1: a metatable with '__gc'")
    );
    assert!(failure("require 'socket'").contains("there are json"));
}

#[test]
fn load_takes_text_only() {
    assert_eq!(output("print(load('return 1 + 1')())").unwrap(), "2\n");
    assert_eq!(
        output("print(load('return x', 'n', 't', { x = 5 })())").unwrap(),
        "5\n"
    );
    let printed = output("print(load('\\27Lua', 'x', 'b'))").unwrap();
    assert!(
        printed.contains("attempt to load a binary chunk"),
        "{printed}"
    );
}

#[test]
fn globals_may_be_set_and_then_read() {
    assert_eq!(
        output("x = 1 print(x, rawget(_G, 'y'))").unwrap(),
        "1\tnil\n"
    );
    assert_eq!(
        output("x = nil print(x) x = 1 x = nil print(x)").unwrap(),
        "nil\nnil\n"
    );
}

#[test]
fn what_would_take_for_ever_ends_at_once() {
    for (code, expected) in [
        ("('%99999d'):format(1)", "invalid conversion"),
        ("table.unpack({}, 1, 10000000)", "too many results"),
        ("utf8.codepoint(('a'):rep(10000000), 1, -1)", "too long"),
        ("('a'):rep(10000000):byte(1, -1)", "too long"),
        ("table.concat({}, '', 1, math.maxinteger)", "invalid value"),
        ("table.insert({}, math.maxinteger, 1)", "out of bounds"),
        ("table.remove({}, math.maxinteger)", "out of bounds"),
        ("('a'):rep(1 << 40)", "too large"),
    ] {
        let message = failure(&format!("print({code})"));
        assert!(message.contains(expected), "{code}: {message}");
    }
    assert_eq!(output("print(#(''):rep(math.maxinteger))").unwrap(), "0\n");
}
