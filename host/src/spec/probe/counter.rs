//! How many events `software` and `hardware` count between two hits.

use crate::report::Report;

/// The N of `software:EVENT:N`: events (ns, of the clocks) a hit.
///
/// # Errors
/// A text that is no number above 0, or more than the kernel takes (perf_event_open(2) wants the top bit clear).
pub fn count(text: &str) -> Result<u64, Report> {
    match text.parse() {
        Ok(count) if (1..=i64::MAX as u64).contains(&count) => Ok(count),
        _ => Err(
            Report::new(format!("'{text}' is no number of events a hit"))
                .help("write 1 for every event, 100 for every 100th"),
        ),
    }
}
