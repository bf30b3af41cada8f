//! Binaries that were read, for the next question: a script asks for a library's functions one by one.

use super::Binary;
use crate::report::Report;
use std::cell::RefCell;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::rc::Rc;

/// How many there are at most.
const MOST: usize = 4;

/// The one that was asked for last stands first.
#[derive(Default)]
pub(in crate::facts) struct Kept(RefCell<Vec<(Version, Rc<Binary>)>>);

/// What changes with a file's content: a program may be replaced while it is traced.
#[derive(PartialEq, Eq)]
struct Version {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Version {
    fn of(about: &Metadata) -> Self {
        Self {
            device: about.dev(),
            inode: about.ino(),
            size: about.size(),
            modified: (about.mtime(), about.mtime_nsec()),
        }
    }
}

impl Kept {
    /// As [`Binary::open`].
    pub(in crate::facts) fn open(&self, path: &Path) -> Result<Rc<Binary>, Report> {
        let version = path.metadata().ok().as_ref().map(Version::of);
        let mut kept = self.0.borrow_mut();
        let there = kept
            .iter()
            .position(|(of, binary)| version.as_ref() == Some(of) && binary.path == path);
        if let Some(there) = there {
            kept[..=there].rotate_right(1);
            return Ok(kept[0].1.clone());
        }
        let binary = Rc::new(Binary::open(path)?);
        if let Some(version) = version {
            kept.insert(0, (version, binary.clone()));
            kept.truncate(MOST);
        }
        Ok(binary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binary_is_read_once_until_its_file_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = |number: usize| folder.path().join(format!("{number}"));
        for number in 0..=MOST {
            std::fs::copy("/proc/self/exe", path(number)).unwrap();
        }
        let kept = Kept::default();
        let first = kept.open(&path(0)).unwrap();
        for number in 1..MOST {
            kept.open(&path(number)).unwrap();
        }
        assert!(Rc::ptr_eq(&first, &kept.open(&path(0)).unwrap()));
        kept.open(&path(MOST)).unwrap();
        assert_eq!(kept.0.borrow().len(), MOST);
        assert!(Rc::ptr_eq(&first, &kept.open(&path(0)).unwrap()));
        std::fs::remove_file(path(0)).unwrap();
        std::fs::copy(path(1), path(0)).unwrap();
        assert!(!Rc::ptr_eq(&first, &kept.open(&path(0)).unwrap()));
        std::fs::remove_file(path(0)).unwrap();
        assert!(kept.open(&path(0)).is_err());
    }
}
