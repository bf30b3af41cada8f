use super::*;

#[test]
fn sets_and_variables_change_the_running_filter() {
    let text = "local s = set{ 1, 'a', { 2, 'b' } } s:add(3) s:remove(1)\nprint(#s, s:has(3), s:has(1), s:has{ 2, 'b' })\nlocal v = var(1) v:set(5) print(v:get())";
    let printed = output(text).unwrap();
    assert!(
        printed.contains(
            "add 0 Int(3)\nremove 0 Int(1)\n3\ttrue\tfalse\ttrue\nvariable 0 Int(5)\n5\n"
        ),
        "{printed}"
    );
    assert!(failure("var(1):set('x')").contains("keeps the type"));
    assert!(failure("set{ 1.5 }").contains("can't be a member"));
    let printed = output("print(#set{ 1, 2, keys = 5 })").unwrap();
    assert!(
        printed.starts_with("room 0 5\n") && printed.ends_with("2\n"),
        "{printed}"
    );
    assert!(failure("set{ keys = 0 }").contains("'keys' is a number from 1 to"));
    assert!(failure("set{ 1, kyes = 5 }").contains("did you mean 'keys'?"));
    assert_eq!(output("print(cgroupid '/sys/fs/cgroup/a')").unwrap(), "7\n");
    assert!(failure("cgroupid '/proc'").contains("'/proc' is no cgroup"));
}

fn with_table(text: &str) -> String {
    let session = Rc::new(Fake::default());
    let row = |comm: &str, count| vec![Value::Str(comm.into()), Value::Unsigned(count)];
    let table = Table {
        name: "t".to_owned(),
        keys: vec!["comm".to_owned()],
        columns: vec!["count".to_owned()],
        absent: vec![Value::Int(0)],
        rows: vec![row("sh", 1), row("ls", 2), row("ps", 5)],
        growing: vec![true],
        seconds: 2.5,
    };
    session.tables.borrow_mut().insert(TallyId(0), table);
    let vm = vm_on(&session);
    vm.run(
        "t.lua",
        &format!("local t = probe 't:a:b':by 'comm':count()\n{text}"),
    )
    .unwrap();
    vm.print_unread().unwrap();
    session.take_log()
}

#[test]
fn tallies_are_read_from_lua() {
    assert_eq!(
        with_table("for _, r in ipairs(t:top(2)) do print(r.comm, r.count) end"),
        "ps\t5\nls\t2\n"
    );
    assert_eq!(
        with_table(
            "print(t:top(1, 'comm')[1].comm, t:top(1, function(r) return -r.count end)[1].comm)"
        ),
        "sh\tsh\n"
    );
    assert_eq!(
        with_table("print(t:get('ls').count, t:get('no').count, #t:rows())"),
        "2\t0\t3\n"
    );
    assert_eq!(
        with_table("local now = t:take() print(#now, #t:take(), now:get('ps').count)"),
        "3\t0\t5\n"
    );
    assert_eq!(with_table("print(t:take().seconds)"), "2.5\n");
}

#[test]
fn live_tallies_share_a_screen_and_its_period() {
    let session = Rc::new(Fake::default());
    let vm = vm_on(&session);
    vm.run(
        "t.lua",
        "local a, b = probe 't:a:b':count(), probe 't:a:b':count()\na:live('1s', { title = 'A' }) b:live('1s', { title = 'B' })",
    )
    .unwrap();
    vm.run_start().unwrap();
    vm.run_due(1_000_000_000).unwrap();
    let drawn = "screen\ntable Some(\"A\") []\ntable Some(\"B\") []\n";
    assert_eq!(session.take_log(), drawn);
    vm.print_unread().unwrap();
    assert_eq!(session.take_log(), "");
    let wrong = failure("local t = probe 't:a:b':count()\nt:live '1s'\nt:live '2s'");
    assert!(
        wrong.contains("test.lua:3") && wrong.contains("the live screen at test.lua:2"),
        "{wrong}"
    );
    assert!(failure("probe 't:a:b':count():live('1s', { rate = 1 })").contains("true or false"));
}

/// The period of an option that was not given.
#[test]
fn without_a_period_a_tally_is_printed_at_exit() {
    let printed = with_table("t:every(nil) t:live(false)");
    assert_eq!(printed.matches("table None").count(), 1, "{printed}");
    assert!(failure("probe 't:a:b' :count():every()").contains("a duration"));
}

#[test]
fn a_tally_is_printed_at_exit_unless_it_was_read() {
    assert_eq!(with_table("").matches("table None").count(), 1);
    assert_eq!(with_table("t:rows()"), "");
    let printed = with_table("t:print{ top = 1, title = 'T' }");
    assert!(
        printed.starts_with("table Some(\"T\") [[Str([112, 115])"),
        "{printed}"
    );
    assert!(failure("tally():print{ tops = 1 }").contains("'top'"));
}
