//! What the API's tables say of it, as files for people and editors.

use super::api;
use super::printer;
use super::types;
use std::fmt::Write;

/// Definitions for the Lua language server (lua-stdlib/meta/moontrace.lua): every global and every type.
pub fn meta() -> String {
    let mut text = "---@meta\n-- Made from the tables in host/src/lua: `MOONTRACE_WRITE=1 cargo test -p moontrace docs`.\n".to_owned();
    for of in types::ALL {
        let _ = write!(
            text,
            "\n--- {}\n---@class {}\nlocal {} = {{}}\n",
            of.doc, of.name, of.name
        );
        for method in of.methods {
            function(
                &mut text,
                method.signature,
                method.doc,
                &format!("{}:{}", of.name, method.name),
            );
        }
    }
    for namespace in api::ALL {
        let _ = write!(text, "\n-- {}\n", namespace.doc);
        for entry in namespace.functions {
            function(&mut text, entry.signature, entry.doc, entry.name);
        }
    }
    let _ = write!(text, "\n-- Output.\n");
    for native in &printer::FUNCTIONS {
        function(&mut text, native.signature, native.doc, native.name);
    }
    text
}

fn function(text: &mut String, signature: &str, doc: &str, name: &str) {
    let _ = write!(text, "\n---`{signature}` {doc}\nfunction {name}(...) end\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_tables_are_in_order() {
        for of in types::ALL {
            let mut names = BTreeSet::new();
            for method in of.methods {
                assert!(
                    names.insert(method.name),
                    "{}:{} twice",
                    of.name,
                    method.name
                );
                assert!(
                    method.signature.starts_with(&format!(":{}", method.name)),
                    "{}",
                    method.signature
                );
                assert!(
                    method.doc.ends_with(['.', '?']),
                    "{}:{} ends without a full stop",
                    of.name,
                    method.name
                );
            }
            let said = of.later.iter().find(|later| names.contains(*later));
            assert_eq!(said, None, "{} has what it says comes later", of.name);
            assert!(of.doc.ends_with('.'), "{}", of.name);
        }
        let mut names = BTreeSet::new();
        for entry in api::ALL.iter().flat_map(|namespace| namespace.functions) {
            assert!(names.insert(entry.name), "{} twice", entry.name);
            assert!(
                entry.signature.starts_with(entry.name),
                "{}",
                entry.signature
            );
            assert!(
                entry.doc.ends_with(['.', '?']),
                "{} ends without a full stop",
                entry.name
            );
            assert!(
                !api::later(entry.name),
                "{} is there, and said to come later",
                entry.name
            );
        }
    }

    #[test]
    fn the_definitions_for_editors_are_up_to_date() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../lua-stdlib/meta/moontrace.lua"
        );
        if std::env::var_os("MOONTRACE_WRITE").is_some() {
            std::fs::write(path, meta()).unwrap();
        }
        let there = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            there == meta(),
            "run `MOONTRACE_WRITE=1 cargo test -p moontrace docs`"
        );
    }
}
