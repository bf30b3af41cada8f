//! `moontrace list [PATTERN]`: one probe a line, in the syntax that `probe` takes.

use crate::facts::Facts;
use crate::output::Format;
use crate::report::{self, Report};
use crate::spec::probe;

/// What a SPEC matches, or what has a word in its name; everything without a pattern. With it, what was left out.
pub(super) fn probes(
    facts: &Facts,
    pattern: Option<&str>,
    pid: Option<u32>,
) -> Result<(Vec<String>, Vec<Report>), Report> {
    match pattern {
        None => Ok((facts.list_all(), Vec::new())),
        Some(pattern) if pattern.contains(':') => matching(facts, pattern, pid),
        Some(word) => Ok((named(facts, word)?, Vec::new())),
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

fn matching(
    facts: &Facts,
    spec: &str,
    pid: Option<u32>,
) -> Result<(Vec<String>, Vec<Report>), Report> {
    let found = facts.find(&probe::parse(spec)?, pid)?;
    let mut probes: Vec<String> = found.matches.into_iter().map(|found| found.probe).collect();
    // Places of one name stand side by side.
    probes.dedup();
    Ok((probes, found.missing))
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
    use crate::facts::elf::sample::Sample;
    use crate::facts::fixture::Machine;

    #[test]
    fn a_spec_lists_what_probe_would_take() {
        let machine = Machine::new();
        let listed = probes(
            &machine.facts(),
            Some("tracepoint:sched:*, tracepoint:raw_syscalls:sys_enter"),
            None,
        );
        let (listed, _) = listed.unwrap();
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
        let all = |pattern| lines(&probes(&facts, pattern, None).unwrap().0, Format::Text);
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

    #[test]
    fn a_damaged_note_is_told_beside_the_probes_that_are_left() {
        let sample = Sample::compile(&[]);
        let list = || {
            let spec = format!("usdt:{}:*", sample.path.display());
            let (listed, left_out) = probes(&Facts::live(), Some(&spec), None).unwrap();
            let names = listed.iter().filter_map(|probe| probe.rsplit(':').next());
            (
                names.map(str::to_owned).collect::<Vec<_>>(),
                left_out.iter().map(Report::to_string).collect::<String>(),
            )
        };
        assert_eq!(
            list(),
            (vec!["enter".into(), "twice".into()], String::new())
        );
        // A probe without a provider.
        let mut bytes = std::fs::read(&sample.path).unwrap();
        let at = memchr::memmem::find(&bytes, b"sample\0enter\0").unwrap();
        bytes[at] = 0;
        std::fs::write(&sample.path, bytes).unwrap();
        let (names, left_out) = list();
        assert_eq!(names, ["twice"]);
        assert!(left_out.contains("USDT note at byte"), "{left_out}");
    }
}
