use super::*;

#[test]
fn timers_begin_with_the_run() {
    let session = Rc::new(Fake::default());
    let vm = vm_on(&session);
    vm.run("t.lua", "every('1s', function() print 'tick' end) after(5, function() print 'once' end) on_start(function() print 'start' end) on_exit(function() print 'end' end)").unwrap();
    assert_eq!(vm.next_deadline(), None);
    session.now.set(100);
    vm.run_start().unwrap();
    assert_eq!(vm.next_deadline(), Some(105));
    vm.run_due(1_000_000_100).unwrap();
    assert_eq!(vm.next_deadline(), Some(2_000_000_100));
    vm.run_exit().unwrap();
    assert_eq!(session.take_log(), "start\nonce\ntick\nend\n");
    assert!(failure("every('1 fortnight', print)").contains("fortnight"));
    assert!(failure("every('0s', print)").contains("above 0"));
}

#[test]
fn an_error_among_actions_leaves_the_others_for_the_next_call() {
    let session = Rc::new(Fake::default());
    let vm = vm_on(&session);
    vm.run(
        "t.lua",
        "on_exit(function() error 'first' end)\non_exit(function() print 'second' end)",
    )
    .unwrap();
    assert!(matches!(vm.run_exit(), Err(ScriptError::Lua(_))));
    vm.run_exit().unwrap();
    assert_eq!(session.take_log(), "second\n");
}

/// A VM with one probe, `on(function(e) BODY end)`, on a site of these fields.
fn handler(body: &str) -> (Rc<Fake>, Vm) {
    let session = Rc::new(Fake::default());
    let fields = [
        (
            "pid",
            Content::Int {
                offset: 24,
                int: Int::U32,
            },
        ),
        (
            "retval",
            Content::Int {
                offset: 32,
                int: Int::I64,
            },
        ),
        (
            "comm",
            Content::Text {
                offset: 28,
                slot: Some(48),
                capacity: 16,
            },
        ),
        (
            "args.filename",
            Content::Text {
                offset: 40,
                slot: None,
                capacity: 64,
            },
        ),
        ("args.iov[0].len", Content::Constant(Value::Int(3))),
        ("func", Content::Func),
    ];
    let (probe, func) = ("t:a:b".to_owned(), "b".to_owned());
    let name = "n".to_owned();
    let site = Site {
        id: ProbeId(0),
        name,
        probe,
        func,
        layout: layout(&fields),
    };
    session.sites.borrow_mut().push(Rc::new(site));
    let vm = vm_on(&session);
    vm.run(
        "t.lua",
        &format!("kept = nil\nprobe 't:a:b':fetch 'pid':on(function(e)\n{body}\nend)"),
    )
    .unwrap();
    (session, vm)
}

fn event(pid: u32, comm: &str, file: &str, valid: u64) -> Vec<u8> {
    let mut fields = pid.to_ne_bytes().to_vec();
    let span = |fields: &mut Vec<u8>, offset: usize, text: &str| {
        fields.extend((offset as u16).to_ne_bytes());
        fields.extend((text.len() as u16).to_ne_bytes());
    };
    span(&mut fields, 48, comm);
    fields.extend((-2i64).to_ne_bytes());
    span(&mut fields, 48 + comm.len(), file);
    fields.extend([0; 4]);
    fields.extend(comm.bytes().chain(file.bytes()));
    record(0, 77, valid, &fields)
}

#[test]
fn events_are_decoded_when_they_are_read() {
    let (session, vm) = handler(
        "print(e.pid, e.comm, e.retval, e.args.filename, e.probe, e.func, e.time, e.cpu, e.args.iov[0].len)",
    );
    let records = vec![
        event(1, "sh", "/tmp", !0),
        event(2, "sh", "", 0b11),
        event(3, "bash", "/x", !0),
    ];
    vm.dispatch(&mut Given::new(records)).unwrap();
    assert_eq!(
        session.take_log(),
        "1\tsh\t-2\t/tmp\tt:a:b\tb\t77\t1\t3\n2\tnil\t-2\tnil\tt:a:b\tb\t77\t1\t3\n3\tbash\t-2\t/x\tt:a:b\tb\t77\t1\t3\n"
    );
}

