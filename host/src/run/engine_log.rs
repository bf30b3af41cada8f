//! `--engine-log`: a kernel half that its developers have built, and what it says.

use crate::kernel::engine_log::EngineLog;
use crate::kernel::library::Library;
use crate::output::voice;
use crate::report::{Report, plainly};
use std::path::Path;

/// Lines that are said before events have their turn again.
const AT_ONCE: usize = 1024;

/// The library of an object that `ebpf/build --log` has made.
pub(super) fn library(file: &Path) -> Result<Library, Report> {
    let refuse = |why: &str| Report::new(format!("--engine-log {}: {why}", file.display()));
    let bytes = std::fs::read(file).map_err(|error| refuse(&plainly(&error)))?;
    let library = Library::open(bytes).map_err(|report| refuse(&report.message))?;
    if library.has_log() {
        Ok(library)
    } else {
        Err(refuse("it has no log").help("ebpf/build --log OBJECT builds the kernel half with one"))
    }
}

/// Prints lines on stderr.
pub(super) fn say(log: &mut EngineLog) {
    for _ in 0..AT_ONCE {
        let Some(line) = log.next_line() else { return };
        voice::say(&format!("engine: {line}"));
    }
}
