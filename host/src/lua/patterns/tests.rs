//! Held against Lua's own functions, and against what its manual says.

use super::install;
use mlua::{Lua, MultiValue, Value};
use proptest::prelude::*;

/// Lua's own, and ours.
fn both() -> (Lua, Lua) {
    let ours = Lua::new();
    install(&ours).unwrap();
    (Lua::new(), ours)
}

/// What a call of a method of the text gives, values with their types, or its error with the line.
const CALL: &str = r##"
    local name, text, extra, kind = ...
    local arguments = table.pack(table.unpack(extra, 1, extra.n))
    if kind == "function" then
      arguments[2] = function(...)
        local n = select("#", ...)
        if n % 2 == 0 then return nil end
        return n .. "<" .. tostring(..., nil) .. ">"
      end
    elseif kind == "table" then
      arguments[2] = setmetatable({ a = "A", b = false, ab = 12, [1] = "one" }, { __index = function(_, key)
        if #tostring(key) == 2 then return "(" .. tostring(key) .. ")" end
      end })
    elseif kind == "odd" then
      arguments[2] = function(x) return x == "b" and {} or false end
    end
    local function all()
      if name ~= "gmatch" then return string[name](text, table.unpack(arguments, 1, arguments.n)) end
      local found = {}
      for a, b, c in string.gmatch(text, table.unpack(arguments, 1, arguments.n)) do
        found[#found + 1] = ("%s %s %s"):format(a, b, c)
        if math.type(a) then found[#found] = "n" .. found[#found] end
      end
      return table.concat(found, ";")
    end
    local results = table.pack(pcall(all))
    local shown = {}
    for i = 1, results.n do shown[i] = math.type(results[i]) or type(results[i]) shown[i] = shown[i] .. " " .. tostring(results[i]) end
    return table.concat(shown, "\n")
"##;

fn outcome(lua: &Lua, name: &str, text: &[u8], extra: &[Given], kind: &str) -> Vec<u8> {
    let packed = lua.create_table().unwrap();
    for (index, given) in extra.iter().enumerate() {
        let value = match given {
            Given::Text(text) => Value::String(lua.create_string(text).unwrap()),
            Given::Number(number) => Value::Integer(*number),
            Given::Nil => Value::Nil,
            Given::True => Value::Boolean(true),
        };
        packed.raw_set(index + 1, value).unwrap();
    }
    packed.raw_set("n", extra.len()).unwrap();
    let text = lua.create_string(text).unwrap();
    let call = lua.load(CALL).set_name("@call.lua");
    let shown: mlua::LuaString = call.call((name, text, packed, kind)).unwrap();
    shown.as_bytes().to_vec()
}

#[derive(Clone, Debug)]
enum Given {
    Text(Vec<u8>),
    Number(i64),
    Nil,
    True,
}

#[track_caller]
fn agree(name: &str, text: &[u8], extra: &[Given], kind: &str) {
    thread_local!(static BOTH: (Lua, Lua) = both());
    BOTH.with(|(theirs, ours)| {
        let expected = outcome(theirs, name, text, extra, kind);
        let got = outcome(ours, name, text, extra, kind);
        assert_eq!(
            String::from_utf8_lossy(&got),
            String::from_utf8_lossy(&expected),
            "{name}({:?}, {extra:?}) with a {kind}",
            String::from_utf8_lossy(text)
        );
    });
}

/// Texts in which something is found.
fn subject() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        8 => prop::sample::select(b"ab()x-]^%1 ".to_vec()),
        1 => any::<u8>(),
    ];
    prop::collection::vec(byte, 0..14)
}

