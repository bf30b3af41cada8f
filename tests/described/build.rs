//! Compiles the program: with debug information whatever the profile is, and without a library, so that it is small.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=program.c");
    let output = std::env::var("OUT_DIR").unwrap_or_default();
    let status = Command::new("cc")
        .args(["-g", "-O1", "-static", "-nostdlib", "-ffreestanding"])
        // Stacks are followed by frame pointers.
        .args(["-fno-omit-frame-pointer", "-fno-optimize-sibling-calls"])
        .args(["-fno-stack-protector", "-Wl,--build-id=none", "-o"])
        .arg(Path::new(&output).join("program"))
        .arg("program.c")
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "the C compiler makes the program"
    );
}
