//! Files that processes have mapped, and where they can still be opened when those have ended.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

/// What the kernel puts behind the path of a file that has no name any more.
const DELETED: &str = " (deleted)";
/// Files that are held open since no path of ours leads to them.
const HELD: usize = 256;

/// A file by what the kernel calls it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    pub(super) device: (u32, u32),
    pub(super) inode: u64,
    pub(super) path: String,
}

/// A file, or what else stands in its place: `[vdso]`, nothing at all.
#[derive(Debug)]
pub(super) struct Mapped {
    /// As the process sees it.
    pub(super) name: Arc<str>,
    /// Where it can be opened; `None` of what is no file, or out of reach.
    pub(super) source: Option<PathBuf>,
    /// What `source` leads to, where that is no path of ours.
    _held: Option<File>,
}

/// Every file that was seen mapped.
#[derive(Default)]
pub(super) struct Files {
    known: HashMap<Identity, Arc<Mapped>>,
    held: usize,
}

impl Files {
    /// The file that a process has mapped at a range, which is asked for the first time while it lives, if at all.
    pub(super) fn get(&mut self, of: Identity, pid: u32, range: (u64, u64)) -> Arc<Mapped> {
        if let Some(known) = self.known.get(&of) {
            return Arc::clone(known);
        }
        let mapped = Arc::new(self.find(&of, pid, range));
        // One that is out of reach may be found by a process that still lives.
        if mapped.source.is_some() || !of.path.starts_with('/') {
            self.known.insert(of, Arc::clone(&mapped));
        }
        mapped
    }

    fn find(&mut self, of: &Identity, pid: u32, (start, end): (u64, u64)) -> Mapped {
        let name: Arc<str> = of.path.trim_end_matches(DELETED).into();
        let at = |source, held| Mapped {
            name: Arc::clone(&name),
            source,
            _held: held,
        };
        if !of.path.starts_with('/') || of.path.starts_with("//") {
            return at(None, None);
        }
        let path = PathBuf::from(&of.path);
        let is_it = |there: Metadata| {
            let device = there.dev();
            there.ino() == of.inode
                && (libc::major(device), libc::minor(device)) == (of.device.0, of.device.1)
        };
        // Some file systems give their files another device than the kernel shows: then the process must see the path as we do.
        if fs::metadata(&path).is_ok_and(is_it)
            || !of.path.ends_with(DELETED) && sees_our_files(pid) && path.exists()
        {
            return at(Some(path), None);
        }
        // Another mount namespace, or a name that is gone: the mapping itself leads there, for as long as it is there.
        let link = format!("/proc/{pid}/map_files/{start:x}-{end:x}");
        match File::open(link) {
            Ok(file) if self.held < HELD => {
                self.held += 1;
                let source = format!("/proc/self/fd/{}", file.as_raw_fd()).into();
                at(Some(source), Some(file))
            }
            _ => at(None, None),
        }
    }
}

/// Has a process the mounts that we have? `false` when it is gone.
fn sees_our_files(pid: u32) -> bool {
    let namespace = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/mnt")).ok();
    let root = |pid: &str| fs::read_link(format!("/proc/{pid}/root")).ok();
    let pid = pid.to_string();
    let theirs = namespace(&pid);
    theirs.is_some() && theirs == namespace("self") && root(&pid) == root("self")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(path: &str, there: &Metadata) -> Identity {
        let device = there.dev();
        Identity {
            device: (libc::major(device), libc::minor(device)),
            inode: there.ino(),
            path: path.into(),
        }
    }

    #[test]
    fn a_file_is_found_by_its_path_only_where_it_is_that_file() {
        let here = std::env::current_exe().unwrap();
        let here = here.to_str().unwrap();
        let mut of = identity(here, &fs::metadata(here).unwrap());
        let mut files = Files::default();
        // No process has that number.
        let none = u32::MAX;
        let mapped = files.get(of.clone(), none, (0, 1));
        assert_eq!(mapped.source.as_deref(), Some(here.as_ref()));
        of.inode += 1;
        let other = files.get(of, none, (0, 1));
        assert_eq!((other.source.as_ref(), &*other.name), (None, here));
    }

    #[test]
    fn what_is_no_file_has_a_name_only() {
        for path in ["[vdso]", "", "//anon"] {
            let of = Identity {
                device: (0, 0),
                inode: 0,
                path: path.into(),
            };
            let mapped = Files::default().get(of, std::process::id(), (0, 1));
            assert_eq!((&*mapped.name, &mapped.source), (path, &None));
        }
    }
}
