//! The kernel's tracepoints, as tracefs lists them.

use super::format::Format;
use crate::report::Report;
use crate::sys;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

/// A tracefs that can be read: one that is mounted, or one of our own that no directory shows.
#[derive(Debug)]
pub struct Tracefs {
    directory: PathBuf,
    /// Keeps an own mount alive.
    _mount: Option<OwnedFd>,
}

/// Does the kernel let its functions be traced?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracing {
    Allowed,
    /// By lockdown, or to this user.
    Forbidden,
    /// It was built without.
    Missing,
}

/// Where distributions mount it, and where it was before Linux 4.1.
const PLACES: [&str; 2] = ["sys/kernel/tracing", "sys/kernel/debug/tracing"];

/// Mounts tracefs now, where nobody else has, for when that may no longer be done.
pub fn mount_ahead() {
    if Tracefs::open(Path::new("/")).is_err() {
        sys::tracefs::mount_ahead(c"tracefs");
    }
}

impl Tracefs {
    /// Opens the tracefs that is mounted below `root`.
    ///
    /// # Errors
    /// Says whether it is missing or may not be read, and what helps.
    pub(super) fn open(root: &Path) -> Result<Self, Report> {
        let mut refused = None;
        for place in PLACES {
            let directory = root.join(place);
            match std::fs::read_dir(directory.join("events")) {
                Ok(_) => {
                    return Ok(Self {
                        directory,
                        _mount: None,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    refused.get_or_insert(directory);
                }
                Err(_) => {}
            }
        }
        match refused {
            Some(directory) => Err(Report::new(format!(
                "{} may not be read by this user",
                directory.display()
            ))
            .help("tracing needs root (sudo)")),
            None => Err(Report::new("tracefs is not mounted").help(MOUNT)),
        }
    }

    /// Opens what is mounted, or a mount of our own that is gone when the process is.
    ///
    /// # Errors
    /// As [`Self::open`], and where the kernel has no tracefs at all.
    pub(super) fn open_or_mount(root: &Path) -> Result<Self, Report> {
        let report = match Self::open(root) {
            Ok(found) => return Ok(found),
            Err(report) => report,
        };
        let mount = sys::tracefs::mount_detached(c"tracefs").map_err(|error| {
            match error.raw_os_error() {
                Some(libc::ENODEV) => {
                    Report::new("this kernel has no tracefs: it lists no tracepoints")
                        .help("it needs a kernel with CONFIG_FTRACE and CONFIG_EVENT_TRACING")
                }
                Some(libc::EPERM) => report.help("tracing needs root (sudo)"),
                _ => Report::new(format!(
                    "tracefs is not mounted, and can't be by us: {error}"
                ))
                .help(MOUNT),
            }
        })?;
        let directory = PathBuf::from(format!("/proc/self/fd/{}", mount.as_raw_fd()));
        Ok(Self {
            directory,
            _mount: Some(mount),
        })
    }

    /// Does this event exist? One look at a directory.
    pub fn exists(&self, category: &str, event: &str) -> bool {
        is_name(category) && is_name(event) && self.event(category, event).is_dir()
    }

    pub fn category_exists(&self, category: &str) -> bool {
        is_name(category) && self.directory.join("events").join(category).is_dir()
    }

    /// All categories, sorted.
    pub fn categories(&self) -> Vec<String> {
        directories(&self.directory.join("events"))
    }

    /// The events of a category, sorted; none when there is no such category.
    pub fn events(&self, category: &str) -> Vec<String> {
        if is_name(category) {
            directories(&self.directory.join("events").join(category))
        } else {
            Vec::new()
        }
    }

    /// All (category, event) pairs, sorted.
    pub fn tracepoints(&self) -> Vec<(String, String)> {
        let events = |category: String| {
            let events = self.events(&category);
            events
                .into_iter()
                .map(move |event| (category.clone(), event))
        };
        self.categories().into_iter().flat_map(events).collect()
    }

    /// What a tracepoint's record looks like.
    ///
    /// # Errors
    /// When there is no such event, or its file may not be read or makes no sense.
    pub fn format(&self, category: &str, event: &str) -> Result<Format, Report> {
        let site = format!("tracepoint:{category}:{event}");
        if !is_name(category) || !is_name(event) {
            return Err(Report::new(format!("there is no {site}")));
        }
        let path = self.event(category, event).join("format");
        let text = std::fs::read_to_string(path)
            .map_err(|error| Report::new(format!("the format of {site} can't be read: {error}")))?;
        let format = Format::parse(&text).ok_or_else(|| {
            Report::new(format!("the format of {site} is none that moontrace knows"))
        })?;
        Ok(match category {
            "syscalls" => format.of_system_call(),
            _ => format,
        })
    }

    /// The functions that can be traced, as text; `None` where lockdown or the kernel's configuration forbids it.
    pub(super) fn traceable_functions(&self) -> Option<String> {
        std::fs::read_to_string(self.directory.join("available_filter_functions")).ok()
    }

    /// Can the kernel's functions be traced, as far as their list tells? Opens it and reads nothing.
    pub(super) fn tracing(&self) -> Tracing {
        match std::fs::File::open(self.directory.join("available_filter_functions")) {
            Ok(_) => Tracing::Allowed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Tracing::Missing,
            Err(_) => Tracing::Forbidden,
        }
    }

    fn event(&self, category: &str, event: &str) -> PathBuf {
        let mut path = self.directory.join("events");
        path.push(category);
        path.push(event);
        path
    }
}

const MOUNT: &str = "mount -t tracefs tracefs /sys/kernel/tracing";

/// One that can't lead out of its directory.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

/// Names of the directories in a directory, sorted.
fn directories(path: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(path) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_directory() {
        let root = tempfile::tempdir().unwrap();
        let events = root.path().join("sys/kernel/tracing/events");
        std::fs::create_dir_all(events.join("sched/sched_switch")).unwrap();
        std::fs::write(events.join("sched/sched_switch/format"), "ID: 7\nformat:\n").unwrap();
        let tracefs = Tracefs::open(root.path()).unwrap();
        assert_eq!(
            tracefs.tracepoints(),
            [("sched".to_owned(), "sched_switch".to_owned())]
        );
        assert!(tracefs.exists("sched", "sched_switch"));
        assert!(!tracefs.exists("sched", "..") && !tracefs.exists("..", "events"));
        assert_eq!(tracefs.format("sched", "sched_switch").unwrap().id, 7);
        assert!(tracefs.format("sched/../sched", "sched_switch").is_err());
    }

    #[test]
    fn a_missing_tracefs_says_how_to_mount_it() {
        let root = tempfile::tempdir().unwrap();
        let report = Tracefs::open(root.path()).unwrap_err();
        assert!(report.to_string().contains("mount -t tracefs"), "{report}");
    }
}
