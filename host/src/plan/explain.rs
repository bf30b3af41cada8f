//! A plan in words: what `moontrace explain` prints.

use super::{
    Action, Aggregate, Attachment, Content, Counting, KeyContent, Layout, ProbePlan, SitePlan,
    TallyShape,
};
use crate::spec::probe::Clock;
use std::fmt::Write;

/// Probe by probe: what runs in the kernel, what is fetched and why, which attachment and why.
/// `shape` finds the table of a tally.
pub fn explain<'a>(
    plan: &ProbePlan,
    shape: &dyn Fn(crate::spec::TallyId) -> Option<&'a TallyShape>,
) -> String {
    let mut out = format!("{}: probe \"{}\"\n", plan.place, plan.name);
    for site in &plan.sites {
        // Writing to a String can't fail.
        let _ = explain_site(&mut out, site, shape);
    }
    for missing in &plan.missing {
        let _ = writeln!(out, "  left out   {missing}");
    }
    out
}

fn explain_site<'a>(
    out: &mut String,
    site: &SitePlan,
    shape: &dyn Fn(crate::spec::TallyId) -> Option<&'a TallyShape>,
) -> std::fmt::Result {
    match site.others.len() {
        0 => writeln!(out, "  {}", site.probe)?,
        more => writeln!(out, "  {} and {more} more", site.probe)?,
    }
    let why = if site.why.is_empty() {
        String::new()
    } else {
        format!(": {}", site.why)
    };
    writeln!(out, "    attached   {}{why}", attachment(&site.attachment))?;
    if let (Some(entry), Some(bytes)) = (&site.entry, site.kept()) {
        // A word says what of them could not be read.
        let bytes = bytes - 8;
        let where_from = attachment(&entry.attachment);
        writeln!(
            out,
            "    begins     {where_from}: {bytes} bytes are kept of each call"
        )?;
    }
    for (number, condition) in site.conditions.iter().enumerate() {
        writeln!(
            out,
            "    {}{condition}",
            if number == 0 {
                "if         "
            } else {
                "           "
            }
        )?;
    }
    match &site.program.action {
        Action::Emit { layout, .. } => explain_record(out, layout)?,
        Action::Tally { tally, .. } => {
            if let Some(shape) = shape(*tally) {
                explain_table(out, shape)?;
            }
        }
        // It is told at the return.
        Action::Enter(_) => {}
        Action::Follow { there: true, .. } => {
            writeln!(out, "    then       the process is traced, too")?
        }
        Action::Follow { there: false, .. } => {
            writeln!(out, "    then       the process is traced no longer")?
        }
    }
    writeln!(out, "    generated  {} instructions", instructions(site))
}

/// An attachment in words.
pub fn attachment(attachment: &Attachment) -> String {
    match attachment {
        Attachment::RawTracepoint { name } => format!("raw tracepoint {name}"),
        Attachment::Tracepoint { id } => format!("tracepoint through perf, number {id}"),
        Attachment::Kprobe {
            function,
            offset: 0,
            ret: false,
        } => format!("kprobe at {function}"),
        Attachment::Kprobe {
            function,
            offset,
            ret: false,
        } => format!("kprobe at {function}+{offset}"),
        Attachment::Kprobe { function, .. } => format!("kretprobe at {function}"),
        Attachment::Fentry { function, exit, .. } => {
            format!("{} at {function}", if *exit { "fexit" } else { "fentry" })
        }
        Attachment::Uprobe {
            path,
            place,
            ret,
            pid,
        } => {
            let kind = if *ret { "uretprobe" } else { "uprobe" };
            let counter = place.semaphore.map_or(String::new(), |at| {
                format!(", counted at {at:#x} while it is probed")
            });
            let only = pid.map_or(String::new(), |pid| format!(", in process {pid} only"));
            format!(
                "{kind} at offset {:#x} of {}{counter}{only}",
                place.offset,
                path.display()
            )
        }
        Attachment::KprobeMulti { functions, ret } => {
            let kind = if *ret { "kretprobe" } else { "kprobe" };
            format!("{kind}.multi at {} functions", functions.len())
        }
        Attachment::UprobeMulti {
            path,
            places,
            ret,
            pid,
        } => {
            let kind = if *ret { "uretprobe" } else { "uprobe" };
            let only = pid.map_or(String::new(), |pid| format!(", in process {pid} only"));
            format!(
                "{kind}.multi at {} places of {}{only}",
                places.len(),
                path.display()
            )
        }
        Attachment::Each(all) => match all.first() {
            Some(first) => format!("{} and {} more", self::attachment(first), all.len() - 1),
            None => "nowhere".into(),
        },
        Attachment::Profile(Clock::Hertz(hertz)) => {
            format!("the clock of each CPU, {hertz} times a second")
        }
        Attachment::Profile(Clock::Period(ns)) => format!("the clock of each CPU, every {ns} ns"),
        Attachment::Interval { period_ns } => format!("the clock of one CPU, every {period_ns} ns"),
        Attachment::Software(counting) => format!("software counter {}", counted(counting)),
        Attachment::Hardware(counting) => format!("hardware counter {}", counted(counting)),
    }
}

