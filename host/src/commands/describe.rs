//! `moontrace describe PROBE|TYPE`: what can be read there, and how it would be attached.

use crate::facts::describe::Named;
use crate::facts::{Facts, Found, Location, Match, TypeDescription};
use crate::plan::{self, Options, Traced};
use crate::report::Report;
use crate::spec::probe;
use std::fmt::Write;

/// Of a pattern, so many of what it matches.
const SHOWN: usize = 20;
/// Of an argument's values, so many names.
const NAMES: usize = 6;
/// Columns that a name may widen its table to.
const WIDEST: usize = 40;

/// Attached as a run without options would.
const OPTIONS: Options = Options {
    traced: Traced::All,
    exact: false,
    most_sites: usize::MAX,
};

/// A SPEC has a colon, a type of C has none.
pub(super) fn describe(facts: &Facts, what: &str) -> Result<String, Report> {
    if what.contains(':') {
        probes(facts, what)
    } else {
        facts.describe_type(what).map(|of| members(&of))
    }
}

fn probes(facts: &Facts, spec: &str) -> Result<String, Report> {
    let Found {
        matches: found,
        missing,
        ..
    } = facts.find(&probe::parse(spec)?, None)?;
    super::leave_out(&missing);
    let found = once(&found);
    let described = found.iter().take(SHOWN);
    let described = described.map(|(found, count)| one(facts, found, *count));
    let mut out = described.collect::<Result<Vec<_>, _>>()?.join("\n");
    if found.len() > SHOWN {
        let more = found.len() - SHOWN;
        out.push_str(&format!(
            "\nand {more} more, which moontrace list '{spec}' names\n"
        ));
    }
    Ok(out)
}

/// Functions of the kernel that share a name are described once: each with how many they are.
fn once(found: &[Match]) -> Vec<(&Match, usize)> {
    let share = |one: &Match, other: &Match| match (&one.location, &other.location) {
        (Location::Function { module, .. }, Location::Function { module: of, .. }) => {
            one.probe == other.probe && module == of
        }
        _ => false,
    };
    let all = found.chunk_by(share);
    all.filter_map(|all| Some((all.first()?, all.len())))
        .collect()
}

fn one(facts: &Facts, found: &Match, count: usize) -> Result<String, Report> {
    let attached = plan::attachment_of(facts, &OPTIONS, found)?;
    let described = facts.describe(&attached.site, &found.probe);
    let mut out = format!(
        "{}\n  attached as  {}{}\n",
        found.probe, attached.words, attached.cost
    );
    if count > 1 {
        // Writing to a String can't fail.
        let _ = writeln!(out, "  there are    {count} of this name: each is probed");
    }
    let arguments = described
        .arguments
        .iter()
        .map(|named| (format!("args.{}", named.name), typed(named)));
    let words = described
        .words
        .iter()
        .map(|named| (named.name.clone(), typed(named)));
    let all: Vec<_> = arguments.chain(words).collect();
    let width = widest(all.iter().map(|(name, _)| name.as_str()));
    for (name, ty) in all {
        // Writing to a String can't fail.
        let _ = writeln!(out, "  {name:width$}  {ty}");
    }
    Ok(out)
}

/// A type, and the first of the names that its values have.
fn typed(named: &Named) -> String {
    let mut text = named.ty.clone();
    if named.names.is_empty() {
        return text;
    }
    let shown: Vec<&str> = named.names.iter().take(NAMES).map(String::as_str).collect();
    text.push_str(&format!(": {}", shown.join(" ")));
    if named.names.len() > NAMES {
        text.push_str(" …");
    }
    text
}

/// The same as JSON, an object a line: of every probe that matches
/// `{"probe","attached","arguments":[{"name","type"}…],"words":[…]}` with `count` where several functions have its name, `names` of an argument whose values have some, where `words` are `retval`, `arg0` and the like; of a
/// type `{"name","size","members":[{"name","offset","type"}…]}` with `bit` and `bits` of a bit-field, in bytes and bits, and
/// of an enum `"values":[{"name","value"}…]`.
pub(super) fn json(facts: &Facts, what: &str) -> Result<String, Report> {
    if !what.contains(':') {
        return Ok(format!("{}\n", type_json(&facts.describe_type(what)?)));
    }
    let found = facts.find(&probe::parse(what)?, None)?;
    super::leave_out(&found.missing);
    let lines = once(&found.matches).into_iter().map(|(found, count)| {
        let attached = plan::attachment_of(facts, &OPTIONS, found)?;
        let described = facts.describe(&attached.site, &found.probe);
        let mut json = serde_json::json!({
            "probe": found.probe,
            "attached": attached.words,
            "arguments": named(&described.arguments),
            "words": named(&described.words),
        });
        if count > 1 {
            json["count"] = count.into();
        }
        Ok(format!("{json}\n"))
    });
    lines.collect()
}

fn named(all: &[Named]) -> Vec<serde_json::Value> {
    all.iter()
        .map(|named| {
            let mut json = serde_json::json!({ "name": named.name, "type": named.ty });
            if !named.names.is_empty() {
                json["names"] = named.names.clone().into();
            }
            json
        })
        .collect()
}

fn type_json(of: &TypeDescription) -> serde_json::Value {
    let members: Vec<_> = of
        .members
        .iter()
        .map(|member| {
            let mut json = serde_json::json!({
                "name": member.name, "offset": member.offset, "type": member.ty,
            });
            if let Some((first, count)) = member.bits {
                json["bit"] = first.into();
                json["bits"] = count.into();
            }
            json
        })
        .collect();
    let mut json = serde_json::json!({ "name": of.name, "size": of.size, "members": members });
    if !of.values.is_empty() {
        let value = |(name, value): &(String, i128)| serde_json::json!({ "name": name, "value": number(*value) });
        json["values"] = of.values.iter().map(value).collect();
    }
    json
}

