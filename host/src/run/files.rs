//! The files that a script has written: by its own thread, or, when it is a stranger's, by one that may write nothing else.

use super::permit::Permit;
use crate::permission::Permission;
use crate::sys::scribe::Scribe;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

#[derive(Clone, Debug)]
pub(super) enum Files {
    /// Wherever the user may.
    Own,
    /// Where it was said that the script may; `None`: nowhere.
    Strangers(Option<Scribe>),
}

impl Files {
    /// What writes for a stranger's script that may do this. To be made before its walls are.
    pub(super) fn of(permit: &Permit) -> io::Result<Self> {
        let allowed = permit.allowed.iter().flat_map(|allowed| allowed.iter());
        let folders: Vec<PathBuf> = allowed.filter_map(folder).collect();
        let scribe = (!folders.is_empty()).then(|| Scribe::start(&folders));
        Ok(Self::Strangers(scribe.transpose()?))
    }

    pub(super) fn write(&self, file: &str, bytes: impl Into<Vec<u8>>) -> io::Result<()> {
        match self {
            Self::Own => fs::write(file, bytes.into()),
            Self::Strangers(scribe) => writer(scribe)?.write(Path::new(file), bytes.into()),
        }
    }

    /// Can it be written?
    pub(super) fn may_write(&self, file: &str) -> io::Result<()> {
        match self {
            Self::Strangers(scribe) => writer(scribe)?.may_write(Path::new(file)),
            Self::Own => {
                let exists = Path::new(file).exists();
                File::options().create(true).append(true).open(file)?;
                if !exists {
                    // It is made when there is something to be written.
                    let _ = fs::remove_file(file);
                }
                Ok(())
            }
        }
    }
}

fn writer(scribe: &Option<Scribe>) -> io::Result<&Scribe> {
    scribe
        .as_ref()
        .ok_or_else(|| io::ErrorKind::PermissionDenied.into())
}

/// Where the files are that a permission names: the part of its path before what is open in it.
fn folder(of: &Permission) -> Option<PathBuf> {
    let Permission::Write(path) = of else {
        return None;
    };
    let fixed = path.split(['*', '?', '{', '[']).next().unwrap_or_default();
    let folder = fixed.rsplit_once('/').map(|(folder, _)| folder);
    Some(match folder {
        None => ".".into(),
        Some("") => "/".into(),
        Some(folder) => folder.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_a_pattern_is_what_stands_before_it() {
        for (path, expected) in [
            ("*.svg", "."),
            ("cpu.svg", "."),
            ("out/*.svg", "out"),
            ("/tmp/a*/b.svg", "/tmp"),
            ("/*.svg", "/"),
            ("/var/log/x.svg", "/var/log"),
        ] {
            let permission = Permission::Write(path.into());
            assert_eq!(folder(&permission), Some(expected.into()), "{path}");
        }
        assert_eq!(folder(&Permission::Memory), None);
    }
}
