//! The tests of the tools (scripts/tests), each of their cases a test here, with this binary as their `workload`.
//!
//! With `MOONTRACE_WRITE=1` the examples of what tools print are written anew: where the repo is, into scripts/examples; in a
//! guest they are printed at the end, and tests/guest writes them.

use crate::trace::product;
use crate::worker::executable;
use crate::workload;
use libtest_mimic::{Completion, Failed, Trial};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

/// A folder in PATH with `workload` in it.
pub(crate) struct Workshop {
    folder: tempfile::TempDir,
}

impl Workshop {
    pub(crate) fn open() -> Arc<Self> {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let tool = folder.path().join(workload::NAME);
        std::os::unix::fs::symlink(executable(), tool).expect("a folder takes links");
        Arc::new(Self { folder })
    }

    fn examples(&self) -> PathBuf {
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/examples");
        match kept.is_dir() {
            true => kept,
            false => self.folder.path().join("examples"),
        }
    }

    /// Prints what no repo took: `example NAME`, and the lines behind a bar.
    pub(crate) fn tell_examples(&self) {
        let files = std::fs::read_dir(self.folder.path().join("examples"));
        let mut told = String::new();
        for file in files.into_iter().flatten().flatten() {
            let text = std::fs::read_to_string(file.path()).expect("what a tool prints is UTF-8");
            let path = file.path();
            let name = path.file_stem().unwrap_or_default().display();
            told.push_str(&format!("example {name}\n"));
            text.lines()
                .for_each(|line| told.push_str(&format!("|{line}\n")));
        }
        std::io::stdout()
            .write_all(told.as_bytes())
            .expect("somebody listens");
    }

    fn tests(&self, words: &[&str]) -> Output {
        let mut command = Command::new(product());
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::env::split_paths(&path);
        let folders = std::iter::once(PathBuf::from(self.folder.path())).chain(folders);
        let path = std::env::join_paths(folders).expect("folders have no colons in their names");
        command.arg("test").args(words).env("PATH", path);
        if std::env::var_os("MOONTRACE_WRITE").is_some() {
            command.arg("--examples").arg(self.examples());
        }
        command.output().expect("the product starts")
    }

    /// The product names the cases of its tools.
    pub(crate) fn trials(self: &Arc<Self>) -> Vec<Trial> {
        let listed = self.tests(&["--list"]);
        assert!(listed.status.success(), "{listed:?}");
        let titles = String::from_utf8(listed.stdout).expect("titles are UTF-8");
        let trial = |title: &str| {
            let (own, title) = (self.clone(), title.to_owned());
            Trial::ignorable_test(format!("tools::{title}"), move || own.try_case(&title))
        };
        titles.lines().map(trial).collect()
    }

    fn try_case(&self, title: &str) -> Result<Completion, Failed> {
        let tool = title.split(':').next().unwrap_or_default();
        let output = self.tests(&[tool, "--case", title]);
        let said = String::from_utf8_lossy(&output.stdout);
        let skipped = said.split_once(" ... skipped (");
        let reason = skipped.and_then(|(_, rest)| rest.lines().next());
        match reason {
            _ if !output.status.success() => {
                let complains = String::from_utf8_lossy(&output.stderr);
                Err(format!("{said}{complains}").into())
            }
            Some(reason) => Ok(Completion::ignored_with(reason.trim_end_matches(')'))),
            None => Ok(Completion::Completed),
        }
    }
}
