//! What takes more than one read: paths, command lines, buffers, long strings.

use super::cases;
use crate::trace::Outcome;
use crate::worker::{Worker, executable};
use serde_json::Value;

cases!(long_values: paths_across_mounts, paths_in_conditions_and_keys, paths_that_are_too_long, arguments_of_a_command,
    buffers_of_any_bytes, buffers_in_lua, a_string_of_four_kib);

/// What the only probe's rows have in a column.
fn column<'a>(outcome: &'a Outcome, name: &str) -> Vec<&'a Value> {
    outcome.of("event").map(|row| &row["data"][name]).collect()
}

fn notes(outcome: &Outcome) -> &Value {
    &outcome.of("books").next().expect("books")["notes"]
}

/// The file that a system call is told of by its number.
const FILE: &str = "as('struct file *', curtask.files.fdt.fd[args.fd])";

/// A folder of the test's own.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("mt-{name}-{}", std::process::id()));
        std::fs::create_dir(&folder).expect("a folder can be made");
        // As the kernel calls it: no links in it.
        Self(folder.canonicalize().expect("it is there"))
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("UTF-8")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// In a mount within a mount, which nobody else has: a file, one that is deleted, the working directory, the root, a pipe.
fn paths_across_mounts() {
    let folder = Folder::new("mounts");
    let worker = Worker::start(&["files", folder.path()]);
    let code = format!(
        r#"probe "tracepoint:syscalls:sys_enter_fsync":print "file = path({FILE}), folder = path(curtask.fs.pwd)""#
    );
    let outcome = worker.traced(&code, &[]);
    let inner = format!("{}/inner", folder.path());
    let files = column(&outcome, "file");
    assert_eq!(*files[0], format!("{inner}/one/two/file"), "{outcome:?}");
    assert_eq!(
        *files[1],
        format!("{inner}/one/two/file (deleted)"),
        "{outcome:?}"
    );
    assert_eq!(*files[2], "/", "{outcome:?}");
    let pipe = files[3].as_str().expect("a string");
    assert!(
        pipe.starts_with("pipe:[") && pipe.ends_with(']'),
        "{outcome:?}"
    );
    let socket = files[4].as_str().expect("a string");
    assert!(socket.starts_with("socket:["), "{outcome:?}");
    assert_eq!(*files[5], "anon_inode:[eventfd]", "{outcome:?}");
    // The worker has told what it is called in /proc.
    let folders = column(&outcome, "folder");
    assert_eq!(*folders[0], format!("{inner}/one"), "{outcome:?}");
    // Where the worker's root is another, paths begin there.
    assert_eq!(*files[6], "/two", "{outcome:?}");
    assert_eq!(files.len(), 7, "{outcome:?}");
    assert_eq!(
        notes(&outcome).as_object().map(|notes| notes.len()),
        Some(0),
        "{outcome:?}"
    );
}

fn paths_in_conditions_and_keys() {
    let folder = Folder::new("keys");
    let worker = Worker::start(&["files", folder.path()]);
    let code = format!(
        r#"probe "tracepoint:syscalls:sys_enter_fsync"
             :where "path({FILE}) == '{0}/inner/one/two/file' or startswith(path({FILE}), 'pipe:') or contains(path({FILE}), '(deleted)')"
             :by "file = path({FILE})":name "files":count()"#,
        folder.path()
    );
    let outcome = worker.traced(&code, &[]);
    let files = outcome
        .rows("files")
        .iter()
        .map(|row| row["file"].as_str().unwrap_or_default());
    let mut files: Vec<&str> = files
        .map(|file| file.split(':').next().unwrap_or_default())
        .collect();
    files.sort_unstable();
    let file = format!("{}/inner/one/two/file", folder.path());
    assert_eq!(
        files,
        [&file, &format!("{file} (deleted)"), "pipe"],
        "{outcome:?}"
    );
}

/// Its end is what is kept of a path.
fn paths_that_are_too_long() {
    let folder = Folder::new("long");
    let worker = Worker::start(&["deep", folder.path(), "80", "d", "7", &"n".repeat(200)]);
    let code = format!(
        r#"probe "tracepoint:syscalls:sys_enter_fsync":print "file = path({FILE}), whole = path({FILE}, 4000)""#
    );
    let outcome = worker.traced(&code, &[]);
    let (files, wholes) = (column(&outcome, "file"), column(&outcome, "whole"));
    // More names than are followed.
    let many = files[0].as_str().expect("a string");
    assert_eq!(many, format!("...{}", "/d".repeat(64)), "{outcome:?}");
    // More bytes than there is room for.
    let name = format!("/{}", "n".repeat(200));
    assert_eq!(*files[1], format!("...{}", name.repeat(5)), "{outcome:?}");
    assert_eq!(
        *wholes[1],
        format!("{}{}", folder.path(), name.repeat(7)),
        "{outcome:?}"
    );
    // Twice of the first, once of the second.
    assert_eq!(notes(&outcome)["truncated"], 3, "{outcome:?}");
}

