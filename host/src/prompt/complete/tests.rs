use super::machine::Machine as Thread;
use super::*;
use crate::facts::elf::sample::Sample;
use crate::facts::fixture::Machine;
use std::cell::Cell;
use std::time::Duration;

/// A session with a probe `p`, a tally `t` and a table `my`.
struct Session;

impl LuaNames for Session {
    fn names_in(&self, path: &str) -> Vec<(String, String)> {
        let names: &[(&str, &str)] = match path {
            "" => &[
                ("probe", "function"),
                ("print", "function"),
                ("printf", "function"),
                ("p", "probe"),
                ("t", "tally"),
                ("my", "table"),
                ("string", "table"),
                ("taken", "table"),
                ("s", "string"),
            ],
            "my" => &[("deep", "table"), ("count", "number")],
            "my.deep" => &[("calls", "tally"), ("name", "string")],
            "taken" => &[("rows", ":rows()"), ("top", ":top(n)")],
            "s" => &[("upper", "function"), ("rep", "function")],
            _ => &[],
        };
        names
            .iter()
            .map(|(name, kind)| ((*name).into(), (*kind).into()))
            .collect()
    }

    fn definitions(&self) -> Vec<String> {
        vec![
            "big = size >= 4".into(),
            "of(task) = as('struct task', task)".into(),
        ]
    }
}

const COMMANDS: [&str; 3] = [".help", ".load", ".save"];

/// Nobody is in a hurry.
fn completer(facts: impl Fn() -> Facts + Send + Clone + 'static) -> Completer {
    Completer {
        commands: COMMANDS.map(String::from).into(),
        machine: Thread::new(facts),
        patience: Duration::from_secs(60),
    }
}

fn candidates(machine: &Machine, text: &str) -> Vec<Candidate> {
    let root = machine.path().to_owned();
    let found = completer(move || Facts::at(&root)).complete(text, text.len(), &Session);
    let typed = &text[found.start..];
    for of in &found.candidates {
        assert!(of.text.starts_with(typed), "{} at {text}", of.text);
    }
    found.candidates
}

/// What is listed at the end of a text.
fn shown_by(machine: &Machine, text: &str) -> Vec<String> {
    let found = candidates(machine, text).into_iter();
    found.map(|of| of.shown).collect()
}

fn shown(text: &str) -> Vec<String> {
    shown_by(&Machine::with_trampolines(), text)
}

/// What is put in.
fn texts(text: &str) -> Vec<String> {
    let found = candidates(&Machine::with_trampolines(), text).into_iter();
    found.map(|of| of.text).collect()
}

#[test]
fn names_of_lua_are_those_of_the_session_and_of_the_statement() {
    assert_eq!(
        shown("pr"),
        ["print(…)", "printf(format, …)", "probe(spec)"]
    );
    assert_eq!(shown("x = my."), ["count  number", "deep  table"]);
    assert_eq!(shown("my.deep.c"), ["calls  tally"]);
    assert_eq!(shown("s:u"), ["upper  function"]);
    assert_eq!(shown("fun"), ["function"]);
    assert_eq!(shown("local counted, other = 1, 2\nprint(cou"), ["counted"]);
    assert_eq!(shown("t:every('1s', function(ticks) print(ti"), ["ticks"]);
    for nothing in [
        "-- pr",
        "x = 3p",
        "nothing.",
        "nothing:",
        "f().x",
        "'a' .. 'pr",
        "x = \"pr",
    ] {
        assert_eq!(shown(nothing), [""; 0], "{nothing}");
    }
}