/// Patterns, most of them well-formed.
fn pattern() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        12 => prop::sample::select(vec!["a", "b", "x", ".", "(", ")", "()", "[ab]", "[^a]", "[]-]", "[a-x]", "[%a-]", "[%w_]"])
            .prop_map(|piece| piece.as_bytes().to_vec()),
        6 => prop::sample::select(b"acdglpsuwxzACDGLPSUWXZ".to_vec()).prop_map(|class| vec![b'%', class]),
        6 => prop::sample::select(vec!["*", "+", "-", "?", "$", "^", "(a)", "(.)", "(b*)", "%b()", "%f[%w]", "%f[^a]", "%1", "%2", "%(", "%%", "%0"])
            .prop_map(|piece| piece.as_bytes().to_vec()),
        1 => prop::sample::select(vec!["[", "%", "]", "%b", "%bx", "%f", "[^]", "[%", "[a-%", "[a-]", "%9", "\0", "[\0-\x7f]"])
            .prop_map(|piece| piece.as_bytes().to_vec()),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
    ];
    let pieces = prop::collection::vec(piece, 0..7).prop_map(|pieces| pieces.concat());
    (any::<bool>(), pieces).prop_map(|(closes, mut pattern)| {
        // Captures that are open to the end are mistakes, which would hide what else there is.
        let open = pattern.iter().filter(|&&byte| byte == b'(').count();
        let closed = pattern.iter().filter(|&&byte| byte == b')').count();
        if closes {
            pattern.extend(std::iter::repeat_n(b')', open.saturating_sub(closed)));
        }
        pattern
    })
}

fn init() -> impl Strategy<Value = Given> {
    prop_oneof![
        Just(Given::Nil),
        (-16i64..17).prop_map(Given::Number),
        prop::sample::select(vec![i64::MIN, i64::MAX, i64::MIN + 1]).prop_map(Given::Number),
    ]
}

fn replacement() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(vec!["%0", "%1", "%2", "%%", "a", "<", ">", ""]),
        1 => prop::sample::select(vec!["%3", "%", "%a", "%9", "\0"]),
    ];
    prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn find_and_match_are_as_lua_has_them(text in subject(), pattern in pattern(), init in init(), plain in any::<bool>()) {
        let plain = if plain { Given::True } else { Given::Nil };
        agree("match", &text, &[Given::Text(pattern.clone()), init.clone()], "");
        agree("find", &text, &[Given::Text(pattern.clone()), init.clone()], "");
        agree("find", &text, &[Given::Text(pattern), init, plain], "");
    }

    #[test]
    fn gmatch_is_as_lua_has_it(text in subject(), pattern in pattern(), init in init()) {
        agree("gmatch", &text, &[Given::Text(pattern), init], "");
    }

    #[test]
    fn gsub_is_as_lua_has_it(
        text in subject(),
        pattern in pattern(),
        replacement in replacement(),
        most in prop_oneof![3 => Just(Given::Nil), 1 => (-1i64..5).prop_map(Given::Number)],
        kind in prop::sample::select(vec!["", "", "function", "table", "odd"]),
    ) {
        agree("gsub", &text, &[Given::Text(pattern), Given::Text(replacement), most], kind);
    }
}

/// What a chunk gives on ours, as text; and that Lua's own gives the same.
#[track_caller]
fn gives(code: &str, expected: &str) {
    let (theirs, ours) = both();
    for lua in [&ours, &theirs] {
        let values: MultiValue = lua.load(code).set_name("@t.lua").eval().unwrap();
        let shown = values.iter().map(|value| value.to_string().unwrap());
        assert_eq!(shown.collect::<Vec<_>>().join(" "), expected, "{code}");
    }
}

