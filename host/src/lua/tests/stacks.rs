use super::*;
use crate::rows::{Frame, RawEnd, RawStack, Stack};
use std::sync::Arc;

/// A stack of these addresses; two of the same are made anew.
fn stack(addresses: &[u64], end: RawEnd) -> Value {
    let frame = |address: &u64| Frame {
        address: *address,
        symbol: Some(format!("f{address}").into()),
        offset: 4,
        ..Frame::default()
    };
    Value::Stack(Arc::new(Stack {
        raw: RawStack {
            wanted: 127,
            user: false,
            process: [0, 0],
            addresses: addresses.to_vec(),
            end,
        },
        frames: addresses.iter().map(frame).collect(),
    }))
}

fn session() -> Rc<Fake> {
    let session = Rc::new(Fake::default());
    let table = Table {
        name: "t".to_owned(),
        keys: vec!["kstack".to_owned()],
        columns: vec!["count".to_owned()],
        absent: vec![Value::Int(0)],
        rows: vec![
            vec![stack(&[1, 2], RawEnd::Whole), Value::Int(3)],
            vec![stack(&[1], RawEnd::Truncated), Value::Int(5)],
        ],
        ..Table::default()
    };
    session.tables.borrow_mut().insert(TallyId(0), table);
    session
}

fn said(text: &str) -> Result<String, ScriptError> {
    let session = session();
    let vm = vm_on(&session);
    let body = format!("local t = probe 't:a:b':by 'kstack':count()\n{text}");
    vm.run("t.lua", &body)?;
    vm.run_exit()?;
    vm.print_unread()?;
    Ok(session.take_log())
}

#[test]
fn equal_stacks_are_one_value() {
    let text = said(
        "local one, two = t:rows(), t:rows()
        print(one[1].kstack == two[1].kstack, one[1].kstack == one[2].kstack)
        local seen = {} seen[one[1].kstack] = 'found'
        collectgarbage() collectgarbage()
        print(seen[t:rows()[1].kstack], t:get(one[2].kstack).count)",
    );
    assert_eq!(text.unwrap(), "true\tfalse\nfound\t5\n");
}

#[test]
fn frames_are_read_by_their_place() {
    let text = said(
        "local s, cut = t:rows()[1].kstack, t:rows()[2].kstack
        for i, frame in ipairs(s) do print(i, frame.symbol, frame.addr, frame.offset, frame.inlined, frame.line) end
        print(#s, s[0], s[3], s.mark, cut.mark) print(s) printf('%s\\n', cut)",
    );
    assert_eq!(
        text.unwrap(),
        "1\tf1\t1\t4\tfalse\tnil\n2\tf2\t2\t4\tfalse\tnil\n2\tnil\tnil\tnil\t[truncated]\nf1+4\nf2+4\nf1+4\n[truncated]\n"
    );
    let wrong = said("print(t:rows()[1].kstack.symbol)").unwrap_err();
    assert!(
        wrong.to_string().contains("a stack has no 'symbol'"),
        "{wrong}"
    );
}

#[test]
fn a_flame_graph_is_drawn_at_exit_where_the_body_asks_for_it_and_else_at_once() {
    let flame = "Flame { column: Some(\"count\"), title: None }";
    let drawn = format!("draw t {flame} cpu.svg\n");
    let at_exit = said("t:flamegraph('cpu.svg', { column = 'count' }) print 'body'").unwrap();
    assert_eq!(at_exit, format!("body\n{drawn}"));
    let both =
        said("t:flamegraph('cpu.svg', { column = 'count' }) t:print{ title = 'T' }").unwrap();
    assert!(
        both.starts_with(&format!("{drawn}table Some(\"T\")")),
        "{both}"
    );
    let at_once =
        "on_exit(function() t:take():flamegraph('cpu.svg', { column = 'count' }) print 'then' end)";
    assert_eq!(said(at_once).unwrap(), format!("{drawn}then\n"));
}

#[test]
fn folded_text_is_returned_or_written() {
    assert_eq!(
        said("print(t:folded()) t:take():folded('out.txt')").unwrap(),
        "[truncated];f1 5\nf2;f1 3\n\nwrite out.txt \"[truncated];f1 5\\nf2;f1 3\\n\"\n"
    );
    for (wrong, message) in [
        ("t:folded{ colum = 'count' }", "did you mean 'column'?"),
        ("t:folded{ column = 1 }", "'column' is a text"),
        ("t:folded{ column = 'cuont' }", "did you mean 'count'?"),
        ("t:flamegraph()", "takes a file's name"),
        (
            "t:flamegraph('/nowhere/x.svg')",
            "/nowhere/x.svg can't be written",
        ),
    ] {
        let error = said(wrong).unwrap_err().to_string();
        assert!(error.contains(message), "{wrong}: {error}");
    }
}

#[test]
fn addresses_are_named() {
    let text = output("print(ksym(0x1000), usym(0x1000, 7), ksym(0x10))").unwrap();
    assert_eq!(text, "f of None\tf of Some(7)\t0x10\n");
    assert!(failure("usym(1)").contains("usym takes an address and a process"));
    assert!(failure("usym(1, -1)").contains("there is no process -1"));
}