fn counted(counting: &Counting) -> String {
    let of = match counting.pid {
        Some(pid) => format!("the threads of process {pid}"),
        None => "each CPU".into(),
    };
    let rate = match counting.period {
        1 => "at every event".into(),
        period => format!("at every {period}th event"),
    };
    format!("{} of {of}, {rate}", counting.name)
}

fn explain_record(out: &mut String, layout: &Layout) -> std::fmt::Result {
    let how = if layout.long {
        "built in scratch, sent with its real length"
    } else {
        "filled in place"
    };
    writeln!(out, "    record     {} bytes, {how}", layout.size)?;
    let width = layout
        .fields
        .iter()
        .map(|field| field.name.chars().count())
        .max()
        .unwrap_or(0)
        .max(12);
    for field in &layout.fields {
        writeln!(
            out,
            "      {:width$}  {:18}  {}",
            field.name,
            content(&field.content),
            field.why
        )?;
    }
    Ok(())
}

fn content(content: &Content) -> String {
    match content {
        Content::Int { int, .. } => int.to_string(),
        Content::Bool { .. } => "truth value".into(),
        Content::Text { capacity, .. } => format!("string to {} bytes", capacity.saturating_sub(1)),
        Content::Copied { capacity, .. } => format!("copy of {capacity} bytes"),
        Content::Stack { user, frames, .. } => stack(*user, *frames),
        Content::Symbol { user, .. } => symbol(*user).into(),
        Content::Constant(_) => "known beforehand".into(),
        Content::Time | Content::Cpu => "in every record".into(),
        Content::Probe | Content::Func => "known to the host".into(),
    }
}

fn stack(user: bool, frames: u8) -> String {
    let whose = if user {
        "the process's"
    } else {
        "the kernel's"
    };
    format!("{whose} stack to {frames} frames")
}

fn symbol(user: bool) -> &'static str {
    match user {
        true => "function of the process",
        false => "function of the kernel",
    }
}

fn explain_table(out: &mut String, shape: &TallyShape) -> std::fmt::Result {
    for key in &shape.keys {
        let kind = match key.content {
            KeyContent::Int { signed: true } => "i64".into(),
            KeyContent::Int { signed: false } => "u64".into(),
            KeyContent::Bool => "truth value".into(),
            KeyContent::Text { capacity } => {
                format!("string to {} bytes", capacity.saturating_sub(1))
            }
            KeyContent::Stack { user, frames } => stack(user, frames),
            KeyContent::Symbol { user } => symbol(user).into(),
            KeyContent::Probe | KeyContent::Func => "name of the site".into(),
        };
        writeln!(out, "    key        {:12}  {kind}", key.name)?;
    }
    for column in &shape.columns {
        let kind = match column.function {
            Aggregate::Count => "count".to_owned(),
            Aggregate::Sum { .. } => "sum".to_owned(),
            Aggregate::Avg { .. } => "average".to_owned(),
            Aggregate::Min(_) => "minimum".to_owned(),
            Aggregate::Max(_) => "maximum".to_owned(),
            Aggregate::Stats(_) => "count, sum, minimum, maximum".to_owned(),
            Aggregate::Hist { bits: 0, .. } => "log2 histogram".to_owned(),
            Aggregate::Hist { bits, .. } => {
                format!("log2 histogram, {} buckets a power of two", 1 << bits)
            }
            Aggregate::LinearHist { steps, .. } => {
                format!("histogram of {} steps of {}", steps.steps(), steps.step)
            }
        };
        writeln!(out, "    column     {:12}  {kind}", column.name)?;
    }
    Ok(())
}

/// What was generated for the site; the library's own code comes on top.
fn instructions(site: &SitePlan) -> usize {
    let program = &site.program;
    let of = |code: &Option<crate::codegen::Code>| code.as_ref().map_or(0, |code| code.insns.len());
    of(&program.cookie)
        + of(&program.guard)
        + of(&program.steps)
        + match &program.action {
            Action::Emit { record, .. } => record.insns.len(),
            Action::Tally { code, .. } => {
                code.key.insns.len() + of(&code.measure) + code.columns.insns.len()
            }
            Action::Enter(code) => code.frame.insns.len() + code.stash.insns.len(),
            Action::Follow { member, .. } => member.insns.len(),
        }
}
