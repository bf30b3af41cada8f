//! Values are shown as the kernel types them: names and addresses for people, numbers for programs.

use super::cases;
use crate::trace::{Trace, product};
use crate::worker::{Worker, executable};
use serde_json::{Value, json};
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};

cases!(
    types: socket_addresses,
    a_null_pointer_to_an_address_is_no_fault,
    addresses_of_a_format,
    flags_of_system_calls,
    names_of_a_format,
    enums_of_the_kernel,
    devices_by_number,
    names_that_could_not_be_read,
    names_for_people,
);

/// What is printed while a workload of that name does its deed.
fn rows(comm: &str, deed: &[&str], code: &str) -> Vec<Value> {
    let mut worker = Worker::start(&[&["as", comm], deed].concat());
    let tracing = Trace::of(code).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    outcome.of("event").cloned().collect()
}

fn data(rows: &[Value]) -> Vec<&Value> {
    rows.iter().map(|row| &row["data"]).collect()
}

/// Networks may be down in a guest: the address is what the process passed, not what became of it.
fn socket_addresses() {
    let connect = r#"probe "tracepoint:syscalls:sys_enter_connect":where [[comm == "mt-connect"]]
        :print "to = args.uservaddr, family = args.uservaddr.sa_family""#;
    for (to, family) in [("127.0.0.1:9", libc::AF_INET), ("[::1]:9", libc::AF_INET6)] {
        let rows = rows("mt-connect", &["connect", to], connect);
        assert_eq!(data(&rows), [&json!({"to": to, "family": family})]);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("s");
    let path = path.to_str().expect("UTF-8");
    let bind = r#"probe "tracepoint:syscalls:sys_enter_bind":where [[comm == "mt-bind"]]:print "args.umyaddr""#;
    let rows = rows("mt-bind", &["bind", path], bind);
    assert_eq!(data(&rows), [&json!({"umyaddr": path})]);
}

fn a_null_pointer_to_an_address_is_no_fault() {
    let mut worker = Worker::start(&["as", "mt-nowhere", "connect-nowhere"]);
    let code = r#"
        probe "tracepoint:syscalls:sys_enter_connect":where [[comm == "mt-nowhere"]]
          :on(function(e) print(e.args.uservaddr) end)
        probe "tracepoint:syscalls:sys_enter_connect":where [[comm == "mt-nowhere"]]:print "args.uservaddr""#;
    let tracing = Trace::of(code).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    assert_eq!(outcome.text(), "nil\nnil\n", "{outcome:?}");
    let rows: Vec<&Value> = outcome
        .of("event")
        .map(|row| &row["data"]["uservaddr"])
        .collect();
    assert_eq!(rows, [&Value::Null, &Value::Null], "{outcome:?}");
    for books in outcome.of("books") {
        assert_eq!(books["notes"]["fault"], 1, "{outcome:?}");
    }
}

fn addresses_of_a_format() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback is up");
    let to = listener.local_addr().expect("it is bound").to_string();
    let rows = rows(
        "mt-state",
        &["connect", &to],
        r#"probe "tracepoint:sock:inet_sock_set_state":where [[comm == "mt-state" and args.newstate == TCP_SYN_SENT]]
           :print "args.daddr, first = args.daddr[0], args.newstate, args.family""#,
    );
    let want = json!({"daddr": "127.0.0.1", "first": 127, "newstate": 2, "family": libc::AF_INET});
    assert_eq!(data(&rows), [&want]);
    let names = json!({"newstate": "TCP_SYN_SENT", "family": "AF_INET"});
    assert_eq!(rows[0]["names"], names);
}

fn flags_of_system_calls() {
    let rows = rows(
        "mt-socket",
        &["connect", "127.0.0.1:9"],
        r#"probe "tracepoint:syscalls:sys_enter_socket":where [[comm == "mt-socket"]]:print "args.family, args.type""#,
    );
    let [row] = rows.as_slice() else {
        panic!("{rows:?}")
    };
    let want = json!({"family": libc::AF_INET, "type": libc::SOCK_STREAM | libc::SOCK_CLOEXEC});
    assert_eq!(row["data"], want);
    let names = json!({"family": "AF_INET", "type": "SOCK_STREAM|SOCK_CLOEXEC"});
    assert_eq!(row["names"], names);
}

