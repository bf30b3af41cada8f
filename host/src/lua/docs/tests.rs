//! What is said is whole, and its examples work as far as no kernel is needed (tests/kernel/cases/documented.rs goes on).

use super::chapter::{Of, of_prompt, of_scripts};
use super::*;
use crate::lua::fake::{Fake, OWN, vm, vm_on_with};
use crate::lua::header::Header;
use crate::lua::{api, options, stdlib, types};
use std::collections::BTreeSet;
use std::rc::Rc;

const LUA_STDLIB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../lua-stdlib/");

/// What a line of an example may have: it stands behind four blanks.
const WIDTH: usize = 80 - 4;

#[test]
fn all_is_said_of_everything() {
    let mut titles = BTreeSet::new();
    for chapter in of_scripts().into_iter().chain(of_prompt()) {
        let title = &chapter.title;
        assert!(
            chapter.doc.ends_with(['.', '?']),
            "{title}: {}",
            chapter.doc
        );
        let examples = chapter
            .items
            .iter()
            .map(|item| (&item.title, &item.example));
        for (title, example) in examples.chain(chapter.example.iter().map(|text| (title, text))) {
            assert!(!example.is_empty(), "{title} has no example");
            let long = example.lines().find(|line| line.chars().count() > WIDTH);
            assert_eq!(long, None, "{title}");
        }
        for item in &chapter.items {
            let title = &item.title;
            let of_texts = matches!(chapter.of, Of::Texts | Of::Columns);
            let place = of_texts.then(|| chapter.title.clone());
            assert!(titles.insert((place, title.clone())), "{title} twice");
            assert!(item.signature.contains(&**title), "{}", item.signature);
            assert!(item.doc.ends_with(['.', '?']), "{title}: {}", item.doc);
            let said = help(title).unwrap();
            assert!(said.contains(&item.signature), "{said}");
        }
    }
}

#[test]
fn what_comes_later_is_not_there() {
    for of in types::ALL {
        let said = of
            .methods
            .iter()
            .find(|method| of.later.contains(&method.name));
        assert!(said.is_none(), "{} has what it says comes later", of.name);
    }
    for entry in api::ALL.iter().flat_map(|namespace| namespace.functions) {
        assert!(!api::later(entry.name), "{}", entry.name);
    }
}

#[test]
fn every_global_is_documented() {
    let lua = mlua::Lua::new();
    let own: BTreeSet<String> = globals(&lua);
    let vm = vm();
    let known: BTreeSet<String> = names().into_iter().collect();
    let ours = globals(vm.lua())
        .into_iter()
        .filter(|name| !own.contains(name));
    let mut seen = 0;
    for name in ours.chain(stdlib::globals().map(str::to_owned)) {
        assert!(
            known.contains(&name),
            "{name} is a global that nothing is said of"
        );
        assert!(help(&name).is_some(), "{name}");
        seen += 1;
    }
    assert!(seen > 20, "{seen}");
}

fn globals(lua: &mlua::Lua) -> BTreeSet<String> {
    let globals = lua.globals();
    let pairs = globals.pairs::<String, mlua::Value>();
    pairs.map(|pair| pair.unwrap().0).collect()
}