#[test]
fn what_the_manual_says() {
    for (code, expected) in [
        (
            r#"string.gsub("hello world", "(%w+)", "%1 %1")"#,
            "hello hello world world 2",
        ),
        (
            r#"string.gsub("hello world", "%w+", "%0 %0", 1)"#,
            "hello hello world 1",
        ),
        (
            r#"string.gsub("hello world from Lua", "(%w+)%s*(%w+)", "%2 %1")"#,
            "world hello Lua from 2",
        ),
        (
            r#"string.gsub("4+5 = $return 4+5$", "%$(.-)%$", function(s) return load(s)() end)"#,
            "4+5 = 9 1",
        ),
        (
            r#"string.gsub("$name-$version.tar.gz", "%$(%w+)", { name = "lua", version = "5.4" })"#,
            "lua-5.4.tar.gz 2",
        ),
        (r#"("flaaap"):find("()aa()")"#, "3 4 3 5"),
        (r#"("  x "):match("^%s*(.-)%s*$")"#, "x"),
        (r#"("f(a(b)c)d"):match("%b()")"#, "(a(b)c)"),
        (r#"("THE (quick) fox"):find("%f[%a]%a+%f[%A]", 2)"#, "6 10"),
        (r#"([[say "it's"]]):match([[(["'])(.-)%1]])"#, "\" it's"),
        (r#"("a.b"):find(".", 1, true)"#, "2 2"),
        (r#"("abc"):find("", 10)"#, "nil"),
        (r#"("abc"):find("", 4)"#, "4 3"),
        (r#"("abc"):find("b", -2)"#, "2 2"),
        (r#"("a^b"):gsub("a^", "x")"#, "xb 1"),
        (r#"("x^x"):gmatch("^x")()"#, "^x"),
        (r#"string.find(123, 2)"#, "2 2"),
        (r#"("abc"):gsub("", "-")"#, "-a-b-c- 4"),
        (r#"("abc"):gsub("%w", 7)"#, "777 3"),
        (r#"("abc"):gsub("^a", "x")"#, "xbc 1"),
        (
            r#"("a\0b"):find("%z"), ("a\0b"):match("[\0]b") == "\0b""#,
            "2 true",
        ),
    ] {
        gives(&format!("return {code}"), expected);
    }
}

#[test]
fn mistakes_are_named_with_their_line() {
    for (code, expected) in [
        (r#"("a"):find("%")"#, "malformed pattern (ends with '%')"),
        (r#"("a"):find("[a")"#, "malformed pattern (missing ']')"),
        (r#"("a"):find("[]")"#, "malformed pattern (missing ']')"),
        (r#"("a"):find("[a%")"#, "malformed pattern (missing ']')"),
        (
            r#"("a"):match("%bx")"#,
            "malformed pattern (missing arguments to '%b')",
        ),
        (r#"("a"):match("%fa")"#, "missing '[' after '%f' in pattern"),
        (r#"("a"):match("a)")"#, "invalid pattern capture"),
        (r#"("a"):match("(a")"#, "unfinished capture"),
        (r#"("a"):match("%1")"#, "invalid capture index %1"),
        (r#"("a"):match("(a)%0")"#, "invalid capture index %0"),
        (r#"("a"):gsub("a", "%2")"#, "invalid capture index %2"),
        (
            r#"("a"):gsub("a", "%x")"#,
            "invalid use of '%' in replacement string",
        ),
        (
            r#"("a"):gsub("a", function() return {} end)"#,
            "invalid replacement value (a table)",
        ),
        (
            r#"("a"):gsub("a")"#,
            "bad argument #2 to 'gsub' (string/function/table expected, got no value)",
        ),
        (
            r#"string.gsub("a", "a", print, {})"#,
            "bad argument #4 to 'gsub' (number expected, got table)",
        ),
        (
            r#"string.find()"#,
            "bad argument #1 to 'find' (string expected, got no value)",
        ),
        (
            r#"("a"):match(nil)"#,
            "bad argument #1 to 'match' (string expected, got nil)",
        ),
        (
            r#"string.gmatch("a", "a", "x")"#,
            "bad argument #3 to 'gmatch' (number expected, got string)",
        ),
        (
            r#"("a"):rep(33):match(("(a)"):rep(33))"#,
            "too many captures",
        ),
        (
            r#"("x"):rep(300):match(("x?"):rep(300) .. "y")"#,
            "pattern too complex",
        ),
        (r#"("aa"):gsub("(a", "%1")"#, "unfinished capture"),
    ] {
        let code = format!("return select(2, pcall(function()\nlocal _ = {code} end))");
        gives(&code, &format!("t.lua:2: {expected}"));
    }
}

#[test]
fn captures_and_depth_end_where_lua_s_do() {
    gives(
        "return select('#', (('a'):rep(32)):match(('(a)'):rep(32)))",
        "32",
    );
    for depth in [195, 198, 199, 200, 201] {
        let code = format!(
            "local s = ('a'):rep({depth}) return (pcall(string.match, s, ('a?'):rep({depth})))"
        );
        gives(&code, if depth < 200 { "true" } else { "false" });
    }
}

/// What is long, of bytes that it takes care to skip.
#[test]
fn long_texts_are_as_lua_has_them() {
    gives(
        "local s = ('ab '):rep(20000) local r, n = s:gsub('%w+', '<%0>') return #r, n",
        "100000 20000",
    );
    gives(
        "local s = ('ab '):rep(20000) return #s:gsub('b', function(c) return c:rep(3) end)",
        "100000",
    );
    gives(
        "local s = ('a'):rep(100000) return #s:match('[ab]*'), #s:match('a+'), #s:match('%l*'), #s:match('.-$')",
        "100000 100000 100000 100000",
    );
}
