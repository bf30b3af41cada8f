//! Reads what a libtest-like harness prints.

use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    /// With what it said.
    Failed(String),
    /// With the reason.
    Skipped(String),
}

/// The verdicts by the tests' names. A test that began and has no verdict took the guest with it: it failed.
pub(crate) fn read(report: &str) -> BTreeMap<String, Verdict> {
    let messages = messages(report);
    let mut verdicts = BTreeMap::new();
    for line in report.lines() {
        let Some((name, result)) = line
            .strip_prefix("test ")
            .and_then(|line| line.split_once(" ... "))
        else {
            continue;
        };
        let name = name.trim().to_string();
        let verdict = match result.trim() {
            "ok" => Verdict::Passed,
            result => match result.strip_prefix("ignored") {
                Some(reason) => Verdict::Skipped(reason.trim_matches([' ', '(', ')']).into()),
                None => Verdict::Failed(
                    messages
                        .get(&name)
                        .cloned()
                        .unwrap_or_else(|| result.into()),
                ),
            },
        };
        verdicts.insert(name, verdict);
    }
    verdicts
}

/// What tools printed, by their names: lines behind a bar, below `example NAME`.
pub(crate) fn examples(report: &str) -> BTreeMap<String, String> {
    let mut examples = BTreeMap::<String, String>::new();
    let mut name = None;
    for line in report.lines() {
        match (line.strip_prefix("example "), line.strip_prefix('|'), &name) {
            (Some(next), ..) => name = Some(next.trim().to_owned()),
            (_, Some(line), Some(name)) => {
                let text = examples.entry(name.clone()).or_default();
                text.push_str(line);
                text.push('\n');
            }
            _ => name = None,
        }
    }
    examples
}

/// The sections `---- NAME ----` of a report: what failed tests said.
fn messages(report: &str) -> BTreeMap<String, String> {
    let mut messages = BTreeMap::new();
    let mut lines = report.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(name) = line
            .strip_prefix("---- ")
            .and_then(|line| line.strip_suffix(" ----"))
        else {
            continue;
        };
        let mut message = String::new();
        while let Some(line) =
            lines.next_if(|line| !line.starts_with("---- ") && *line != "failures:")
        {
            message.push_str(line);
            message.push('\n');
        }
        messages.insert(name.to_string(), message.trim_end().to_string());
    }
    messages
}
