//! Probes and the names that their texts use.

use super::Namespace;
use crate::lua::call::{Call, Entry};
use crate::lua::stdlib;
use crate::lua::types::chain::Probe;
use crate::report::Place;
use crate::spec::Definition;
use crate::spec::probe::parse;
use mlua::Value;

fn probe(call: &Call<'_>) -> mlua::Result<Value> {
    let spec = call.text(
        0,
        "what to probe as a text, such as \"tracepoint:syscalls:sys_enter_openat\"",
    )?;
    let patterns = call.check(parse(&spec))?;
    let probe = Probe::open(call, spec, patterns);
    Ok(Value::UserData(call.lua.create_userdata(probe)?))
}

fn exists(call: &Call<'_>) -> mlua::Result<Value> {
    let spec = call.text(0, "what to look for as a text")?;
    call.check(call.script.session.exists(&spec))
        .map(Value::Boolean)
}

fn define(call: &Call<'_>) -> mlua::Result<Value> {
    let text = call.text(0, "a definition as a text: \"f(x) = expr\"")?;
    let Some(made) = definition(&text, call.place()) else {
        let help = "write it as \"f(x) = expr\" or \"name = expr\"".to_owned();
        return Err(call.fail_with_help("no definition: it has no name before a '='", Some(help)));
    };
    let mut definitions = call.script.definitions.borrow_mut();
    let mut own = definitions.iter().filter(|known| !stdlib::is_ours(known));
    if let Some(first) = own.find(|known| known.name == made.name) {
        let message = format!("'{}' is defined already, at {}", made.name, first.place);
        return Err(call.fail(message));
    }
    definitions.push(made);
    Ok(Value::Nil)
}

/// What `f(x, y) = expr` defines; `None` where that is none.
pub fn definition(text: &str, place: Place) -> Option<Definition> {
    let (name, parameters, body) = split(text)?;
    Some(Definition {
        name: name.to_owned(),
        parameters: parameters.into_iter().map(str::to_owned).collect(),
        body: body.to_owned(),
        place,
    })
}

/// `f(x, y) = expr` → name, parameters, expr.
fn split(text: &str) -> Option<(&str, Vec<&str>, &str)> {
    let (head, body) = text.split_once('=')?;
    let (name, parameters) = match head.trim().split_once('(') {
        None => (head.trim(), Vec::new()),
        Some((name, rest)) => {
            let inside = rest.trim_end().strip_suffix(')')?.trim();
            let parameters = inside
                .split(',')
                .map(str::trim)
                .filter(|_| !inside.is_empty());
            (name.trim_end(), parameters.collect())
        }
    };
    let fits = is_name(name) && parameters.iter().all(|parameter| is_name(parameter));
    (fits && !body.trim().is_empty()).then_some((name, parameters, body.trim()))
}

fn is_name(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

pub(crate) static NAMESPACE: Namespace = Namespace {
    doc: "Probes.",
    functions: &[
        Entry {
            name: "probe",
            signature: "probe(spec)",
            doc: "Begins a chain: where to probe, then steps, then one ending. Without an ending it prints every event.",
            takes: &[("spec", "string")],
            gives: "moontrace.probe",
            example: r#"probe "tracepoint:syscalls:sys_exit_openat" :print "comm, args.filename""#,
            function: probe,
        },
        Entry {
            name: "exists",
            signature: "exists(spec)",
            doc: "Is there anything on this machine that the spec matches?",
            takes: &[("spec", "string")],
            gives: "boolean",
            example: r#"if exists "kprobe:vfs_open" then
  probe "kprobe:vfs_open" :by "comm" :count()
else
  probe "tracepoint:syscalls:sys_enter_openat" :by "comm" :count()
end"#,
            function: exists,
        },
        Entry {
            name: "define",
            signature: "define(\"f(x) = expr\")",
            doc: "Names an expression for the texts of later probes.",
            takes: &[("text", "string")],
            gives: "",
            example: r#"define "failed(x) = x < 0 and x > -4096"
probe "tracepoint:syscalls:sys_exit_openat"
  :where "failed(retval)" :print "comm, retval""#,
            function: define,
        },
    ],
};

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn definitions_are_split_at_their_first_equals_sign() {
        assert_eq!(split("big = size >= 4"), Some(("big", vec![], "size >= 4")));
        assert_eq!(
            split("f( a,b ) = a == b"),
            Some(("f", vec!["a", "b"], "a == b"))
        );
        assert_eq!(split("f() = 1"), Some(("f", vec![], "1")));
        for wrong in [
            "f(a = 1",
            "f(1) = 2",
            "1 + 2",
            "f(a) =",
            "a b = 1",
            "f(a,) = a",
        ] {
            assert_eq!(split(wrong), None, "{wrong}");
        }
    }
}
