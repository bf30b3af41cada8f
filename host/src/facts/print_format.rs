//! A tracepoint's `print fmt:` line: what the kernel's own text of an event says of its fields.
//!
//! It is C with macros of include/trace/stages/stage3_trace_output.h: `__print_symbolic(REC->x, { 1, "a" }, …)` and
//! `__print_flags(REC->x, "|", { 1, "a" }, …)`, and conversions such as `%pI4`. What isn't understood says nothing.

mod constant;

use crate::rows::Shown;
use crate::rows::shown::{AddressKind, Enumeration, Flags};
use constant::constant;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes of a line: longer ones are not the kernel's.
const LONGEST: usize = 64 << 10;

/// What the line says of fields, by their names; `enumerator` knows the kernel's constants.
pub(super) fn shown(
    line: &str,
    enumerator: &dyn Fn(&str) -> Option<i128>,
) -> BTreeMap<String, Shown> {
    let mut shown = BTreeMap::new();
    let mut parts = split(line.get(..LONGEST).unwrap_or(line), ',').into_iter();
    let conversions = conversions(parts.next().unwrap_or_default());
    for (number, part) in parts.enumerate() {
        let conversion = conversions.get(number).map_or("", String::as_str);
        let said = table(part, enumerator).or_else(|| address(part, conversion));
        if let Some((field, what)) = said {
            shown.entry(field.to_owned()).or_insert(what);
        } else if let Some((field, bits, mark)) = mark(part, enumerator)
            && let Some(Shown::Flags(flags)) = shown.get_mut(field)
        {
            Arc::make_mut(flags).marks.push((bits, mark.to_owned()));
        }
    }
    shown
}

/// `%pI4` and its like.
fn address<'a>(part: &'a str, conversion: &str) -> Option<(&'a str, Shown)> {
    let kind = match conversion {
        "pI4" => AddressKind::Ipv4,
        "pI6" | "pI6c" => AddressKind::Ipv6,
        "pM" => AddressKind::Mac,
        _ => return None,
    };
    Some((field(part)?, Shown::Byte(kind)))
}

/// A macro with its names, for the field that it is of.
fn table<'a>(part: &'a str, enumerator: &dyn Fn(&str) -> Option<i128>) -> Option<(&'a str, Shown)> {
    if let Some((arguments, _)) = call(part, "__print_symbolic(") {
        let mut arguments = split(arguments, ',').into_iter();
        let field = field(arguments.next()?)?;
        let values: Vec<_> = arguments
            .filter_map(|pair| named(pair, enumerator))
            .collect();
        let of = Enumeration {
            name: String::new(),
            values,
        };
        return (!of.values.is_empty()).then(|| (field, Shown::Enum(Arc::new(of))));
    }
    let (arguments, rest) = call(part, "__print_flags(")?;
    let mut arguments = split(arguments, ',').into_iter();
    let field = field(arguments.next()?)?;
    let names: Vec<_> = arguments
        .skip(1)
        .filter_map(|pair| named(pair, enumerator))
        .map(|(bits, name)| (bits as u64, name))
        .collect();
    // `x ? __print_flags(x, …) : "none"`
    let none = rest.trim_start().strip_prefix(':').and_then(literal);
    let of = Flags {
        names,
        none: none.map(str::to_owned),
        ..Flags::default()
    };
    (!of.names.is_empty()).then(|| (field, Shown::Flags(Arc::new(of))))
}

/// `REC->x & 0x100 ? "+" : ""`: what stands behind the names of bits when others are set.
fn mark<'a>(
    part: &'a str,
    enumerator: &dyn Fn(&str) -> Option<i128>,
) -> Option<(&'a str, u64, &'a str)> {
    let (condition, texts) = part.split_once('?')?;
    let (value, bits) = condition.split_once('&')?;
    let (with, without) = texts.split_once(':')?;
    let mark = literal(with).filter(|_| literal(without) == Some(""))?;
    Some((field(value)?, constant(bits, enumerator)? as u64, mark))
}

/// What stands in the parentheses of a call, and what stands behind it.
fn call<'a>(text: &'a str, opening: &str) -> Option<(&'a str, &'a str)> {
    let start = text.find(opening)? + opening.len();
    let inside = text.get(start..)?;
    let end = split(inside, ')').first()?.len();
    Some((inside.get(..end)?, inside.get(end + 1..).unwrap_or("")))
}

/// `{ 0x1, "S" }`
fn named(pair: &str, enumerator: &dyn Fn(&str) -> Option<i128>) -> Option<(i128, String)> {
    let inside = pair.trim().strip_prefix('{')?.strip_suffix('}')?;
    let parts = split(inside, ',');
    let [value, name] = parts.as_slice() else {
        return None;
    };
    Some((constant(value, enumerator)?, literal(name)?.to_owned()))
}

/// `"text"`
fn literal(text: &str) -> Option<&str> {
    text.trim().strip_prefix('"')?.strip_suffix('"')
}

