//! What a stranger's script is asked about, what it is refused, and where.

use super::cases;
use crate::installed::{Installed, printed, refusal};
use crate::terminal::{Home, Prompt, home};
use std::fs;

cases!(permissions:
    without_a_terminal_the_flag_is_named_that_allows_it,
    each_is_refused_at_the_line_that_tries_it,
    what_is_declared_is_allowed,
    a_person_is_asked_once_for_each_content,
    a_no_runs_nothing,
    trust_is_given_beforehand_and_taken_back,
    what_is_denied_is_denied_in_spite_of_all,
    ones_own_script_is_not_asked_about,
    a_file_that_the_user_names_may_be_written_and_no_other,
    a_level_that_says_less_is_an_error,
    what_lies_in_the_store_is_a_strangers,
    tests_of_a_stranger_run_programs_when_they_may,
    tests_of_a_collection_hold_its_tools_to_what_they_declare,
);

/// Nothing but the caller is traced.
const COUNTS: &str = "--- Count.
-- Usage: counts
-- Probes: tracepoint:syscalls:sys_enter_getppid
probe 'tracepoint:syscalls:sys_enter_getppid' :where 'pid == 1' :count()
exit()
";

fn without_a_terminal_the_flag_is_named_that_allows_it() {
    let net = Installed::with(&[("counts.lua", COUNTS)]);
    let said = refusal(net.run(&["net/counts"]));
    assert!(said.starts_with("net/counts asks for what nobody has allowed: "));
    let flag = said.split("--allow ").nth(1).expect("the flag is named");
    let flag = flag.split(" allows it").next().unwrap().trim_matches('\'');
    assert_eq!(flag, "probes=tracepoint:syscalls:sys_enter_getppid");
    printed(net.run(&["--allow", flag, "net/counts"]));
    // Its short name is its own, and the flag may stand behind it.
    printed(net.run(&["counts", "--allow", "declared"]));
    let other = refusal(net.run(&["--allow", "memory", "net/counts"]));
    assert!(other.contains("nobody has allowed: probes="), "{other}");
}

/// What scripts try, and the permission that it takes.
const TRIED: [(&str, &str); 11] = [
    (
        "probe 'tracepoint:syscalls:sys_enter_read' :where 'pid == 1' :count()",
        "probes=tracepoint:syscalls:sys_enter_read",
    ),
    (
        "probe 'syscall:re*d' :where 'pid == 1' :count()",
        "probes=tracepoint:syscalls:sys_enter_re*d",
    ),
    (
        "print(exists 'uprobe:/bin/sh:main')",
        "probes=uprobe:/bin/sh:main",
    ),
    (
        "probe 'syscall:getppid' :where 'pid == 1 and str(curtask.mm.arg_start) == \"x\"' :count()",
        "memory",
    ),
    (
        "probe 'syscall:openat' :where 'pid == 1' :by 'args.filename' :count()",
        "memory",
    ),
    (
        "probe 'syscall:openat' :where 'pid == 1' :on(function(e)\n  print(e.args.filename) end)",
        "memory",
    ),
    (
        "probe 'syscall:execve' :where 'pid == 1' :print 'argv(args.argv)'",
        "arguments",
    ),
    (
        "probe 'tracepoint:net:net_dev_queue' :where 'pid == 1' :by \"as('struct sk_buff', args.skbaddr).data\" :count()",
        "packets",
    ),
    (
        "probe 'syscall:getppid' :where 'pid == 1' :by 'kstack' :count()",
        "stacks",
    ),
    ("print(usym(4096, 1))", "stacks"),
    (
        "print(#readfile '/proc/self/status' > 0)",
        "read=/proc/self/status",
    ),
];

/// The header of a tool that does this, with whatever probes it has.
fn tool(permissions: &str, code: &str) -> String {
    format!(
        "--- Try.\n-- Usage: try\n-- Probes: syscall:{{getppid,openat,execve}}, tracepoint:net:net_dev_queue\n{permissions}{code}\nexit()\n"
    )
}

fn each_is_refused_at_the_line_that_tries_it() {
    for (code, permission) in TRIED {
        let net = Installed::with(&[("try.lua", &tool("", code))]);
        let said = refusal(net.run(&["--allow", "declared", "net/try"]));
        let line = 4 + usize::from(code.contains('\n') && permission == "memory");
        let begins = format!("net/try.lua:{line}: the script ");
        let flag = format!("{permission}' allows it");
        let plain = format!("--allow {permission} allows it");
        assert!(said.starts_with(&begins), "{code}: {said}");
        assert!(said.contains("which its header does not declare"), "{said}");
        assert!(
            said.contains(&flag) || said.contains(&plain),
            "{code}: {said}"
        );
        printed(net.run(&["--allow", "declared", "--allow", permission, "net/try"]));
    }
}

