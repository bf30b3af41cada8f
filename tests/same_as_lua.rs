//! "Where Lua's integers can say it, the same text means the same in the kernel and in Lua": random texts, checked and
//! evaluated here and by Lua itself.

use moontrace::expr::eval::{self, Fault, Input, Memory};
use moontrace::expr::names::{Meaning, Member, Names};
use moontrace::expr::types::StructType;
use moontrace::expr::{Checked, Int, Node, Refused, Scope, Slot, Space, Touched, Type, path};
use moontrace::report::Place;
use moontrace::spec::Source;
use proptest::prelude::*;
use std::cell::Cell;
use std::collections::BTreeMap;

const NAMES: [&str; 4] = ["p", "q", "r", "s"];

/// Four integers, one behind the other in the context, as Lua has them: of 64 bits, with a sign.
struct Numbers;

impl Names for Numbers {
    fn argument(&self, _: &str) -> Option<Meaning> {
        None
    }
    fn arguments(&self) -> Vec<String> {
        Vec::new()
    }
    fn builtin(&self, name: &str) -> Option<Meaning> {
        let position = NAMES.iter().position(|known| *known == name)?;
        let offset = 8 * i16::try_from(position).ok()?;
        let int = Int::I64;
        Some(Meaning::Value(
            Node::Context { offset, int },
            Type::Int(int),
        ))
    }
    fn builtins(&self) -> Vec<String> {
        NAMES.map(String::from).to_vec()
    }
    fn absent(&self, _: &str) -> Option<String> {
        None
    }
    fn member(&self, _: &StructType, _: &str) -> Option<Member> {
        None
    }
    fn members(&self, _: &StructType) -> Vec<String> {
        Vec::new()
    }
    fn size(&self, _: &Type) -> Option<u32> {
        None
    }
    fn type_named(&self, _: &str) -> Option<Type> {
        None
    }
    fn types_like(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
    fn constant(&self, _: &str) -> Option<i128> {
        None
    }
    fn task(&self) -> Option<Type> {
        None
    }
    fn site(&self) -> &str {
        "four numbers"
    }
}

struct Nothing;

impl Memory for Nothing {
    fn read(&self, _: Space, _: u64, _: &mut [u8]) -> bool {
        false
    }
}

#[derive(Debug, PartialEq)]
enum Answer {
    Int(i64),
    Bool(bool),
    /// Something was divided by zero.
    Division,
}

fn ours(text: &str, values: [i64; 4]) -> Answer {
    let place = Place {
        file: "t.lua".into(),
        line: 1,
    };
    let source = Source {
        text: text.into(),
        place,
    };
    let scope = Scope {
        entry: None,
        span: None,
        names: &Numbers,
        given: &BTreeMap::new(),
        definitions: &[],
        bound: &[],
        refused: Refused::nothing(),
        slots: &|_| Slot(0),
        touched: &Touched::default(),
    };
    let context: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let input = Input {
        context: &context,
        context_address: 0,
        comm: b"",
        pid: 0,
        tid: 0,
        uid: 0,
        gid: 0,
        cpu: 0,
        time: 0,
        task: 0,
        cgroup: 0,
        variables: &[],
        sets: &|_, _| false,
        memory: &Nothing,
        divisions: Cell::new(0),
        truncated: Cell::new(0),
    };
    let value = |node: &Node| match eval::node(node, &input) {
        Ok(value) if input.divisions.get() == 0 => Ok(value),
        Ok(_) => Err(Answer::Division),
        Err(Fault) => panic!("'{text}' reads no memory"),
    };
    match path(&source, &scope) {
        Ok(Checked::Int(node, _)) => {
            value(&node).map_or_else(|answer| answer, |value| Answer::Int(value as i64))
        }
        Ok(Checked::Condition(node)) => {
            value(&node).map_or_else(|answer| answer, |value| Answer::Bool(value != 0))
        }
        Err(refusal) if refusal.report.message == "this divides by zero" => Answer::Division,
        other => panic!("'{text}' is {other:?}"),
    }
}

fn luas(lua: &mlua::Lua, text: &str, values: [i64; 4]) -> Answer {
    for (name, value) in NAMES.iter().zip(values) {
        lua.globals().set(*name, value).unwrap();
    }
    match lua.load(format!("return {text}")).eval::<mlua::Value>() {
        Ok(mlua::Value::Integer(value)) => Answer::Int(value),
        Ok(mlua::Value::Boolean(value)) => Answer::Bool(value),
        Err(error) if divides_by_zero(&error.to_string()) => Answer::Division,
        other => panic!("'{text}' is {other:?} in Lua"),
    }
}

/// Lua's words for it, when it runs and when it folds constants.
fn divides_by_zero(message: &str) -> bool {
    ["attempt to perform 'n", "attempt to divide by zero"]
        .iter()
        .any(|words| message.contains(words))
}

fn literal() -> impl Strategy<Value = String> {
    prop_oneof![
        (0..100i64).prop_map(|value| value.to_string()),
        (0..i64::MAX).prop_map(|value| value.to_string()),
        any::<u64>().prop_map(|value| format!("{value:#x}")),
        prop::sample::select(
            &[
                "0x8000000000000000",
                "0xffffffffffffffff",
                "0x7fffffffffffffff"
            ][..]
        )
        .prop_map(String::from),
    ]
}

/// A random text that is an integer. Computed shifts are never by less than 0, which only Lua turns round.
fn integer() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        literal(),
        prop::sample::select(&NAMES[..]).prop_map(String::from)
    ];
    leaf.prop_recursive(6, 48, 3, |inner| {
        let operators = &["+", "-", "*", "//", "%", "&", "|", "~"][..];
        let operator = prop::sample::select(operators);
        let relation = prop::sample::select(&["==", "~=", "<", "<=", ">", ">="][..]);
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            4 => (inner.clone(), operator, inner.clone()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            2 => inner.clone().prop_map(|a| format!("({a})")),
            1 => inner.clone().prop_map(|a| format!("- {a}")),
            1 => inner.clone().prop_map(|a| format!("~{a}")),
            1 => (inner.clone(), prop::sample::select(&["<<", ">>"][..]), -70..70i32)
                .prop_map(|(a, op, count)| format!("({a} {op} {count})")),
            1 => pair.prop_map(|(a, count)| format!("({a} >> (({count}) & 0x7f))")),
            2 => (inner.clone(), relation, inner.clone(), inner.clone(), inner)
                .prop_map(|(a, relation, b, c, d)| format!("(({a}) {relation} ({b}) and {c} or {d})")),
        ]
    })
    .boxed()
}