#[test]
fn only_a_copy_outlives_its_handler() {
    let (session, vm) = handler(
        "if kept then print(kept.comm, kept.args.filename, kept.args.iov[0].len, kept.time) end kept = e:copy() view = e",
    );
    vm.dispatch(&mut Given::new(vec![
        event(1, "sh", "/a", !0),
        event(2, "ls", "/b", !0),
    ]))
    .unwrap();
    assert_eq!(session.take_log(), "sh\t/a\t3\t77\n");
    let error = vm.run("u.lua", "print(view.pid)").unwrap_err().to_string();
    assert!(
        error.starts_with("u.lua:1: ") && error.contains("e:copy()"),
        "{error}"
    );
}

#[test]
fn a_failing_handler_leaves_the_rest_to_the_next_call() {
    let (session, vm) = handler("local t = nil if e.pid == 2 then print(t.x) end print(e.pid)");
    let mut records = Given::new((1..=3).map(|pid| event(pid, "sh", "", !0)).collect());
    let Err(ScriptError::Lua(error)) = vm.dispatch(&mut records) else {
        panic!()
    };
    assert_eq!(error.place.unwrap().line, 3);
    assert!(error.traceback.is_empty());
    vm.dispatch(&mut records).unwrap();
    assert_eq!(session.take_log(), "1\n3\n");
}

#[test]
fn mistakes_with_an_event_are_named() {
    let run = |body: &str| {
        let (_, vm) = handler(body);
        vm.dispatch(&mut Given::new(vec![event(1, "sh", "", !0)]))
            .unwrap_err()
    };
    assert!(
        run("print(e.uid)")
            .to_string()
            .contains("t.lua:3: the event has no field 'uid'")
    );
    assert!(run("e.pid = 3").to_string().contains("can't be set"));
    assert_eq!(run("pcall(exit, 4)"), ScriptError::Exit(4));
    let ScriptError::Reports(reports) = run("probe(nil)") else {
        panic!()
    };
    assert_eq!(reports[0].place.as_ref().unwrap().line, 3);
}

#[test]
fn after_exit_no_handler_runs() {
    let (session, vm) = handler("print(e.pid) exit()");
    let mut records = Given::new(vec![event(1, "sh", "", !0), event(2, "sh", "", !0)]);
    assert_eq!(vm.dispatch(&mut records), Err(ScriptError::Exit(0)));
    assert_eq!(vm.dispatch(&mut records), Err(ScriptError::Exit(0)));
    assert_eq!(session.take_log(), "1\n");
}

#[test]
fn a_handler_may_probe_and_what_it_opened_is_declared_when_it_returns() {
    let (session, vm) = handler("if e.pid == 1 then probe 't:c:d' end print(#'done')");
    vm.dispatch(&mut Given::new(vec![
        event(1, "sh", "", !0),
        event(2, "sh", "", !0),
    ]))
    .unwrap();
    assert_eq!(session.take_log(), "4\n4\n");
    assert_eq!(session.declared.borrow()[1].ending, Ending::Print(None));
}

#[test]
fn probes_without_a_handler_print_their_events() {
    let session = Rc::new(Fake::default());
    let fields = [(
        "pid",
        Content::Int {
            offset: 24,
            int: Int::U32,
        },
    )];
    let (probe, func) = ("t:a:b".to_owned(), "b".to_owned());
    let name = "n".to_owned();
    let site = Site {
        id: ProbeId(0),
        name,
        probe,
        func,
        layout: layout(&fields),
    };
    session.sites.borrow_mut().push(Rc::new(site));
    let vm = vm_on(&session);
    vm.run("t.lua", "probe 't:a:b'").unwrap();
    vm.dispatch(&mut Given::new(vec![record(0, 5, 1, &9u32.to_ne_bytes())]))
        .unwrap();
    assert_eq!(session.take_log(), "event n 5 1 [(\"pid\", Unsigned(9))]\n");
    let error = vm
        .dispatch(&mut Given::new(vec![record(4, 5, 1, &[])]))
        .unwrap_err();
    assert!(error.to_string().contains("unknown probe site, 4"));
}
