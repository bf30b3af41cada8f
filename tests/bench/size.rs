//! What of the costs needs no clock: how many instructions programs have. Nothing is loaded, so it needs no rights.

mod script;

use moontrace::codegen::Code;
use moontrace::kernel::library::{Body, Library};
use moontrace::plan::{Action, SitePlan};
use moontrace::spec::{Ending, Step};
use script::{by, condition, declaration, large_condition, plan, planner, print, tally};

static OBJECT: &[u8] = include_bytes!("../../ebpf/moontrace.bpf.o");

fn site(steps: Vec<Step>, ending: Ending) -> SitePlan {
    let declared = declaration("rawtracepoint:sys_enter", steps, ending).unwrap();
    plan(&mut planner(), &declared).unwrap().sites.remove(0)
}

/// Instructions of the program that is made for a site.
fn instructions(site: &SitePlan) -> usize {
    let library = Library::open(OBJECT).unwrap();
    let program = &site.program;
    let mut codes: Vec<(&str, &Code)> = Vec::new();
    codes.extend(program.guard.as_ref().map(|code| ("guard", code)));
    codes.extend(program.steps.as_ref().map(|code| ("steps", code)));
    let action = match &program.action {
        Action::Emit { record, .. } => {
            codes.push(("record", record));
            "act_emit"
        }
        Action::Tally { code, .. } => {
            codes.extend([("key", &code.key), ("columns", &code.columns)]);
            codes.extend(code.measure.as_ref().map(|code| ("measure", code)));
            "act_tally"
        }
        Action::Enter(_)
        | Action::Dispatch(_)
        | Action::Change { .. }
        | Action::Begin(_)
        | Action::Nothing => {
            panic!("no script asks for it")
        }
    };
    let mut bodies: Vec<_> = codes
        .iter()
        .map(|(hole, code)| (*hole, Body::Code(code)))
        .collect();
    bodies.push(("act", Body::Is(action)));
    // Linking asks for a map's number and never for the map.
    let maps: Vec<_> = library
        .map_definitions()
        .iter()
        .map(|map| (map.name.as_str(), 0))
        .collect();
    library
        .instance("mt_raw_tracepoint", &bodies, &maps, &|_, _| Some(0))
        .unwrap()
        .insns
        .len()
}

/// The bounds are today's numbers with a little room: in a pid namespace of its own, pid takes a few more.
#[test]
fn programs_stay_as_short_as_they_are() {
    let getppid = || condition("args.id == 110");
    let cases = [
        (
            "reject",
            site(
                vec![getppid(), condition("comm == 'nobody'"), by("comm")],
                tally(0, "count()"),
            ),
            140,
        ),
        (
            "count",
            site(vec![getppid(), by("comm")], tally(0, "count()")),
            130,
        ),
        (
            "histogram",
            site(vec![getppid(), by("comm")], tally(0, "hist(args.id)")),
            180,
        ),
        (
            "emit",
            site(vec![getppid()], print("number = args.id, pid, comm")),
            147,
        ),
        (
            "200 nodes",
            site(
                vec![condition(&large_condition()), by("comm")],
                tally(0, "count()"),
            ),
            1480,
        ),
    ];
    let sizes: Vec<_> = cases
        .iter()
        .map(|(name, site, most)| (*name, instructions(site), *most))
        .collect();
    assert!(
        sizes.iter().all(|(_, size, most)| size <= most),
        "(case, instructions, at most): {sizes:?}"
    );
}
