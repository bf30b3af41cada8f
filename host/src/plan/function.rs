//! Functions of the kernel: by trampoline where that gives the same answer, else by kprobe.

use super::attachment::Hanging;
use super::{Attachment, KernelFunction, Options};
use crate::facts::{Facts, Location, Match, Namesake, names};
use crate::report::Report;
use crate::spec::Kind;

/// Of more functions, kprobes are put on all of them at once for less than so many trampolines.
const FEW: usize = 4;

const SEVERAL: &str = "several functions have this name, and fentry knows them by it";

/// What was asked for.
#[derive(Clone, Copy)]
struct Place<'a> {
    kind: Kind,
    module: Option<&'a str>,
    function: &'a str,
    offset: u64,
    namesake: Option<&'a Namesake>,
}

impl<'a> Place<'a> {
    /// `None` of what is no function of the kernel.
    fn of(found: &'a Match) -> Option<Self> {
        match &found.location {
            Location::Function {
                module,
                name,
                offset,
                namesake,
            } => Some(Self {
                kind: found.kind,
                module: module.as_deref(),
                function: name,
                offset: *offset,
                namesake: namesake.as_ref(),
            }),
            _ => None,
        }
    }

    /// Does its name say which function of the kernel, or of its module, it is?
    fn is_named_alone(self) -> bool {
        self.namesake.is_none_or(|namesake| namesake.is_only_one)
    }

    fn is_return(self) -> bool {
        matches!(self.kind, Kind::Kretprobe | Kind::Fexit)
    }
}

/// Decides for a function that is one of `together`.
///
/// # Errors
/// When this kernel has no way to it.
pub(super) fn hang(
    facts: &Facts,
    options: &Options,
    found: &Match,
    together: usize,
) -> Result<Hanging, Report> {
    let place = Place::of(found);
    let place = place.ok_or_else(|| Report::new(format!("{} is no function", found.probe)))?;
    if matches!(place.kind, Kind::Fentry | Kind::Fexit) {
        let refused = |why: String| {
            let function = found.probe.split_once(':').map_or("", |(_, rest)| rest);
            let report = Report::new(format!("{} can't be attached: {why}", found.probe));
            match (facts.features().kprobe, place.is_return()) {
                (None, _) => report,
                (Some(_), true) => report.help(format!("kretprobe:{function} may do")),
                (Some(_), false) => report.help(format!("kprobe:{function} may do")),
            }
        };
        if !place.is_named_alone() && !options.exact && facts.features().kprobe.is_some() {
            let mut own = kprobe(place);
            own.why = format!("no fentry: {SEVERAL}");
            return Ok(own);
        }
        return trampoline(facts, place).map_err(refused);
    }
    let mut own = kprobe(place);
    if options.exact {
        return possible(facts, own, "--attach exact allows no fentry in its place");
    }
    if place.offset > 0 {
        return possible(facts, own, "fentry, which may stand in, takes no offset");
    }
    if together > FEW && place.is_named_alone() && facts.features().kprobe.is_some() {
        return Ok(own);
    }
    match trampoline(facts, place) {
        Ok(mut hanging) => {
            hanging.why = if place.is_return() {
                "cheaper than a kretprobe, and the arguments are there as they were passed"
            } else {
                "cheaper than a kprobe, with the same arguments"
            }
            .into();
            Ok(hanging)
        }
        Err(why) => {
            own.why = format!("no fentry: {why}");
            let why = own.why.clone();
            possible(facts, own, &why)
        }
    }
}

/// The other way to a function: registers that only a kprobe shows, and at a return the arguments.
pub(super) fn otherwise(
    facts: &Facts,
    options: &Options,
    found: &Match,
    chosen: &Attachment,
) -> Option<Hanging> {
    let place = Place::of(found).filter(|_| !options.exact)?;
    match (place.kind, chosen) {
        (Kind::Kprobe | Kind::Kretprobe, Attachment::Fentry { .. }) => {
            facts.features().kprobe?;
            let mut own = kprobe(place);
            own.why = "what is read there is in registers only".into();
            Some(own)
        }
        (Kind::Kretprobe, Attachment::Kprobe { .. }) => {
            let mut hanging = trampoline(facts, place).ok()?;
            hanging.why = "the arguments are there as they were passed".into();
            Some(hanging)
        }
        _ => None,
    }
}

fn possible(facts: &Facts, kprobe: Hanging, help: &str) -> Result<Hanging, Report> {
    if facts.features().kprobe.is_some() {
        return Ok(kprobe);
    }
    let message = "this kernel has no kprobes: they need CONFIG_KPROBES and CONFIG_KPROBE_EVENTS";
    Err(Report::new(message).help(help))
}

