//! Declarations as a script would make them, without Lua.

use anyhow::{Result, anyhow};
use moontrace::facts::Facts;
use moontrace::plan::{Options, Planner, ProbePlan, Traced};
use moontrace::report::Place;
use moontrace::spec::{Declaration, Ending, ProbeId, Room, Source, Step, TallyId, probe};
use std::collections::BTreeMap;

fn place() -> Place {
    Place {
        file: "bench".into(),
        line: 1,
    }
}

fn source(text: &str) -> Source {
    Source {
        text: text.to_owned(),
        place: place(),
    }
}

pub(crate) fn condition(text: &str) -> Step {
    Step::Where(source(text))
}

pub(crate) fn by(text: &str) -> Step {
    Step::By(source(text))
}

pub(crate) fn print(list: &str) -> Ending {
    Ending::Print(Some(source(list)))
}

/// `number` names the table: one for each set of columns.
pub(crate) fn tally(number: u32, columns: &str) -> Ending {
    Ending::Tally {
        tally: TallyId(number),
        columns: source(columns),
        room: Room::default(),
    }
}

pub(crate) fn declaration(spec: &str, steps: Vec<Step>, ending: Ending) -> Result<Declaration> {
    Ok(Declaration {
        id: ProbeId(0),
        place: place(),
        spec: spec.to_owned(),
        patterns: probe::parse(spec).map_err(|report| anyhow!("{report}"))?,
        steps,
        ending,
        name: None,
        given: BTreeMap::new(),
        definitions: Vec::new(),
    })
}

/// For this machine, all of its processes.
pub(crate) fn planner() -> Planner {
    planner_of(false)
}

/// With `exact`, no probe has a cheaper substitute.
pub(crate) fn planner_of(exact: bool) -> Planner {
    Planner::new(
        Facts::live(),
        Options {
            traced: Traced::All,
            exact,
            most_sites: 16,
        },
    )
}

pub(crate) fn plan(planner: &mut Planner, declaration: &Declaration) -> Result<ProbePlan> {
    planner.plan(declaration).map_err(|reports| {
        let texts: Vec<String> = reports.iter().map(ToString::to_string).collect();
        anyhow!("{}", texts.join("\n"))
    })
}

/// A condition of 201 nodes: 100 leaves, 99 operators, a comparison with a constant.
pub(crate) fn large_condition() -> String {
    format!("{} ~= 12345", arithmetic(100, &mut 0))
}

/// A balanced tree of every operator, with nothing in it that could end it early.
fn arithmetic(leaves: usize, used: &mut usize) -> String {
    const LEAF: [&str; 6] = ["args.id", "pid", "17", "tid", "uid", "1024"];
    const OPERATOR: [&str; 8] = ["+", "-", "*", "&", "|", "~", "//", "%"];
    *used += 1;
    if leaves <= 1 {
        return LEAF[*used % LEAF.len()].to_owned();
    }
    let operator = OPERATOR[*used % OPERATOR.len()];
    let (left, right) = (
        arithmetic(leaves / 2, used),
        arithmetic(leaves - leaves / 2, used),
    );
    format!("({left} {operator} {right})")
}