fn names_of_a_format() {
    let rows = rows(
        "mt-asleep",
        &["nap", "3"],
        r#"probe "tracepoint:sched:sched_switch":where [[args.prev_comm == "mt-asleep"]]:print "args.prev_comm, args.prev_state""#,
    );
    let asleep = |row: &&Value| row["names"]["prev_state"] == "S" && row["data"]["prev_state"] == 1;
    assert!(rows.iter().filter(asleep).count() >= 3, "{rows:?}");
    assert!(
        rows.iter()
            .all(|row| row["data"]["prev_comm"] == "mt-asleep")
    );
}

fn enums_of_the_kernel() {
    let rows = rows(
        "mt-enum",
        &["getppid", "1"],
        r#"probe "tracepoint:syscalls:sys_enter_getppid":where [[comm == "mt-enum"]]
           :print "clock = as('enum tk_offsets', 2)""#,
    );
    let [row] = rows.as_slice() else {
        panic!("{rows:?}")
    };
    assert_eq!(row["data"]["clock"], 2);
    assert_eq!(row["names"]["clock"], "TK_OFFS_TAI");
}

fn devices_by_number() {
    let device = std::fs::metadata("/").expect("there is a root").dev();
    let rows = rows(
        "mt-device",
        &["getppid", "1"],
        r#"probe "tracepoint:syscalls:sys_enter_getppid":where [[comm == "mt-device"]]
           :print "device = curtask.fs.root.dentry.d_sb.s_dev, mode = curtask.fs.root.dentry.d_inode.i_mode""#,
    );
    let [row] = rows.as_slice() else {
        panic!("{rows:?}")
    };
    let numbers = format!("{}:{}", libc::major(device), libc::minor(device));
    assert_eq!(row["names"]["device"], numbers, "{row}");
    let mode = std::fs::metadata("/").expect("there is a root").mode();
    assert_eq!(row["names"]["mode"], format!("0{mode:o}"), "{row}");
}

fn names_that_could_not_be_read() {
    let code = r#"probe "tracepoint:syscalls:sys_enter_openat":where [[comm == "mt-nowhere"]]:print "args.filename, args.flags""#;
    let rows = rows("mt-nowhere", &["open-nowhere"], code);
    assert_eq!(data(&rows), [&json!({"filename": null, "flags": 0})]);
    assert_eq!(rows[0]["names"], json!({"flags": "O_RDONLY"}));
    let text = text("mt-nowhere", "open-nowhere", code);
    assert!(text.contains("<fault>"), "{text}");
}

fn names_for_people() {
    let code = r#"probe "tracepoint:syscalls:sys_enter_openat":where [[comm == "mt-flags"]]
        :print "args.dfd, args.flags, args.mode, task = curtask.group_leader""#;
    let json = rows("mt-flags", &["open", "/nowhere", "1"], code);
    let [row] = data(&json)[..] else {
        panic!("{json:?}")
    };
    let numbers = (&row["dfd"], &row["flags"], &row["mode"]);
    assert_eq!(
        numbers,
        (&json!(libc::AT_FDCWD), &json!(libc::O_CLOEXEC), &json!(0))
    );
    let text = text("mt-flags", "open /nowhere 1", code);
    let row = text.lines().last().unwrap_or_default();
    for shown in ["AT_FDCWD", " O_RDONLY|O_CLOEXEC ", " 0000 ", " 0xffff"] {
        assert!(row.contains(shown), "{text}");
    }
}

/// The same as people see it.
fn text(comm: &str, deed: &str, code: &str) -> String {
    let workload = format!("{} --workload as {comm} at-once {deed}", executable());
    let output = Command::new(product())
        .args(["-c", &workload, "-e", code])
        .stdin(Stdio::null())
        .output()
        .expect("the product starts");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