/// The field of `REC->x`, `(unsigned)(REC->x)` or `REC->x & mask`; none where something else is computed of it.
fn field(text: &str) -> Option<&str> {
    let (before, behind) = text.split_once("REC->")?;
    let end = behind
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(behind.len());
    let (name, behind) = behind.split_at(end);
    let behind = behind.trim_start_matches([' ', ')']);
    let alone = behind.is_empty() || behind.starts_with('&');
    let plain = before
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '_' | ' ' | '(' | ')' | '*'));
    (alone && plain && !behind.contains("REC->")).then_some(name)
}

/// Splits at a mark that stands in no quotes and no brackets of the text itself.
fn split(text: &str, mark: char) -> Vec<&str> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let (mut depth, mut quoted, mut escaped) = (0u32, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            c if c == mark && depth == 0 => {
                parts.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// The conversions of a format, in their order, without their `%`, flags and widths.
fn conversions(format: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut parts = format.split('%').skip(1);
    while let Some(part) = parts.next() {
        if part.is_empty() {
            // `%%`
            parts.next();
            continue;
        }
        let part = part.trim_start_matches(['-', '+', ' ', '#', '0', '.', '*']);
        let part = part.trim_start_matches(|c: char| c.is_ascii_digit());
        found.push(
            part.chars()
                .take_while(char::is_ascii_alphanumeric)
                .collect(),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection;
    use proptest::prelude::*;
    use proptest::sample::select;

    fn of(line: &str) -> BTreeMap<String, Shown> {
        shown(line, &|name| (name == "MODE_REL").then_some(1))
    }

    #[test]
    fn names_of_values_belong_to_their_field() {
        let found = of(
            r#""family=%s mode=%s", __print_symbolic(REC->family, { 2, "AF_INET" }, { (1 << 3) + 2, "a, b)" }), __print_symbolic(REC->mode, { MODE_REL, "REL" }, { UNKNOWN, "x" })"#,
        );
        let Some(Shown::Enum(family)) = found.get("family") else {
            panic!("{found:?}")
        };
        assert_eq!(family.name_of(2), Some("AF_INET"));
        assert_eq!(family.name_of(10), Some("a, b)"));
        let Some(Shown::Enum(mode)) = found.get("mode") else {
            panic!("{found:?}")
        };
        assert_eq!(mode.values, [(1, "REL".to_owned())]);
    }

    #[test]
    fn flags_have_a_name_for_none() {
        let found = of(
            r#""state=%s", (REC->state & ((((0x0 | 0x1) + 1) << 1) - 1)) ? __print_flags(REC->state & 0xff, "|", { 0x1, "S" }, { 0x2, "D" }) : "R""#,
        );
        let Some(Shown::Flags(flags)) = found.get("state") else {
            panic!("{found:?}")
        };
        assert_eq!(flags.names, [(1, "S".to_owned()), (2, "D".to_owned())]);
        assert_eq!(flags.none.as_deref(), Some("R"));
    }

    #[test]
    fn bits_beside_the_flags_are_marks() {
        let found = of(
            r#""%s%s", __print_flags(REC->state & 0xff, "|", { 1, "S" }), REC->state & ((0x80 + 0x0) << 1) ? "+" : "", REC->other & 1 ? "x" : """#,
        );
        let Some(Shown::Flags(flags)) = found.get("state") else {
            panic!("{found:?}")
        };
        assert_eq!(flags.marks, [(0x100, "+".to_owned())]);
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn conversions_tell_addresses() {
        let found = of(r#""%5d%% %pI4 %pI6c %pM", REC->n, REC->a, REC->b, REC->c"#);
        let kind = |name| found.get(name).cloned();
        assert_eq!(kind("n"), None);
        assert_eq!(kind("a"), Some(Shown::Byte(AddressKind::Ipv4)));
        assert_eq!(kind("b"), Some(Shown::Byte(AddressKind::Ipv6)));
        assert_eq!(kind("c"), Some(Shown::Byte(AddressKind::Mac)));
    }

    #[test]
    fn what_is_computed_of_a_field_says_nothing_of_it() {
        let symbolic = |of: &str| format!(r#""%s", __print_symbolic({of}, {{ 1, "a" }})"#);
        assert!(of(&symbolic("(REC->prio >> 13) & 7")).is_empty());
        assert!(of(&symbolic("REC->a ? REC->b : 1")).is_empty());
        for broken in [
            "",
            "\"",
            "\"%s\", __print_symbolic(",
            "\"%s\", __print_flags(REC->x, {",
        ] {
            assert!(of(broken).is_empty(), "{broken}");
        }
    }

    /// Parts of such lines, whole and broken.
    const PIECES: [&str; 22] = [
        "\"",
        "%s",
        "%pI4",
        ",",
        " ",
        "(",
        ")",
        "{",
        "}",
        "REC->x",
        "REC->y",
        "&",
        "?",
        ":",
        "\"a\"",
        "\"\"",
        "<<",
        "0x1",
        "-",
        "__print_symbolic(",
        "__print_flags(",
        "é",
    ];

    proptest! {
        #[test]
        fn any_line_ends(pieces in collection::vec(select(PIECES.as_slice()), 0..60)) {
            of(&pieces.concat());
        }
    }
}
