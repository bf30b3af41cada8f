//! Scripts from end to end of the VM, on a session that only writes down.

use super::fake::{Fake, Given, failure, layout, output, record, vm_on};
use super::{ScriptError, Site, Vm};
use crate::expr::Int;
use crate::plan::Content;
use crate::report::Report;
use crate::rows::{Table, Value};
use crate::spec::{Ending, ProbeId, Step, TallyId};
use std::rc::Rc;

fn declared(text: &str) -> Vec<crate::spec::Declaration> {
    let session = Rc::new(Fake::default());
    vm_on(&session).run("test.lua", text).unwrap();
    session.declared.take()
}

mod chains {
    use super::*;

    #[test]
    fn steps_keep_their_order_and_their_lines() {
        let chain = &declared(
            "local on = false\nprobe \"t:a:b\"\n  :where \"pid == 1\"\n  :where(on and 'never')\n  :by 'comm'\n  :name 'n'\n  :count()",
        )[0];
        assert_eq!(chain.place.line, 2);
        assert_eq!(chain.name.as_deref(), Some("n"));
        let [Step::Where(condition), Step::By(key)] = chain.steps.as_slice() else {
            panic!("{:?}", chain.steps)
        };
        assert_eq!(
            (condition.text.as_str(), condition.place.line),
            ("pid == 1", 3)
        );
        assert_eq!(key.place.line, 5);
        let Ending::Tally { columns, .. } = &chain.ending else {
            panic!()
        };
        assert_eq!((columns.text.as_str(), columns.place.line), ("count()", 7));
    }

    #[test]
    fn a_chain_without_an_ending_prints_once_the_body_is_through() {
        let all = declared("probe 't:a:b'\nprobe 't:c:d':count()");
        let endings: Vec<_> = all
            .iter()
            .map(|chain| (&*chain.spec, &chain.ending))
            .collect();
        assert_eq!(endings[1], ("t:a:b", &Ending::Print(None)));
        assert_eq!(endings[0].0, "t:c:d");
    }

    #[test]
    fn a_second_ending_names_both_lines() {
        let message = failure("local p = probe 't:a:b'\np:count()\np:print()");
        assert!(
            message.starts_with("test.lua:3: ':print' after the chain's end: :count at test.lua:2"),
            "{message}"
        );
    }

    #[test]
    fn a_chain_with_a_failed_step_is_never_declared() {
        assert!(declared("pcall(function() probe 't:a:b':where(3) end)").is_empty());
    }

    #[test]
    fn wrong_names_get_the_nearest() {
        let message = failure("probe 't:a:b':cuont()");
        assert!(
            message.contains("no 'cuont'") && message.contains("'count'"),
            "{message}"
        );
        assert!(failure("prob 't:a:b'").contains("did you mean 'probe'?"));
        assert!(failure("probe 't:a:b':avg 'x'").contains("later version"));
        assert!(failure("span()").contains("later version"));
        assert!(failure("probe 't:a:b':count():where 'x'").contains("before the chain's ending"));
        assert!(failure("probe 't:a:b'.where 'x'").contains("colon"));
        assert!(failure("probe(nil)").contains("test.lua:1: probe takes"));
    }

    #[test]
    fn reports_of_the_session_are_raised_at_the_ending_and_can_be_caught_as_text() {
        let session = Rc::new(Fake::default());
        session
            .refusal
            .borrow_mut()
            .push(Report::new("no such field"));
        let vm = vm_on(&session);
        vm.run(
            "a.lua",
            "print(pcall(function() probe 't:a:b':count() end))",
        )
        .unwrap();
        assert_eq!(session.take_log(), "false\tno such field\n");
        session
            .refusal
            .borrow_mut()
            .push(Report::new("no such field"));
        let error = vm.run("a.lua", "probe 't:a:b':count()").unwrap_err();
        assert_eq!(
            error,
            ScriptError::Reports(vec![Report::new("no such field")])
        );
    }