fn what_is_declared_is_allowed() {
    for (code, permission) in TRIED {
        let declared = format!("-- Permissions: {permission}\n");
        let net = Installed::with(&[("try.lua", &tool(&declared, code))]);
        printed(net.run(&["--allow", "declared", "net/try"]));
        // What its author sees of it is the same.
        printed(net.run(&["check", "net/try"]));
    }
}

fn at_terminal(net: &Installed, home: &Home, words: &[&str]) -> Prompt {
    Prompt::of(home, words, &[net.environment()])
}

fn a_person_is_asked_once_for_each_content() {
    let net = Installed::with(&[("counts.lua", COUNTS), ("lib/more.lua", "return 1")]);
    let home = home();
    let mut asked = at_terminal(&net, &home, &["net/counts"]);
    asked.sees("it attaches tracepoint:syscalls:sys_enter_getppid");
    asked.sees("from https://example.org/net.git, version 1.0.0, commit 111111111111");
    asked.sees("[y/N]");
    asked.press("y\r");
    assert_eq!(asked.ends(), 0);
    // The answer is remembered, also for those that nobody could ask.
    printed(net.run(&["net/counts"]));
    // What it may run is another thing with other modules.
    net.update(&[("counts.lua", COUNTS), ("lib/more.lua", "return 2")]);
    refusal(net.run(&["net/counts"]));
}

fn a_no_runs_nothing() {
    let net = Installed::with(&[(
        "counts.lua",
        &COUNTS.replace("exit()", "print 'ran' exit()"),
    )]);
    for answer in ["\r", "n\r", "what?\r", "\x04"] {
        let mut asked = at_terminal(&net, &home(), &["net/counts"]);
        asked.sees("[y/N]");
        asked.press(answer);
        asked.sees("net/counts was not allowed to run");
        assert!(!asked.screen().contains("ran\n"), "{}", asked.screen());
        assert_eq!(asked.ends(), 1);
    }
    refusal(net.run(&["net/counts"]));
}

fn trust_is_given_beforehand_and_taken_back() {
    let net = Installed::with(&[("counts.lua", COUNTS)]);
    let said = printed(net.run(&["trust", "counts"]));
    assert!(said.contains("it attaches tracepoint:syscalls:sys_enter_getppid"));
    printed(net.run(&["net/counts"]));
    printed(net.run(&["trust", "net", "--revoke"]));
    refusal(net.run(&["net/counts"]));
    // A changed file is refused until somebody has taken it as it is.
    printed(net.run(&["trust", "net"]));
    let file = net.file("counts.lua");
    fs::write(&file, COUNTS.replace("pid == 1", "pid == 2")).unwrap();
    let changed = refusal(net.run(&["net/counts"]));
    assert!(
        changed.contains("was changed since it was added"),
        "{changed}"
    );
    let taken = printed(net.run(&["trust", "net/counts"]));
    assert!(
        taken.contains("net/counts.lua is taken as it is now"),
        "{taken}"
    );
    printed(net.run(&["net/counts"]));
    let none = refusal(net.run(&["trust", "nett"]));
    assert!(none.contains("net"), "{none}");
}

fn what_is_denied_is_denied_in_spite_of_all() {
    let net = Installed::with(&[("counts.lua", COUNTS)]);
    printed(net.run(&["trust", "net"]));
    let said = refusal(net.run(&["--deny", "probes=tracepoint:*:*getppid", "net/counts"]));
    assert!(
        said.starts_with("net/counts.lua:4: the script attaches"),
        "{said}"
    );
    assert!(said.contains("which --deny forbids"), "{said}");
    // One's own, too.
    let own = ["-e", "print(readfile '/proc/self/status')"];
    let denied = refusal(net.run(&[&["--deny", "read=/proc/**"][..], &own].concat()));
    assert!(
        denied.starts_with("-e:1: the script reads /proc/self/status"),
        "{denied}"
    );
}

