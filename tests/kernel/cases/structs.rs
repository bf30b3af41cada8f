//! Whole structs and arrays: one line for people, tables in Lua, objects and arrays in JSON.

use super::cases;
use crate::trace::{Outcome, Trace, product};
use crate::worker::{Worker, executable};
use serde_json::{Value, json};
use std::process::{Command, Stdio};

cases!(
    structs: tables_in_lua,
    a_table_is_printed_as_the_struct_that_it_is,
    paths_that_go_on_from_a_table,
    a_struct_of_a_raw_tracepoint,
    structs_in_arrays_in_structs,
    arrays_of_registers,
    arrays_whose_length_the_event_says,
    signed_and_unsigned_members,
    hardware_addresses,
    ip_addresses_as_text,
    addresses_and_ports_of_sockets,
    one_line_for_people,
    types_of_modules [Kprobes, ModuleTypes],
);

fn traced(comm: &str, deed: &[&str], code: &str) -> Outcome {
    let mut worker = Worker::start(&[&["as", comm], deed].concat());
    let tracing = Trace::of(code).start();
    worker.go();
    let outcome = tracing.stop();
    outcome.is_well();
    outcome
}

/// The only row's data.
fn row(outcome: &Outcome) -> &Value {
    let rows: Vec<_> = outcome.of("event").collect();
    let [row] = rows[..] else {
        panic!("{outcome:?}")
    };
    &row["data"]
}

fn tables_in_lua() {
    let outcome = traced(
        "mt-struct",
        &["connect", "127.0.0.1:9"],
        r#"probe "tracepoint:syscalls:sys_enter_connect":where [[comm == "mt-struct"]]
        :fetch "to = as('struct sockaddr_in *', args.uservaddr)[0], load = curtask.se.load"
        :on(function(e)
          local names = {}
          for name in pairs(e.load) do names[#names + 1] = name end
          table.sort(names)
          local kept = e:copy()
          print(e.to, table.concat(names, " "), kept.load.weight == e.load.weight)
        end)"#,
    );
    assert_eq!(outcome.text(), "127.0.0.1:9\tinv_weight weight\ttrue\n");
}

/// Kept or not, whole or a part of it, and with what the handler reads behind its pointers.
fn a_table_is_printed_as_the_struct_that_it_is() {
    let outcome = traced(
        "mt-struct",
        &["getppid", "1"],
        r#"probe "tracepoint:syscalls:sys_enter_getppid":where [[comm == "mt-struct"]]
        :fetch "load = curtask.se.load, prios = curtask.se, root = curtask.fs.root"
        :on(function(e)
          local kept = e:copy()
          print(e.load, tostring(kept.load) == tostring(e.load), tostring(e.prios.load) == tostring(e.load))
          print(string.format("%s", e.root), e.root.dentry.d_name.len)
        end)
        probe "tracepoint:syscalls:sys_enter_getppid":where [[comm == "mt-struct"]]:print "load = curtask.se.load""#,
    );
    let load = &row(&outcome)["load"];
    let (weight, inverse) = (&load["weight"], &load["inv_weight"]);
    let text = outcome.text();
    let [first, second] = text.lines().collect::<Vec<_>>()[..] else {
        panic!("{outcome:?}")
    };
    let want = format!("{{ .weight = {weight}, .inv_weight = {inverse} }}\ttrue\ttrue");
    assert_eq!(first, want);
    let end = ", .dentry = { .d_name = { .len = 1 } } }\t1";
    assert!(
        second.starts_with("{ .mnt = 0xffff") && second.ends_with(end),
        "{second}"
    );
}

/// What a member points to comes with the rest where the handler names it.
fn paths_that_go_on_from_a_table() {
    let outcome = traced(
        "mt-paths",
        &["getppid", "1"],
        r#"probe "tracepoint:syscalls:sys_enter_getppid":where [[comm == "mt-paths"]]
        :fetch "root = curtask.fs.root"
        :on(function(e)
          local root, count = e.root, 0
          for _ in pairs(root) do count = count + 1 end
          print(count, root.dentry.d_name.name, math.type(root.mnt))
        end)"#,
    );
    assert_eq!(outcome.text(), "2\t/\tinteger\n");
}

/// The task that is switched to, whole: what a nap of its own says of it.
fn a_struct_of_a_raw_tracepoint() {
    let outcome = traced(
        "mt-switch",
        &["nap", "3"],
        r#"probe "rawtracepoint:sched_switch":where [[args.next.comm == "mt-switch"]]
        :print "se = args.next.se, args.next.comm, weight = args.next.se.load.weight""#,
    );
    let rows: Vec<_> = outcome.of("event").map(|row| &row["data"]).collect();
    assert!(rows.len() >= 3, "{outcome:?}");
    for row in rows {
        assert_eq!(row["comm"], "mt-switch");
        assert_eq!(row["se"]["load"]["weight"], row["weight"]);
        assert!(row["se"]["vruntime"].is_number(), "{row}");
    }
}

fn structs_in_arrays_in_structs() {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the struct is this call's to write.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) };
    let outcome = traced(
        "mt-limits",
        &["getppid", "1"],
        r#"probe "tracepoint:syscalls:sys_enter_getppid":where [[comm == "mt-limits"]]:print "rlim = curtask.signal.rlim""#,
    );
    let limits = row(&outcome)["rlim"].as_array().expect("an array");
    assert_eq!(limits.len(), 16);
    let files = &limits[libc::RLIMIT_NOFILE as usize];
    assert_eq!(
        *files,
        json!({"rlim_cur": limit.rlim_cur, "rlim_max": limit.rlim_max})
    );
}

fn arrays_of_registers() {
    let code = format!(
        r#"probe "tracepoint:raw_syscalls:sys_enter":where [[comm == "mt-array" and args.id == {}]]:on(function(e)
          local all = e.args.args
          print(all[1] ~= 0, all[2], all[6]) end)"#,
        libc::SYS_pread64
    );
    let outcome = traced("mt-array", &["read", "/proc/self/status", "77", "1"], &code);
    assert_eq!(outcome.text(), "true\t77\tnil\n");
}

