//! Stacks as people read them: below the row that they are part of, a line a frame.

use super::escape;
use crate::rows::{Stack, Value};

/// How far frames are indented.
const INDENT: &str = "    ";

/// The frames of a row's stacks, one stack under the other with a line between.
pub(super) fn below<'a>(values: impl IntoIterator<Item = &'a Value>) -> String {
    let stacks = values.into_iter().filter_map(|value| match value {
        Value::Stack(stack) => Some(frames(stack)),
        _ => None,
    });
    stacks.collect::<Vec<_>>().join(&format!("{INDENT}--\n"))
}

fn frames(stack: &Stack) -> String {
    let line = |text: String| format!("{INDENT}{}\n", escape::printable(text.as_bytes()));
    let lines: String = stack.lines().map(line).collect();
    match lines.is_empty() {
        true => format!("{INDENT}[no frames]\n"),
        false => lines,
    }
}

/// A stack within something else: in one line.
pub(super) fn in_line(stack: &Stack) -> String {
    let lines = stack.lines().map(|line| escape::printable(line.as_bytes()));
    lines.collect::<Vec<_>>().join(" < ")
}

pub(super) fn is_stack(value: &Value) -> bool {
    matches!(value, Value::Stack(_))
}
