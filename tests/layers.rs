//! Who may use whom: the modules of the host, held against the list that their one-way flow is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Each module with those that it may use. All may use the plain values of `report` and `rows`.
const MAY_USE: [(&str, &[&str]); 22] = [
    ("report", &[]),
    ("rows", &[]),
    ("spec", &[]),
    ("permission", &["spec"]),
    ("expr", &["spec"]),
    ("layout", &["expr"]),
    ("codegen", &["expr", "layout"]),
    ("sys", &[]),
    ("facts", &["expr", "spec", "sys"]),
    ("plan", &["codegen", "expr", "facts", "layout", "spec"]),
    ("kernel", &["codegen", "plan", "spec", "sys"]),
    ("event", &["expr", "layout", "plan"]),
    ("output", &[]),
    (
        "lua",
        &["event", "expr", "layout", "permission", "plan", "spec"],
    ),
    ("cli", &["output", "permission", "spec", "testing"]),
    ("collection", &["sys"]),
    ("consent", &["collection", "permission"]),
    (
        "commands",
        &[
            "collection",
            "consent",
            "facts",
            "lua",
            "output",
            "permission",
            "plan",
            "spec",
        ],
    ),
    (
        "run",
        &[
            "cli",
            "collection",
            "consent",
            "event",
            "facts",
            "kernel",
            "lua",
            "output",
            "permission",
            "plan",
            "spec",
            "sys",
        ],
    ),
    (
        "prompt",
        &[
            "cli",
            "collection",
            "commands",
            "expr",
            "facts",
            "lua",
            "output",
            "plan",
            "run",
            "spec",
            "sys",
        ],
    ),
    (
        "testing",
        &[
            "collection",
            "consent",
            "facts",
            "lua",
            "permission",
            "spec",
            "sys",
        ],
    ),
    ("main", &["cli", "commands", "prompt", "run", "testing"]),
];

/// What only tests see may use what it likes.
const OF_TESTS: [&str; 4] = ["tests", "fake", "fixture", "sample"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if OF_TESTS.contains(&name) {
            continue;
        }
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|of| of == "rs") {
            found.push(path);
        }
    }
}

/// The modules that a source names: `crate::NAME`, and in main `moontrace::NAME`.
fn uses(text: &str) -> BTreeSet<String> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let names = |prefix: &str| -> Vec<String> {
        let parts = code.split(prefix).skip(1);
        parts.flat_map(modules).collect()
    };
    names("crate::")
        .into_iter()
        .chain(names("moontrace::"))
        .collect()
}

/// What stands behind the prefix: one module, or several in braces.
fn modules(part: &str) -> Vec<String> {
    let word = |text: &str| {
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect::<String>()
    };
    match part.strip_prefix('{') {
        Some(list) => list
            .split('}')
            .next()
            .unwrap()
            .split(',')
            .map(|item| word(item.trim()))
            .collect(),
        None => vec![word(part)],
    }
}

#[test]
fn modules_use_only_what_stands_before_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(
        files.len() > 80,
        "the sources are somewhere else: {} found",
        files.len()
    );
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.into_iter().collect();
    let mut wrong = Vec::new();
    for file in files {
        let inner = file.strip_prefix(&root).unwrap();
        let module = inner
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_str()
            .unwrap()
            .trim_end_matches(".rs");
        if module == "lib" {
            continue;
        }
        let may = allowed
            .get(module)
            .unwrap_or_else(|| panic!("the module {module} is not in the list"));
        for used in uses(&std::fs::read_to_string(&file).unwrap()) {
            let is_module = allowed.contains_key(used.as_str()) && used != module;
            if is_module
                && !["report", "rows"].contains(&used.as_str())
                && !may.contains(&used.as_str())
            {
                wrong.push(format!("{} uses {used}", inner.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
