//! `/tmp/perf-PID.map`: what a compiler that runs in a process says of the functions it has made.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

/// The maps of all processes that were asked for.
#[derive(Default)]
pub(super) struct PerfMaps(HashMap<u32, PerfMap>);

#[derive(Default)]
struct PerfMap {
    /// When it was written, and how long it was.
    read: Option<(SystemTime, u64)>,
    /// By where they start. Of those at one place the last one counts: code is thrown away and made anew.
    functions: Vec<Function>,
}

#[derive(Debug, PartialEq, Eq)]
struct Function {
    start: u64,
    size: u64,
    name: Arc<str>,
}

impl PerfMaps {
    /// The function at an address, and how far into it that is.
    pub(super) fn find(&mut self, pid: u32, address: u64) -> Option<(Arc<str>, u64)> {
        let map = self.0.entry(pid).or_default();
        map.find(address).or_else(|| {
            map.update(pid);
            map.find(address)
        })
    }
}

impl PerfMap {
    fn find(&self, address: u64) -> Option<(Arc<str>, u64)> {
        let behind = self.functions.partition_point(|of| of.start <= address);
        let function = self.functions.get(behind.checked_sub(1)?)?;
        let offset = address - function.start;
        (offset < function.size).then(|| (Arc::clone(&function.name), offset))
    }

    /// Reads it where it was written since the last time.
    fn update(&mut self, pid: u32) {
        for path in paths(pid) {
            let Ok(there) = fs::metadata(&path) else {
                continue;
            };
            let state = there.modified().ok().map(|time| (time, there.len()));
            if state.is_some() && state == self.read {
                return;
            }
            if let Ok(bytes) = fs::read(&path) {
                self.functions = functions(&String::from_utf8_lossy(&bytes));
                self.read = state;
                return;
            }
        }
    }
}

/// Where it may be: a process in a container writes it there, with the number that it has there.
fn paths(pid: u32) -> Vec<PathBuf> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let own = status
        .lines()
        .find_map(|line| line.strip_prefix("NSpid:"))
        .and_then(|numbers| numbers.split_whitespace().last())
        .and_then(|number| number.parse::<u32>().ok())
        .unwrap_or(pid);
    vec![
        format!("/proc/{pid}/root/tmp/perf-{own}.map").into(),
        format!("/tmp/perf-{pid}.map").into(),
    ]
}

/// Lines of `START SIZE NAME`, the numbers in hexadecimal.
fn functions(text: &str) -> Vec<Function> {
    let function = |line: &str| {
        let (start, rest) = line.split_once(' ')?;
        let (size, name) = rest.split_once(' ')?;
        let hex = |text: &str| u64::from_str_radix(text.trim_start_matches("0x"), 16).ok();
        Some(Function {
            start: hex(start)?,
            size: hex(size)?,
            name: name.trim_end().into(),
        })
    };
    let mut all: Vec<Function> = text.lines().filter_map(function).collect();
    all.sort_by_key(|of| of.start);
    // Sorting keeps the order of those at one place: the last one was written last.
    all.reverse();
    all.dedup_by_key(|of| of.start);
    all.reverse();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_found_by_the_addresses_that_they_take() {
        let map = PerfMap {
            read: None,
            functions: functions("2000 10 second\n1000 20 old\nno line\n1000 20 first one\n"),
        };
        let found = |address| {
            map.find(address)
                .map(|(name, offset)| (name.to_string(), offset))
        };
        assert_eq!(found(0x1005), Some(("first one".to_owned(), 5)));
        assert_eq!(found(0x1020), None);
        assert_eq!(found(0x200f), Some(("second".to_owned(), 15)));
        assert_eq!(found(0xfff), None);
    }
}