#[test]
fn a_chain_has_the_methods_of_what_it_is_by_then() {
    let steps = ["count()"];
    assert_eq!(shown("probe \"kprobe:vfs_read\":cou"), steps);
    assert_eq!(
        shown("probe('kprobe:vfs_read')\n  :where [[a == 1]]\n  :cou"),
        steps
    );
    assert_eq!(shown("p:where(\"x\"):with{ a = { 1 } }:cou"), steps);
    assert_eq!(shown("p:count():ro"), ["rows()"]);
    assert_eq!(shown("taken:ro"), ["rows()"]);
    assert_eq!(shown("taken.ro"), [""; 0]);
    assert_eq!(
        shown("probe \"a\":by \"pid\":hist(\"x\"):take():gro"),
        ["group(field, column)"]
    );
    assert_eq!(
        shown("t:fla"),
        ["flamegraph(file[, { column =, title = }])"]
    );
    assert_eq!(shown("my.deep.calls:cle"), ["clear()"]);
    assert_eq!(shown("local q = probe 'x'\nq:whe"), ["where(condition)"]);
    assert_eq!(
        shown("local c = (probe 'x' :count())\nprint(c:ro"),
        ["rows()"]
    );
    assert_eq!(shown("var(3):se"), ["set(value)"]);
    assert_eq!(shown("p:count():where 'x':"), [""; 0]);
    assert_eq!(shown("a = b  b = a  a:"), [""; 0]);
}

#[test]
fn lines_of_the_prompt_itself_begin_with_its_commands() {
    assert_eq!(shown("."), [".help", ".load", ".save"]);
    assert_eq!(shown("  .lo"), [".load"]);
    assert_eq!(shown("?printf"), ["printf"]);
    assert_eq!(shown("??exist"), ["exists"]);
    assert_eq!(shown("?tally:gro"), ["tally:group"]);
    assert_eq!(shown("?:gro"), ["group"]);
    assert_eq!(shown("?opensn"), ["opensnoop"]);
    assert_eq!(shown("?my"), ["my"]);
    assert_eq!(shown("?struct ta"), ["task", "task_struct"]);
    assert_eq!(shown("?interv"), ["interval:TIME"]);
    assert_eq!(shown("? tracepoint:sched:sched_s"), ["sched_switch"]);
}

#[test]
fn specs_are_completed_part_by_part() {
    assert_eq!(shown("probe \"tra"), ["tracepoint:CATEGORY:EVENT"]);
    assert_eq!(texts("probe \"tra"), ["tracepoint:"]);
    assert_eq!(texts("probe('tracepoint:s"), ["sched:", "syscalls:"]);
    assert_eq!(
        shown("exists [[t:sched:sched_"),
        ["sched_process_exec", "sched_switch"]
    );
    assert_eq!(
        shown("probe \"tracepoint:s*:sys_enter_o"),
        ["sys_enter_openat"]
    );
    assert_eq!(shown("probe \"syscall:"), ["execve", "openat"]);
    assert_eq!(shown("probe \"syscall:openat:"), ["return"]);
    assert_eq!(
        shown("probe \"kprobe:vfs_read, kretprobe:vfs_"),
        ["vfs_read", "vfs_write"]
    );
    assert_eq!(shown("probe \"fentry:vfs_"), ["vfs_read"]);
    assert_eq!(shown("probe \"software:fau"), ["faults"]);
    assert_eq!(shown("probe \"profile:"), ["hz:", "ms:", "s:", "us:"]);
    for nothing in [
        "probe \"x:",
        "probe \"kprobe:vfs_*",
        "probe \"kprobe:vfs_{re",
        "probe \"",
        "probe \"tracepoint:sched:sched_switch:",
    ] {
        let found = shown(nothing);
        let kinds = nothing == "probe \"";
        assert_eq!(!found.is_empty(), kinds, "{nothing}: {found:?}");
    }
}

#[test]
fn without_the_tracers_list_functions_are_those_of_kallsyms() {
    let machine = Machine::new();
    assert_eq!(
        shown_by(&machine, "probe \"kprobe:e"),
        ["ext4:  module", "ext4_sync_file  ext4"]
    );
    assert_eq!(
        shown_by(&machine, "probe \"kprobe:ext4:"),
        ["ext4_sync_file  ext4"]
    );
    assert_eq!(
        shown_by(&machine, "probe \"kprobe:vmlinux:vfs_r"),
        ["vfs_read"]
    );
}

