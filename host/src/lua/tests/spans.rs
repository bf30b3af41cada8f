use super::*;
use crate::spec::Look;

#[test]
fn spans_tie_chains_together() {
    let all = declared(
        "local s = span('size', { keys = 9 })\nprobe 't:a:b':fetch 'x = 1':start(s, 'pid, fd')\n\
         probe 't:a:b':fetch 'y = 2':mark(s)\nprobe 't:c:d'\n  :within(s):where 'x'\n  :without(s, 'cpu'):finish(s, 'tid')\n\
         probe 't:c:d':finish(s):fetch 'pid'",
    );
    let Ending::Begin { marks: false, tie } = &all[0].ending else {
        panic!("{:?}", all[0].ending)
    };
    let key = tie
        .key
        .as_ref()
        .map(|key| (key.text.as_str(), key.place.line));
    assert_eq!(key, Some(("pid, fd", 2)));
    assert_eq!(tie.span.keys, 9);
    let list = tie
        .span
        .fields
        .as_ref()
        .map(|list| (list.text.as_str(), list.place.line));
    assert_eq!(list, Some(("size", 1)));
    assert!(matches!(&all[1].ending, Ending::Begin { marks: true, tie } if tie.key.is_none()));
    // What only finishes a span prints nothing, and what fetches does.
    assert_eq!(all[2].ending, Ending::Nothing);
    assert_eq!(all[3].ending, Ending::Print(None));
    let looks = all[2].steps.iter().filter_map(|step| match step {
        Step::Look(look, tie) => Some((*look, tie.place.line)),
        _ => None,
    });
    let looks: Vec<_> = looks.collect();
    assert_eq!(
        looks,
        [(Look::Within, 5), (Look::Without, 6), (Look::Finish, 6)]
    );
}

#[test]
fn what_is_no_span_is_refused_where_it_stands() {
    for (text, wanted) in [
        (
            "probe 't:a:b':start()",
            ":start takes a span, and the key that it is found by, not nil",
        ),
        (
            "probe 't:a:b':finish('s')",
            ":finish takes a span, and the key that it is found by, not a string",
        ),
        (
            "probe 't:a:b':within(set{1})",
            ":within takes what is looked for in the set",
        ),
        ("probe 't:a:b':within(3)", ":within takes a span or a set"),
        (
            "probe 't:a:b':mark(span(), 3)",
            ":mark takes a key as a text behind its span, not an integer",
        ),
        (
            "span(3)",
            "span takes a list of what each start stores, and { keys =, stacks = }, not an integer",
        ),
        ("span{ key = 3 }", "no option 'key'"),
        ("span{ keys = 0 }", "'keys' is a number from 1 to"),
        (
            "span('a', 3)",
            "span takes a table behind its list: { keys =, stacks = }, not an integer",
        ),
        (
            "probe 't:a:b':start(span()):where 'x'",
            "':where' after the chain's end: :start at test.lua:1",
        ),
        ("span():open('soon')", "a duration is a number and a unit"),
        ("span():open(-1)", ":open takes an age of 0 or more"),
        ("span():opne()", "a span has no 'opne'"),
    ] {
        let message = failure(text);
        assert!(message.contains(wanted), "{text}: {message}");
    }
}

#[test]
fn what_is_open_is_a_table() {
    let session = Rc::new(Fake::default());
    *session.open.borrow_mut() = Table {
        keys: vec!["tid".into(), "size".into()],
        columns: vec!["age".into(), "time".into()],
        rows: vec![
            [1, 10, 100, 5].map(Value::Int).to_vec(),
            [2, 10, 200, 4].map(Value::Int).to_vec(),
        ],
        ..Table::default()
    };
    let text = "local s = span()\nlocal open = s:open('2us')\n\
        printf('%d %d %d\\n', #open, open:top(1)[1].tid, open:group('size', 'age'):rows()[1].age)";
    vm_on(&session).run("test.lua", text).unwrap();
    assert_eq!(session.take_log(), "open 0 2000\n2 2 300\n");
}