    #[test]
    fn values_reach_the_texts() {
        use crate::spec::{Given, Member};
        let chain = &declared(
            "probe 't:a:b':with{ a = 1, b = 'x', c = true, d = { 1, 'y' }, s = set{ 1, { 2, 'z' } }, v = var(7) }:count()",
        )[0];
        assert_eq!(chain.given["a"], Given::Int(1));
        assert_eq!(
            chain.given["d"],
            Given::List(vec![Member::Int(1), Member::Str(b"y".to_vec())])
        );
        assert!(matches!(chain.given["s"], Given::Set(_)));
        assert!(matches!(chain.given["v"], Given::Var(_, Member::Int(7))));
        assert_eq!(chain.given["target"], Given::Target);
        assert!(failure("probe 't:a:b':with{ a = 1.5 }:count()").contains("'a' is a number"));
    }

    #[test]
    fn one_tally_takes_several_probes_and_its_name() {
        let all = declared(
            "local t = tally():name 'both'\nprobe 't:a:b':tally(t, 'count()')\nprobe 't:c:d':tally(t, 'sum(x)')",
        );
        for chain in &all {
            assert!(matches!(
                chain.ending,
                Ending::Tally {
                    tally: TallyId(0),
                    ..
                }
            ));
            assert_eq!(chain.name.as_deref(), Some("both"));
        }
    }

    #[test]
    fn what_a_handler_reads_is_found_in_its_source() {
        let chain = &declared(
            "probe 't:a:b':on(function(e)\n  print(e.pid, e.time,\n    e.args.filename)\nend)",
        )[0];
        let Ending::Handler { reads } = &chain.ending else {
            panic!()
        };
        let reads: Vec<_> = reads
            .iter()
            .map(|read| (&*read.text, read.place.line))
            .collect();
        assert_eq!(reads, [("args.filename", 3), ("pid", 2)]);
        assert!(failure("probe 't:a:b':on(print)").contains(":fetch"));
        assert_eq!(declared("probe 't:a:b':fetch 'pid':on(print)").len(), 1);
    }
}

mod errors {
    use super::*;

    #[test]
    fn the_users_own_lines_are_shown_and_no_others() {
        let error =
            output("local function f(t)\n  return t.x.y\nend\npcall(print)\nlocal ok = f({})");
        let Err(ScriptError::Lua(error)) = error else {
            panic!("{error:?}")
        };
        assert_eq!(error.place.unwrap().line, 2);
        assert!(
            error.message.starts_with("attempt to index a nil value"),
            "{}",
            error.message
        );
        assert_eq!(
            error
                .traceback
                .iter()
                .map(|place| place.line)
                .collect::<Vec<_>>(),
            [5]
        );
    }

    #[test]
    fn syntax_errors_and_raised_values_have_a_place() {
        assert!(failure("x = = 3").starts_with("test.lua:1: unexpected symbol near '='"));
        assert_eq!(failure("\nerror 'boom'"), "test.lua:2: boom");
        assert!(
            failure("\nerror(setmetatable({}, { __tostring = function() return 'object' end }))")
                .starts_with("test.lua:2: object")
        );
        assert!(failure("\n\nstring.rep()").starts_with("test.lua:3: bad argument #1 to 'rep'"));
        assert!(
            failure("printf('%d', {})")
                .starts_with("test.lua:1: printf: argument 2 for '%d' is a table")
        );
        assert!(failure("json.encode(print)").starts_with("test.lua:1: json.encode"));
    }

    #[test]
    fn a_shebang_line_counts() {
        assert!(
            failure("#!/usr/bin/env -S moontrace\nlocal t = nil\nt.x = 1")
                .starts_with("test.lua:3:")
        );
    }

    #[test]
    fn errors_of_the_host_are_strings_when_caught() {
        let text = "local ok, e = pcall(probe, nil)\nprint(type(e), 'it said: ' .. e)\nprint(xpcall(probe, function(e) return type(e) end, 1))\nlocal co = coroutine.wrap(function() probe(1) end)\nprint(type(select(2, pcall(co))))";
        let printed = output(text).unwrap();
        let lines: Vec<_> = printed.lines().collect();
        assert!(
            lines[0].starts_with("string\tit said: test.lua:1: probe takes"),
            "{printed}"
        );
        assert_eq!(lines[1..], ["false\tstring", "string"]);
    }