fn kprobe(place: Place<'_>) -> Hanging {
    let ret = place.is_return();
    let name = match place.module {
        None => place.function.to_owned(),
        // As kallsyms_lookup_name of the kernel takes it.
        Some(module) => format!("{module}:{}", place.function),
    };
    let function = KernelFunction {
        name,
        address: place.namesake.map(|namesake| namesake.address),
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

fn trampoline(facts: &Facts, place: Place<'_>) -> Result<Hanging, String> {
    if !place.is_named_alone() {
        return Err(SEVERAL.into());
    }
    let exit = place.is_return();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::fixture::Machine;
    use crate::plan::{Traced, attachment_words};
    use crate::spec::probe;

    const OPTIONS: Options = Options {
        traced: Traced::All,
        exact: false,
        most_sites: 100,
    };

    fn chosen(machine: &Machine, spec: &str, exact: bool, together: usize) -> String {
        let facts = machine.facts();
        let options = Options { exact, ..OPTIONS };
        let found = facts.find(&probe::parse(spec).unwrap(), None);
        let hanging = found.and_then(|found| hang(&facts, &options, &found.matches[0], together));
        match hanging {
            Ok(hanging) if hanging.why.is_empty() => attachment_words(&hanging.attachment),
            Ok(hanging) => attachment_words(&hanging.attachment) + ": " + &hanging.why,
            Err(report) => report.to_string(),
        }
    }

    #[test]
    fn the_cheapest_way_with_the_same_answer_is_chosen() {
        let machine = Machine::with_trampolines();
        let chosen = |spec, exact, together| chosen(&machine, spec, exact, together);
        let all = [
            ("kprobe:vfs_read", false, 1),
            ("kretprobe:vfs_read", false, 1),
            ("kprobe:vfs_read", true, 1),
            ("kprobe:vfs_read", false, 100),
            ("kprobe:vfs_read+4", false, 1),
            ("kprobe:vfs_write", false, 1),
            ("fexit:vfs_read", true, 100),
            ("fentry:vfs_write", false, 1),
        ];
        let all = all.map(|(spec, exact, together)| chosen(spec, exact, together));
        insta::assert_snapshot!(all.join("\n"), @r"
        fentry at vfs_read: cheaper than a kprobe, with the same arguments
        fexit at vfs_read: cheaper than a kretprobe, and the arguments are there as they were passed
        kprobe at vfs_read
        kprobe at vfs_read
        kprobe at vfs_read+4
        kprobe at vfs_write: no fentry: BTF doesn't know this function
        fexit at vfs_read
        fentry:vfs_write can't be attached: BTF doesn't know this function
          kprobe:vfs_write may do
        ");
    }

    const SHARED: &str = "ffffffff81000000 t vfs_read\nffffffff81000100 t vfs_read\n\
        ffffffff81000200 T wake\nffffffffc0000000 t wake\t[ext4]\n";

    #[test]
    fn functions_that_share_a_name_are_told_apart_by_their_addresses() {
        let machine = Machine::with_trampolines();
        machine.write("proc/kallsyms", SHARED.as_bytes());
        machine.write(
            "sys/kernel/tracing/available_filter_functions",
            b"vfs_read\nvfs_read\nwake\nwake [ext4]\n",
        );
        let chosen = |spec, exact, together| chosen(&machine, spec, exact, together);
        let all = [
            ("kprobe:vfs_read", false, 2),
            ("kretprobe:vfs_read", false, 100),
            ("fentry:vfs_read", false, 2),
            ("fentry:vfs_read", true, 2),
            ("kprobe:wake", false, 2),
        ];
        let all = all.map(|(spec, exact, together)| chosen(spec, exact, together));
        insta::assert_snapshot!(all.join("\n"), @r"
        kprobe at vfs_read: no fentry: several functions have this name, and fentry knows them by it
        kretprobe at vfs_read: no fentry: several functions have this name, and fentry knows them by it
        kprobe at vfs_read: no fentry: several functions have this name, and fentry knows them by it
        fentry:vfs_read can't be attached: several functions have this name, and fentry knows them by it
          kprobe:vfs_read may do
        fentry at wake: cheaper than a kprobe, with the same arguments
        ");
        let found = |spec: &str| {
            let found = machine.facts().find(&probe::parse(spec).unwrap(), None);
            found.map(|found| (found.matches.len(), found.optional[0], found.missing.len()))
        };
        assert_eq!(found("kprobe:vfs_read"), Ok((2, true, 0)));
        assert_eq!(found("kprobe:{vfs_read,wake}"), Ok((4, true, 0)));
        assert_eq!(found("kprobe:ext4:wake"), Ok((1, true, 0)));
        assert_eq!(found("kprobe:vfs_rea*"), Ok((2, true, 0)));
        let hidden = SHARED.replace("ffffffff8100", "000000000000");
        machine.write("proc/kallsyms", hidden.replace("0100 ", "0000 ").as_bytes());
        let refused = found("kprobe:vfs_read").unwrap_err().to_string();
        assert!(
            refused.contains("2 functions are called 'vfs_read'"),
            "{refused}"
        );
        assert!(found("kprobe:vfs_rea*").is_err());
        assert_eq!(
            found("kprobe:vfs_read,kprobe:nothing*,kprobe:ext4:wake"),
            Ok((1, true, 2))
        );
    }

    #[test]
    fn without_kprobes_fentry_stands_in_where_it_can() {
        let machine = Machine::with_trampolines();
        machine.remove("sys/bus/event_source/devices/kprobe/type");
        let chosen = |spec, exact, together| chosen(&machine, spec, exact, together);
        let all = [
            ("kprobe:vfs_read", false, 100),
            ("kprobe:vfs_read", true, 1),
            ("kprobe:vfs_read+4", false, 1),
            ("kprobe:vfs_write", false, 1),
        ];
        let all = all.map(|(spec, exact, together)| chosen(spec, exact, together));
        insta::assert_snapshot!(all.join("\n"), @r"
        fentry at vfs_read: cheaper than a kprobe, with the same arguments
        this kernel has no kprobes: they need CONFIG_KPROBES and CONFIG_KPROBE_EVENTS
          --attach exact allows no fentry in its place
        this kernel has no kprobes: they need CONFIG_KPROBES and CONFIG_KPROBE_EVENTS
          fentry, which may stand in, takes no offset
        this kernel has no kprobes: they need CONFIG_KPROBES and CONFIG_KPROBE_EVENTS
          no fentry: BTF doesn't know this function
        ");
    }
}
