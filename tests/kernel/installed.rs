//! A stranger's collection, installed below a folder that is the data folder of the runs that are to find it.

use crate::trace::product;
use moontrace::collection::manifest::Manifest;
use moontrace::collection::store::{Content, Store};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

pub(crate) struct Installed {
    data: TempDir,
}

impl Installed {
    /// The collection `net` with these files; its `collection.toml` is added.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let installed = Self { data };
        installed.install(files, '1');
        installed
    }

    /// What it has from now on, as of another commit.
    pub(crate) fn update(&self, files: &[(&str, &str)]) {
        self.install(files, '2');
    }

    fn install(&self, files: &[(&str, &str)], digit: char) {
        let manifest = "name = \"net\"\nversion = \"1.0.0\"\napi = 1\nlicence = \"MIT\"\nmaintainers = [\"a stranger\"]\n";
        let manifests = [("collection.toml", manifest)];
        let all = files.iter().chain(&manifests);
        let content = Content {
            url: "https://example.org/net.git".into(),
            at: None,
            commit: digit.to_string().repeat(40),
            manifest: Manifest::parse("collection.toml", manifest).expect("a manifest"),
            files: all
                .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
                .collect(),
            left_out: Vec::new(),
        };
        let store = Store::at(self.data.path().join("moontrace/collections"));
        let change = store.change(|| {}).expect("a store");
        change.install(&content).expect("it is installed");
    }

    /// What names the data folder.
    pub(crate) fn environment(&self) -> (&'static str, &Path) {
        ("XDG_DATA_HOME", self.data.path())
    }

    /// The file of a tool.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        let trees = std::fs::read_dir(self.data.path().join("moontrace/collections"));
        let trees = trees.expect("a store").flatten().map(|entry| entry.path());
        let mut trees = trees.filter(|tree| tree.is_dir());
        trees.next().expect("a tree").join(path)
    }

    /// Runs moontrace with these words, without a terminal.
    pub(crate) fn run(&self, words: &[&str]) -> Output {
        let (name, value) = self.environment();
        Command::new(product())
            .args(words)
            .env(name, value)
            .stdin(Stdio::null())
            .output()
            .expect("the product starts")
    }
}

/// What a run said that is to fail.
#[track_caller]
pub(crate) fn refusal(output: Output) -> String {
    let said = String::from_utf8(output.stderr).expect("errors are UTF-8");
    assert_eq!(output.status.code(), Some(1), "{said}");
    said
}

/// What a run printed that is to be well.
#[track_caller]
pub(crate) fn printed(output: Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    String::from_utf8(output.stdout).expect("it is UTF-8")
}