#[test]
fn what_a_binary_has_is_listed() {
    let sample = Sample::compile(&[]);
    let path = sample.path.display().to_string();
    let (directory, name) = path.rsplit_once('/').unwrap();
    let live = |text: &str| {
        let found = completer(Facts::live).complete(text, text.len(), &Session);
        let found = found.candidates.into_iter().map(|of| of.text);
        found.collect::<Vec<_>>()
    };
    let first = &name[..name.len() - 1];
    assert!(live(&format!("probe \"uprobe:{directory}/{first}")).contains(&format!("{name}:")));
    assert_eq!(live(&format!("probe \"usdt:{path}:sa")), ["sample:"]);
    assert_eq!(
        live(&format!("probe \"usdt:{path}:sample:")),
        ["enter", "twice"]
    );
    assert_eq!(live(&format!("probe \"uprobe:{path}:mai")), ["main"]);
    assert!(live("probe \"uprobe:libc").contains(&"libc:".to_owned()));
    assert!(live("probe \"uprobe:s").contains(&"sh:".to_owned()));
}

#[test]
fn texts_have_the_fields_of_their_probe() {
    let openat = "probe \"tracepoint:syscalls:sys_enter_openat\"";
    assert_eq!(
        shown(&format!("{openat}:by \"args.filen")),
        ["filename  char * (user)"]
    );
    assert_eq!(
        shown(&format!(
            "{openat}\n :where 'pid == 1'\n :print [[pid, args.fl"
        )),
        ["flags  i32 (flags)"]
    );
    assert_eq!(
        texts(&format!("{openat}:by(\"arg")),
        [
            "arg0", "arg1", "arg2", "arg3", "arg4", "arg5", "args.", "argv("
        ]
    );
    assert_eq!(shown(&format!("{openat}:where \"com")), ["comm  string"]);
    assert_eq!(
        shown(&format!("{openat}:where \"b")),
        [
            "big  a definition",
            "bswap(number)",
            "buf(pointer, bytes[, most])"
        ]
    );
    assert_eq!(
        shown(&format!("{openat}:tally \"n = cou")),
        ["count() or count(condition)"]
    );
    assert_eq!(shown(&format!("{openat}:by \"cou")), [""; 0]);
    assert_eq!(
        shown(&format!("{openat}:with{{ size = 3 }}:where \"$s")),
        ["size"]
    );
    assert_eq!(
        shown(&format!(
            "{openat}:fetch \"name = args.filename\" :by \"args."
        ))
        .len(),
        4
    );
}

#[test]
fn what_is_compared_may_have_names_for_its_values() {
    let openat = "probe \"tracepoint:syscalls:sys_enter_openat\"";
    let flags = texts(&format!("{openat}:where \"args.flags & O_CRE"));
    assert_eq!(flags, ["O_CREAT"]);
    let either = texts(&format!("{openat}:where \"pid == 1 and args.flags == f"));
    assert!(either.contains(&"filename".to_owned()), "{either:?}");
}

#[test]
fn structs_are_followed() {
    let switch = "probe \"tracepoint:sched:sched_switch\"";
    let members = ["comm  char[16]"];
    assert_eq!(shown(&format!("{switch}:where \"args.prev.com")), members);
    assert_eq!(
        shown(&format!("{switch}:where \"\\\"x\\\" == args.prev.com")),
        members
    );
    assert_eq!(
        shown(&format!("{switch}:where \"of(args.prev).com")),
        members
    );
    assert_eq!(
        shown(&format!("{switch}:fetch \"t = args.prev\":where \"t.com")),
        members
    );
    assert_eq!(
        shown(&format!("{switch}:where \"as('struct task', 1)[0].com")),
        members
    );
    assert_eq!(
        texts(&format!("{switch}:where \"as('struct ta")),
        ["task", "task_struct"]
    );
    for nothing in ["args.prev_pid.", "args.nothing.", ").", "..", "'args."] {
        assert_eq!(
            shown(&format!("{switch}:where \"{nothing}")),
            [""; 0],
            "{nothing}"
        );
    }
}

