//! The command of `-c`: made, held before its first instruction, let go, waited for.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// A process that waits to become the command. Dropped without being let go, it ends without having run anything.
#[derive(Debug)]
pub struct Held {
    child: Child,
    /// A byte starts the command; the end of the pipe ends the process.
    go: File,
    /// Says the error number of an exec that failed; ends when it succeeds.
    failed: File,
}

/// A child of ours.
#[derive(Debug)]
pub struct Child {
    pid: libc::pid_t,
    pidfd: OwnedFd,
    /// What is written here ends it.
    end: File,
    /// The other end, which the signal hangs on.
    _end_read: OwnedFd,
}

impl Held {
    /// Forks. `argv[0]` is looked for in PATH.
    pub fn spawn(argv: &[CString]) -> io::Result<Self> {
        let (go_read, go) = pipe()?;
        let (failed, failed_write) = pipe()?;
        let mut arguments: Vec<*const libc::c_char> =
            argv.iter().map(|text| text.as_ptr()).collect();
        arguments.push(std::ptr::null());
        // SAFETY: the child calls nothing but async-signal-safe functions until it execs or exits: other threads of
        // ours may hold any lock.
        let pid = unsafe { libc::fork() };
        match pid {
            -1 => Err(io::Error::last_os_error()),
            // SAFETY: as above; every pointer was made before the fork.
            0 => unsafe {
                become_command(
                    &arguments,
                    go_read.as_raw_fd(),
                    go.as_raw_fd(),
                    failed_write.as_raw_fd(),
                )
            },
            _ => {
                // SAFETY: asks for a file descriptor of a child that we have not waited for.
                let pidfd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
                let pidfd = i32::try_from(pidfd)
                    .ok()
                    .filter(|fd| *fd >= 0)
                    .ok_or_else(io::Error::last_os_error)?;
                // SAFETY: the kernel has just made it for us.
                let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
                let (end_read, end) = pipe()?;
                signal_when_written(&end_read, pid)?;
                let child = Child {
                    pid,
                    pidfd,
                    end: File::from(end),
                    _end_read: end_read,
                };
                Ok(Self {
                    child,
                    go: File::from(go),
                    failed: File::from(failed),
                })
            }
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Starts the command; an error is why it can't be run.
    pub fn release(mut self) -> io::Result<Child> {
        self.go.write_all(&[1])?;
        let mut error = [0; 4];
        match self.failed.read_exact(&mut error) {
            Ok(()) => Err(io::Error::from_raw_os_error(i32::from_ne_bytes(error))),
            Err(_) => Ok(self.child),
        }
    }
}

impl Child {
    pub fn pid(&self) -> u32 {
        self.pid.unsigned_abs()
    }

    /// Readable when the child has ended.
    pub fn ended(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    pub fn has_ended(&self) -> bool {
        let mut polled = libc::pollfd {
            fd: self.pidfd.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: writes one struct, and does not wait.
        unsafe { libc::poll(&raw mut polled, 1, 0) > 0 }
    }

    /// Waits for its end: the status as a shell says it, 128 + signal for a death by one.
    pub fn wait(&self) -> io::Result<i32> {
        let mut status = 0;
        loop {
            // SAFETY: writes one integer.
            if unsafe { libc::waitpid(self.pid, &raw mut status, 0) } >= 0 {
                break;
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
        Ok(if libc::WIFSIGNALED(status) {
            128 + libc::WTERMSIG(status)
        } else {
            libc::WEXITSTATUS(status)
        })
    }

    /// Asks it to end, also from within walls ([`super::confine`]) behind which nobody can be signalled.
    pub fn terminate(&self) {
        // A pipe that is full has been written to before.
        let _ = (&self.end).write_all(&[1]);
    }
}

/// Has the kernel send SIGTERM to the process when there is something to read: on behalf of who asks for it, which is now.
fn signal_when_written(read: &OwnedFd, pid: libc::pid_t) -> io::Result<()> {
    let fd = read.as_raw_fd();
    for (command, argument) in [
        (libc::F_SETOWN, pid),
        (F_SETSIG, libc::SIGTERM),
        (libc::F_SETFL, libc::O_ASYNC | libc::O_NONBLOCK),
    ] {
        // SAFETY: plain numbers.
        if unsafe { libc::fcntl(fd, command, argument) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Of include/uapi/asm-generic/fcntl.h.
const F_SETSIG: libc::c_int = 10;

fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: writes two integers.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made them for us.
    Ok(unsafe { (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) })
}

/// What the forked process does: nothing until a byte comes, then exec.
///
/// # Safety
/// `arguments` are C strings, ended by a null.
unsafe fn become_command(
    arguments: &[*const libc::c_char],
    wait: i32,
    other_end: i32,
    failed: i32,
) -> ! {
    // SAFETY: async-signal-safe calls with pointers to locals.
    unsafe {
        libc::close(other_end);
        let mut byte = 0u8;
        while libc::read(wait, (&raw mut byte).cast(), 1) < 0
            && *libc::__errno_location() == libc::EINTR
        {}
        if byte == 0 {
            libc::_exit(127);
        }
        // What we block or ignore is not the command's business.
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        super::open_files::restore();
        if let Some(program) = arguments.first() {
            libc::execvp(*program, arguments.as_ptr());
        }
        let error = *libc::__errno_location();
        libc::write(failed, (&raw const error).cast(), 4);
        libc::_exit(127)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &[&str]) -> Held {
        let argv: Vec<CString> = words
            .iter()
            .map(|word| CString::new(*word).unwrap())
            .collect();
        Held::spawn(&argv).unwrap()
    }

    #[test]
    fn a_command_runs_when_it_is_let_go_and_its_status_is_the_shells() {
        assert_eq!(
            command(&["sh", "-c", "exit 7"])
                .release()
                .unwrap()
                .wait()
                .unwrap(),
            7
        );
        assert_eq!(
            command(&["sh", "-c", "kill -9 $$"])
                .release()
                .unwrap()
                .wait()
                .unwrap(),
            137
        );
    }

    #[test]
    fn a_command_that_is_asked_to_end_gets_sigterm() {
        let child = command(&["sleep", "100"]).release().unwrap();
        child.terminate();
        assert_eq!(child.wait().unwrap(), 128 + libc::SIGTERM);
    }

    #[test]
    fn a_command_that_is_not_there_says_so() {
        let error = command(&["no-such-command-here"]).release().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_command_that_is_never_let_go_runs_nothing() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let held = command(&["sh", "-c", &format!("echo ran > {}", file.path().display())]);
        let Held { child, go, failed } = held;
        drop((go, failed));
        assert_eq!(child.wait().unwrap(), 127);
        assert_eq!(std::fs::read_to_string(file.path()).unwrap(), "");
    }
}