fn arguments_of_a_command() {
    let exec = |words: &[&str], list: &str| {
        let worker = Worker::start(&[&["exec"], words].concat());
        let code = format!(r#"probe "tracepoint:syscalls:sys_enter_execve":print "argv = {list}""#);
        let outcome = worker.traced(&code, &[]);
        let [argv] = column(&outcome, "argv")[..] else {
            panic!("not one event: {outcome:?}")
        };
        let truncated = notes(&outcome)["truncated"].as_u64().unwrap_or(0);
        (argv.as_str().expect("a string").to_owned(), truncated)
    };
    let front = format!("{} --workload at-once ended", executable());
    let (argv, truncated) = exec(&["a", "", "b c", "--d=e"], "argv(args.argv)");
    assert_eq!((argv, truncated), (format!("{front} a  b c --d=e"), 0));
    // More than there are followed: 256 with the four in front.
    let many = vec!["x"; 300];
    let (argv, truncated) = exec(&many, "argv(args.argv)");
    assert_eq!(
        (argv, truncated),
        (format!("{front}{} ...", " x".repeat(252)), 1)
    );
    let long = "y".repeat(3000);
    let (argv, truncated) = exec(&[&long, "z"], "argv(args.argv)");
    assert_eq!((argv.len(), truncated), (2047, 1));
    assert!(
        argv.starts_with(&format!("{front} yyy")) && argv.ends_with("yyy..."),
        "{argv}"
    );
    let (argv, truncated) = exec(&[&long, "z"], "argv(args.argv, 4096)");
    assert_eq!((argv, truncated), (format!("{front} {long} z"), 0));
}

/// What `write N` of the workload writes, in hexadecimal digits.
fn written(bytes: usize) -> String {
    (0..bytes)
        .map(|n| format!("{:02x}", (n * 7) as u8))
        .collect()
}

fn buffers_of_any_bytes() {
    let write = |bytes: usize, list: &str| {
        let worker = Worker::start(&["write", &bytes.to_string()]);
        let code = format!(
            r#"probe "tracepoint:syscalls:sys_enter_write":where "args.fd > 2":print "{list}""#
        );
        let outcome = worker.traced(&code, &[]);
        let [data] = column(&outcome, "data")[..] else {
            panic!("not one event: {outcome:?}")
        };
        let truncated = notes(&outcome)["truncated"].as_u64().unwrap_or(0);
        (data.as_str().expect("a string").to_owned(), truncated)
    };
    let whole = "data = buf(args.buf, args.count)";
    assert_eq!(write(100, whole), (written(100), 0));
    assert_eq!(write(0, whole), (String::new(), 0));
    assert_eq!(write(4096, whole), (written(4096), 0));
    assert_eq!(write(5000, whole), (written(4096), 1));
    // In a record that is filled in place; the number of bytes is computed.
    let few = "data = buf(args.buf, as('int', args.count) - 2, 16), comm";
    assert_eq!(write(9, few), (written(7), 0));
    assert_eq!(write(1, few), (String::new(), 0), "less than none is none");
    assert_eq!(write(100, few), (written(16), 1));
    // Behind a string, in one that is packed.
    let packed = "name = str(args.buf, 600), data = buf(ptr(args.buf) + 2, args.count - 2)";
    assert_eq!(write(100, packed), (written(100)[4..].to_owned(), 0));
}

fn buffers_in_lua() {
    let worker = Worker::start(&["write", "40"]);
    let code = r#"
        local text = require "text"
        probe "tracepoint:syscalls:sys_enter_write":where "args.fd > 2"
          :fetch "data = buf(args.buf, args.count)":on(function(e)
            print(#e.data, e:copy().data == e.data, e.data:byte(1, 3))
            print(text.hexdump(e.data):match "^[^\n]*")
          end)"#;
    let outcome = worker.traced(code, &[]);
    let text = outcome.text();
    assert!(
        text.starts_with("40\ttrue\t0\t7\t14\n00000000  00 07 0e "),
        "{outcome:?}"
    );
}

fn a_string_of_four_kib() {
    for length in [4000, 4095, 4096] {
        let path = "x/".repeat(length / 2) + &"y".repeat(length % 2);
        let worker = Worker::start(&["open-c", &path]);
        let code = r#"probe "tracepoint:syscalls:sys_enter_openat":where "startswith(args.filename, 'x/x/')"
            :print "name = str(args.filename, 4096), behind = comm""#;
        let outcome = worker.traced(code, &[]);
        let [name] = column(&outcome, "name")[..] else {
            panic!("not one event: {outcome:?}")
        };
        let shown = length.min(4095);
        assert_eq!(*name, path[..shown], "{outcome:?}");
        let truncated = notes(&outcome)["truncated"].as_u64().unwrap_or(0);
        assert_eq!(truncated, u64::from(length > 4095), "{outcome:?}");
    }
}