/// An enum's value has 64 bits, with a sign or without.
fn number(value: i128) -> serde_json::Value {
    match i64::try_from(value) {
        Ok(value) => value.into(),
        Err(_) => (value as u64).into(),
    }
}

/// Of a struct, a member a line: bytes from its start, name, type. A type without members is its first line.
fn members(described: &TypeDescription) -> String {
    let mut out = described.name.clone();
    if let Some(size) = described.size {
        out.push_str(&format!("  {size} bytes"));
    }
    out.push('\n');
    let width = widest(described.members.iter().map(|member| member.name.as_str()));
    for member in &described.members {
        let bits = match member.bits {
            Some((bit, 1)) => format!("  bit {bit}"),
            Some((first, count)) => format!("  bits {first} to {}", first + u32::from(count) - 1),
            None => String::new(),
        };
        // Writing to a String can't fail.
        let _ = writeln!(
            out,
            "  {:>6}  {:width$}  {}{bits}",
            member.offset, member.name, member.ty
        );
    }
    let width = widest(described.values.iter().map(|(name, _)| name.as_str()));
    for (name, value) in &described.values {
        // Writing to a String can't fail.
        let _ = writeln!(out, "  {name:width$}  {value}");
    }
    out
}

fn widest<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    names
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(0)
        .min(WIDEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::elf::sample::Sample;
    use crate::facts::fixture::Machine;

    #[test]
    fn a_probe_has_its_attachment_and_its_arguments_with_types() {
        let machine = Machine::new();
        let described = describe(&machine.facts(), "tracepoint:syscalls:sys_exit_openat").unwrap();
        let lines: Vec<&str> = described.lines().collect();
        assert_eq!(lines[0], "tracepoint:syscalls:sys_exit_openat");
        assert!(
            lines[1].starts_with("  attached as  raw tracepoint sys_exit: "),
            "{described}"
        );
        for line in ["  args.filename  char * (user)", "  retval         i64"] {
            assert!(lines.contains(&line), "{described}");
        }
    }

    #[test]
    fn several_probes_stand_apart() {
        let machine = Machine::new();
        let described = describe(&machine.facts(), "tracepoint:sched:*").unwrap();
        let probes = described
            .split("\n\n")
            .map(|probe| probe.lines().next().unwrap_or_default());
        assert_eq!(
            probes.collect::<Vec<_>>(),
            [
                "tracepoint:sched:sched_process_exec",
                "tracepoint:sched:sched_switch"
            ]
        );
    }

    #[test]
    fn a_struct_has_its_members_with_offsets() {
        let machine = Machine::new();
        insta::assert_snapshot!(describe(&machine.facts(), "struct task").unwrap(), @r"
        struct task  40 bytes
               0  pid      i32
               4  as_int   i32
               4  as_word  u32
               8  low      u32  bits 0 to 2
               8  high     i32  bits 3 to 31
              12  comm     char[16]
              32  path     char * (user)
              28  dead     truth value
        ");
    }

    #[test]
    fn an_enum_has_its_names() {
        let machine = Machine::new();
        insta::assert_snapshot!(describe(&machine.facts(), "enum state").unwrap(), @r"
        enum state  4 bytes
          STATE_RUN   0
          STATE_GONE  4294967295
        ");
    }

    #[test]
    fn json_has_an_object_a_line() {
        let machine = Machine::new();
        let line = |what| {
            let text = json(&machine.facts(), what).unwrap();
            serde_json::from_str::<serde_json::Value>(&text).unwrap()
        };
        let probe = line("tracepoint:syscalls:sys_exit_openat");
        assert_eq!(probe["probe"], "tracepoint:syscalls:sys_exit_openat");
        let has = |of: &serde_json::Value, wanted: serde_json::Value| {
            assert!(of.as_array().unwrap().contains(&wanted), "{of} {wanted}");
        };
        has(
            &probe["arguments"],
            serde_json::json!({ "name": "filename", "type": "char * (user)" }),
        );
        has(
            &probe["words"],
            serde_json::json!({ "name": "retval", "type": "i64" }),
        );
        let task = line("struct task");
        assert_eq!(task["size"], 40);
        has(
            &task["members"],
            serde_json::json!({ "name": "high", "offset": 8, "type": "i32", "bit": 3, "bits": 29 }),
        );
        has(
            &line("enum state")["values"],
            serde_json::json!({ "name": "STATE_GONE", "value": 4_294_967_295u32 }),
        );
    }

    #[test]
    fn what_is_not_there_is_named() {
        let machine = Machine::new();
        let message = |what| describe(&machine.facts(), what).unwrap_err().to_string();
        assert!(message("struct tsk").contains("'task'"));
        assert!(message("tracepoint:sched:sched_swich").contains("'sched_switch'"));
    }

    #[test]
    fn a_programs_probes_have_their_arguments_once() {
        let sample = Sample::compile(&[]);
        let described = |kind: &str, name: &str| {
            let spec = format!("{kind}:{}:{name}", sample.path.display());
            describe(&Facts::live(), &spec).unwrap()
        };
        let usdt = described("usdt", "enter");
        assert_eq!(usdt.matches("arg1").count(), 1, "{usdt}");
        let uprobe = described("uprobe", "sample_named");
        assert!(
            uprobe.contains("  args.text     char * (user)\n"),
            "{uprobe}"
        );
        let uretprobe = described("uretprobe", "sample_named");
        assert!(uretprobe.contains("  retval  i32\n"), "{uretprobe}");
    }
}
