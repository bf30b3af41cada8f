use super::*;

fn line(words: &[&str]) -> Result<Command, clap::Error> {
    parse(
        std::iter::once("moontrace")
            .chain(words.iter().copied())
            .map(OsString::from),
    )
}

fn run(words: &[&str]) -> RunArgs {
    match line(words).unwrap() {
        Command::Run(arguments) => arguments,
        other => panic!("{other:?}"),
    }
}

fn message(words: &[&str]) -> String {
    let error = line(words).unwrap_err();
    assert_eq!(error.exit_code(), 2, "{words:?}: {error}");
    error.to_string()
}

#[test]
fn clap_finds_nothing_wrong_with_the_line() {
    Line::command().debug_assert();
}

#[test]
fn what_stands_behind_the_script_is_its_own() {
    let given = run(&[
        "--duration",
        "5s",
        "tool.lua",
        "-x",
        "--name",
        "list",
        "--strict",
        "-h",
    ]);
    assert_eq!(given.duration, Some(5_000_000_000));
    assert_eq!(given.script, Script::File("tool.lua".into()));
    assert_eq!(given.arguments, ["-x", "--name", "list", "--strict", "-h"]);
    assert!(!given.strict);
    let code = run(&["-e", "print(1)", "-p", "7", "a", "-b"]);
    assert_eq!(
        (code.script, code.pid),
        (Script::Code("print(1)".into()), Some(7))
    );
    assert_eq!(code.arguments, ["a", "-b"]);
}

#[test]
fn run_is_what_a_file_alone_does() {
    let given = run(&[
        "--strict", "--format", "json", "run", "-p", "7", "list", "-x",
    ]);
    assert_eq!(
        (given.strict, given.format, given.pid),
        (true, Format::Json, Some(7))
    );
    assert_eq!(given.script, Script::File("list".into()));
    assert_eq!(given.arguments, ["-x"]);
    assert_eq!(run(&["./list"]).script, Script::File("./list".into()));
}

#[test]
fn some_of_ours_are_taken_behind_it_unless_the_script_has_them() {
    let words = [
        "--format=json",
        "tool.lua",
        "-p12",
        "-x",
        "--format",
        "text",
        "-o",
        "-",
        "--",
        "-p",
        "5",
    ];
    let mut given = run(&words);
    given.take_own(&|_| false).unwrap();
    assert_eq!((given.pid, given.format), (Some(12), Format::Text));
    assert_eq!(given.output, Some("-".into()));
    assert_eq!(given.arguments, ["-x", "--", "-p", "5"]);
    let mut given = run(&["tool.lua", "-p", "80"]);
    given.take_own(&|option| option == "-p").unwrap();
    assert_eq!(
        (given.pid, given.arguments),
        (None, vec!["-p".to_owned(), "80".into()])
    );
}

#[test]
fn mistakes_behind_the_script_are_mistakes() {
    let wrong = |words: &[&str]| {
        let error = run(words).take_own(&|_| false).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{words:?}");
        error.to_string()
    };
    assert!(wrong(&["tool.lua", "-p", "abc"]).contains("abc"));
    assert!(wrong(&["tool.lua", "--duration", "-3s"]).contains("-3s"));
    assert!(wrong(&["tool.lua", "--format"]).contains("--format"));
    assert!(wrong(&["-c", "true", "tool.lua", "-p", "1"]).contains("-c"));
    assert!(wrong(&["--follow", "tool.lua"]).contains("--follow"));
    run(&["--follow", "tool.lua", "-p", "1"])
        .take_own(&|_| false)
        .unwrap();
}

