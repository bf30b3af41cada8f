use super::*;

fn printed(text: &str, args: &[Arg<'_>]) -> Result<String, FormatError> {
    let mut out = Vec::new();
    format(&mut out, text.as_bytes(), |n| {
        args.get(n - 2).copied().unwrap_or(Arg::Missing)
    })?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// Every conversion with every kind of flag against Lua's own `string.format`.
#[test]
fn prints_what_lua_prints() {
    let lua = mlua::Lua::new();
    let reference: mlua::Function = lua.load("string.format").eval().unwrap();
    let ints = [
        0,
        1,
        -1,
        42,
        i64::MIN,
        i64::MAX,
        0xffff_ffff_8100_0123_u64 as i64,
    ];
    for flags in [
        "", "5", "-5", "05", "+", " ", "+08", "-30", "30", ".0", ".3", "12.7", "99",
    ] {
        for letter in ["d", "i"] {
            for int in ints {
                let text = format!("<%{flags}{letter}>");
                let wanted: String = reference.call((text.as_str(), int)).unwrap();
                assert_eq!(
                    printed(&text, &[Arg::Int(int)]).unwrap(),
                    wanted,
                    "{text} of {int}"
                );
            }
        }
    }
    for flags in [
        "", "5", "-5", "05", "#", "#18", "-#18", "#018", ".0", "20.17",
    ] {
        for letter in ["x", "X", "o"] {
            for int in ints {
                let text = format!("<%{flags}{letter}>");
                let wanted: String = reference.call((text.as_str(), int)).unwrap();
                assert_eq!(
                    printed(&text, &[Arg::Int(int)]).unwrap(),
                    wanted,
                    "{text} of {int}"
                );
            }
        }
    }
    let floats = [
        0.0,
        -1.5,
        1e100,
        f64::MAX,
        f64::MIN_POSITIVE,
        f64::INFINITY,
        3.0,
    ];
    for flags in ["", "9", "-9.2", "+.1", "#.0", "010", "99.99"] {
        for letter in ["e", "E", "f", "g", "G", "a"] {
            for float in floats {
                let text = format!("<%{flags}{letter}>");
                let wanted: String = reference.call((text.as_str(), float)).unwrap();
                assert_eq!(
                    printed(&text, &[Arg::Float(float)]).unwrap(),
                    wanted,
                    "{text}"
                );
            }
        }
    }
    for (text, value) in [
        ("%s|%5s", 3.0),
        ("%s|%-9s", 0.1),
        ("%s|%.2s", 1e15),
        ("%s|%s", -0.0),
    ] {
        let wanted: String = reference.call((text, value, value)).unwrap();
        assert_eq!(printed(text, &[Arg::Float(value); 2]).unwrap(), wanted);
    }
    for (text, value) in [
        ("%s|%7s|%-7s|%.1s", "abc"),
        ("%.0s%s%s%3s", "x"),
        ("%%%s%s%s%s", ""),
    ] {
        let wanted: String = reference.call((text, value, value, value, value)).unwrap();
        assert_eq!(
            printed(text, &[Arg::Str(value.as_bytes()); 4]).unwrap(),
            wanted
        );
    }
}

#[test]
fn a_nil_prints_in_every_conversion() {
    assert_eq!(
        printed("%5d|%-5s|%x|%.1f", &[Arg::Nil; 4]).unwrap(),
        "  nil|nil  |nil|nil"
    );
}

#[test]
fn mistakes_name_the_argument() {
    let fails = |text, args: &[Arg<'_>]| printed(text, args).unwrap_err().to_string();
    assert_eq!(fails("%d %d", &[Arg::Int(1)]), "no argument 3 for '%d'");
    assert_eq!(
        fails("%d", &[Arg::Str(b"x")]),
        "argument 2 for '%d' is a string, not a number"
    );
    assert!(
        fails("%d", &[Arg::Float(1.5)]).starts_with("argument 2 for '%d' is not a whole number")
    );
    assert_eq!(
        fails("100%", &[]),
        "the format ends in '%' ('%%' prints one)"
    );
    assert!(fails("%lu", &[Arg::Int(1)]).contains("'%l'"));
    assert_eq!(
        fails("%100d", &[Arg::Int(1)]),
        FormatError::TooWide.to_string()
    );
}

#[test]
fn text_positions_count_the_format() {
    assert_eq!(
        printed_as_text(b"%d %s %% %-5s %").collect::<Vec<_>>(),
        [3, 4]
    );
}

#[test]
fn quoted_strings_can_be_read_back() {
    let lua = mlua::Lua::new();
    let bytes = b"a\"b\\c\n\x001\x01z";
    let text = printed("return %q", &[Arg::Str(bytes)]).unwrap();
    let back: mlua::LuaString = lua.load(text).eval().unwrap();
    assert_eq!(&*back.as_bytes(), bytes);
}
