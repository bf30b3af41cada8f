//! A process of known deeds: this binary again, as a workload that waits to be told.

use crate::trace::{Outcome, Trace};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

pub(crate) struct Worker {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts the workload of these words (see `workload`), which then waits for [`go`](Self::go).
    pub(crate) fn start(words: &[&str]) -> Self {
        Self::spawn(Command::new(executable()).arg("--workload").args(words))
    }

    /// Starts another program that says `ready` and `done` as workloads do.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the worker's program starts");
        let output = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        let mut worker = Self { child, output };
        worker.wait_for("ready");
        worker
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Lets it do what it does, to the end.
    pub(crate) fn go(&mut self) {
        self.begin();
        self.finish();
    }

    /// Waits until what has begun is done.
    pub(crate) fn finish(&mut self) {
        self.wait_for("done");
    }

    /// What a script sees of it alone (`-p`), from before it begins until it is done.
    #[track_caller]
    pub(crate) fn traced(mut self, code: &str, options: &[&str]) -> Outcome {
        let pid = self.pid().to_string();
        let tracing = Trace::with(code, &[&["-p", &pid], options].concat()).start();
        self.go();
        let outcome = tracing.stop();
        outcome.is_well();
        outcome
    }

    /// Lets it begin, and comes back at once.
    pub(crate) fn begin(&mut self) {
        let input = self.child.stdin.as_mut().expect("its input is a pipe");
        input.write_all(b"go\n").expect("the workload listens");
    }

    /// Has a workload that answers say a line.
    pub(crate) fn ask(&mut self) -> String {
        self.begin();
        let mut line = String::new();
        self.output
            .read_line(&mut line)
            .expect("the workload speaks");
        line.trim_end().to_owned()
    }

    /// Waits until it is done, after [`begin`](Self::begin).
    pub(crate) fn wait_until_done(&mut self) {
        self.wait_for("done");
    }

    fn wait_for(&mut self, word: &str) {
        let mut line = String::new();
        self.output
            .read_line(&mut line)
            .expect("the workload speaks");
        assert_eq!(line.trim_end(), word, "the workload ended early");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This test's binary, which probes of user programs are set in.
pub(crate) fn executable() -> String {
    let path = std::env::current_exe().expect("a program knows its file");
    path.into_os_string()
        .into_string()
        .expect("its path is UTF-8")
}
