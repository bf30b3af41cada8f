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
    assert!(failure("open()").contains("later version"));
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
fn sets_are_looked_into_and_changed() {
    let all = declared(
        "local s = set{}\nprobe 't:a:b':within(s, 'pid'):without(false):add(s, 'child')\nprobe 't:c:d':without(s, 'pid'):remove(s, 'pid, tid')",
    );
    let looks = |number: usize| match all[number].steps.as_slice() {
        [
            Step::Member {
                set: SetId(0),
                key,
                there,
            },
        ] => (key.text.as_str(), *there),
        other => panic!("{other:?}"),
    };
    assert_eq!((looks(0), looks(1)), (("pid", true), ("pid", false)));
    let changes = |number: usize| match &all[number].ending {
        Ending::Change {
            set: SetId(0),
            key,
            there,
        } => (key.text.as_str(), *there),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        (changes(0), changes(1)),
        (("child", true), ("pid, tid", false))
    );
    let message = failure("probe 't:a:b':within(3, 'pid')");
    assert!(
        message.contains(":within takes a span or a set, and the key that is looked for"),
        "{message}"
    );
    assert!(
        failure("probe 't:a:b':add(set{})")
            .contains(":add takes a member of the set as a text, not nil")
    );
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
