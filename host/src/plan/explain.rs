//! A plan in words: what `moontrace explain` prints.

use super::{
    Action, Aggregate, Attachment, BeginCode, Call, Content, Counting, Ends, KeyContent, KeyField,
    Layout, Planner, ProbePlan, SitePlan, SpanShape, TallyShape,
};
use crate::spec::probe::Clock;
use std::fmt::Write;

/// Probe by probe: what runs in the kernel, what is fetched and why, which attachment and why.
/// `shapes` has the tables of tallies and what spans store.
pub fn explain(plan: &ProbePlan, shapes: &Planner) -> String {
    let mut out = format!("{}: probe \"{}\"\n", plan.place, plan.name);
    for site in &plan.sites {
        // Writing to a String can't fail.
        let _ = explain_site(&mut out, site, shapes);
    }
    for missing in &plan.missing {
        let _ = writeln!(out, "  left out   {missing}");
    }
    out
}

fn explain_site(out: &mut String, site: &SitePlan, shapes: &Planner) -> std::fmt::Result {
    explain_names(out, site)?;
    let why = if site.why.is_empty() {
        String::new()
    } else {
        format!(": {}", site.why)
    };
    writeln!(out, "    attached   {}{why}", attachment(&site.attachment))?;
    let kept = site.kept().map(kept);
    match (&site.entry, kept) {
        (Some(entry), kept) => {
            let place = attachment(&entry.attachment);
            let how = kept.unwrap_or_else(|| entry.why.clone());
            writeln!(out, "    begins     {place}: {how}")?;
        }
        (None, Some(kept)) => writeln!(out, "    begins     there, too: {kept}")?,
        (None, None) => {}
    }
    explain_program(out, site, shapes)
}

fn explain_names(out: &mut String, site: &SitePlan) -> std::fmt::Result {
    match site.others.len() {
        0 => writeln!(out, "  {}", site.probe),
        more => writeln!(out, "  {} and {more} more", site.probe),
    }
}

/// A word says what of them could not be read.
fn kept(bytes: u32) -> String {
    format!("{} bytes are kept of each call", bytes - 8)
}

/// What runs once it is attached.
fn explain_program(out: &mut String, site: &SitePlan, shapes: &Planner) -> std::fmt::Result {
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
            if let Some(shape) = shapes.tally(*tally) {
                explain_table(out, shape)?;
            }
        }
        // It is told at the return.
        Action::Enter(_) => {}
        Action::Begin(code) => {
            if let Some(shape) = shapes.spans().find(|shape| shape.id == code.span) {
                explain_span(out, code, shape)?;
            }
        }
        Action::Nothing => {}
        Action::Dispatch(branches) => {
            for branch in branches {
                explain_names(out, &branch.site)?;
                if let Some(bytes) = branch.site.kept() {
                    writeln!(out, "    begins     {}", kept(bytes))?;
                }
                explain_program(out, &branch.site, shapes)?;
            }
            return Ok(());
        }
        Action::Change { words, there, .. } => {
            let how = if *there { "joins" } else { "leaves" };
            writeln!(out, "    then       {words} {how} the set")?
        }
    }
    writeln!(out, "    generated  {} instructions", instructions(site))
}

/// An attachment in words.
pub fn attachment(attachment: &Attachment) -> String {
    match attachment {
        Attachment::RawTracepoint { name } => format!("raw tracepoint {name}"),
        Attachment::Tracepoint { id, .. } => format!("tracepoint through perf, number {id}"),
        Attachment::Kprobe {
            function,
            offset: 0,
            ret: false,
        } => format!("kprobe at {}", function.name),
        Attachment::Kprobe {
            function,
            offset,
            ret: false,
        } => format!("kprobe at {}+{offset}", function.name),
        Attachment::Kprobe { function, .. } => format!("kretprobe at {}", function.name),
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
        Attachment::KprobeMulti { functions, ends } => {
            let kind = match ends {
                Ends::Beginning => "kprobe.multi",
                Ends::Return => "kretprobe.multi",
                Ends::Both => "kprobe.session",
            };
            match functions.as_slice() {
                [one] => format!("{kind} at {}", one.name),
                many => format!("{kind} at {} functions", many.len()),
            }
        }
        Attachment::UprobeMulti {
            path,
            places,
            ends,
            pid,
        } => {
            let kind = match ends {
                Ends::Beginning => "uprobe.multi",
                Ends::Return => "uretprobe.multi",
                Ends::Both => "uprobe.session",
            };
            let only = pid.map_or(String::new(), |pid| format!(", in process {pid} only"));
            let path = path.display();
            match places.as_slice() {
                [one] => format!("{kind} at offset {:#x} of {path}{only}", one.offset),
                many => format!("{kind} at {} places of {path}{only}", many.len()),
            }
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
    explain_fields(out, "key", shape.keys.iter())?;
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

fn explain_fields<'a>(
    out: &mut String,
    what: &str,
    fields: impl Iterator<Item = &'a KeyField>,
) -> std::fmt::Result {
    for field in fields {
        let kind = match field.content {
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
        writeln!(out, "    {what:11}{:12}  {kind}", field.name)?;
    }
    Ok(())
}

/// What a start or a mark of a span stores.
fn explain_span(out: &mut String, code: &BeginCode, shape: &SpanShape) -> std::fmt::Result {
    let what = if code.marks { "marks" } else { "begins" };
    let (bytes, room) = (shape.value_size(), shape.room);
    writeln!(out, "    {what:11}{bytes} bytes, room for {room}")?;
    explain_fields(out, "key", shape.keys.iter())?;
    let stored = shape.fields.iter().zip(0..);
    let stored = stored.filter(|(_, number)| code.stored.contains(number));
    explain_fields(out, "stored", stored.map(|(stored, _)| &stored.field))
}

/// What was generated for the site; the library's own code comes on top.
fn instructions(site: &SitePlan) -> usize {
    let program = &site.program;
    let of = |code: &Option<crate::codegen::Code>| code.as_ref().map_or(0, |code| code.insns.len());
    of(&program.cookie)
        + of(&program.guard)
        + of(&program.steps)
        + match &program.call {
            None => 0,
            Some(Call::Key(call)) => of(&call.frame),
            Some(Call::Session(session)) => {
                of(&session.enter.frame) + session.enter.stash.insns.len()
            }
        }
        + match &program.action {
            Action::Emit { record, .. } => record.insns.len(),
            Action::Tally { code, .. } => {
                code.key.insns.len() + of(&code.measure) + code.columns.insns.len()
            }
            Action::Enter(code) => of(&code.frame) + code.stash.insns.len(),
            Action::Dispatch(_) => 0,
            Action::Change { member, .. } => member.insns.len(),
            Action::Begin(code) => code.key.insns.len() + code.fields.insns.len(),
            Action::Nothing => 0,
        }
}
