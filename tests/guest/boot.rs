//! The tests' binaries, and the guests that they are run in.

use crate::report::{self, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The longest that all tests of a guest may take.
const SECONDS: &str = "2400";
/// The kernel in which programs are preempted wherever they may be.
const PREEMPTED: &str = "6.12";
/// Generated code against plain Rust: fewer programs than where the processor is a real one, and none of the tests that
/// take minutes where it isn't.
const PROGRAMS: &str = "MOONTRACE_COUNT=60";
const SLOW: [&str; 2] = ["large::", "planted_mistakes"];

/// The guest that has programs and libraries of this machine, and which (tests/vm/run).
const FURNISHED: &str = "6.12";
const FURNITURE: &str = "bash:bash script:bsdutils getent:libc-bin openssl:openssl";

/// Has the examples of tools written anew (tests/kernel/tools.rs).
const WRITE: &str = "MOONTRACE_WRITE=1";

fn writes() -> bool {
    std::env::var_os("MOONTRACE_WRITE").is_some()
}

/// Those that a guest printed. What runs here, too, is written again by the tests that run here.
fn write_examples(report: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/examples");
    for (name, text) in report::examples(report) {
        let file = folder.join(format!("{name}.txt"));
        std::fs::write(file, text).expect("an example can be written");
    }
}

/// One of cargo's test targets.
struct Target {
    binary: PathBuf,
    /// What its tests are called here, and there.
    tests: Vec<(String, String)>,
    /// Those that guests never run, by what they are called there.
    left_out: Vec<String>,
}

/// The tests that guests run.
pub(crate) struct Tests {
    kernel: Target,
    differential: Target,
}

impl Tests {
    /// Has cargo build them, as this test was built.
    ///
    /// # Errors
    /// What failed, in words.
    pub(crate) fn build() -> Result<Self, String> {
        let kernel = Target::build("kernel")?;
        let mut differential = Target::build("differential")?;
        for (here, there) in std::mem::take(&mut differential.tests) {
            if SLOW.iter().any(|slow| there.starts_with(slow)) {
                differential.left_out.push(there);
            } else {
                let here = format!("differential::{here}");
                differential.tests.push((here, there));
            }
        }
        Ok(Self {
            kernel,
            differential,
        })
    }

    /// What they are called here.
    pub(crate) fn names(&self) -> Vec<String> {
        let all = self.kernel.tests.iter().chain(&self.differential.tests);
        all.map(|(here, _)| here.clone()).collect()
    }

    /// Boots the kernel of that name of tests/vm/kernels, runs the tests of these names there, and gives what it says of
    /// each.
    pub(crate) fn run_in_guest(
        &self,
        kernel: &str,
        names: &BTreeSet<String>,
    ) -> BTreeMap<String, Verdict> {
        let targets = [(&self.kernel, ""), (&self.differential, PROGRAMS)];
        let mut files = vec![env!("CARGO_BIN_EXE_moontrace").into()];
        let mut commands = Vec::new();
        for (target, environment) in targets {
            if target.tests.iter().any(|(here, _)| names.contains(here)) {
                files.push(target.binary.clone());
                let writes = if writes() { WRITE } else { "" };
                commands.push(format!("{writes} {environment} {}", target.command(names)));
            }
        }
        let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vm/run");
        let mut command = Command::new(run);
        command.env("GUEST_SECONDS", SECONDS);
        if kernel == PREEMPTED {
            command.env("GUEST_KERNEL", "preempt=full");
        }
        if kernel == FURNISHED {
            command.env("GUEST_PROGRAMS", FURNITURE);
        }
        command.arg(kernel).args(files);
        command.args(["--", "sh", "-c", &commands.join("; ")]);
        let report = report_of(&mut command);
        if writes() {
            write_examples(&report);
        }
        let report = report::read(&report);
        let all = self.kernel.tests.iter().chain(&self.differential.tests);
        all.filter_map(|(here, there)| Some((here.clone(), report.get(there)?.clone())))
            .collect()
    }

    /// Runs one of the kernel's cases on this machine.
    pub(crate) fn run_here(&self, name: &str) -> Option<Verdict> {
        let mut command = Command::new(&self.kernel.binary);
        command.args(["--exact", name, "--color", "never"]);
        report::read(&report_of(&mut command)).remove(name)
    }
}

impl Target {
    fn build(name: &str) -> Result<Self, String> {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["test", "--package", "moontrace", "--test", name]);
        cargo.args(["--no-run", "--message-format", "json"]);
        if !cfg!(debug_assertions) {
            cargo.arg("--release");
        }
        let built = output(
            cargo
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .stderr(Stdio::inherit()),
        )?;
        let artifact = built
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .find(|message| message["target"]["name"] == name && message["executable"].is_string())
            .ok_or_else(|| format!("cargo built no test '{name}'"))?;
        let binary = PathBuf::from(artifact["executable"].as_str().unwrap_or_default());
        let listed = output(Command::new(&binary).args(["--list", "--format", "terse"]))?;
        let names = listed
            .lines()
            .filter_map(|line| line.strip_suffix(": test"));
        let tests = names.map(|name| (name.to_owned(), name.to_owned()));
        Ok(Self {
            tests: tests.collect(),
            left_out: Vec::new(),
            binary,
        })
    }

    /// For the shell of a guest: runs those of its tests.
    fn command(&self, names: &BTreeSet<String>) -> String {
        let file = self.binary.file_name().unwrap_or_default();
        let mut words = format!("/payload/{} --exact --color never", file.display());
        let unwanted = self.tests.iter().filter(|(here, _)| !names.contains(here));
        let unwanted = unwanted.map(|(_, there)| there).chain(&self.left_out);
        for test in unwanted {
            words.push_str(&format!(" --skip {}", quoted(test)));
        }
        words
    }
}

/// For a shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A report is read whatever the status is: failed tests are in it.
fn report_of(command: &mut Command) -> String {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output();
    output.map_or_else(
        |error| format!("{command:?}: {error}"),
        |output| String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

fn output(command: &mut Command) -> Result<String, String> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
