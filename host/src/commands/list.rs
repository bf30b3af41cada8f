//! `moontrace list [PATTERN]`: one probe a line, in the syntax that `probe` takes.

use super::{fail, say};
use crate::facts::Facts;
use crate::spec::probe;

pub fn list(pattern: Option<&str>, pid: Option<u32>) -> i32 {
    let facts = Facts::live();
    let Some(pattern) = pattern else {
        return say(&lines(facts.list_all()));
    };
    let patterns = match probe::parse(pattern) {
        Ok(patterns) => patterns,
        Err(report) => return fail(&report),
    };
    let mut all = Vec::new();
    for pattern in &patterns {
        match facts.matches(pattern, pid) {
            Ok(found) => all.extend(found.into_iter().map(|found| found.probe)),
            Err(report) => return fail(&report),
        }
    }
    say(&lines(all))
}

fn lines(probes: Vec<String>) -> Vec<u8> {
    let mut out = probes.join("\n");
    if !out.is_empty() {
        out.push('\n');
    }
    out.into_bytes()
}
