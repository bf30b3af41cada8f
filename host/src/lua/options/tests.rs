use super::*;
use crate::spec::{Given, Member};
use std::sync::Arc;

const TOOL: &str = "--- Show what was allocated and never freed, by the stack that allocated it, of all processes together.
--
-- Usage: tool [OPTIONS] [INTERVAL]
--   INTERVAL               time between two reports [5s]
--   -x, --failed           only calls that failed
--   -F                     full paths
--   -n, --name GLOB        only commands that match GLOB
--       --top N            stacks to show, and then some more text that is long enough for two lines of help [10]
--   -o, --older TIME       at least this old [500ms]
--   -r, --ratio X          how much
--   -s, --sort size|count  order
--   -D, --port N...        only these ports
--   -u, --uid UID          whose
-- Example: tool -xF
";

fn header(text: &str) -> Header {
    Header::parse(&Arc::from("tool.lua"), text).unwrap()
}

fn parse_words(words: &str) -> Result<BTreeMap<String, OptionValue>, Report> {
    parse(
        &header(TOOL),
        &words
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>(),
    )
}

fn wrong(words: &str) -> String {
    parse_words(words).unwrap_err().to_string()
}

#[test]
fn every_declared_option_has_a_value() {
    use OptionValue::*;
    let values = parse_words("").unwrap();
    assert_eq!(values["interval"], Int(5_000_000_000));
    assert_eq!(values["failed"], Bool(false));
    assert_eq!(values["name"], Nil);
    assert_eq!(values["top"], Int(10));
    assert_eq!(values["older"], Int(500_000_000));
    assert_eq!(values["port"], Nil);
    assert_eq!(values.len(), 10);
}

#[test]
fn reads_every_way_to_write_an_option() {
    use OptionValue::*;
    let values =
        parse_words("-xFn5 --top=7 -D 1 --ratio -0.5 2s -D2 --sort count -u root").unwrap();
    assert_eq!(
        (&values["failed"], &values["F"]),
        (&Bool(true), &Bool(true))
    );
    assert_eq!(values["name"], Str("5".to_owned()));
    assert_eq!(values["top"], Int(7));
    assert_eq!(values["port"], List(vec![Int(1), Int(2)]));
    assert_eq!(values["ratio"], Number(-0.5));
    assert_eq!(values["interval"], Int(2_000_000_000));
    assert_eq!(values["uid"], Int(0));
    assert!(
        wrong("-- -x").contains("'INTERVAL' can't be '-x'"),
        "no option any more"
    );
    assert_eq!(
        parse_words("--top 1 --top 0x10").unwrap()["top"],
        Int(16),
        "the last one counts"
    );
}

#[test]
fn mistakes_name_the_option_and_what_is_wanted() {
    for (words, message, help) in [
        (
            "--prot 1",
            "this script has no option '--prot'",
            "did you mean '--port'?",
        ),
        ("-xq", "this script has no option '-q'", "--failed"),
        ("--top ten", "'--top' can't be 'ten'", "it wants an integer"),
        ("--top", "'--top' wants a value (N), and none follows", ""),
        (
            "--failed=yes",
            "'--failed' takes no value, and got 'yes'",
            "",
        ),
        (
            "-s sise",
            "'--sort' can't be 'sise'",
            "did you mean 'size'?",
        ),
        ("-o soon", "'--older' can't be 'soon'", "500ms"),
        ("-r inf", "'--ratio' can't be 'inf'", "a number"),
        (
            "-u no-such-user",
            "'--uid' can't be 'no-such-user'",
            "number or name",
        ),
        (
            "1s 2s",
            "'2s' is one argument too many",
            "usage: tool [OPTIONS] [INTERVAL]",
        ),
        ("--top 99999999999999999999", "can't be", "an integer"),
    ] {
        let told = wrong(words);
        assert!(
            told.contains(message) && told.contains(help),
            "{words}: {told}"
        );
    }
    let required = header("--- x\n-- Usage: t PROBE\n--   PROBE   what to count");
    assert_eq!(
        parse(&required, &[]).unwrap_err().to_string(),
        "PROBE is missing\n  what to count"
    );
    let none = parse(&Header::default(), &["-x".to_owned()])
        .unwrap_err()
        .to_string();
    assert_eq!(none, "this script has no option '-x'\n  it takes none");
}

#[test]
fn texts_get_what_was_given() {
    let given = |words: &str, key: &str| parse_words(words).unwrap()[key].given();
    assert_eq!(given("", "name"), Some(Given::Nil));
    assert_eq!(given("-x", "failed"), Some(Given::Bool(true)));
    assert_eq!(
        given("-D1 -D2", "port"),
        Some(Given::List(vec![Member::Int(1), Member::Int(2)]))
    );
    assert_eq!(given("-r 2", "ratio"), Some(Given::Int(2)));
    assert_eq!(given("-r 2.5", "ratio"), None);
}

#[test]
fn help_fits_80_columns() {
    insta::assert_snapshot!(help(&header(TOOL), "tool"), @r"
    Show what was allocated and never freed, by the stack that allocated it, of all
    processes together.

    Usage: tool [OPTIONS] [INTERVAL]

      INTERVAL                time between two reports [5s]
      -x, --failed            only calls that failed
      -F                      full paths
      -n, --name GLOB         only commands that match GLOB
          --top N             stacks to show, and then some more text that is long
                              enough for two lines of help [10]
      -o, --older TIME        at least this old [500ms]
      -r, --ratio X           how much
      -s, --sort size|count   order
      -D, --port N...         only these ports
      -u, --uid UID           whose

    Example: tool -xF

    As with every script: -p PID, -c CMD, --duration TIME, --format text|json
    ");
}
