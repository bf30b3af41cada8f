//! One run of `moontrace --format json`: started, waited for, ended, and what it said.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Emulated processors are slow, and machines busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// The product: `MOONTRACE_BIN`, else what cargo built.
pub(crate) fn product() -> String {
    std::env::var("MOONTRACE_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_moontrace").to_string())
}

/// A run to be.
pub(crate) struct Trace {
    command: Command,
}

/// A run that has started.
pub(crate) struct Tracing {
    child: Child,
    attached: Receiver<()>,
    /// What printf and print wrote, as it comes.
    texts: Receiver<String>,
    lines: JoinHandle<Vec<Value>>,
    errors: JoinHandle<String>,
}

/// What a run said, to its end.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The JSON objects of the output, in order.
    pub(crate) lines: Vec<Value>,
    pub(crate) stderr: String,
    /// `None` when a signal ended it.
    pub(crate) status: Option<i32>,
}

impl Trace {
    /// Of a one-liner.
    pub(crate) fn of(code: &str) -> Self {
        Self::with(code, &[])
    }

    /// The same with options of the command line.
    pub(crate) fn with(code: &str, options: &[&str]) -> Self {
        let mut command = Command::new(product());
        command.args(options).args(["--format", "json", "-e", code]);
        Self { command }
    }

    /// It may have so many files open, by the soft limit and by the hard one.
    pub(crate) fn may_open(mut self, soft: u64, hard: u64) -> Self {
        let limit = libc::rlimit {
            rlim_cur: soft,
            rlim_max: hard,
        };
        let set = move || {
            // SAFETY: reads one struct.
            match unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            }
        };
        // SAFETY: between fork and exec nothing is done but that system call.
        unsafe { self.command.pre_exec(set) };
        self
    }

    /// Starts it, and waits until its probes are live or it has ended.
    pub(crate) fn start(self) -> Tracing {
        let tracing = self.launch();
        // The other end closes with the output: an error then, which the outcome tells.
        let _ = tracing.attached.recv_timeout(PATIENCE);
        tracing
    }

    /// For scripts that end by themselves.
    pub(crate) fn run(self) -> Outcome {
        self.launch().wait()
    }

    fn launch(mut self) -> Tracing {
        let mut child = self
            .command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the product starts");
        let output = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        let mut stderr = child.stderr.take().expect("its stderr is a pipe");
        let (tell, attached) = channel();
        let (pass_on, texts) = channel();
        let lines = std::thread::spawn(move || {
            let mut lines = Vec::new();
            for line in output.lines() {
                let line = line.expect("output is UTF-8");
                let value: Value =
                    serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"));
                if kind_of(&value) == "attached" {
                    let _ = tell.send(());
                }
                if let ("text", Some(text)) = (kind_of(&value), value["data"].as_str()) {
                    let _ = pass_on.send(text.trim_end().to_owned());
                }
                lines.push(value);
            }
            lines
        });
        let errors = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text);
            text
        });
        Tracing {
            child,
            attached,
            texts,
            lines,
            errors,
        }
    }
}

fn kind_of(line: &Value) -> &str {
    line["type"].as_str().unwrap_or_default()
}

impl Tracing {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has written that line.
    #[track_caller]
    pub(crate) fn hear(&self, line: &str) {
        loop {
            match self.texts.recv_timeout(PATIENCE) {
                Ok(heard) if heard == line => return,
                Ok(_) => {}
                Err(_) => panic!("it did not write '{line}'"),
            }
        }
    }

    /// Sends a signal, and lets it go on.
    pub(crate) fn tell(&self, signal: i32) {
        // SAFETY: the process is our child and not waited for yet, so its number is no other's.
        unsafe { libc::kill(self.child.id() as i32, signal) };
    }

    /// Ends it as Ctrl-C does.
    pub(crate) fn stop(self) -> Outcome {
        self.signal(libc::SIGINT)
    }

