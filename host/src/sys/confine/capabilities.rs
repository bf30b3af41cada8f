//! Which of root's powers stay.

use crate::sys::perf;
use caps::{CapSet, Capability, CapsHashSet};
use std::io;

/// What attaching and reading need, at the first probe as at the last.
const KEPT: [Capability; 6] = [
    // Loads programs and makes maps.
    Capability::CAP_BPF,
    // Opens perf events, kprobes and uprobes, and lets programs read memory. (Linux 5.8 made both of CAP_SYS_ADMIN.)
    Capability::CAP_PERFMON,
    // Reads maps, files and memory of traced processes.
    Capability::CAP_SYS_PTRACE,
    // Reads addresses of /proc/kallsyms where kptr_restrict hides them.
    Capability::CAP_SYSLOG,
    // Reads binaries and their debug information, wherever they lie.
    Capability::CAP_DAC_READ_SEARCH,
    // Follows /proc/PID/map_files, to binaries that are in another mount namespace or gone.
    Capability::CAP_CHECKPOINT_RESTORE,
];

/// The last bit of the kernel's sets that may ever be one.
const LAST: u32 = 63;

/// Drops all others from every set, of those that this thread has. CAP_SYS_ADMIN stays where perf events can't be opened
/// without: says whether it does.
pub(super) fn drop_most() -> io::Result<bool> {
    let refused = |error: caps::errors::CapsError| io::Error::other(error.to_string());
    let had = caps::read(None, CapSet::Permitted).map_err(refused)?;
    let mut kept: CapsHashSet = KEPT.into_iter().filter(|kept| had.contains(kept)).collect();
    // What this kernel asks for is found out by trying.
    caps::set(None, CapSet::Effective, &kept).map_err(refused)?;
    let takes_admin = had.contains(&Capability::CAP_SYS_ADMIN) && !perf::may_open();
    if takes_admin {
        kept.insert(Capability::CAP_SYS_ADMIN);
    }
    caps::set(None, CapSet::Effective, &had).map_err(refused)?;
    // The bounding set first: that takes CAP_SETPCAP. A user who has none has nothing to be bounded, since nothing is
    // gained any more by running a program (NO_NEW_PRIVS).
    for bit in 0..=LAST {
        if !kept.iter().any(|kept| u32::from(kept.index()) == bit) {
            // SAFETY: plain numbers.
            unsafe { libc::prctl(libc::PR_CAPBSET_DROP, bit, 0, 0, 0) };
        }
    }
    // SAFETY: plain numbers. Before Linux 4.3 there are none.
    unsafe {
        libc::prctl(
            libc::PR_CAP_AMBIENT,
            libc::PR_CAP_AMBIENT_CLEAR_ALL,
            0,
            0,
            0,
        )
    };
    caps::clear(None, CapSet::Inheritable).map_err(refused)?;
    caps::set(None, CapSet::Effective, &kept).map_err(refused)?;
    caps::set(None, CapSet::Permitted, &kept).map_err(refused)?;
    Ok(takes_admin)
}
