use super::*;
use crate::lua::infer;
use crate::permission::Level;

const MEMLEAK: &str = "#!/usr/bin/env -S moontrace
--- Show what was allocated and never freed.
--
-- Usage: memleak [OPTIONS] [INTERVAL]
--   INTERVAL                time between two reports [5s]
--   -k, --kernel            the kernel's allocators
--                           instead
--   -s, --sort size|count   order by [size]
--       --no-clear          don't clear
--   -D, --port N...         only these ports
--
-- Sizes are those asked for.
-- Subject: memory
-- Level: heavy
-- Example: memleak -p 1234 10s
local opt = options()
-- Level: safe
";

fn parse(text: &str) -> Result<Header, Vec<String>> {
    let wrong = |reports: Vec<Report>| reports.iter().map(ToString::to_string).collect();
    Header::parse(&Arc::from("tool.lua"), text).map_err(wrong)
}

#[test]
fn reads_everything_that_is_there() {
    let header = parse(MEMLEAK).unwrap();
    assert_eq!(header.summary, "Show what was allocated and never freed.");
    assert_eq!(header.usage, ["memleak [OPTIONS] [INTERVAL]"]);
    assert_eq!(header.subjects, ["memory"]);
    assert_eq!(
        header.level,
        Some(Level::Heavy),
        "the header ends where code begins"
    );
    assert_eq!(header.examples, ["memleak -p 1234 10s"]);
    assert_eq!(header.description, ["Sizes are those asked for."]);
    let keys: Vec<_> = header
        .options
        .iter()
        .map(|option| option.key.as_str())
        .collect();
    assert_eq!(keys, ["interval", "kernel", "sort", "no_clear", "port"]);
    let kernel = header.option("-k").unwrap();
    assert_eq!(
        (kernel.text.as_str(), &kernel.kind),
        ("the kernel's allocators instead", &ValueType::Flag)
    );
    let sort = header.option("--sort").unwrap();
    assert_eq!(
        sort.kind,
        ValueType::Choice(vec!["size".to_owned(), "count".to_owned()])
    );
    assert_eq!(sort.default.as_deref(), Some("size"));
    let port = header.option("-D").unwrap();
    assert!(port.list && port.kind == ValueType::Integer);
    let interval = &header.options[0];
    assert!(interval.is_positional() && !interval.required);
}

#[test]
fn a_script_without_a_header_has_none() {
    for text in [
        "",
        "#!/usr/bin/env moontrace\n",
        "local x = 1\n--- not at the top",
        "-- a comment\n--- not first",
        "print(1)",
    ] {
        assert_eq!(parse(text), Ok(Header::default()), "{text}");
    }
}

#[test]
fn what_usage_names_without_brackets_is_required() {
    let header =
        parse("--- x\n-- Usage: t PROBE [FILE...]\n--   PROBE   what\n--   FILE...   where")
            .unwrap();
    assert_eq!(
        header
            .options
            .iter()
            .map(|option| option.required)
            .collect::<Vec<_>>(),
        [true, false]
    );
    assert!(header.options[1].list);
}

#[test]
fn mistakes_are_told_at_their_line() {
    for (lines, wanted) in [
        ("-- Level: havy", "tool.lua:2: there is no level 'havy'"),
        ("-- Subject: memry", "did you mean 'memory'?"),
        (
            "-- Usage: t\n--   -n, --name GLOB only those",
            "tool.lua:3: two spaces stand between an option and its text",
        ),
        (
            "-- Usage: t\n--   -n N   a\n--   -n X   b",
            "tool.lua:4: option '-n' is declared twice",
        ),
        (
            "-- Usage: t\n--   --a-b   a\n--   --a_b   b",
            "two options are called 'a_b'",
        ),
        ("-- Usage: t\n--   -xy   a", "one letter or digit follows"),
        ("-- Usage: t\n--   --   a", "letters, digits and '-'"),
        ("-- Usage: t\n--   -h, --host NAME   a", "-h and --help"),
        (
            "-- Usage: t\n--   -t TIME   a [soon]",
            "the default 'soon' of '-t' is wrong",
        ),
        (
            "-- Usage: t [A...] B\n--   A...   a\n--   B   b",
            "must be the last",
        ),
        ("-- Usage: t PROBE", "tool.lua:2: 'Usage:' names PROBE"),
    ] {
        let reports = parse(&format!("--- x\n{lines}")).unwrap_err();
        assert_eq!(reports.len(), 1, "{reports:?}");
        assert!(reports[0].contains(wanted), "{wanted}: {}", reports[0]);
    }
}

#[test]
fn every_script_of_the_repository_has_a_header_and_is_followed() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "lua") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let header = Header::parse(&path.to_string_lossy().into(), &text).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy();
        assert!(
            header.summary.ends_with('.') && header.level.is_some(),
            "{name}"
        );
        assert!(
            !header.subjects.is_empty() && !header.examples.is_empty(),
            "{name}"
        );
        assert!(
            header
                .usage
                .iter()
                .chain(&header.examples)
                .all(|line| line.starts_with(&*name)),
            "{name}"
        );
        let nothing = infer::reads(&text, u32::MAX, u32::MAX);
        assert_eq!(
            nothing,
            Err(infer::Unreadable::NoSuchFunction),
            "{name} is read as Lua"
        );
        seen += 1;
    }
    assert!(seen >= 3);
}

#[test]
fn what_a_script_may_do_is_declared_and_its_level_is_no_less() {
    let text = "--- Show opens.
-- Level: sensitive
-- Probes: syscall:open{,at}:return
-- Permissions: memory, write=*.svg
";
    let header = parse(text).unwrap();
    assert_eq!(
        header.permissions.to_string(),
        "probes=tracepoint:syscalls:sys_exit_open{,at},memory,write=*.svg"
    );
    let wrong = |from: &str, to: &str| parse(&text.replace(from, to)).unwrap_err().join("\n");
    assert_eq!(
        wrong("sensitive", "safe"),
        "tool.lua:2: 'Level: safe' says less than what the script does: it reads memory of processes or at addresses of its own
  write: Level: sensitive"
    );
    assert!(wrong("open{,at}", "read").contains("Level: heavy"));
    assert!(wrong("memory", "run").contains("no script runs programs"));
    assert!(wrong("memory", "memroy").contains("did you mean 'memory'?"));
}