fn ones_own_script_is_not_asked_about() {
    let net = Installed::with(&[]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.lua");
    fs::write(&file, "print(#readfile '/proc/self/status' > 0)").unwrap();
    let file = file.to_str().unwrap();
    assert_eq!(printed(net.run(&["run", file])), "true\n");
    let restricted = refusal(net.run(&["--allow", "memory", file]));
    assert!(
        restricted.contains("which --allow does not name"),
        "{restricted}"
    );
}

fn a_file_that_the_user_names_may_be_written_and_no_other() {
    let code = "--- Draw.
-- Usage: draws
--   --svg FILE   there [default.svg]
-- Probes: syscall:getppid
local t = probe 'syscall:getppid' :where 'pid == 1' :by 'comm' :count()
t:flamegraph(options().svg)
exit()
";
    let net = Installed::with(&[("draws.lua", code)]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.svg");
    let named = [
        "--allow",
        "declared",
        "net/draws",
        "--svg",
        file.to_str().unwrap(),
    ];
    let said = String::from_utf8(net.run(&named).stderr).unwrap();
    assert!(!said.contains("does not declare"), "{said}");
    let default = refusal(net.run(&["--allow", "declared", "net/draws"]));
    assert!(
        default.contains("the script writes default.svg, which its header does not declare"),
        "{default}"
    );
}

fn a_level_that_says_less_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.lua");
    let code = "--- Mine.\n-- Level: safe\nprobe 'syscall:openat' :where 'pid == 1'\n  :by 'args.filename' :count()\nexit()\n";
    fs::write(&file, code).unwrap();
    let net = Installed::with(&[]);
    let said = refusal(net.run(&[file.to_str().unwrap()]));
    assert!(
        said.contains("mine.lua:4: 'Level: safe' says less than what the script does"),
        "{said}"
    );
    fs::write(&file, code.replace("safe", "sensitive")).unwrap();
    printed(net.run(&[file.to_str().unwrap()]));
    // What runs very often makes it heavy.
    fs::write(&file, "--- Mine.\n-- Level: sensitive\nprobe 'rawtracepoint:sched_switch' :where 'pid == 1' :count() exit()").unwrap();
    let heavy = refusal(net.run(&[file.to_str().unwrap()]));
    assert!(heavy.contains("write: Level: heavy"), "{heavy}");
}

fn what_lies_in_the_store_is_a_strangers() {
    let net = Installed::with(&[("counts.lua", COUNTS)]);
    let file = net.file("counts.lua");
    let said = refusal(net.run(&[file.to_str().unwrap()]));
    assert!(
        said.contains("net/counts asks for what nobody has allowed"),
        "{said}"
    );
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("mine.lua");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let linked = refusal(net.run(&[link.to_str().unwrap()]));
    assert!(
        linked.contains("net/counts asks for what nobody has allowed"),
        "{linked}"
    );
}

fn tests_of_a_stranger_run_programs_when_they_may() {
    let test = "case('runs programs', {}, function() equal(sh 'echo ran', 'ran\\n') end)
case('has the loopback and no other network', {}, function()
  local up, others = sh 'cat /proc/net/dev', 0
  for name in up:gmatch '(%w+):' do if name ~= 'lo' and not name:find 'tun' and not name:find 'sit' then others = others + 1 end end
  equal(others, 0)
end)
case('has no code but text', {}, function()
  equal(dofile or loadfile or string.dump, nil)
  equal(load('\\27Lua', 'x', 'b'), nil)
  equal(load('return ...', 'x', 't')(3), 3)
end)
";
    let net = Installed::with(&[("counts.lua", COUNTS), ("tests/counts.lua", test)]);
    let said = refusal(net.run(&["test", "net"]));
    assert!(
        said.contains("net asks for what nobody has allowed: run"),
        "{said}"
    );
    let shown = printed(net.run(&["test", "net", "--allow", "run"]));
    assert!(shown.contains("3 passed, 0 skipped, 0 failed"), "{shown}");
    printed(net.run(&["trust", "net"]));
    printed(net.run(&["test", "net"]));
    // Names alone run nothing.
    printed(net.run(&["trust", "net", "--revoke"]));
    let names = printed(net.run(&["test", "net", "--list"]));
    assert!(names.contains("counts: runs programs"), "{names}");
}

fn tests_of_a_collection_hold_its_tools_to_what_they_declare() {
    let tool = "--- Read.\n-- Usage: reads\n-- Permissions: read=/proc/version\nprint(#readfile '/proc/loadavg' > 0)\nexit()\n";
    let test = "case('reads', function() equal(run { 'reads' }.out, 'true\\n') end)\n";
    let files = [("reads.lua", tool), ("tests/reads.lua", test)];
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("tests")).unwrap();
    for (path, text) in files {
        fs::write(folder.path().join(path), text).unwrap();
    }
    let net = Installed::with(&files);
    let path = folder.path().to_str().unwrap();
    // Scripts of one's own in a folder.
    printed(net.run(&["test", path]));
    let manifest = "name = \"reads\"\nversion = \"1.0.0\"\napi = 1\nlicence = \"MIT\"\nmaintainers = [\"me\"]\n";
    fs::write(folder.path().join("collection.toml"), manifest).unwrap();
    for words in [&["test", path][..], &["test", "net", "--allow", "run"]] {
        let output = net.run(words);
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains(
                "reads.lua:4: the script reads /proc/loadavg, which its header does not declare"
            ),
            "{said}"
        );
    }
}