/// No event of everyday life has one: that it is loaded is what can be seen of it.
fn arrays_whose_length_the_event_says() {
    let code = r#"probe "tracepoint:ras:non_standard_event":print "args.buf, first = args.buf[0]"
        after("100ms", exit)"#;
    let outcome = Trace::of(code).run();
    outcome.is_well();
    assert_eq!(outcome.books().hits, 0);
}

fn signed_and_unsigned_members() {
    let outcome = traced(
        "mt-signs",
        &["getppid", "1"],
        r#"probe "tracepoint:syscalls:sys_enter_getppid":where [[comm == "mt-signs"]]
        :print "signed = as('int', 0xffffffff), bytes = as('s8', 200), capabilities = curtask.cred.cap_bset, ids = curtask.cred.uid""#,
    );
    let row = row(&outcome);
    assert_eq!((&row["signed"], &row["bytes"]), (&json!(-1), &json!(-56)));
    assert_eq!(row["ids"], json!({"val": 0}));
}

/// Loopback has frames, too: with addresses of zeros.
fn hardware_addresses() {
    let outcome = traced(
        "mt-frame",
        &["send", "127.0.0.1:9"],
        r#"probe "rawtracepoint:net_dev_start_xmit":where [[comm == "mt-frame" and args.dev.name == "lo"]]
        :print "args.dev.name, header = as('struct ethhdr', ptr(args.skb.data))""#,
    );
    let frames: Vec<_> = outcome.of("event").map(|row| &row["data"]).collect();
    let [frame, ..] = frames[..] else {
        panic!("{outcome:?}")
    };
    let nobody = "00:00:00:00:00:00";
    let header = json!({"h_dest": nobody, "h_source": nobody, "h_proto": 0x0800u16.to_be()});
    assert_eq!(*frame, json!({"name": "lo", "header": header}));
}

