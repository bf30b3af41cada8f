//! Events from one core at full rate into a Lua handler that reads three fields and counts.

use crate::process::{Moontrace, pin, unpin};
use crate::table::{Against, Table};
use anyhow::{Context, Result};
use std::io::Read;
use std::time::{Duration, Instant};

const SECONDS: u64 = 3;
/// Where events are produced; the scheduler finds the reader another CPU.
const CPU: usize = 0;
/// Calls between two looks at the clock.
const CALLS: u64 = 1000;

const HANDLER: &str = "local n, sum = {}, 0
probe 'tracepoint:syscalls:sys_enter_getppid' :on(function(e)
  local comm = e.comm
  n[comm] = (n[comm] or 0) + 1
  sum = sum + e.pid + e.tid
end)";

pub(crate) fn measure(table: &mut Table) -> Result<()> {
    let own = std::process::id().to_string();
    let mut reader = Moontrace::start(HANDLER, &["-p", &own])?;
    let started = reader.cpu_time()?;
    pin(CPU)?;
    let start = Instant::now();
    let mut made = 0;
    while start.elapsed() < Duration::from_secs(SECONDS) {
        for _ in 0..CALLS {
            // SAFETY: has no preconditions.
            unsafe { libc::syscall(libc::SYS_getppid) };
        }
        made += CALLS;
    }
    let elapsed = start.elapsed().as_secs_f64();
    unpin()?;
    // What still waits is read within this.
    std::thread::sleep(Duration::from_millis(200));
    let spent = reader.cpu_time()? - started;
    // SAFETY: the process is our child and not yet waited for.
    unsafe { libc::kill(reader.child.id() as i32, libc::SIGINT) };
    let mut output = String::new();
    reader.lines.read_to_string(&mut output)?;
    reader.child.wait()?;
    let books = output
        .lines()
        .find(|line| line.contains("\"books\""))
        .context("the run ended without books")?;
    let books: serde_json::Value = serde_json::from_str(books)?;
    let lost: u64 = books["lost"]
        .as_object()
        .context("no losses named")?
        .values()
        .filter_map(|count| count.as_u64())
        .sum();
    let hits = books["hits"].as_u64().context("no hits")?;
    let delivered = hits - lost;
    anyhow::ensure!(hits == made, "{made} calls were made, and {hits} were hits");
    table.row(
        "stream: events produced",
        made as f64 / elapsed / 1e6,
        "M/s",
        Against::Nothing,
    );
    table.row(
        "stream: events lost",
        lost as f64,
        "of them",
        Against::Nothing,
    );
    table.row(
        "stream: the reader's CPU an event",
        spent as f64 / delivered as f64,
        "ns",
        Against::Target(400.0),
    );
    Ok(())
}