#[test]
fn a_return_knows_its_call() {
    let read = "probe \"kretprobe:vfs_read\"";
    assert_eq!(texts(&format!("{read}:hist \"ela")), ["elapsed"]);
    assert_eq!(texts(&format!("{read}:hist \"retv")), ["retval"]);
    let with_arguments = texts(&format!("{read}:hist \"args."));
    assert!(!with_arguments.is_empty());
    let exit = "probe \"tracepoint:syscalls:sys_exit_openat\"";
    assert_eq!(texts(&format!("{exit}:hist \"args.filen")), ["filename"]);
}

#[test]
fn what_a_span_has_stored_stands_behind_from() {
    let text = "local s = span(\"ip = args.x\")  probe 'a':fetch 'b.file':start(s)\n\
        probe \"tracepoint:sched:sched_switch\":finish(s, \"args.prev_pid\"):hist \"";
    assert_eq!(texts(&format!("{text}from.")), ["file", "ip", "time"]);
    assert_eq!(texts(&format!("{text}elap")), ["elapsed"]);
    let before = "probe \"tracepoint:sched:sched_switch\":finish(s, \"args.prev_p";
    assert_eq!(texts(before), ["prev_pid"]);
}

#[test]
fn files_are_those_that_are_there() {
    assert_eq!(texts("readfile \"/pr"), ["/proc/"]);
    assert_eq!(texts("readfile('/proc/sys/kernel/osrel"), ["osrelease"]);
    assert_eq!(texts("readfile '/proc/../etc/passw"), [""; 0]);
    assert_eq!(texts("require \"js"), ["json"]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tools")).unwrap();
    std::fs::write(folder.path().join("tool.lua"), "").unwrap();
    let typed = format!(".load {}/to", folder.path().display());
    assert_eq!(texts(&typed), ["tool.lua", "tools/"]);
    assert_eq!(texts(".nothing /pr"), [""; 0]);
}

/// A session that is busy with something else.
struct Busy(Cell<u32>);

impl LuaNames for Busy {
    fn names_in(&self, _: &str) -> Vec<(String, String)> {
        self.0.set(self.0.get() + 1);
        std::thread::sleep(Duration::from_millis(50));
        Vec::new()
    }

    fn definitions(&self) -> Vec<String> {
        self.names_in("");
        Vec::new()
    }
}

#[test]
fn who_does_not_answer_is_not_asked_again() {
    let machine = Machine::new();
    let root = machine.path().to_owned();
    let mut completer = Completer {
        patience: Duration::from_millis(50),
        ..completer(move || Facts::at(&root))
    };
    for text in [
        "a.b.c:whe",
        "pro",
        "a:where \"b",
        "local x = a  x:where(1):by \"",
    ] {
        let busy = Busy(Cell::new(0));
        completer.complete(text, text.len(), &busy);
        assert_eq!(busy.0.get(), 1, "{text}");
    }
}

#[test]
fn any_beginning_of_any_text_has_an_answer() {
    let text = "local s = span{ keys = 3 } probe [[t:sched:sched_switch, k:vfs_{read,write}]]\n\
        :where \"comm == \\\"é\\\" and args.prev.comm ~= 'x'\" :by('as(\"struct task\", $a[1]).pid', (2)) :count():print{ top = 5 } -- é\n\
        for k, v in pairs(t:rows()) do print(('%d'):format(v.x[1])) end";
    let machine = Machine::new();
    let root = machine.path().to_owned();
    let mut completer = completer(move || Facts::at(&root));
    for at in 0..=text.len() {
        let found = completer.complete(text, at, &Session);
        assert!(found.start <= at);
    }
}
