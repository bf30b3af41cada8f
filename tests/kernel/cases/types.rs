//! Values are shown as the kernel types them: names and addresses for people, numbers for programs.

use super::cases;
use crate::trace::{Outcome, Trace, product};
use crate::worker::Worker;
use std::process::{Command, Stdio};

cases!(types: socket_addresses, structs_as_tables, addresses_of_a_format, whole_arrays, names_in_text_numbers_in_json);

fn data(outcome: &Outcome) -> Vec<&serde_json::Value> {
    outcome.of("event").map(|event| &event["data"]).collect()
}

/// Loopback may be down in a guest: the address is what the process passed, not what became of it.
fn socket_addresses() {
    let mut worker = Worker::start(&["as", "mt-connect", "connect", "9"]);
    let code = r#"probe "tracepoint:syscalls:sys_enter_connect":where [[comm == "mt-connect"]]
        :print "to = args.uservaddr, family = args.uservaddr.sa_family""#;
    let tracing = Trace::of(code).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    let want = serde_json::json!({"to": "127.0.0.1:9", "family": libc::AF_INET});
    assert_eq!(data(&outcome), [&want]);
}

fn structs_as_tables() {
    let mut worker = Worker::start(&["as", "mt-struct", "connect", "9"]);
    let code = r#"probe "tracepoint:syscalls:sys_enter_connect":where [[comm == "mt-struct"]]
        :fetch "to = as('struct sockaddr_in *', args.uservaddr)[0], task = curtask.se.load"
        :on(function(e)
          local again = e.task.weight
          print(e.to, type(e.task), again == e.task.weight)
        end)"#;
    let tracing = Trace::of(code).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    assert_eq!(outcome.text(), "127.0.0.1:9\ttable\ttrue\n");
}

fn addresses_of_a_format() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback is up");
    let port = listener.local_addr().expect("it is bound").port();
    let mut worker = Worker::start(&["as", "mt-state", "connect", &port.to_string()]);
    let code = format!(
        r#"probe "tracepoint:sock:inet_sock_set_state":where [[comm == "mt-state" and args.dport == {port} and
          args.newstate == TCP_SYN_SENT]]:print "args.daddr, first = args.daddr[0], args.newstate""#
    );
    let tracing = Trace::of(&code).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    let want = serde_json::json!({"daddr": "127.0.0.1", "first": 127, "newstate": 2});
    assert_eq!(data(&outcome), [&want]);
}

fn whole_arrays() {
    let mut worker = Worker::start(&["as", "mt-array", "read", "/proc/self/status", "77", "1"]);
    let code = format!(
        r#"probe "tracepoint:raw_syscalls:sys_enter":where [[comm == "mt-array" and args.id == {}]]:on(function(e)
          local all = e.args.args
          print(all[1] ~= 0, all[2], all[6]) end)"#,
        libc::SYS_pread64
    );
    let tracing = Trace::of(&code).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    assert_eq!(outcome.text(), "true\t77\tnil\n");
}

fn names_in_text_numbers_in_json() {
    let code = r#"probe "tracepoint:syscalls:sys_enter_openat":where [[comm == "mt-flags"]]
        :print "args.flags, args.mode, task = curtask.group_leader""#;
    let mut worker = Worker::start(&["as", "mt-flags", "open", "/nowhere", "1"]);
    let tracing = Trace::of(code).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    let [row] = data(&outcome)[..] else {
        panic!("{outcome:?}")
    };
    assert_eq!(row["flags"], libc::O_CLOEXEC);
    assert_eq!(row["mode"], 0);
    let text = Command::new(product())
        .args(["--duration", "2s", "-c"])
        .arg(format!(
            "{} --workload as mt-flags at-once open /nowhere 1",
            crate::worker::executable()
        ))
        .args(["-e", code])
        .stdin(Stdio::null())
        .output()
        .expect("the product starts");
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    let row = text.lines().last().unwrap_or_default();
    assert!(
        row.contains("O_RDONLY|O_CLOEXEC") && row.contains(" 0000 "),
        "{text}"
    );
    assert!(row.contains(" 0xffff"), "{text}");
}
