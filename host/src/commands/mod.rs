//! The commands that ask the machine and run no script: thin printers over facts.

mod describe;
mod info;
mod list;

pub use describe::describe;
pub use info::info;
pub use list::list;

use crate::report::Report;
use std::io::Write;

/// Writes to standard output; nobody reading it any more is no error.
pub fn say(bytes: &[u8]) -> i32 {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(bytes).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            fail(&Report::new(format!("standard output can't be written: {error}")))
        }
        _ => 0,
    }
}

fn fail(report: &Report) -> i32 {
    eprintln!("{report}");
    1
}
