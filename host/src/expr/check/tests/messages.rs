//! What is said of wrong texts: place, reason, carets and the nearest right thing. The files beside this one hold each text
//! behind a `>`, and below it the whole message.

use super::fixture::World;
use crate::expr::check::Refusal;
use crate::spec::Given;

/// Holds what is said of each text of a file against that file.
fn as_written(file: &str, refusals: impl Fn(&str) -> Vec<Refusal>) {
    for block in file.trim_end().split("\n\n") {
        let (text, message) = block.split_once('\n').unwrap();
        let text = text.strip_prefix("> ").unwrap();
        let said: Vec<String> = refusals(text)
            .iter()
            .filter(|refusal| !refusal.said)
            .map(|refusal| refusal.report.to_string())
            .collect();
        assert_eq!(said.join("\n"), message);
    }
}

#[test]
fn conditions() {
    let world = World::default()
        .given("number", Given::Int(3))
        .given("off", Given::Nil);
    as_written(include_str!("messages/conditions.txt"), |text| {
        vec![world.condition(text).unwrap_err()]
    });
}

#[test]
fn lists() {
    as_written(include_str!("messages/lists.txt"), |text| {
        World::default().list(text).unwrap_err()
    });
}

#[test]
fn columns() {
    as_written(include_str!("messages/columns.txt"), |text| {
        World::default().columns(text).unwrap_err()
    });
}

/// What is wrong in a definition is shown there, what is wrong with its argument where that stands.
#[test]
fn definitions() {
    let world = World::default()
        .define("daddr", &["sk"], "sk.skc_dadr")
        .define("outer", &["a"], "daddr(a)")
        .define("later", &["a"], "last(a)")
        .define("last", &["a"], "a + last(a)")
        .define("open", &["a"], "(a")
        .define("bare", &["a"], "sk.skc_daddr == a");
    as_written(include_str!("messages/definitions.txt"), |text| {
        vec![world.condition(text).unwrap_err()]
    });
}

/// What only another kernel, or another match of the same pattern, has.
#[test]
fn kernels_that_lack_something() {
    let mut world = World::default();
    world.probe.lean = true;
    let refusal = world.condition("ppid == 1").unwrap_err();
    assert!(refusal.report.message.contains("BTF") && !refusal.missing);
    assert!(world.condition("args.mode == 1").unwrap_err().missing);
    assert!(!world.condition("args.sk == comm").unwrap_err().missing);
}
