//! `moontrace list [PATTERN]`: one probe a line, in the syntax that `probe` takes.

use crate::facts::Facts;
use crate::output::Format;
use crate::report::{self, Report};
use crate::spec::probe;

/// What a SPEC matches, or what has a word in its name; everything without a pattern.
pub(super) fn probes(
    facts: &Facts,
    pattern: Option<&str>,
    pid: Option<u32>,
) -> Result<Vec<String>, Report> {
    match pattern {
        None => Ok(facts.list_all()),
        Some(pattern) if pattern.contains(':') => matching(facts, pattern, pid),
        Some(word) => named(facts, word),
    }
}

/// A probe a line: as it is, or as `{"probe":"…"}`.
pub(super) fn lines(found: &[String], format: Format) -> String {
    let line = |probe: &String| match format {
        Format::Text => format!("{probe}\n"),
        Format::Json => format!("{}\n", serde_json::json!({ "probe": probe })),
    };
    found.iter().map(line).collect()
}

fn matching(facts: &Facts, spec: &str, pid: Option<u32>) -> Result<Vec<String>, Report> {
    let found = facts.find(&probe::parse(spec)?, pid)?;
    let mut probes: Vec<String> = found.matches.into_iter().map(|found| found.probe).collect();
    // Places of one name stand side by side.
    probes.dedup();
    Ok(probes)
}

/// Nobody who looks for a probe knows its kind: a pattern without one may match any stretch of the name.
fn named(facts: &Facts, word: &str) -> Result<Vec<String>, Report> {
    let all = facts.list_all();
    let pattern = format!("*{word}*");
    let found: Vec<String> = all
        .iter()
        .filter(|probe| probe::matches(&pattern, probe))
        .cloned()
        .collect();
    if found.is_empty() {
        let last_parts = all.iter().filter_map(|probe| probe.rsplit(':').next());
        let report = Report::new(format!("no probe has '{word}' in its name"));
        return Err(match report::did_you_mean(word, last_parts) {
            Some(help) => report.help(help),
            None => report.help("functions of binaries are listed by 'uprobe:BINARY:*'"),
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::fixture::Machine;

    #[test]
    fn a_spec_lists_what_probe_would_take() {
        let machine = Machine::new();
        let listed = probes(
            &machine.facts(),
            Some("tracepoint:sched:*, tracepoint:raw_syscalls:sys_enter"),
            None,
        );
        let listed = listed.unwrap();
        assert_eq!(
            lines(&listed, Format::Text),
            "tracepoint:sched:sched_process_exec\ntracepoint:sched:sched_switch\ntracepoint:raw_syscalls:sys_enter\n"
        );
        assert_eq!(
            lines(&listed[..1], Format::Json),
            "{\"probe\":\"tracepoint:sched:sched_process_exec\"}\n"
        );
    }

    #[test]
    fn a_word_is_looked_for_in_every_name() {
        let machine = Machine::new();
        let facts = machine.facts();
        let all = |pattern| lines(&probes(&facts, pattern, None).unwrap(), Format::Text);
        let listed = all(Some("exec"));
        assert!(
            listed.contains("tracepoint:syscalls:sys_enter_execve\n"),
            "{listed}"
        );
        assert!(
            listed.contains("tracepoint:sched:sched_process_exec\n"),
            "{listed}"
        );
        assert!(!listed.contains("openat"), "{listed}");
        let everything = all(None);
        assert!(everything.lines().count() > listed.lines().count());
    }

    #[test]
    fn nothing_found_comes_with_what_is_near() {
        let machine = Machine::new();
        let facts = machine.facts();
        let message = |pattern| probes(&facts, Some(pattern), None).unwrap_err().to_string();
        assert!(message("shced_switch").contains("'sched_switch'"));
        assert!(message("tracepoint:shced:*").contains("'sched'"));
    }
}
