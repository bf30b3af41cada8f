//! Processes and threads as the kernel accounts for them.

use anyhow::{Context, Result};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;

/// The binary that is measured: what cargo built for the benchmarks, or the one that `MOONTRACE` names.
pub(crate) fn binary() -> PathBuf {
    std::env::var_os("MOONTRACE")
        .map_or_else(|| env!("CARGO_BIN_EXE_moontrace").into(), PathBuf::from)
}

/// moontrace, running a script, from the moment that it says "attached".
pub(crate) struct Moontrace {
    pub(crate) child: Child,
    pub(crate) lines: BufReader<ChildStdout>,
    /// From before exec until that line was read, in ms.
    pub(crate) milliseconds: f64,
}

impl Moontrace {
    /// Runs it with a one-liner and JSON for output.
    pub(crate) fn start(script: &str, arguments: &[&str]) -> Result<Self> {
        let start = Instant::now();
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .args(["--format", "json", "-e", script]);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?);
        let mut line = String::new();
        lines.read_line(&mut line)?;
        let milliseconds = start.elapsed().as_secs_f64() * 1e3;
        anyhow::ensure!(
            line.contains("\"attached\""),
            "'{script}' was not attached: {line}"
        );
        Ok(Self {
            child,
            lines,
            milliseconds,
        })
    }

    /// The most memory that was resident at once, in MB.
    pub(crate) fn peak_memory(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .context("no VmHWM")?;
        let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kilobytes * 1024.0 / 1e6)
    }

    /// What its threads have run for until now, in ns.
    pub(crate) fn cpu_time(&self) -> Result<u64> {
        let mut sum = 0;
        for task in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let times = std::fs::read_to_string(task?.path().join("schedstat"))?;
            sum += times.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(sum)
    }

    /// Ends it as Ctrl-C does, and waits until the kernel has let go of its probes: the next start must not pay for it.
    pub(crate) fn end(mut self) -> Result<()> {
        // SAFETY: the process is our child and not yet waited for.
        unsafe { libc::kill(self.child.id() as i32, libc::SIGINT) };
        std::io::copy(&mut self.lines, &mut std::io::sink())?;
        self.child.wait()?;
        Ok(())
    }
}

/// ns that this thread has run for.
pub(crate) fn thread_time() -> u64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: writes one struct.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Keeps this thread on one CPU.
pub(crate) fn pin(cpu: usize) -> Result<()> {
    allow(cpu..cpu + 1)
}

/// Lets it run anywhere again.
pub(crate) fn unpin() -> Result<()> {
    allow(0..libc::CPU_SETSIZE as usize)
}

fn allow(cpus: std::ops::Range<usize>) -> Result<()> {
    // SAFETY: a set of no CPUs is a value of the type, and the call only reads it.
    let failed = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        cpus.for_each(|cpu| libc::CPU_SET(cpu, &mut set));
        libc::sched_setaffinity(0, size_of_val(&set), &raw const set)
    };
    anyhow::ensure!(
        failed == 0,
        "no CPU to run on: {}",
        std::io::Error::last_os_error()
    );
    Ok(())
}
