//! The examples of the documentation (lua-stdlib/REFERENCE.md, and `?name` at the prompt): each is a script that works as it
//! stands. All are right on every kernel, by its own types; here each is run while a command does a little of everything.

use super::cases;
use super::pages::Group;
use crate::trace::product;
use crate::worker::executable;
use moontrace::lua::docs::{Example, examples};
use std::process::Command;
use tempfile::TempDir;

cases!(documented: all_are_right, functions_run [Processor], chains_run [Processor], types_run [Processor], texts_run [Processor]);

/// The cgroup that an example names; guests have none by themselves, and other machines call it otherwise.
const NAMED: &str = "/sys/fs/cgroup/user.slice";

struct Place {
    folder: TempDir,
    group: Group,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: TempDir::new().expect("a folder can be made"),
            group: Group::new("/sys/fs/cgroup", "unified/documented"),
        }
    }

    fn script(&self, example: &Example) -> String {
        let group = self.group.0.to_str().expect("UTF-8");
        example.script.replace(NAMED, group)
    }
}

/// One command checks all of them.
fn all_are_right() {
    let place = Place::new();
    let mut command = Command::new(product());
    command.arg("check").current_dir(&place.folder);
    for (number, example) in examples().iter().enumerate() {
        let name = format!("{number}.lua");
        let file = place.folder.path().join(&name);
        std::fs::write(file, place.script(example)).expect("a script can be written");
        command.arg(name);
    }
    let checked = command.output().expect("the product starts");
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{said}");
}

fn functions_run() {
    run(|example| example.part == "Functions" || example.part == "Modules");
}

fn chains_run() {
    run(|example| example.part == "Types" && example.title.starts_with("probe"));
}

fn types_run() {
    run(|example| example.part == "Types" && !example.title.starts_with("probe"));
}

fn texts_run() {
    run(|example| example.part == "Texts");
}

/// Opens, reads and writes, faults, naps, a connection and, where it is sampled, time enough for that on a busy machine.
fn deeds(example: &Example) -> String {
    let this = executable();
    let sampled = example.script.contains("profile:");
    let spins = if sampled { 500 } else { 10 };
    format!(
        "sh -c 'cat /etc/passwd /nonexistent; {this} --workload at-once nap 3; \
         {this} --workload at-once talk 127.0.0.1:4791 1 10 10; {this} --workload at-once spin {spins}'"
    )
}

#[track_caller]
fn run(which: impl Fn(&Example) -> bool) {
    let place = Place::new();
    let all = examples();
    let chosen: Vec<&Example> = all.iter().filter(|example| which(example)).collect();
    assert!(chosen.len() > 5, "{}", chosen.len());
    let mut failed = Vec::new();
    for example in chosen {
        let mut command = Command::new(product());
        command.args(["-c", &deeds(example), "-e", &place.script(example)]);
        let ended = command.current_dir(&place.folder).output();
        let ended = ended.expect("the product starts");
        if !ended.status.success() {
            let said = String::from_utf8_lossy(&ended.stderr);
            failed.push(format!("{}: {}\n{said}", example.title, example.script));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
