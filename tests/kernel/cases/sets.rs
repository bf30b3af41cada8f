//! Sets that probes look into and change.

use super::cases;
use crate::trace::Trace;
use crate::worker::{Worker, executable};
use serde_json::Value;

cases!(sets: children_are_watched_before_their_first_event, members_of_all_processors, a_full_one_says_so,
    lua_sees_what_the_kernel_does, strings_and_changes_of_a_running_one, types_are_taken_from_use, cgroups_by_their_path);

/// Each child makes three calls at once: all of them are seen, of children of children as well.
fn children_are_watched_before_their_first_event() {
    let mut worker = Worker::start(&["families", "10", "3", "getppid", "3"]);
    let mut other = Worker::start(&["getppid", "100"]);
    let code = format!(
        r#"
        local watched = set{{ {} }}
        probe "tracepoint:sched:sched_process_fork":within(watched, "pid"):name "forks":add(watched, "child_pid")
        probe "tracepoint:sched:sched_process_exit":within(watched, "pid"):name "ends":remove(watched, "pid")
        probe "tracepoint:syscalls:sys_enter_getppid":within(watched, "pid"):name "calls":count()
        probe "tracepoint:syscalls:sys_enter_getppid":without(watched, "pid"):with{{ other = {} }}
          :where "pid == $other":name "others":count()
        on_exit(function() printf("%d left\n", #watched) end)"#,
        worker.pid(),
        other.pid()
    );
    let tracing = Trace::of(&code).start();
    other.go();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    let count = |name: &str| outcome.rows(name)[0]["count"].as_u64();
    assert_eq!(count("calls"), Some(10 * 3 * 3), "{outcome:?}");
    assert_eq!(count("others"), Some(100), "{outcome:?}");
    // Those of the children: ten times three, one within the other.
    for books in outcome
        .of("books")
        .filter(|books| books["probe"] != "others")
    {
        assert_eq!(
            books["lost"].as_object().map(|lost| lost.len()),
            Some(0),
            "{books}"
        );
    }
    assert_eq!(outcome.text(), "1 left\n", "{outcome:?}");
}

/// Three processes at once put in, look for and take out members of their own.
fn members_of_all_processors() {
    let start = |_| Worker::start(&["numbers", "6000"]);
    let mut workers: Vec<Worker> = (0..3).map(start).collect();
    let pids = workers.iter().map(|worker| worker.pid().to_string());
    let pids = pids.collect::<Vec<_>>().join(", ");
    let code = format!(
        r#"
        local ours, there = set{{ {pids} }}, set{{ keys = 100000 }}
        probe "tracepoint:syscalls:sys_enter_getpriority":within(ours, "pid"):name "in":add(there, "pid, args.who")
        probe "tracepoint:syscalls:sys_enter_getpgid":within(ours, "pid"):within(there, "pid, args.pid"):name "found":count()
        probe "tracepoint:syscalls:sys_enter_getsid":within(ours, "pid"):where "args.pid % 100 ~= 1":name "out":remove(there, "(pid, args.pid)")
        on_exit(function() for _, pid in ipairs{{ {pids} }} do print(there:has{{ pid, 5901 }}, there:has{{ pid, 5902 }}) end end)
        on_exit(function() print(#there) end)"#
    );
    let tracing = Trace::of(&code).start();
    workers.iter_mut().for_each(Worker::begin);
    workers.iter_mut().for_each(Worker::finish);
    let outcome = tracing.stop();
    outcome.is_well();
    // Since 7.0, a program at a tracepoint can be preempted, and is skipped where it comes upon itself: this is counted.
    let number = |probe: &str, of: &str| {
        let books = outcome.of("books").find(|books| books["probe"] == probe);
        books.and_then(|books| books[of].as_u64()).unwrap_or(0)
    };
    for probe in ["in", "found", "out"] {
        // What is skipped at other calls is counted, too.
        let (hits, missed) = (number(probe, "hits"), number(probe, "missed"));
        assert!((hits..=hits + missed).contains(&18_000), "{outcome:?}");
    }
    assert_eq!(
        number("in", "delivered"),
        number("in", "hits"),
        "{outcome:?}"
    );
    assert!(
        number("found", "filtered") <= number("in", "missed"),
        "{outcome:?}"
    );
    if number("in", "missed") + number("out", "missed") == 0 {
        // Of each process 60 numbers are left.
        let text = format!("{}180\n", "true\tfalse\n".repeat(3));
        assert_eq!(outcome.text(), text, "{outcome:?}");
    }
}

fn a_full_one_says_so() {
    let worker = Worker::start(&["call", "20"]);
    let code = format!(
        r#"
        local few = set{{ keys = 8 }}
        probe "uprobe:{}:moontrace_target":add(few, "arg0")
        on_exit(function() printf("%d\n", #few) end)"#,
        executable()
    );
    let outcome = worker.traced(&code, &[]);
    assert_eq!(outcome.text(), "8\n", "{outcome:?}");
    let books = outcome.books();
    books.balance();
    assert_eq!((books.delivered, books.lost), (8, 12), "{outcome:?}");
    let books = outcome.of("books").next().expect("books");
    assert_eq!(books["lost"]["full"], 12, "{outcome:?}");
}

fn lua_sees_what_the_kernel_does() {
    let worker = Worker::start(&["call", "9"]);
    let code = format!(
        r#"
        local odd, wrong = set{{ 100 }}, 0
        probe "uprobe:{0}:moontrace_target":where "arg0 % 2 == 1":add(odd, "arg0")
        probe "uprobe:{0}:brief_target":on(function(e)
          if odd:has(e.arg0) ~= (e.arg0 % 2 == 1) then wrong = wrong + 1 end
          if e.arg0 == 5 then odd:remove(5) end
        end)
        on_exit(function() printf("%d wrong, %d, %s %s %s\n", wrong, #odd, odd:has(100), odd:has(3), odd:has(5)) end)"#,
        executable()
    );
    let outcome = worker.traced(&code, &[]);
    assert_eq!(
        outcome.text(),
        "0 wrong, 4, true true false\n",
        "{outcome:?}"
    );
}

/// A handler changes what runs already.
fn strings_and_changes_of_a_running_one() {
    let worker = Worker::start(&["as", "mt-strings", "call", "10"]);
    let code = format!(
        r#"
        local names, files = set{{ "mt-strings" }}, set{{}}
        probe "uprobe:{0}:moontrace_target":within(names, "comm"):name "named":on(function(e)
          if e.arg0 == 9 then names:remove("mt-strings") end
        end)
        probe "uprobe:{0}:brief_target":where "arg0 == 1":add(files, "comm, probe == 'x' and 'a' or 'b'")
        on_exit(function() print(names:has("mt-strings"), files:has{{ "mt-strings", "b" }}, files:has{{ "mt-strings", "a" }}) end)"#,
        executable()
    );
    let outcome = worker.traced(&code, &[]);
    assert_eq!(outcome.text(), "false\ttrue\tfalse\n", "{outcome:?}");
    let named = outcome
        .of("books")
        .find(|books| books["probe"] == "named")
        .expect("books");
    assert_eq!(named["delivered"], 10, "{outcome:?}");
}

fn types_are_taken_from_use() {
    let code = r#"local s = set{}
        probe "tracepoint:syscalls:sys_enter_getppid":add(s, "pid")
        probe "tracepoint:syscalls:sys_enter_getppid":within(s, "comm"):count()"#;
    let outcome = Trace::of(code).run();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    let error = outcome.of("error").next().expect("an error");
    assert_eq!(error["line"], 3, "{outcome:?}");
    let message = "this set holds numbers by its first use, and strings of 15 bytes here";
    assert_eq!(error["message"], message, "{outcome:?}");
}

fn cgroups_by_their_path() {
    let group = Cgroup::new();
    let mut inside = Worker::start(&["getppid", "5"]);
    let mut outside = Worker::start(&["getppid", "7"]);
    group.take(inside.pid());
    let code = format!(
        r#"
        local groups, ours = set{{ cgroupid "{}" }}, set{{ {}, {} }}
        probe "tracepoint:syscalls:sys_enter_getppid":within(ours, "pid"):within(groups, "cgroup"):by "pid":name "in":count()"#,
        group.path(),
        inside.pid(),
        outside.pid()
    );
    let tracing = Trace::of(&code).start();
    outside.go();
    inside.go();
    let outcome = tracing.stop();
    outcome.is_well();
    let rows: Vec<(u64, u64)> = outcome.rows("in").iter().map(numbers).collect();
    assert_eq!(rows, [(inside.pid().into(), 5)], "{outcome:?}");
    let wrong = Trace::of(r#"cgroupid "/proc""#).run();
    let error = wrong.of("error").next().expect("an error");
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|message| message.contains("'/proc' is no cgroup")),
        "{wrong:?}"
    );
}

fn numbers(row: &Value) -> (u64, u64) {
    let number = |name: &str| row[name].as_u64().unwrap_or_default();
    (number("pid"), number("count"))
}

/// A cgroup of the second version, in a mount of our own: gone when it is dropped.
struct Cgroup {
    mount: std::path::PathBuf,
    group: std::path::PathBuf,
}

impl Cgroup {
    fn new() -> Self {
        let name = format!("mt-cgroup-{}", std::process::id());
        let mount = std::env::temp_dir().join(&name);
        std::fs::create_dir(&mount).expect("a folder can be made");
        let target = std::ffi::CString::new(mount.to_str().expect("UTF-8")).expect("no NUL");
        // SAFETY: strings that end in NUL; no data.
        let mounted = unsafe {
            libc::mount(
                c"none".as_ptr(),
                target.as_ptr(),
                c"cgroup2".as_ptr(),
                0,
                std::ptr::null(),
            )
        };
        assert_eq!(mounted, 0, "{}", std::io::Error::last_os_error());
        let group = mount.join(name);
        std::fs::create_dir(&group).expect("a cgroup can be made");
        Self { mount, group }
    }

    fn path(&self) -> &str {
        self.group.to_str().expect("UTF-8")
    }

    fn take(&self, pid: u32) {
        std::fs::write(self.group.join("cgroup.procs"), pid.to_string()).expect("it moves");
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // Processes leave it a moment after they have ended.
        for _ in 0..100 {
            if std::fs::remove_dir(&self.group).is_ok() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let target = std::ffi::CString::new(self.mount.to_str().unwrap_or_default());
        if let Ok(target) = target {
            // SAFETY: a string that ends in NUL.
            unsafe { libc::umount2(target.as_ptr(), libc::MNT_DETACH) };
        }
        let _ = std::fs::remove_dir(&self.mount);
    }
}
