//! What right texts are worth.

use super::fixture::{Outcome, World, numbers, set};
use crate::expr::check::Checked;
use crate::expr::tree::{Node, TARGET};
use crate::expr::types::{Space, Type};
use crate::spec::{Given, Member, VarId};

fn number(text: &str) -> i128 {
    match World::default().value(text) {
        Outcome::Int(value) => value,
        other => panic!("'{text}' is {other:?}"),
    }
}

fn string(text: &str) -> String {
    match World::default().value(text) {
        Outcome::Text(value) => value,
        other => panic!("'{text}' is {other:?}"),
    }
}

fn holds(text: &str) -> bool {
    match World::default().value(text) {
        Outcome::Bool(value) => value,
        other => panic!("'{text}' is {other:?}"),
    }
}

#[test]
fn numbers_have_units_and_lua_precedences() {
    for (text, value) in [
        ("1us + 10ms + 2m", 120_010_001_000),
        ("64KiB - 4KB", 61_536),
        ("1 + 2 * 3 - 4 // 3", 6),
        ("1 | 2 ~ 7 & 3 << 1 + 1", 7),
        ("-7 // 2", -4),
        ("-7 % 3", 2),
        ("-7 / 2", -3),
        ("7 - 2 - 1", 4),
        ("1 << 64", 0),
        ("-1 >> 1", i128::from(i64::MAX)),
        ("8 >> -2", 32),
        ("-9223372036854775808", i128::from(i64::MIN)),
        ("9223372036854775807 + 1", i128::from(i64::MIN)),
        ("~0", -1),
        ("0xff -- a comment\n + 1", 256),
        ("- -3", 3),
        ("x + 1 - y", 11),
        ("x % y", -2),
    ] {
        assert_eq!(number(text), value, "{text}");
    }
}

#[test]
fn narrow_values_widen_by_their_own_sign() {
    assert_eq!(number("args.flags"), 0x241);
    assert_eq!(number("args.small"), -1);
    assert_eq!(number("args.mode"), 0x8180);
    assert_eq!(number("args.count"), i128::from(u64::MAX));
    assert_eq!(number("args.count + 1"), 0);
    assert_eq!(number("as('u16', x + 0x12345)"), 0x234c);
}

/// What an earlier text or a definition called so comes first.
#[test]
fn arguments_may_be_named_without_args() {
    assert!(holds(
        "filename == '/etc/passwd' and sk.skc_daddr == args.sk.skc_daddr"
    ));
    let world = World::default().define("mode", &[], "5");
    assert_eq!(world.value("mode"), Outcome::Int(5));
    assert!(holds("small == -1"));
}

#[test]
fn comparisons_are_by_value_across_signs() {
    assert!(holds("y < args.count"));
    assert!(holds("-1 < args.count"));
    assert!(holds("args.count > args.small"));
    assert!(holds("args.small == -1"));
    assert!(holds("not (retval > 0) and retval ~= 0"));
}

/// 0xffff… is -1 to signed values, as in Lua, and the highest address to unsigned ones.
#[test]
fn hexadecimal_numbers_take_the_sign_of_what_they_meet() {
    assert!(holds("args.count == 0xffffffffffffffff"));
    assert!(holds("args.count in {0xffffffffffffffff}"));
    assert!(holds("retval == 0xfffffffffffffffe"));
    assert!(holds("retval in {0xfffffffffffffffe, 3}"));
    assert!(holds("-1 == 0xffffffffffffffff"));
    assert!(holds("retval & 0xfffffffffffffff0 == -16"));
    assert!(!holds("retval == 18446744073709551614"));
}

#[test]
fn truth_values_join_and_choose() {
    assert!(holds("x == 7 and y == -3 or x == 8"));
    assert!(holds("true and not false"));
    assert!(holds("(x == 7) == (y == -3)"));
    assert_eq!(number("x == 8 and 1 or y == -3 and 2 or 3"), 2);
    assert_eq!(number("x == 8 and 1 or y == 3 and 2 or 3"), 3);
    assert_eq!(number("x == 7 and y == -3 and retval or 0"), -2);
    assert_eq!(string("x == 7 and args.filename or comm"), "/etc/passwd");
    assert_eq!(string("x == 8 and args.filename or 'none'"), "none");
}

#[test]
fn paths_follow_pointers_structs_arrays_and_bit_fields() {
    for (text, value) in [
        ("args.sk.__sk_common.skc_daddr", 0x0100_007f),
        ("args.sk.skc_daddr", 0x0100_007f),
        ("bswap(args.sk.skc_dport)", 443),
        ("args.sk.sk_flags", 5),
        ("args.sk.sk_kern", 1),
        ("args.sk.sk_delta", -2),
        ("args.sk.sk_wide", 0xabcde),
        ("args.sk.sk_counts[1]", 2),
        ("args.sk.sk_counts[x - 4]", 0xffff_ffff),
        ("args.sk[0].sk_counts[0]", 1),
        ("args.sk.sk_peer.sk_peer", 0),
        ("as('struct sock', args.sk.sk_data).sk_flags", 77 & 7),
        ("as('u64 *', args.sk)[5]", 0xffff_8880_0000_2000),
        (
            "as('u16 __user *', as('u64', ptr(args.filename)))[0]",
            u16::from_le_bytes(*b"/e").into(),
        ),
        (
            "ptr(args.sk) - ptr(args.sk.sk_counts)",
            (-56i64) as u64 as i128,
        ),
        ("args.sk.sk_name[0]", i128::from(b'e')),
        ("ppid", 77),
        ("curtask.real_parent.tgid", 77),
    ] {
        assert_eq!(number(text), value, "{text}");
    }
    assert!(holds("args.sk.sk_ok and args.sk.sk_bytes > 0"));
    assert_eq!(
        World::default().value("args.sk.sk_peer.sk_peer.sk_flags"),
        Outcome::Fault
    );
}

