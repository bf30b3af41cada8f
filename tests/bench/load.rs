//! What it takes to have one more program: from its text to a loaded instance.

use crate::script::{by, condition, declaration, large_condition, plan, planner, tally};
use crate::table::{Against, Table, median};
use anyhow::{Result, anyhow};
use moontrace::kernel::library::Library;
use moontrace::kernel::{Instance, Shared};
use moontrace::plan::Output;
use std::time::Instant;

pub(crate) static OBJECT: &[u8] = include_bytes!("../../ebpf/moontrace.bpf.o");

const ROUNDS: usize = 51;
const MICROSECONDS: f64 = 1e6;

pub(crate) fn measure(table: &mut Table) -> Result<()> {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        Library::open(OBJECT).map_err(|report| anyhow!("{report}"))?;
        times.push(start.elapsed().as_secs_f64() * MICROSECONDS);
    }
    table.row(
        "load: the object parsed, once a run",
        median(&times),
        "us",
        Against::Nothing,
    );
    one(table, "comm == 'sshd', count", "comm == 'sshd'")?;
    one(table, "200 nodes of arithmetic, count", &large_condition())
}

fn one(table: &mut Table, name: &str, text: &str) -> Result<()> {
    let declared = declaration(
        "rawtracepoint:sys_enter",
        vec![condition(text), by("comm")],
        tally(0, "count()"),
    )?;
    let mut planner = planner();
    let library = Library::open(OBJECT).map_err(|report| anyhow!("{report}"))?;
    let mut shared = Shared::new(library, 1 << 16, false)?;
    let (mut plans, mut loads) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let planned = plan(&mut planner, &declared)?;
        plans.push(start.elapsed().as_secs_f64() * MICROSECONDS);
        if loads.is_empty()
            && let Output::Tally(tally) = planned.output
            && let Some(shape) = planner.tally(tally)
        {
            shared
                .add_table(shape, planned.sites.len())
                .map_err(|report| anyhow!("{report}"))?;
        }
        for site in &planned.sites {
            let start = Instant::now();
            Instance::load(shared.maps(), site)?;
            loads.push(start.elapsed().as_secs_f64() * MICROSECONDS);
        }
    }
    table.row(
        format!("load: {name}: checked and generated"),
        median(&plans),
        "us",
        Against::Nothing,
    );
    table.row(
        format!("load: {name}: linked and loaded"),
        median(&loads),
        "us",
        Against::Target(1000.0),
    );
    Ok(())
}
