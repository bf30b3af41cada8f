//! How much memory this process may have (RLIMIT_DATA): an allocation beyond it ends the process, and not another one.

use std::io;

/// Lowers the limit to so many bytes, if it is higher.
pub fn limit(bytes: u64) -> io::Result<()> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: writes one struct.
    if unsafe { libc::getrlimit(libc::RLIMIT_DATA, &raw mut limit) } < 0 {
        return Err(io::Error::last_os_error());
    }
    limit.rlim_max = limit.rlim_max.min(bytes);
    limit.rlim_cur = limit.rlim_cur.min(bytes);
    // SAFETY: reads one struct.
    match unsafe { libc::setrlimit(libc::RLIMIT_DATA, &raw const limit) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