    pub(crate) fn signal(self, signal: i32) -> Outcome {
        self.tell(signal);
        self.wait()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its own end.
    pub(crate) fn wait(mut self) -> Outcome {
        let started = Instant::now();
        let status = loop {
            match self.child.try_wait().expect("a child can be waited for") {
                Some(status) => break status,
                None if started.elapsed() > PATIENCE => {
                    let _ = self.child.kill();
                    let _ = self.child.wait();
                    let said = self.errors.join();
                    panic!("it did not end within {PATIENCE:?}; it said {said:?}");
                }
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        Outcome {
            lines: self.lines.join().expect("every line is JSON"),
            stderr: self.errors.join().expect("stderr is read"),
            status: status.code(),
        }
    }
}

impl Outcome {
    /// The lines of a type.
    pub(crate) fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.lines.iter().filter(move |line| line["type"] == kind)
    }

    /// What printf and print wrote.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for line in self.of("text") {
            let data = line["data"].as_str().expect("text is a string");
            text.push_str(data);
            if !data.ends_with('\n') {
                text.push('\n');
            }
        }
        text
    }

    /// The rows of the tally of that name.
    pub(crate) fn rows(&self, name: &str) -> &[Value] {
        let tally = self.of("tally").find(|line| line["name"] == name);
        let rows = tally.and_then(|line| line["rows"].as_array());
        rows.unwrap_or_else(|| panic!("no tally '{name}': {self:?}"))
    }

    /// A column of the row whose key field has that value; 0 where there is no row.
    pub(crate) fn column(&self, tally: &str, key: (&str, impl Into<Value>), column: &str) -> i64 {
        let value = key.1.into();
        let row = self.rows(tally).iter().find(|row| row[key.0] == value);
        row.map_or(0, |row| {
            row[column]
                .as_i64()
                .unwrap_or_else(|| panic!("no integer '{column}': {row}"))
        })
    }

    /// The books of the only probe.
    pub(crate) fn books(&self) -> Books {
        let books = self.of("books").collect::<Vec<_>>();
        let [line] = books[..] else {
            panic!("not one line of books: {self:?}")
        };
        let number = |name: &str| {
            line[name]
                .as_u64()
                .unwrap_or_else(|| panic!("no integer '{name}': {line}"))
        };
        let lost = line["lost"]
            .as_object()
            .unwrap_or_else(|| panic!("no 'lost': {line}"));
        Books {
            hits: number("hits"),
            filtered: number("filtered"),
            delivered: number("delivered"),
            lost: lost.values().map(|n| n.as_u64().expect("a count")).sum(),
        }
    }

    /// Of `calls` hits of a probe, `seen` were seen: all but those for which the kernel skipped its program, which it says.
    ///
    /// No attachment is spared that: a program at a raw tracepoint, or at a trampoline, is skipped while the same one is
    /// under way on that processor, and from 6.19 on system calls' raw tracepoints may be preempted within it
    /// (kernel/trace/bpf_trace.c, `__bpf_trace_run`: `prog->active`); those at perf's events are skipped while anybody is
    /// changing a map there (`bpf_prog_active`). Hits of other processes are among what is skipped.
    #[track_caller]
    pub(crate) fn has_seen_all(&self, probe: &str, seen: u64, calls: u64) {
        let mut all = self.of("books");
        let books = all.find(|line| line["probe"] == probe);
        let books = books.unwrap_or_else(|| panic!("no books of '{probe}': {self:?}"));
        assert_eq!(books["lost"], serde_json::json!({}), "{self:?}");
        let missed = books["missed"].as_u64().unwrap_or(0);
        assert!(seen <= calls && seen + missed >= calls, "{seen}: {self:?}");
    }

    /// Done, as Ctrl-C and friends end it, and nothing to complain of.
    #[track_caller]
    pub(crate) fn is_well(&self) {
        assert_eq!(self.status, Some(0), "{self:?}");
        assert!(self.of("error").next().is_none(), "{self:?}");
    }
}

/// A probe's hits and what became of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Books {
    pub(crate) hits: u64,
    pub(crate) filtered: u64,
    pub(crate) delivered: u64,
    /// Of all causes.
    pub(crate) lost: u64,
}

impl Books {
    #[track_caller]
    pub(crate) fn balance(&self) {
        assert_eq!(
            self.hits,
            self.filtered + self.delivered + self.lost,
            "{self:?}"
        );
    }
}