#[test]
fn strings_read_by_themselves_where_their_types_say_so() {
    assert_eq!(string("args.filename"), "/etc/passwd");
    assert_eq!(string("args.sk.sk_name"), "eth0");
    assert_eq!(string("args.sk.sk_path"), "/etc/passwd");
    assert_eq!(string("str(args.filename, 5)"), "/etc");
    assert_eq!(string("str(ptr(args.filename) + 5)"), "passwd");
    assert_eq!(string("args.long").len(), 255);
    assert_eq!(string("str(args.long, 300)").len(), 299);
    assert!(holds("comm == 'sshd' and comm ~= \"ssh\""));
    assert!(holds(
        "startswith(args.filename, '/etc/') and contains(args.filename, 'ssw')"
    ));
    assert!(holds(
        "like(args.filename, '/*/p[a-c]?swd') and not like(comm, 'ssh')"
    ));
    assert!(holds(
        "comm in {'bash', 'sshd'} and args.filename == args.sk.sk_path"
    ));
    assert!(holds("'a\\x62\\99\\u{64}' == 'abcd'"));
}

/// What is longer than a string's own limit is seen, where what it is compared with is.
#[test]
fn long_literals_are_compared_whole() {
    let a = |count| "a".repeat(count);
    assert!(holds(&format!("args.long == '{}'", a(400))));
    assert!(!holds(&format!("args.long == '{}'", a(300))));
    assert!(!holds(&format!("args.long == '{}'", a(401))));
    assert!(holds(&format!("startswith(args.long, '{}')", a(300))));
    assert!(!holds(&format!("args.long == '{}'", a(255))));
}

#[test]
fn user_memory_holds_user_pointers() {
    let Ok(Checked::Text(text)) = World::default().item("args.argv[1]") else {
        panic!("args.argv[1] is no string");
    };
    let crate::expr::Text::Read { space, address, .. } = text else {
        panic!("{text:?} is not read");
    };
    assert_eq!(space, Space::User);
    assert!(matches!(
        *address,
        Node::Read {
            space: Space::User,
            offset: 8,
            ..
        }
    ));
    let Ok(Checked::Int(_, Type::Pointer { space, .. })) =
        World::default().item("as('u64 *', args.argv)")
    else {
        panic!("as gives no pointer");
    };
    assert_eq!(space, Space::User);
}

#[test]
fn given_values_stand_for_themselves() {
    let world = World::default()
        .given("pid", Given::Int(42))
        .given("name", Given::Str(b"ss*".to_vec()))
        .given("all", Given::Bool(false))
        .given("ports", numbers(&[80, 443]))
        .given("set", set(3))
        .given("limit", Given::Var(VarId(0), Member::Int(1)))
        .given("1", Given::Int(7));
    for text in [
        "pid == $pid and like(comm, $name) and not $all",
        "bswap(args.sk.skc_dport) in $ports",
        "pid in $set and not (tid in $set)",
        "$limit == 9 and x == $1",
        "(pid, comm) in {(41, 'sshd'), (42, 'sshd')}",
        "args.flags & O_CREAT ~= 0 and x in {TCP_CLOSE, -1}",
        "pid in $target",
    ] {
        assert_eq!(world.value(text), Outcome::Bool(true), "{text}");
    }
    assert_eq!(world.value("x in {}"), Outcome::Bool(false));
    let traced = World::default()
        .given("target", Given::Target)
        .condition("pid in $target");
    assert!(matches!(traced, Ok(Node::InSet(TARGET, parts)) if parts.len() == 1));
}

#[test]
fn definitions_stand_for_their_bodies() {
    let world = World::default()
        .define("daddr", &["sk"], "sk.__sk_common.skc_daddr")
        .define("twice", &["pid"], "pid + pid")
        .define("outer", &["x"], "twice(x + 1) * twice(y)")
        .define("port", &[], "bswap(args.sk.skc_dport)");
    assert_eq!(world.value("daddr(args.sk)"), Outcome::Int(0x0100_007f));
    assert_eq!(world.value("twice(3) + pid"), Outcome::Int(48));
    assert_eq!(world.value("outer(1)"), Outcome::Int(-24));
    assert_eq!(world.value("port"), Outcome::Int(443));
    assert_eq!(world.value("port()"), Outcome::Int(443));
    let first = World::default().define("either", &["a", "b"], "first(a, b)");
    assert_eq!(
        first.value("either(args.none, args.mode)"),
        Outcome::Int(0x8180)
    );
}

#[test]
fn first_takes_what_is_there() {
    assert_eq!(number("first(args.none, args.sk.none, retval)"), -2);
    assert_eq!(string("first(args.filename, args.pathname)"), "/etc/passwd");
}