    #[test]
    fn exit_passes_every_pcall_and_coroutine() {
        for text in [
            "exit(3)",
            "pcall(exit, 3) print 'on'",
            "pcall(pcall, exit, 3) print 'on'",
            "xpcall(exit, print, 3) print 'on'",
            "coroutine.resume(coroutine.create(exit), 3) print 'on'",
            "pcall(coroutine.wrap(function() pcall(exit, 3) end)) print 'on'",
        ] {
            assert_eq!(output(text), Err(ScriptError::Exit(3)), "{text}");
        }
        assert!(failure("exit(256)").contains("0 to 255"));
    }

    #[test]
    fn a_memory_bomb_is_stopped_and_said() {
        for text in [
            "local t = {} while true do t[#t + 1] = string.rep('x', 1 << 20) end",
            "local s = 'x' while true do s = s .. s end",
            "string.rep('x', 1 << 40)",
        ] {
            let message = failure(text);
            assert!(
                message.contains("more than 64 MiB of memory") || message.contains("too large"),
                "{message}"
            );
        }
    }
}

mod sandbox {
    use super::*;

    #[test]
    fn nothing_reaches_out() {
        for name in [
            "io",
            "debug",
            "package",
            "dofile",
            "loadfile",
            "os.execute",
            "os.remove",
            "os.getenv",
            "os.exit",
            "os.tmpname",
            "os.rename",
            "os.setlocale",
        ] {
            let message = failure(&format!("print({name})"));
            assert!(
                message.contains(name.split('.').next_back().unwrap()),
                "{message}"
            );
        }
        assert_eq!(
            output("print(string.dump, rawget(_G, 'io'), rawget(_G, 'package'))").unwrap(),
            "nil\tnil\tnil\n"
        );
        assert_eq!(
            output("print(os.time() > 0, os.clock() >= 0, #os.date('%Y'))").unwrap(),
            "true\ttrue\t4\n"
        );
        assert!(
            failure("setmetatable({}, { __gc = print })")
                .starts_with("test.lua:1: a metatable with '__gc'")
        );
        assert!(failure("require 'socket'").contains("there are json"));
    }

    #[test]
    fn load_takes_text_only() {
        assert_eq!(output("print(load('return 1 + 1')())").unwrap(), "2\n");
        assert_eq!(
            output("print(load('return x', 'n', 't', { x = 5 })())").unwrap(),
            "5\n"
        );
        let printed = output("print(load('\\27Lua', 'x', 'b'))").unwrap();
        assert!(
            printed.contains("attempt to load a binary chunk"),
            "{printed}"
        );
    }

    #[test]
    fn globals_may_be_set_and_then_read() {
        assert_eq!(
            output("x = 1 print(x, rawget(_G, 'y'))").unwrap(),
            "1\tnil\n"
        );
        assert_eq!(
            output("x = nil print(x) x = 1 x = nil print(x)").unwrap(),
            "nil\nnil\n"
        );
    }
}

mod interrupts {
    use super::*;

    /// Triggers from inside, where the count hook takes effect as it does after a signal.
    fn stopped(text: &str) {
        let session = Rc::new(Fake::default());
        let vm = vm_on(&session);
        let interrupter = vm.interrupter();
        let trigger = vm.lua().create_function(move |_, ()| {
            interrupter.trigger();
            Ok(())
        });
        vm.lua()
            .globals()
            .raw_set("trigger", trigger.unwrap())
            .unwrap();
        assert_eq!(
            vm.run("t.lua", text),
            Err(ScriptError::Interrupted),
            "{text}"
        );
        assert_eq!(vm.run("t.lua", "print 'no'"), Err(ScriptError::Interrupted));
        vm.clear_interrupt();
        vm.run("t.lua", "for i = 1, 10 do print(i) end").unwrap();
        assert!(session.take_log().ends_with("10\n"));
    }

