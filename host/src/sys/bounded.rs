//! Programs that work for us and are not to do more than that.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Each file that it or its children write has at most so many bytes, and it ends when the thread ends that starts it.
pub fn bound(command: &mut Command, bytes: u64) {
    let limit = libc::rlimit {
        rlim_cur: bytes,
        rlim_max: bytes,
    };
    let set = move || {
        // SAFETY: reads one struct.
        let set = unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) };
        // SAFETY: takes integers.
        let dies = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
        match (set, dies) {
            (0, 0) => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    };
    // SAFETY: between fork and exec nothing is done but these system calls.
    unsafe { command.pre_exec(set) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_an_end() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "head -c 100000 /dev/zero > file"]);
        command.current_dir(folder.path());
        bound(&mut command, 5000);
        assert!(!command.output().unwrap().status.success());
        let written = std::fs::metadata(folder.path().join("file")).unwrap();
        assert_eq!(written.len(), 5000);
    }
}
