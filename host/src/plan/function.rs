//! Functions of the kernel: by trampoline where that gives the same answer, else by kprobe.

use super::attachment::Hanging;
use super::{Attachment, Options};
use crate::facts::{Facts, names};
use crate::report::Report;
use crate::spec::Kind;

/// Of more functions, kprobes are put on all of them at once for less than so many trampolines.
const FEW: usize = 4;

/// What was asked for.
pub(super) struct Place<'a> {
    pub kind: Kind,
    pub module: Option<&'a str>,
    pub function: &'a str,
    pub offset: u64,
}

/// Decides for a function that is one of `together`.
///
/// # Errors
/// When this kernel has no way to it.
pub(super) fn hang(
    facts: &Facts,
    options: &Options,
    place: &Place<'_>,
    together: usize,
) -> Result<Hanging, Report> {
    let exit = matches!(place.kind, Kind::Kretprobe | Kind::Fexit);
    if matches!(place.kind, Kind::Fentry | Kind::Fexit) {
        let refused = |why: String| {
            let instead = if exit { "kretprobe" } else { "kprobe" };
            let message = format!(
                "{} can't be attached to {}: {why}",
                place.kind, place.function
            );
            Report::new(message).help(format!("{instead}:{} would do", place.function))
        };
        return trampoline(facts, place, exit).map_err(refused);
    }
    let mut own = kprobe(place, exit);
    if options.exact || together > FEW || place.offset > 0 {
        return possible(facts, own);
    }
    match trampoline(facts, place, exit) {
        Ok(mut hanging) => {
            hanging.why = if exit {
                "cheaper than a kretprobe, and the arguments are there as they were passed"
            } else {
                "cheaper than a kprobe, with the same arguments"
            }
            .into();
            own.why = "what is read there is in registers only".into();
            hanging.otherwise = facts.features().kprobe.is_some().then(|| Box::new(own));
            Ok(hanging)
        }
        Err(why) => {
            own.why = format!("no fentry: {why}");
            possible(facts, own)
        }
    }
}

fn possible(facts: &Facts, kprobe: Hanging) -> Result<Hanging, Report> {
    if facts.features().kprobe.is_some() {
        return Ok(kprobe);
    }
    let report = Report::new("this kernel has no kprobes");
    Err(if kprobe.why.is_empty() {
        report.help("fentry and fexit may do: single functions without an offset and without --attach exact")
    } else {
        report.help(kprobe.why)
    })
}

fn kprobe(place: &Place<'_>, ret: bool) -> Hanging {
    let function = match place.module {
        None | Some("vmlinux") => place.function.to_owned(),
        // As kallsyms_lookup_name of the kernel takes it.
        Some(module) => format!("{module}:{}", place.function),
    };
    Hanging::own(
        Attachment::Kprobe {
            function,
            offset: place.offset,
            ret,
        },
        names::Site::Kprobe {
            function: place.function.to_owned(),
            module: place.module.map(str::to_owned),
            ret,
        },
    )
}

fn trampoline(facts: &Facts, place: &Place<'_>, exit: bool) -> Result<Hanging, String> {
    let function = facts.trampoline(place.function, place.module, exit)?;
    Ok(Hanging::own(
        Attachment::Fentry {
            function: place.function.to_owned(),
            id: function.id,
            object: function.object,
            exit,
        },
        names::Site::Fentry {
            function: place.function.to_owned(),
            module: place.module.map(str::to_owned),
            exit,
        },
    ))
}
