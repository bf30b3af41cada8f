//! Structs and arrays on one line: `{ .tv_sec = 5, .tv_nsec = 0 }`, `[1, 2, 3]`.

use super::shown;
use crate::rows::Value;

/// Elements of an array that are shown; what is behind them is `…`.
const ELEMENTS: usize = 16;

/// A struct or array. How deep they stand within each other is bounded where they are made.
pub(super) fn compound(value: &Value) -> String {
    match value {
        Value::Struct(members) if members.is_empty() => "{ }".into(),
        Value::Struct(members) => {
            let member = |(name, value): &(_, Value)| format!(".{name} = {}", within(value));
            let members: Vec<String> = members.iter().map(member).collect();
            format!("{{ {} }}", members.join(", "))
        }
        Value::List(elements) => {
            let mut shown: Vec<String> = elements.iter().take(ELEMENTS).map(within).collect();
            if elements.len() > ELEMENTS {
                shown.push("…".into());
            }
            format!("[{}]", shown.join(", "))
        }
        other => shown(other),
    }
}

/// Strings stand in quotes there: they may hold what ends a member.
fn within(value: &Value) -> String {
    match value {
        Value::Str(_) | Value::Bytes(_) => format!("\"{}\"", shown(value).replace('"', "\\\"")),
        other => shown(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structs_name_their_members_and_long_arrays_end() {
        let numbers = |count| Value::List((0..count).map(Value::Int).collect());
        let value = Value::Struct(vec![
            ("comm".into(), Value::Str(b"a\"b\n".to_vec())),
            ("gone".into(), Value::Nil),
            ("to".into(), Value::Null),
            ("in".into(), Value::Struct(vec![("x".into(), numbers(3))])),
            ("no".into(), Value::Struct(Vec::new())),
        ]);
        assert_eq!(
            compound(&value),
            r#"{ .comm = "a\"b\n", .gone = <fault>, .to = NULL, .in = { .x = [0, 1, 2] }, .no = { } }"#
        );
        assert!(compound(&numbers(17)).ends_with(", 15, …]"));
    }
}