/// The body, then its timers, signals and what runs at the end.
#[test]
fn examples_run() {
    let mut failed = Vec::new();
    for Example { title, script, .. } in examples() {
        let session = Rc::new(Fake::default());
        let header = Header::parse(&"example.lua".into(), &script).unwrap();
        let given = options::parse(&header, &[]).unwrap();
        // The folder of a cgroup that the session knows.
        let script = script.replace("/sys/fs/cgroup/user.slice", "/sys/fs/cgroup/a");
        let vm = vm_on_with(&session, given, OWN);
        let ended = (|| {
            vm.run("example.lua", &script)?;
            vm.run_start()?;
            if let Some(deadline) = vm.next_deadline() {
                vm.run_due(deadline)?;
            }
            vm.signal(10);
            vm.run_signalled()?;
            vm.run_exit()
        })();
        match ended {
            Ok(()) | Err(crate::lua::ScriptError::Exit(0)) => {}
            Err(error) => failed.push(format!("{title}: {error}\n{script}")),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn a_name_is_found_by_each_of_its_parts() {
    let said = |name| help(name).unwrap_or_else(|| panic!("nothing of {name}"));
    assert_eq!(said("where"), said("probe:where"));
    assert_eq!(said(":where"), said("where"));
    // Two types have the same method.
    for signature in ["tally:rows()\n", "table:rows()\n"] {
        assert!(said("rows").contains(signature), "{}", said("rows"));
    }
    for part in ["tally{", "tally, a type", ":top(n", "probe:tally("] {
        assert!(said("tally").contains(part), "{}", said("tally"));
    }
    for part in ["print(…)", "probe:print([list])", "table:print{"] {
        assert!(said("print").contains(part), "{}", said("print"));
    }
    assert!(
        said("json").contains("json.encode(value)"),
        "{}",
        said("json")
    );
    assert!(said("json.encode").contains("as JSON"));
    assert!(said("sum").contains("probe:sum(expr)"), "{}", said("sum"));
    assert!(
        said("sum").contains("In columns: sum(number)"),
        "{}",
        said("sum")
    );
    for (name, part) in [
        ("comm", "In texts: comm\n"),
        ("str", "In texts: str(pointer[, bytes])\n"),
        ("dport", "In texts: dport(sk)\n"),
        ("kstack", "In texts: kstack(frames)\n"),
        ("//", "In texts: a // b\n"),
        ("arg3", "In texts: arg0"),
        ("$least", "In texts: $name\n"),
    ] {
        assert!(said(name).starts_with("In texts: "), "{}", said(name));
        assert!(said(name).contains(part), "{}", said(name));
    }
    assert!(
        said("ntop").contains("In texts: ntop(address)"),
        "{}",
        said("ntop")
    );
    assert_eq!(help("nonesuch"), None);
    assert_eq!(help(":print_"), None);
}

#[test]
fn help_is_laid_out_for_80_columns() {
    for name in names() {
        let said = help(&name).unwrap_or_else(|| panic!("nothing of {name}"));
        let long = said.lines().find(|line| line.chars().count() > 80);
        assert_eq!(long, None, "{name}");
        assert!(said.ends_with('\n') && !said.contains("\n\n\n"), "{said}");
    }
    insta::assert_snapshot!(help("set").unwrap(), @r#"
        set{ value, …, keys = 65536 }
          Numbers, strings or tuples that texts look into (`key in $s`, given by
          `:with`) and that probes change. It has room for so many; what finds none is
          lost and counted, in a handler an error.

            local programs = set{ "cat", "ls" }
            probe "tracepoint:syscalls:sys_exit_openat" :with{ programs = programs }
              :where "comm in $programs" :print "comm, args.filename"

        set, a type
          Numbers, strings or tuples that texts look into (`key in $s`, `:within(s,
          key)`) and that probes change (`:add(s, key)`, `:remove(s, key)`). A change
          works at once.

          #value          Its members.
          :add(value)     Puts a member in.
          :remove(value)  Takes a member out.
          :has(value)     Is the value a member?

            local seen = set{}
            probe "tracepoint:syscalls:sys_enter_openat"
              :without(seen, "comm")
              :on(function(e)
                seen:add(e.comm)
                print("a new program: " .. e.comm)
              end)

        A method of that name:
          variable:set(value)  Changes the value; its type stays.
        "#);
    insta::assert_snapshot!(help(":top").unwrap(), @r#"
        tally:top(n[, column|function])
        table:top(n[, column|function])
          The n largest rows by a column or by a function of a row, largest first.

            local opens = probe "tracepoint:syscalls:sys_enter_openat"
              :by "comm" :count()
            on_exit(function()
              for _, row in ipairs(opens:top(3)) do print(row.comm, row.count) end
            end)
        "#);
    insta::assert_snapshot!(help("count").unwrap(), @r#"
        probe:count()
          Ends the chain: counts events, by the keys. Returns the tally.

            probe "tracepoint:raw_syscalls:sys_enter" :by "comm" :count()

        In columns: count() or count(condition)
          Events, or those for which the condition holds.

            probe "tracepoint:syscalls:sys_exit_openat"
              :by "comm" :tally "count(), failed = count(retval < 0)"
        "#);
}

#[test]
fn the_files_are_up_to_date() {
    for (file, text) in [
        ("meta/moontrace.lua", meta()),
        ("REFERENCE.md", reference()),
    ] {
        let path = format!("{LUA_STDLIB}{file}");
        if std::env::var_os("MOONTRACE_WRITE").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let there = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            there == text,
            "{file}: run `MOONTRACE_WRITE=1 cargo test -p moontrace --lib docs`"
        );
    }
}

/// Editors read them as Lua: each name is a function or a table there, and its parameters are those that are described.
#[test]
fn the_definitions_are_lua() {
    let lua = mlua::Lua::new();
    lua.load(meta()).exec().unwrap();
    for chapter in of_scripts()
        .iter()
        .filter(|chapter| matches!(chapter.of, Of::Functions | Of::Module))
    {
        for item in &chapter.items {
            let value: mlua::Value = lua.load(format!("return {}", item.title)).eval().unwrap();
            assert!(value.is_function(), "{}", item.title);
        }
    }
    let text = meta();
    let mut described = Vec::new();
    for line in text.lines() {
        if let Some(parameter) = line.strip_prefix("---@param ") {
            described.extend(
                parameter
                    .split(' ')
                    .next()
                    .map(|name| name.trim_end_matches('?')),
            );
        } else if let Some(function) = line.strip_prefix("function ") {
            let taken = function.split(['(', ')']).nth(1).unwrap();
            assert_eq!(described.join(", "), taken, "{line}");
            described.clear();
        }
    }
    // What types are called exists.
    for word in text.split(|c: char| !c.is_alphanumeric() && !"._".contains(c)) {
        if let Some(name) = word
            .strip_prefix("moontrace.")
            .filter(|name| *name != "lua")
        {
            let defined = [
                format!("---@class moontrace.{name}\n"),
                format!("---@alias moontrace.{name} "),
            ];
            assert!(defined.iter().any(|line| text.contains(line)), "{word}");
        }
    }
}