/// A random text that is a truth value.
fn truth() -> BoxedStrategy<String> {
    let relation = prop::sample::select(&["==", "~=", "<", "<=", ">", ">="][..]);
    let leaf =
        (integer(), relation, integer()).prop_map(|(a, relation, b)| format!("{a} {relation} {b}"));
    leaf.prop_recursive(4, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} and {b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} or {b}")),
            inner.clone().prop_map(|a| format!("not ({a})")),
            inner.prop_map(|a| format!("({a})")),
        ]
    })
    .boxed()
}

fn value() -> impl Strategy<Value = i64> {
    prop_oneof![-3..70i64, any::<i64>(), Just(i64::MIN), Just(i64::MAX)]
}

fn agree(text: &str, values: [i64; 4]) -> Result<(), TestCaseError> {
    let lua = mlua::Lua::new();
    let (ours, luas) = (ours(text, values), luas(&lua, text, values));
    // Whether what divides by zero is evaluated at all is Lua's business; where it is, there is no value to compare.
    if ours != Answer::Division && luas != Answer::Division {
        prop_assert_eq!(ours, luas, "{}", text);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn integers_are_what_they_are_in_lua(text in integer(), values in [value(), value(), value(), value()]) {
        agree(&text, values)?;
    }

    #[test]
    fn truth_values_are_what_they_are_in_lua(text in truth(), values in [value(), value(), value(), value()]) {
        agree(&text, values)?;
    }
}
