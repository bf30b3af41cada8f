//! Lists of items and of columns.

use super::fixture::World;
use crate::expr::check::{Checked, ColumnFunction};
use crate::expr::tree::{Node, Op};

fn names(text: &str) -> Vec<String> {
    let items = World::default().list(text).unwrap();
    items.into_iter().map(|item| item.name).collect()
}

#[test]
fn items_are_called_by_the_last_part_of_their_path() {
    assert_eq!(
        names("pid, args.sk.sk_peer, n = retval // 1KiB, comm, retval  / 2, args.sk.sk_counts[1]"),
        [
            "pid",
            "sk_peer",
            "n",
            "comm",
            "retval / 2",
            "args.sk.sk_counts[1]"
        ]
    );
    assert_eq!(names(""), [""; 0]);
}

#[test]
fn later_items_use_the_names_of_earlier_ones() {
    let items = World::default().list("a = x + 1, b = a * 2").unwrap();
    let Checked::Int(Node::Binary(Op::Mul, left, _), _) = &items[1].checked else {
        panic!("{:?}", items[1].checked);
    };
    assert!(matches!(&items[0].checked, Checked::Int(node, _) if node == &**left));
}

#[test]
fn names_of_the_chain_do_not_reach_into_definitions() {
    let world = World::default().define("mine", &[], "x");
    let items = world.list("x = 5, mine, y = x").unwrap();
    assert!(matches!(
        items[1].checked,
        Checked::Int(Node::Context { .. }, _)
    ));
    assert!(matches!(items[2].checked, Checked::Int(Node::Const(5), _)));
}

#[test]
fn words_that_the_host_knows_take_no_field() {
    let items = World::default()
        .list("probe, func, time, cpu, t = time + 0")
        .unwrap();
    let kinds: Vec<&Checked> = items.iter().map(|item| &item.checked).collect();
    assert!(matches!(
        kinds[..],
        [
            Checked::Probe,
            Checked::Func,
            Checked::Time,
            Checked::Cpu,
            Checked::Int(..)
        ]
    ));
}

#[test]
fn every_mistake_of_a_list_is_told() {
    let refusals = World::default()
        .list("pid, args.filname, pid, comm + 1")
        .unwrap_err();
    let messages: Vec<&str> = refusals
        .iter()
        .map(|refusal| refusal.report.message.as_str())
        .collect();
    assert_eq!(
        messages,
        [
            "no field 'filname' in tracepoint:syscalls:sys_enter_openat",
            "two items are called 'pid'",
            "a number is wanted, and this is a string",
        ]
    );
    let missing: Vec<bool> = refusals.iter().map(|refusal| refusal.missing).collect();
    assert_eq!(missing, [true, false, false]);
}

#[test]
fn columns_are_made_by_functions() {
    let items = World::default()
        .columns("count(), bad = count(retval < 0), sum(retval), hist(args.count)")
        .unwrap();
    let names: Vec<&str> = items.iter().map(|item| item.name.as_str()).collect();
    assert_eq!(names, ["count", "bad", "sum", "hist"]);
    assert!(matches!(items[0].function, ColumnFunction::Count(None)));
    assert!(items[1].function.argument().is_some_and(Node::is_condition));
    assert!(matches!(items[3].function, ColumnFunction::Hist(_, 0)));
}