#[test]
fn mistakes_name_the_flag_and_the_value() {
    for (words, named) in [
        (&["--format", "xml", "-e", "x"][..], ["xml", "text, json"]),
        (&["--duration", "-3s", "-e", "x"], ["--duration", "-3s"]),
        (&["--duration", "0s", "-e", "x"], ["--duration", "0s"]),
        (
            &["--duration", "1fortnight", "-e", "x"],
            ["fortnight", "ms"],
        ),
        (&["-p", "abc", "-e", "x"], ["-p", "abc"]),
        (&["-p", "-1", "-e", "x"], ["-p", "-1"]),
        (&["--no-such-flag"], ["no-such-flag", "Usage"]),
        (&["--formt", "json", "x.lua"], ["--formt", "--format"]),
        (&["--ring", "3GiB", "-e", "x"], ["--ring", "3GiB"]),
        (&["--max-probes", "0", "-e", "x"], ["--max-probes", "0"]),
        (&["-c", "sh -c 'x", "-e", "x"], ["-c", "quote"]),
        (&["--attach", "cheap", "-e", "x"], ["cheap", "exact"]),
        (&["-v"], ["FILE", "-e"]),
        (&["completions", "tcsh"], ["tcsh", "bash, zsh, fish"]),
        (&["-p", "3", "list"], ["'list'", "./list"]),
    ] {
        let message = message(words);
        for name in named {
            assert!(
                message.contains(name),
                "{words:?} without {name}: {message}"
            );
        }
    }
}

#[test]
fn a_file_that_is_not_there_may_be_a_slip_of_a_command_or_of_a_tool() {
    let tools = ["opensnoop".to_owned()];
    let meant = |word: &str| meant(Path::new(word), &tools);
    assert_eq!(meant("lst").as_deref(), Some("did you mean 'list'?"));
    let tool = meant("opensnop");
    assert_eq!(tool.as_deref(), Some("did you mean 'opensnoop'?"));
    assert!(meant("xyz").is_some_and(|help| help.contains("./xyz.lua")));
    assert_eq!(meant("/no/such/file"), None);
    assert_eq!(meant("opensnoop.lua"), None);
}

#[test]
fn the_ring_is_made_up_to_what_the_kernel_takes() {
    assert_eq!(run(&["x.lua"]).ring, 4 << 20);
    assert_eq!(run(&["--ring", "5MiB", "x.lua"]).ring, 8 << 20);
    assert_eq!(run(&["--ring", "4096", "x.lua"]).ring, 4096);
}

#[test]
fn commands_are_read() {
    let list = line(&["list", "t:sched:*", "-p", "7"]).unwrap();
    assert!(
        matches!(list, Command::List { pattern: Some(of), pid: Some(7), .. } if of == "t:sched:*")
    );
    let describe = line(&["describe", "struct", "sock"]).unwrap();
    assert!(matches!(describe, Command::Describe { what, .. } if what == "struct sock"));
    let explain = line(&["explain", "-p", "3", "-e", "x"]).unwrap();
    assert!(matches!(explain, Command::Explain(run) if run.pid == Some(3)));
    assert!(
        matches!(line(&["check", "a", "b"]).unwrap(), Command::Check { files } if files.len() == 2)
    );
    assert!(matches!(line(&["info"]).unwrap(), Command::Info));
    match line(&["types", "here"]).unwrap() {
        Command::Types { folder } => assert_eq!(folder, Path::new("here")),
        other => panic!("{other:?}"),
    }
    assert!(message(&["types"]).contains("<DIR>"));
}

#[test]
fn help_fits_a_narrow_terminal_and_nothing_at_all_is_a_mistake() {
    let help = line(&["-h"]).unwrap_err();
    assert_eq!(help.exit_code(), 0);
    let help = help.to_string();
    assert!(
        help.lines().all(|line| line.chars().count() <= 80),
        "{help}"
    );
    assert!(
        help.contains("opensnoop -h") && help.contains("--duration"),
        "{help}"
    );
    assert_eq!(line(&[]).unwrap_err().exit_code(), 2);
}

#[test]
fn completions_know_the_commands() {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let script = String::from_utf8(completions(shell)).unwrap();
        assert!(
            script.contains("describe") && script.contains("duration"),
            "{shell}"
        );
    }
}
