//! What a hit costs in the kernel, by moontrace and by bpftrace: the same attachment and the same job, by turns.
//!
//! `BPFTRACE` is the command that starts it, with options: `BPFTRACE="bpftrace" cargo bench -- rival`. Both are started as
//! a user starts them. A turn is a loop of calls on one CPU, timed by the thread's own clock, less the same loop with
//! nothing attached; of many loops in a turn the median counts, since both tools have threads of their own.

use crate::process::{Moontrace, pin, thread_time, unpin};
use crate::table::{Against, Table, median};
use anyhow::{Context, Result, ensure};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};

const CPU: usize = 0;
const CALLS: u32 = 10_000;
const LOOPS: usize = 30;
const TURNS: usize = 9;

struct Job {
    name: &'static str,
    theirs: &'static str,
    ours: &'static str,
}

/// 110 is getppid.
const JOBS: [Job; 5] = [
    Job {
        name: "count",
        theirs: "rawtracepoint:sys_enter { @ = count(); }",
        ours: "probe 'rawtracepoint:sys_enter' :count()",
    },
    Job {
        name: "count by comm",
        theirs: "rawtracepoint:sys_enter { @[comm] = count(); }",
        ours: "probe 'rawtracepoint:sys_enter' :by 'comm' :count()",
    },
    Job {
        name: "histogram",
        theirs: "rawtracepoint:sys_enter { @ = hist(arg1); }",
        ours: "probe 'rawtracepoint:sys_enter' :hist 'args.id'",
    },
    Job {
        name: "histogram by comm",
        theirs: "rawtracepoint:sys_enter { @[comm] = hist(arg1); }",
        ours: "probe 'rawtracepoint:sys_enter' :by 'comm' :hist 'args.id'",
    },
    Job {
        name: "a call's time, entry and return",
        theirs: "rawtracepoint:sys_enter /arg1 == 110/ { @start[tid] = nsecs; } \
                 rawtracepoint:sys_exit /@start[tid]/ { @ = hist(nsecs - @start[tid]); delete(@start, tid); }",
        ours: "probe 'tracepoint:syscalls:sys_exit_getppid' :hist 'elapsed'",
    },
];

/// bpftrace, running a script, from the moment that it says "Attached".
struct Bpftrace {
    child: Child,
    errors: BufReader<ChildStderr>,
}

impl Bpftrace {
    fn start(command: &str, script: &str) -> Result<Self> {
        let mut words = command.split_whitespace();
        let program = words.next().context("BPFTRACE is empty")?;
        let mut child = Command::new(program)
            .args(words)
            .args(["-e", script])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("'{command}' can't be started"))?;
        let mut errors = BufReader::new(child.stderr.take().context("no stderr")?);
        let (mut said, mut line) = (String::new(), String::new());
        while errors.read_line(&mut line)? > 0 {
            if line.starts_with("Attached") {
                return Ok(Self { child, errors });
            }
            said.push_str(&std::mem::take(&mut line));
        }
        Err(anyhow::anyhow!("bpftrace did not attach:\n{said}"))
    }

    /// Ends it as Ctrl-C does; gives what it printed.
    fn end(mut self) -> Result<String> {
        // SAFETY: the process is our child and not yet waited for.
        unsafe { libc::kill(self.child.id() as i32, libc::SIGINT) };
        std::io::copy(&mut self.errors, &mut std::io::sink())?;
        let mut printed = String::new();
        let mut output = self.child.stdout.take().context("no stdout")?;
        output.read_to_string(&mut printed)?;
        self.child.wait()?;
        Ok(printed)
    }
}

pub(crate) fn measure(table: &mut Table) -> Result<()> {
    let command = std::env::var("BPFTRACE").context("BPFTRACE names no command")?;
    pin(CPU)?;
    for job in JOBS {
        let (mut by_them, mut by_us) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            let before = calls();
            let theirs = unpinned(|| Bpftrace::start(&command, job.theirs))?;
            let with_them = calls();
            let printed = theirs.end()?;
            ensure!(printed.contains('@'), "bpftrace printed no map: {printed}");
            let between = calls();
            let ours = unpinned(|| Moontrace::start(job.ours, &[]))?;
            let with_us = calls();
            ours.end()?;
            by_them.push(with_them - (before + between) / 2.0);
            by_us.push(with_us - (between + calls()) / 2.0);
        }
        let name = format!("cost a hit: {}", job.name);
        table.row(name, median(&by_us), "ns", Against::Rival(median(&by_them)));
    }
    unpin()
}

/// What it starts may run anywhere, as a user's would.
fn unpinned<T>(start: impl FnOnce() -> Result<T>) -> Result<T> {
    unpin()?;
    let started = start();
    pin(CPU)?;
    started
}

/// ns of this thread a call.
fn calls() -> f64 {
    let loops: Vec<f64> = (0..LOOPS)
        .map(|_| {
            let start = thread_time();
            for _ in 0..CALLS {
                // SAFETY: has no preconditions.
                unsafe { libc::syscall(libc::SYS_getppid) };
            }
            (thread_time() - start) as f64 / f64::from(CALLS)
        })
        .collect();
    median(&loops)
}
