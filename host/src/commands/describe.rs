//! `moontrace describe PROBE|TYPE`: what can be read there, and how it would be attached.

use super::{fail, say};
use crate::facts::{Facts, TypeDescription};
use crate::plan::{self, Options, Traced};
use crate::report::Report;
use crate::spec::probe;
use std::fmt::Write;

/// Of a pattern, so many of what it matches.
const SHOWN: usize = 20;

pub fn describe(what: &str) -> i32 {
    let facts = Facts::live();
    // A SPEC has a colon, a type of C has none.
    let text = if what.contains(':') { probes(&facts, what) } else { facts.describe_type(what).map(|of| members(&of)) };
    match text {
        Ok(text) => say(text.as_bytes()),
        Err(report) => fail(&report),
    }
}

fn probes(facts: &Facts, spec: &str) -> Result<String, Report> {
    let options = Options { traced: Traced::All, exact: false, most_sites: usize::MAX };
    let mut found = Vec::new();
    for pattern in probe::parse(spec)? {
        found.extend(facts.matches(&pattern, None)?);
    }
    let mut out = String::new();
    for one in found.iter().take(SHOWN) {
        let attached = plan::attachment_of(facts, &options, one)?;
        let described = facts.describe(&attached.site, &one.probe);
        // Writing to a String can't fail.
        let _ = writeln!(out, "{}", one.probe);
        let _ = writeln!(out, "  attached as  {}{}", attached.words, attached.cost);
        let arguments = described.arguments.iter().map(|named| (format!("args.{}", named.name), &named.ty));
        let words = described.words.iter().map(|named| (named.name.clone(), &named.ty));
        let all: Vec<_> = arguments.chain(words).collect();
        let width = all.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, ty) in all {
            let _ = writeln!(out, "  {name:width$}  {ty}");
        }
    }
    if found.len() > SHOWN {
        let _ = writeln!(out, "and {} more: moontrace list '{spec}' names them", found.len() - SHOWN);
    }
    Ok(out)
}

fn members(described: &TypeDescription) -> String {
    let size = described.size.map_or(String::new(), |size| format!("  {size} bytes"));
    let mut out = format!("{}{size}\n", described.name);
    let width = described.members.iter().map(|member| member.name.chars().count()).max().unwrap_or(0).min(40);
    for member in &described.members {
        let bits = member.bits.map_or(String::new(), |(at, count)| format!(" bits {at}..{}", at + u32::from(count)));
        let _ = writeln!(out, "  {:>6}  {:width$}  {}{bits}", member.offset, member.name, member.ty);
    }
    out
}