    #[test]
    fn everything_that_runs_lua_is_stopped() {
        for text in [
            "trigger() while true do end",
            "trigger() while true do pcall(error) end",
            "trigger() while true do pcall(pcall, function() while true do end end) end",
            "coroutine.wrap(function() trigger() while true do end end)()",
            "local co = coroutine.create(function() while true do end end) trigger() while true do coroutine.resume(co) end",
            "local co = coroutine.wrap(function() while true do coroutine.yield() end end) co() trigger() while true do pcall(co) end",
            "local t = setmetatable({}, { __index = function(t, k) return t[k + 1] end }) trigger() while true do pcall(function() return t[1] end) end",
            "trigger() while true do xpcall(error, function() while true do end end) end",
            "trigger() table.sort({ 3, 2, 1 }, function() while true do end end)",
        ] {
            stopped(text);
        }
    }
}

mod values {
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
    }

    fn with_table(text: &str) -> String {
        let session = Rc::new(Fake::default());
        let row = |comm: &str, count| vec![Value::Str(comm.into()), Value::Unsigned(count)];
        let table = Table {
            name: "t".to_owned(),
            keys: vec!["comm".to_owned()],
            columns: vec!["count".to_owned()],
            rows: vec![row("sh", 1), row("ls", 2), row("ps", 5)],
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
}

mod running {
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
}

mod modules {
    use super::*;

    #[test]
    fn json_is_read_and_written_exactly() {
        let text = r#"
            local v = json.decode('{"a": [1, 9223372036854775807, -1.5e3, true, null], "b": {"c": "\\u00e9\\ud83d\\ude00\\n\\"x"}}')
            print(v.a[2], v.a[3], v.a[4], v.a[5] == json.null, v.b.c == "é😀\n\"x")
            print(json.encode{ b = { 1, 2.5, "é\n\1\xff" }, a = {} , c = math.mininteger })
            for _, bad in ipairs{ "", "[1,]", "{1:2}", '"x', "[1] 2", "nul", ("["):rep(1000), '"\\ud8"' } do
              print(pcall(json.decode, bad))
            end
            local loop = {} loop.x = loop
            print(pcall(json.encode, loop))"#;
        let printed = output(text).unwrap();
        let lines: Vec<_> = printed.lines().collect();
        assert_eq!(lines[0], "9223372036854775807\t-1500.0\ttrue\ttrue\ttrue");
        assert_eq!(
            lines[1],
            "{\"a\":[],\"b\":[1,2.5,\"\u{fffd}\u{fffd}\\n\\u0001\u{fffd}\"],\"c\":-9223372036854775808}"
        );
        assert!(
            lines[2..]
                .iter()
                .all(|line| line.starts_with("false\tjson.")),
            "{printed}"
        );
    }

    #[test]
    fn values_are_shown_as_people_read_them() {
        let text = r#"
            print(errno(-2), errno(13), signal(9), tcp_state(1), capability(21), syscall(257), syscall(9999))
            print(ntop(0x0100007f), ntop("\10\0\0\1"), ntop(("\0"):rep(15) .. "\1"), ntop("\x20\1\x0d\xb8" .. ("\0"):rep(8) .. "\0\0\0\1"))
            print(ntop(("\0"):rep(16)), ntop("\0\1\0\0\0\2\0\0\0\0\0\0\0\1\0\1"), errno(nil))
            print(hexdump("moon\0trace\n......!"))
            columns({ { pid = 7, comm = "a" }, { pid = 123, comm = "bash" } }, { "pid", "comm" })
            print(#strftime("%H:%M:%S"), readfile("/proc/self/comm") ~= nil, readfile("/proc/no"))"#;
        assert_eq!(
            output(text).unwrap(),
            "ENOENT\tEACCES\tSIGKILL\tESTABLISHED\tCAP_SYS_ADMIN\topenat\t9999\n\
             127.0.0.1\t10.0.0.1\t::1\t2001:db8::1\n\
             ::\t1:0:2::1:1\tnil\n\
             00000000  6d 6f 6f 6e 00 74 72 61 63 65 0a 2e 2e 2e 2e 2e  |moon.trace......|\n\
             00000010  2e 21                                            |.!|\n\
             PID  COMM\n  7  a\n123  bash\n8\ttrue\tnil\n"
        );
        assert!(failure("readfile '/etc/passwd'").contains("/proc and /sys only"));
    }
}
