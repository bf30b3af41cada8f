//! Where output goes, and what happens where it can't.

use super::cases;
use crate::trace::{Trace, product};
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

cases!(output: a_closed_pipe_ends_it_quietly, a_full_disk_is_an_error, a_file_of_ones_own, text_says_nothing_else);

fn a_closed_pipe_ends_it_quietly() {
    let mut child = Command::new(product())
        .args(["-e", r#"every("10ms", function() print "line" end)"#])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the product starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe"))
        .read_line(&mut line)
        .expect("a line comes");
    assert_eq!(line, "line\n");
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .expect("a pipe")
        .read_to_string(&mut stderr)
        .expect("stderr is read");
    assert_eq!(
        (child.wait().expect("it ends").code(), &*stderr),
        (Some(0), "")
    );
}

fn a_full_disk_is_an_error() {
    let outcome = Trace::with(
        r#"print "a line"  after("100ms", exit)"#,
        &["-o", "/dev/full"],
    )
    .run();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(outcome.stderr.contains("/dev/full"), "{outcome:?}");
}

fn a_file_of_ones_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("out");
    let outcome = Trace::with(
        r#"print "a line"  exit()"#,
        &["-o", file.to_str().expect("UTF-8")],
    )
    .run();
    assert_eq!(
        (outcome.status, outcome.lines.len()),
        (Some(0), 0),
        "{outcome:?}"
    );
    let text = std::fs::read_to_string(file).expect("the file is there");
    assert!(text.contains(r#""data":"a line"#), "{text}");
}

fn text_says_nothing_else() {
    let output = Command::new(product())
        .args(["-e", r#"print("one", 2)  exit()"#])
        .output()
        .expect("the product starts");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "one\t2\n");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
