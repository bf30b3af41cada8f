//! From exec to attached, and the memory that takes.

use crate::process::{Moontrace, binary};
use crate::table::{Against, Table, median, quantile};
use anyhow::Result;

const STARTS: usize = 21;
/// Both positions' pages and the bytes, mapped twice: what a ring of the default 4 MiB shows as resident, in MB.
const RING: f64 = (2.0 * 4.0 * 1024.0 * 1024.0 + 2.0 * 4096.0) / 1e6;

struct Start {
    name: &'static str,
    script: &'static str,
    /// The most ms that it may take.
    most: f64,
    has_ring: bool,
}

const CASES: [Start; 4] = [
    Start {
        name: "a tracepoint counted",
        script: "probe 'tracepoint:raw_syscalls:sys_enter' :by 'comm' :count()",
        most: 10.0,
        has_ring: false,
    },
    Start {
        name: "a tracepoint printed",
        script: "probe 'tracepoint:sched:sched_process_exec' :where 'pid == 1' :print 'pid, args.filename'",
        most: 10.0,
        has_ring: true,
    },
    Start {
        name: "a system call counted",
        script: "probe 'tracepoint:syscalls:sys_enter_getppid' :by 'comm' :count()",
        most: 25.0,
        has_ring: false,
    },
    Start {
        name: "a path through kernel structs",
        script: "probe 'rawtracepoint:sched_process_fork' :where 'pid == 1' :print 'args.parent.real_parent.comm'",
        most: 25.0,
        has_ring: true,
    },
];

pub(crate) fn measure(table: &mut Table) -> Result<()> {
    for case in CASES {
        let (mut times, mut memory) = (Vec::new(), Vec::new());
        for _ in 0..STARTS {
            let started = Moontrace::start(case.script, &[])?;
            times.push(started.milliseconds);
            memory.push(started.peak_memory()? - if case.has_ring { RING } else { 0.0 });
            started.end()?;
        }
        let name = format!("start: {}", case.name);
        table.row(
            format!("{name}: exec to attached"),
            median(&times),
            "ms",
            Against::Target(case.most),
        );
        table.row(
            format!("{name}: the fastest"),
            quantile(&times, 0.0),
            "ms",
            Against::Nothing,
        );
        table.row(
            format!("{name}: peak memory without the ring"),
            median(&memory),
            "MB",
            Against::Target(15.0),
        );
    }
    let binary = std::fs::metadata(binary())?.len();
    table.row(
        "start: size of the binary",
        binary as f64 / 1e6,
        "MB",
        Against::Target(12.0),
    );
    Ok(())
}
