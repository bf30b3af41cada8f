//! The binary of `tests/kernel`, and the guest that it is run in.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The kernel tests: their binary, and what they are called.
pub(crate) struct Tests {
    binary: PathBuf,
    pub(crate) names: Vec<String>,
}

impl Tests {
    /// Has cargo build them, as this test was built.
    ///
    /// # Errors
    /// What failed, in words.
    pub(crate) fn build() -> Result<Self, String> {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args([
            "test",
            "--package",
            "moontrace",
            "--test",
            "kernel",
            "--no-run",
            "--message-format",
            "json",
        ]);
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
            .find(|message| {
                message["target"]["name"] == "kernel" && message["executable"].is_string()
            })
            .ok_or("cargo built no test 'kernel'")?;
        let binary = PathBuf::from(artifact["executable"].as_str().unwrap_or_default());
        let listed = output(Command::new(&binary).args(["--list", "--format", "terse"]))?;
        let names = listed
            .lines()
            .filter_map(|line| line.strip_suffix(": test"))
            .map(str::to_string)
            .collect();
        Ok(Self { binary, names })
    }

    /// Boots the kernel of that name of tests/vm/kernels, runs the tests of these names there, and gives their report.
    pub(crate) fn run_in_guest(&self, kernel: &str, names: &[String]) -> String {
        let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vm/run");
        let mut command = Command::new(run);
        command
            .arg(kernel)
            .arg(env!("CARGO_BIN_EXE_moontrace"))
            .arg(&self.binary);
        command
            .arg("--")
            .arg(Path::new("/payload").join(self.binary.file_name().unwrap_or_default()));
        command.args(["--color", "never"]);
        for name in self.names.iter().filter(|name| !names.contains(name)) {
            command.args(["--skip", name]);
        }
        report_of(&mut command)
    }

    /// Runs one test on this machine, and gives its report.
    pub(crate) fn run_here(&self, name: &str) -> String {
        report_of(Command::new(&self.binary).args(["--exact", name, "--color", "never"]))
    }
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
