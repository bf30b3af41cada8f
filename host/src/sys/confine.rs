//! Walls around a thread and all that it makes: what a script that is a stranger's could not do even if it got out of Lua.
//!
//! All three are the thread's own, are handed down to the threads that it makes, and can't be taken down again. They go up
//! before the script's first line, not after its last probe: handlers may declare probes as well, so what attaching needs is
//! needed to the end, and nothing that a script does ever ran outside of them.

mod capabilities;
mod denied;
mod paths;

use std::fmt;
use std::io;
use std::path::PathBuf;

/// What must be possible within the walls.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// To look into other processes: their memory, maps and files (/proc/PID/mem, maps, root, …). Landlock has no way to
    /// allow that, so there is none then: whoever is in it can't see processes that are not (ptrace(2)'s rules).
    pub processes: bool,
    /// To write, and make files in, these folders; no others.
    pub folders: Vec<PathBuf>,
}

/// What stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walls {
    /// CAP_SYS_ADMIN had to stay: this kernel opens no perf event without it.
    pub admin: bool,
    pub seccomp: bool,
    pub landlock: Landlock,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landlock {
    /// With the rights of this version of it.
    Abi(i32),
    /// The kernel has none: it came with 5.13, and can be left out.
    Missing,
    /// [`Needs::processes`]
    LeftOut,
}

/// Puts them up around this thread. It must be the only one yet, or others stay outside.
///
/// # Errors
/// A wall that the kernel has and would not put up. What it does not have is no error.
pub fn put_up(needs: &Needs) -> io::Result<Walls> {
    // SAFETY: plain numbers.
    if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } < 0 {
        return Err(io::Error::last_os_error());
    }
    let admin = capabilities::drop_most()?;
    let landlock = match needs.processes {
        true => Landlock::LeftOut,
        false => paths::allow_only(&needs.folders)?,
    };
    // Last: the others take system calls that this one denies.
    let seccomp = denied::deny(!needs.folders.is_empty())?;
    Ok(Walls {
        admin,
        seccomp,
        landlock,
    })
}

impl fmt::Display for Walls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sandbox: capabilities")?;
        if self.seccomp {
            f.write_str(", seccomp")?;
        }
        if let Landlock::Abi(abi) = self.landlock {
            write!(f, ", Landlock ABI {abi}")?;
        }
        if self.admin {
            f.write_str("; CAP_SYS_ADMIN stays, since kernel.perf_event_paranoid is above 2")?;
        }
        if !self.seccomp {
            f.write_str("; this kernel has no seccomp")?;
        }
        match self.landlock {
            Landlock::Abi(_) => Ok(()),
            Landlock::Missing => f.write_str("; this kernel has no Landlock"),
            Landlock::LeftOut => {
                f.write_str("; Landlock would hide the processes that are looked into")
            }
        }
    }
}
