use super::*;
use mlua::{Function, Lua};
use proptest::prelude::*;

/// What is inferred of the handler that a chunk returns; its lines come from Lua, as they do in a run.
fn infer(chunk: &str) -> Inferred {
    let lua = Lua::new();
    let handler: Function = lua.load(chunk).eval().unwrap();
    let info = handler.info();
    let [first, last] =
        [info.line_defined, info.last_line_defined].map(|line| line.unwrap() as u32);
    reads(chunk, first, last).unwrap()
}

fn paths(chunk: &str) -> String {
    let inferred = infer(chunk);
    assert_eq!(inferred.escape, None, "{chunk}");
    inferred
        .reads
        .iter()
        .map(|read| read.path.as_str())
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn follows_fields_and_aliases() {
    for (body, wanted) in [
        ("print(e.pid, e['comm'])", "comm pid"),
        (
            "printf('%s', e.args.filename or '<fault>')",
            "args.filename",
        ),
        (
            "local a = e.args return a.filename .. a.flags",
            "args.filename args.flags",
        ),
        ("local c <const> = e.comm; t[c] = (t[c] or 0) + 1", "comm"),
        ("local a, b = e.args, e.pid; print(b, a.fd)", "args.fd pid"),
        (
            "print(e.comm:sub(1, 2), #e.args.path, -e.retval)",
            "args.path comm retval",
        ),
        (
            "if e.args.ret < 0 and e.from.comm then x = e.from.time end",
            "args.ret from.comm from.time",
        ),
        ("print(e.args.oc.chosen.tgid)", "args.oc.chosen.tgid"),
        (
            "local oc = e.args.oc; if oc then print(oc.chosen.comm, oc.total) end",
            "args.oc.chosen.comm args.oc.total",
        ),
        (
            "local oc = e.args.oc; if oc ~= nil then print(oc) end",
            "args.oc",
        ),
        ("local pid = e.pid", "pid"),
        ("local pid = e.pid, e.comm", "comm pid"),
        (
            "local f = function() return e.args.x end; print(f())",
            "args.x",
        ),
        (
            "local a; local function set() a = e.args end; set(); print(a.fd)",
            "args.fd",
        ),
        (
            "local a; local function show() print(a.fd) end; a = e.args; show()",
            "args.fd",
        ),
        ("e = e.args; print(e.fd)", "args.fd"),
        (
            "do local e = { x = 1 }; print(e.x) end; print(e.pid)",
            "pid",
        ),
        (
            "local file = e.args.name; file = cache[file]; print(file.size)",
            "args.name",
        ),
        (
            "local a; if x then a = e.args else a = {} end; print(a.fd)",
            "args.fd",
        ),
        (
            "local a; while x do if a then print(a.fd) end; a = e.args end",
            "args.fd",
        ),
        (
            "local a = 1; ::again:: if a ~= 1 then print(a.fd) return end; a = e.args; goto again",
            "args.fd",
        ),
        (
            "local a = x and e.args or e.from; print(a.fd)",
            "args.fd from.fd",
        ),
        ("for i = 1, e.args.count do print(i) end", "args.count"),
        ("local kept = e:copy(); print(kept.comm)", "comm"),
        ("print(e.kstack[1], e.args.data[x])", "args.data kstack"),
        (
            "t[e.pid] = { e.comm, [e.tid] = e.time }",
            "comm pid tid time",
        ),
        ("e.pid = 3", ""),
        ("print(not e.args.fd, e == nil)", "args.fd"),
    ] {
        assert_eq!(
            paths(&format!("return function(e) {body} end")),
            wanted,
            "{body}"
        );
    }
}

#[test]
fn goes_into_functions_of_the_chunk() {
    assert_eq!(
        paths("local function show(e) print(e.comm) end return show"),
        "comm"
    );
    let helper = "local function tail(a, n) return a.path:sub(n) end\n";
    assert_eq!(
        paths(&format!(
            "{helper}return function(e) print(tail(e.args, e.pid)) end"
        )),
        "args.path pid"
    );
    let returned = infer(
        "local function args(e) return e.args end\nreturn function(e)\nprint(args(e).fd) end",
    );
    assert_eq!(returned.escape.map(|escape| escape.line), Some(1));
    let endless = infer("local function f(e) print(e.pid) f(e) end\nreturn function(e) f(e) end");
    assert!(
        endless
            .escape
            .is_some_and(|escape| escape.why.contains("'f'"))
    );
    assert_eq!(endless.reads.len(), 1);
}

#[test]
fn says_where_the_event_gets_away() {
    for (statement, how) in [
        ("kept = e", "outlives the handler"),
        ("last = e.args", "'args'"),
        ("t[1] = e:copy()", "stored in a table"),
        ("local x = { e }", "stored in a table"),
        ("for k, v in pairs(e) do end", "'pairs'"),
        ("print(e.args)", "'print'"),
        ("json.encode(e)", "'encode'"),
        ("obj:push(e)", "'push'"),
        ("print(e.args[k])", "computed"),
        ("return e.args", "returned"),
        ("local n = e.args.list; while n do n = n.next end", "walked"),
        ("coroutine.wrap(function() return e end)", "returned"),
    ] {
        let inferred = infer(&format!(
            "local last\nreturn function(e)\n  print(e.comm)\n  {statement}\nend"
        ));
        let escape = inferred
            .escape
            .unwrap_or_else(|| panic!("no escape in {statement}"));
        assert_eq!(escape.line, 4, "{statement}");
        assert!(
            escape.why.contains(how) && escape.why.contains(":fetch"),
            "{statement}: {}",
            escape.why
        );
        assert!(inferred.reads.contains(&Read {
            path: "comm".to_owned(),
            line: 3
        }));
    }
}

#[test]
fn finds_the_function_by_its_lines() {
    let chunk = "#!/usr/bin/env moontrace\non(function(e) print(e.pid) end)\non(function(e)\n  print(e.comm)\nend) on(function(e) print(e.uid) end) on(function(x) print(x.gid) end)";
    let of = |first, last| reads(chunk, first, last).map(|inferred| inferred.reads.len());
    assert_eq!(of(2, 2), Ok(1));
    assert_eq!(of(3, 5), Ok(1));
    assert_eq!(of(5, 5), Ok(2), "both that stand there");
    assert_eq!(of(4, 5), Err(Unreadable::NoSuchFunction));
    assert_eq!(paths("return function() print(e.pid) end"), "");
    assert!(
        infer("return function(...) print((...).pid) end")
            .escape
            .is_some()
    );
    let method = "local t = {}\nfunction t.sub.show(e)\n print(e.pid) end";
    assert_eq!(
        reads(method, 2, 3).map(|inferred| inferred.reads.len()),
        Ok(1)
    );
}

/// Lua's word on a text; `None` where it refuses for a reason beyond grammar, which is not checked here.
fn lua_accepts(lua: &Lua, text: &str) -> Option<bool> {
    const BEYOND: [&str; 8] = [
        "goto",
        "label",
        "break",
        "const",
        "local variables",
        "to-be-closed",
        "jumps",
        "upvalues",
    ];
    match lua.load(text).into_function() {
        Ok(_) => Some(true),
        Err(error) if BEYOND.iter().any(|word| error.to_string().contains(word)) => None,
        Err(_) => Some(false),
    }
}

#[test]
fn agrees_with_lua_on_odd_texts() {
    let lua = Lua::new();
    let texts = [
        "goto done; do x = 1 end ::done::",
        "::a:: ;;; ::b::",
        "x = 7 // 2 % 3 ^ 2 ~ 1 << 2 >> ~3 & 4 | 5",
        "x = - - not #t",
        "x = [==[ ]] ]=] ]==] y = [[\n\n]]",
        "--[==[ ]] \n ]==] x = 1",
        "--[= not long\nx = 1",
        "--",
        "x = [=",
        "x = [==x",
        "x = [[a",
        "--[[ a",
        "local a <const>, b <close> = 1",
        "local a <odd> = 1",
        "x = 0x1p4 + 0x.8 + 0xA.p-1 + 1e10 + .5 + 3. + 1E+2",
        "x = 3x",
        "x = 0x",
        "x = 1e",
        "x = 1..2",
        "x = 0xg",
        "x = 1.2.3",
        "x = 'a\\\nb\\z   \n  c\\x41\\065\\u{7FFFFFFF}\\'\"'",
        "x = '\\q'",
        "x = '\\300'",
        "x = '\\u{80000000}'",
        "x = '\\xg1'",
        "x = 'a\nb'",
        "x = \"",
        "x = '\\",
        "f{1, 2; x = 3, [4] = 5,}",
        "f{,}",
        "f'x'.y[1]:z[[w]]{}()",
        "(f)()",
        "(f())",
        "(a) = 1",
        "(a).b = 1",
        "a.b, c[1] = 1",
        "a, f() = 1",
        "a + 1",
        "'x':f()",
        "('x'):f()",
        "return",
        "return;",
        "return 1, 2;",
        "return 1 x = 2",
        "if a then elseif b then else end",
        "if a then else elseif b then end",
        "for i = 1 do end",
        "for i = 1, 2, 3, 4 do end",
        "for a, b in c, d do end",
        "for a.b in c do end",
        "repeat local x until x",
        "while 1 do",
        "function a.b.c:d(...) return ... end",
        "function f() return ... end",
        "function f(..., a) end",
        "function f(a,) end",
        "function f(a, ...) end",
        "local function a.b() end",
        "local function f() end",
        "function f:a:b() end",
        "x = function(a) end",
        "return ...",
        "x =",
        "x = = 3",
        "x == 3",
        "a.1 = 2",
        "a['b'].c = d",
        "a:b = 1",
        "a:b",
        "x = a:b",
        "x = a.if",
        "x = and",
        "x = 1 +",
        "x = {a = 1, b}",
        "x = {a == 1}",
        "x = {[1]}",
        "x = \u{e9}",
        "\u{e9} = 1",
        "x = !1",
        "x != 1",
        "x = a ~= b",
        "x = a <= b >= c",
        "local",
        "local x y",
        "end",
        "do end end",
        "x = 1;; y = 2",
        "# comment\nx = 1",
        "x = # y\n",
        "break",
        "x = }",
        "a.b.c",
        "::x",
        "goto 1",
        "\r\n\n\rx = 1",
        "x = 1 -- end",
    ];
    for text in texts.into_iter().filter(|text| !text.starts_with('#')) {
        if let Some(accepted) = lua_accepts(&lua, text) {
            let ours = parse::parse(text);
            assert_eq!(ours.is_ok(), accepted, "{text:?}: {:?}", ours.err());
        }
    }
    assert!(parse::parse("# comment\nx = 1").is_ok(), "as in a file");
}

/// Neither the parser's stack, nor the tree's own when it is dropped, grows with the text.
#[test]
fn long_and_deep_texts_end_in_an_answer() {
    const MANY: usize = 20_000;
    for (deep, refused) in [
        ("(".repeat(MANY), true),
        (format!("x = {}1", "- ".repeat(MANY)), true),
        (format!("x = {}1", "not ".repeat(MANY)), true),
        (format!("x = {}1", "a ^ ".repeat(MANY)), true),
        (format!("x = {}1", "{".repeat(MANY)), true),
        ("function f() ".repeat(MANY), true),
        ("do ".repeat(MANY), true),
        (format!("x = a{}", ".b".repeat(MANY)), false),
        (format!("x = f{}", "()".repeat(MANY)), false),
        (format!("x = 1{}", " + 1".repeat(MANY)), false),
        (format!("x = 1{}", " and 1 or 2 == 3".repeat(MANY)), false),
        (
            format!("if a then {} end", "elseif b then ".repeat(MANY)),
            false,
        ),
    ] {
        assert_eq!(parse::parse(&deep).is_err(), refused, "{}…", &deep[..40]);
    }
    let walk = format!(
        "return function(e) {} end",
        "local x = e while y do x = x.a or x.b ".repeat(40) + &"end ".repeat(40)
    );
    let calls: String = (1..300)
        .map(|n| {
            format!(
                "local function f{n}(e) do do do return f{}(e) end end end end\n",
                n - 1
            )
        })
        .collect();
    let calls = format!("local function f0(e) print(e.pid) end\ndo {calls} end");
    assert!(infer(&walk).escape.is_some());
    assert!(parse::parse(&calls).is_ok());
}

fn token() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "and",
        "break",
        "do",
        "else",
        "elseif",
        "end",
        "false",
        "for",
        "function",
        "goto",
        "if",
        "in",
        "local",
        "nil",
        "not",
        "or",
        "repeat",
        "return",
        "then",
        "true",
        "until",
        "while",
        "+",
        "-",
        "*",
        "//",
        "%",
        "^",
        "#",
        "&",
        "~",
        "|",
        "<<",
        ">>",
        "==",
        "~=",
        "<=",
        "<",
        "=",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        "::",
        ";",
        ":",
        ",",
        ".",
        "..",
        "...",
        "a",
        "e",
        "e.x",
        "e.args",
        "f",
        "f(e)",
        "1",
        "0x1p1",
        "'s'",
        "[[l]]",
        "--[[c]]",
        "\n",
        "x = ",
        "function(e)",
        "local a = e",
    ])
}