fn one_line_for_people() {
    let code = r#"probe "tracepoint:syscalls:sys_enter_getppid":where [[comm == "mt-line"]]
        :print "path = curtask.fs.root, id = curtask.cred.uid, comm = curtask.comm, none = as('struct path *', 16)[0]""#;
    let workload = format!("{} --workload as mt-line at-once getppid 1", executable());
    let output = Command::new(product())
        .args(["-c", &workload, "-e", code])
        .stdin(Stdio::null())
        .output()
        .expect("the product starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let row = text.lines().last().unwrap_or_default();
    for shown in [
        "{ .mnt = 0xffff",
        ", .dentry = 0xffff",
        "{ .val = 0 }",
        "mt-line",
        "<fault>",
    ] {
        assert!(row.contains(shown), "{shown}: {text}");
    }
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {output:?}"
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn types_of_modules() {
    run("modprobe", &["veth"]);
    run("modprobe", &["dummy"]);
    let described = run(&product(), &["describe", "struct veth_priv"]);
    assert!(described.contains("peer"), "{described}");
    let described = run(&product(), &["describe", "kprobe:dummy_xmit"]);
    assert!(
        described.contains("args.dev  struct net_device *"),
        "{described}"
    );
    run(
        "ip",
        &["link", "set", "dummy0", "address", "02:42:ac:11:00:02"],
    );
    run("ip", &["link", "set", "dummy0", "up"]);
    run("ip", &["addr", "add", "10.9.9.1/24", "dev", "dummy0"]);
    let outcome = traced(
        "mt-dummy",
        &["send", "10.9.9.2:9"],
        r#"probe "kprobe:dummy_xmit":where [[comm == "mt-dummy"]]
        :print "args.dev.name, from = as('struct ethhdr', ptr(args.skb.data)).h_source""#,
    );
    assert_eq!(
        *row(&outcome),
        json!({"name": "dummy0", "from": "02:42:ac:11:00:02"})
    );
}

/// As the standard library writes them, which RFC 5952 agrees with.
fn ip_addresses_as_text() {
    let addresses = [
        "0.0.0.0",
        "1.20.255.0",
        "100.99.10.9",
        "::",
        "::1",
        "fe80::",
        "1::8",
        "2001:db8::1",
        "1:2:3:4:5:6:7:8",
        "abcd:ef01:2345:6789:abcd:ef01:2345:6789",
        "::3:4:5:6:7:8",
        "0:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:0:8",
        "1:0:0:4:0:0:0:8",
        "1:0:0:4:5:0:0:8",
        "1:0:3:0:5:0:7:0",
        "1:2:3:4:5:6::",
        "::ffff:192.0.2.255",
        "::fffe:c000:2ff",
        "::1:ffff:c000:2ff",
    ];
    let outcome = traced(
        "mt-address",
        &[&["point-at"], &addresses[..]].concat(),
        r#"define "v4 = as('struct sockaddr_in', args.uservaddr).sin_addr"
        define "v6 = as('struct sockaddr_in6', args.uservaddr).sin6_addr"
        probe "tracepoint:syscalls:sys_enter_connect":where [[comm == "mt-address"]]
        :print "text = args.uservaddr.sa_family == AF_INET and ntop(v4) or ntop(v6)"
        probe "tracepoint:syscalls:sys_enter_connect":where [[comm == "mt-address" and args.uservaddr.sa_family == AF_INET]]
        :by "number = ntop(v4.s_addr), pointer = ntop(as('struct in_addr *', ptr(v4)))":name "ipv4":count()"#,
    );
    let seen: Vec<_> = outcome
        .of("event")
        .map(|row| row["data"]["text"].as_str().unwrap_or_default())
        .collect();
    let as_text = |address: &str| address.parse::<std::net::IpAddr>().map(|ip| ip.to_string());
    let wanted: Vec<_> = addresses.into_iter().flat_map(as_text).collect();
    assert_eq!(seen, wanted, "{outcome:?}");
    let mut rows: Vec<_> = outcome.rows("ipv4").iter().collect();
    rows.sort_by_key(|row| row["number"].as_str().unwrap_or_default().to_owned());
    let row = |text: &str| serde_json::json!({"number": text, "pointer": text, "count": 1});
    let wanted = ["0.0.0.0", "1.20.255.0", "100.99.10.9"].map(row);
    assert_eq!(rows, wanted.iter().collect::<Vec<_>>(), "{outcome:?}");
}

/// By a number, and by pointers to structs that begin with what has them; in conditions, fields and keys.
fn addresses_and_ports_of_sockets() {
    for (address, ip) in [("127.0.0.1:47131", "127.0.0.1"), ("[::1]:47132", "::1")] {
        let port = address.rsplit(':').next().unwrap_or_default();
        let code = r#"
            define "sk = as('struct tcp_sock', args.skaddr)"
            local function client()
              return probe "tracepoint:sock:inet_sock_set_state"
                :where "args.newstate == TCP_ESTABLISHED and daddr(args.skaddr) == 'IP' and dport(sk) == PORT"
            end
            client():print [[saddr(args.skaddr), daddr(sk), same = sport(sk) == args.sport,
              bytes = args.family == AF_INET and ntop(args.saddr) or ntop(args.saddr_v6), dport(as('struct sock', args.skaddr))]]
            client():by "from = saddr(sk), to = daddr(sk), port = dport(sk)":name "flows":count()"#;
        let code = code.replace("IP", ip).replace("PORT", port);
        let outcome = traced("mt-socket", &["talk", address, "3", "1", "1"], &code);
        assert_eq!(outcome.of("event").count(), 3, "{outcome:?}");
        for row in outcome.of("event") {
            let wanted = serde_json::json!({
                "saddr(args.skaddr)": ip,
                "daddr(sk)": ip,
                "same": true,
                "bytes": ip,
                "dport(as('struct sock', args.skaddr))": port.parse::<u16>().unwrap_or(0),
            });
            assert_eq!(row["data"], wanted, "{outcome:?}");
        }
        let flow = serde_json::json!({"from": ip, "to": ip, "port": port.parse::<u16>().unwrap_or(0), "count": 3});
        assert_eq!(outcome.rows("flows"), [flow], "{outcome:?}");
    }
}
