//! How many files this process may have open at a time (RLIMIT_NOFILE).
//!
//! The soft limit is often 1024, for the sake of programs that use select(2). Each probe takes files: its program, its
//! books, and of many kinds two a place or one a CPU.

use std::io;
use std::sync::OnceLock;

/// What this process was started with.
static BEFORE: OnceLock<libc::rlimit> = OnceLock::new();

/// Raises the soft limit to the hard one, which takes no rights. Programs that are started get what was there before,
/// by [`restore`].
pub fn raise() -> io::Result<()> {
    let mut limit = limit()?;
    if limit.rlim_cur < limit.rlim_max {
        let _ = BEFORE.set(limit);
        limit.rlim_cur = limit.rlim_max;
        set(&limit)?;
    }
    Ok(())
}

/// How many may be open now.
pub fn most() -> io::Result<u64> {
    Ok(limit()?.rlim_cur)
}

/// Undoes [`raise`]; for a child between fork and exec: it takes no lock and allocates nothing. It can fail for nothing.
pub(super) fn restore() {
    if let Some(before) = BEFORE.get() {
        let _ = set(before);
    }
}

fn limit() -> io::Result<libc::rlimit> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: writes one struct.
    match unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } {
        0 => Ok(limit),
        _ => Err(io::Error::last_os_error()),
    }
}

fn set(limit: &libc::rlimit) -> io::Result<()> {
    // SAFETY: reads one struct.
    match unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, limit) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
