//! A thread that writes files for threads that may not: one behind walls of its own, in which some folders have a door.
//!
//! Landlock is the only wall with doors, and it would hide other processes from whoever is in it ([`super::confine`]). So
//! whoever reads them writes nothing at all, and this thread sees none.

use super::confine::{self, Needs};
use super::signals;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};

/// Where to send it what is to be written.
#[derive(Clone, Debug)]
pub struct Scribe(Sender<Order>);

#[derive(Debug)]
struct Order {
    path: PathBuf,
    /// `None`: only whether it could be.
    bytes: Option<Vec<u8>>,
    answer: Sender<io::Result<()>>,
}

impl Scribe {
    /// Starts it, for these folders and what is below them. Those that are not there are left out: files in them can't be
    /// made, either.
    ///
    /// # Errors
    /// No thread, or walls that can't be put up.
    pub fn start(folders: &[PathBuf]) -> io::Result<Self> {
        let folders: Vec<PathBuf> = folders
            .iter()
            .filter_map(|folder| folder.canonicalize().ok())
            .collect();
        let (orders, to_do) = channel();
        let (ready, is_ready) = channel();
        let thread = std::thread::Builder::new().name("scribe".into());
        thread.spawn(move || {
            signals::deliver_here(false);
            let needs = Needs {
                processes: false,
                folders: folders.clone(),
            };
            let walled = confine::put_up(&needs).map(drop);
            let stands = walled.is_ok();
            let _ = ready.send(walled);
            if stands {
                serve(&to_do, &folders);
            }
        })?;
        match is_ready.recv() {
            Ok(walled) => walled.map(|()| Self(orders)),
            Err(_) => Err(gone()),
        }
    }

    /// # Errors
    /// As of a file that this process writes itself; `PermissionDenied` outside of the folders.
    pub fn write(&self, path: &Path, bytes: Vec<u8>) -> io::Result<()> {
        self.ask(path, Some(bytes))
    }

    /// Could it be written? It is not there afterwards if it was not before.
    ///
    /// # Errors
    /// Why not.
    pub fn may_write(&self, path: &Path) -> io::Result<()> {
        self.ask(path, None)
    }

    fn ask(&self, path: &Path, bytes: Option<Vec<u8>>) -> io::Result<()> {
        let (answer, answered) = channel();
        let order = Order {
            path: path.to_owned(),
            bytes,
            answer,
        };
        self.0.send(order).map_err(|_| gone())?;
        answered.recv().map_err(|_| gone())?
    }
}

fn gone() -> io::Error {
    io::Error::other("the thread that writes files is gone")
}

fn serve(to_do: &Receiver<Order>, folders: &[PathBuf]) {
    while let Ok(order) = to_do.recv() {
        let done = match order.bytes {
            Some(bytes) => {
                open(&order.path, folders, true).and_then(|mut file| file.write_all(&bytes))
            }
            None => attempt(&order.path, folders),
        };
        let _ = order.answer.send(done);
    }
}

/// Kernels without Landlock have this alone: no link is followed out of the folders.
fn open(path: &Path, folders: &[PathBuf], truncate: bool) -> io::Result<File> {
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent.canonicalize()?,
        _ => std::env::current_dir()?,
    };
    let (true, Some(name)) = (
        folders.iter().any(|allowed| folder.starts_with(allowed)),
        path.file_name(),
    ) else {
        return Err(io::ErrorKind::PermissionDenied.into());
    };
    let mut options = File::options();
    options.write(true).create(true).truncate(truncate);
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    options.open(folder.join(name))
}

fn attempt(path: &Path, folders: &[PathBuf]) -> io::Result<()> {
    let exists = path.exists();
    open(path, folders, false)?;
    if !exists {
        // It is made when there is something to be written.
        let _ = std::fs::remove_file(path);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_what_lies_in_the_folders_is_written() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("in");
        std::fs::create_dir(&folder).unwrap();
        let outside = root.path().join("outside");
        std::fs::write(&outside, "before").unwrap();
        symlink(&outside, folder.join("link")).unwrap();
        symlink(root.path(), folder.join("up")).unwrap();
        let scribe = Scribe::start(&[folder.clone(), root.path().join("none")]).unwrap();

        scribe.may_write(&folder.join("a.svg")).unwrap();
        assert!(!folder.join("a.svg").exists());
        scribe
            .write(&folder.join("a.svg"), b"<svg>".to_vec())
            .unwrap();
        scribe.write(&folder.join("a.svg"), b"<".to_vec()).unwrap();
        assert_eq!(std::fs::read(folder.join("a.svg")).unwrap(), b"<");
        for path in [
            outside.clone(),
            folder.join("link"),
            folder.join("up/new"),
            folder.join("../new"),
            root.path().join("none/new"),
            "/etc/new".into(),
        ] {
            assert!(scribe.write(&path, b"x".to_vec()).is_err(), "{path:?}");
            assert!(scribe.may_write(&path).is_err(), "{path:?}");
        }
        assert_eq!(std::fs::read(&outside).unwrap(), b"before");
        assert!(!root.path().join("new").exists());
        // The walls are the thread's own.
        std::fs::write(root.path().join("ours"), "").unwrap();
    }
}
