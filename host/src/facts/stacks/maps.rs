//! `/proc/PID/maps`: what a process has mapped that it may run.

use std::fs;

/// A line of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) start: u64,
    pub(super) end: u64,
    /// Bytes from the file's start.
    pub(super) offset: u64,
    pub(super) device: (u32, u32),
    pub(super) inode: u64,
    /// Empty of what no file is behind.
    pub(super) path: String,
}

/// What a live process may run; `None` when it is gone.
pub(super) fn of_process(pid: u32) -> Option<Vec<Line>> {
    let text = fs::read(format!("/proc/{pid}/maps")).ok()?;
    let text = String::from_utf8_lossy(&text);
    Some(text.lines().filter_map(line).collect())
}

/// `55d5c0000000-55d5c0021000 r-xp 00002000 08:01 1234  /usr/bin/cat`
fn line(text: &str) -> Option<Line> {
    let mut rest = text;
    let mut word = || {
        let (word, behind) = rest.split_once(' ').unwrap_or((rest, ""));
        rest = behind.trim_start();
        word
    };
    let (range, rights, offset, device, inode) = (word(), word(), word(), word(), word());
    if rights.as_bytes().get(2) != Some(&b'x') {
        return None;
    }
    let hex = |text: &str| u64::from_str_radix(text, 16).ok();
    let (start, end) = range.split_once('-')?;
    let (major, minor) = device.split_once(':')?;
    Some(Line {
        start: hex(start)?,
        end: hex(end)?,
        offset: hex(offset)?,
        device: (hex(major)? as u32, hex(minor)? as u32),
        inode: inode.parse().ok()?,
        path: rest.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_run_is_read_and_nothing_else() {
        let text = "7f00-7f80 r-xp 00002000 08:1f 12  /a dir/lib x.so (deleted)";
        let mapped = Line {
            start: 0x7f00,
            end: 0x7f80,
            offset: 0x2000,
            device: (8, 0x1f),
            inode: 12,
            path: "/a dir/lib x.so (deleted)".into(),
        };
        assert_eq!(line(text), Some(mapped));
        assert_eq!(
            line("7f00-7f80 rwxp 00000000 00:00 0 ").map(|of| of.path),
            Some(String::new())
        );
        for other in [
            "7f00-7f80 r--p 0 08:01 12 /x",
            "",
            "nonsense r-xp",
            "7f00 r-xp 0 0 0",
        ] {
            assert_eq!(line(other), None, "{other}");
        }
    }
}
