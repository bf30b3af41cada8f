//! How large texts may be, and what is said of larger ones.

use super::fixture::{Outcome, World};
use crate::expr::parse::NESTING;
use crate::expr::walk::Branch;

/// An eighth of what scripts run on.
fn on_a_deep_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(32 << 20).spawn(test);
    thread.unwrap().join().unwrap();
}

fn row(count: usize, operand: impl Fn(usize) -> String, operator: &str) -> String {
    (0..count).map(operand).collect::<Vec<_>>().join(operator)
}

#[test]
fn what_stands_in_a_row_may_be_long() {
    let world = World::default();
    let sum = row(10_000, |number| format!("x * {number}"), " - ");
    let expected = -7 * (0..10_000).sum::<i128>();
    assert_eq!(world.value(&sum), Outcome::Int(expected));
    let any = row(10_000, |number| format!("pid == {number}"), " or ");
    assert_eq!(world.value(&any), Outcome::Bool(true));
    let all = row(10_000, |number| format!("pid ~= {}", number + 100), " and ");
    assert_eq!(world.value(&all), Outcome::Bool(true));
    let list = row(10_000, |number| number.to_string(), ", ");
    assert_eq!(
        world.value(&format!("pid in {{{list}}}")),
        Outcome::Bool(true)
    );
    let choice = row(300, |number| format!("x == {number} and {number}0"), " or ");
    assert_eq!(world.value(&format!("{choice} or -1")), Outcome::Int(70));
}

#[test]
fn long_rows_make_shallow_trees() {
    let world = World::default();
    let text = row(10_000, |number| format!("pid == {number}"), " or ");
    let node = world.condition(&text).unwrap();
    assert!(Branch::Node(&node).depth() < 300);
}

#[test]
fn as_deep_as_the_limit_says() {
    on_a_deep_stack(|| {
        let world = World::default();
        let deep = NESTING - 10;
        let brackets = format!("{}x{}", "(".repeat(deep), ")".repeat(deep));
        assert_eq!(world.value(&brackets), Outcome::Int(7));
        let negations = "- ".repeat(deep - deep % 2) + "x";
        assert_eq!(world.value(&negations), Outcome::Int(7));
        let nested = format!("{}x{}", "(1 + ".repeat(900), ")".repeat(900));
        assert_eq!(world.value(&nested), Outcome::Int(907));
        let pointers = format!("args.sk{}", ".sk_peer".repeat(1_000));
        assert_eq!(world.value(&pointers), Outcome::Fault);
    });
}

#[test]
fn deeper_texts_are_refused_by_the_name_of_the_limit() {
    on_a_deep_stack(|| {
        let world = World::default();
        for text in [
            "(".repeat(100_000),
            format!("{}x{} == 1", "(".repeat(100_000), ")".repeat(100_000)),
            "not ".repeat(100_000) + "true",
            "- ".repeat(100_000) + "x == 1",
            format!("args.sk{} == 0", ".sk_peer".repeat(100_000)),
            format!("{} == 0", "args.sk.sk_counts[".repeat(3_000)),
            row(3_000, |_| "x".into(), " // "),
        ] {
            let refusal = world.condition(&text).unwrap_err().report;
            assert!(refusal.message.contains("2000"), "{}", refusal.message);
            assert!(refusal.to_string().len() < 600);
        }
    });
}

#[test]
fn definitions_and_names_that_double_are_refused() {
    on_a_deep_stack(|| {
        let mut world = World::default().define("d0", &["a"], "a + a");
        for number in 1..40 {
            let body = format!("d{}(d{}(a))", number - 1, number - 1);
            world = world.define(&format!("d{number}"), &["a"], &body);
        }
        assert!(world.refusal("d30(x) == 1").contains("more than"));
        let doubling = row(
            40,
            |number| format!("b{} = b{number} + b{number}", number + 1),
            ", ",
        );
        let refusals = World::default()
            .list(&format!("b0 = x, {doubling}"))
            .unwrap_err();
        assert!(refusals[0].report.message.contains("200000 operations"));
    });
}

#[test]
fn text_of_more_than_a_megabyte_is_refused() {
    let message = World::default().refusal(&" ".repeat((1 << 20) + 1));
    assert!(message.contains("1048576"), "{message}");
}