/// Statements that are right by themselves, some of them within others.
fn handler_body() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "local a = e.args",
        "a = a.x",
        "e = b",
        "local b = a or e",
        "print(b.y, a)",
        "b = function() a = e return a end",
        "f(a)",
        "t.x = b",
        "local a, b = e",
        "::l1:: a = b",
        "local e = e:copy()",
        "print(#a, not b, -e.x)",
        "b = a and e[\"k\"]",
    ]);
    leaf.prop_map(str::to_owned)
        .prop_recursive(4, 24, 4, |inner| {
            let around = prop::sample::select(vec![
                ("while a do ", " end"),
                ("repeat ", " until b.z"),
                ("if a.t then ", " else b = e end"),
                ("local function f(a) ", " end"),
                ("for a, b in f(b) do ", " end"),
                ("do ", " end"),
                ("f(function(b) ", " end)"),
            ]);
            (around, prop::collection::vec(inner, 1..4))
                .prop_map(|((before, after), body)| format!("{before}{}{after}", body.join("; ")))
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_gets_an_answer(text in "\\PC{0,60}", first in 0u32..4, last in 0u32..4) {
        let _ = reads(&text, first, last);
    }

    #[test]
    fn agrees_with_lua_on_any_tokens(tokens in prop::collection::vec(token(), 0..12)) {
        let text = tokens.join(" ");
        if let Some(accepted) = lua_accepts(&Lua::new(), &text).filter(|_| !text.starts_with('#')) {
            prop_assert_eq!(parse::parse(&text).is_ok(), accepted, "{}", text);
        }
    }

    #[test]
    fn any_handler_is_followed(body in prop::collection::vec(handler_body(), 1..6)) {
        let chunk = format!("return function(e) {} end", body.join("\n"));
        prop_assert!(parse::parse(&chunk).is_ok());
        let _ = reads(&chunk, 1, chunk.lines().count() as u32).map_err(|error| assert_eq!(error, Unreadable::NoSuchFunction));
    }
}
