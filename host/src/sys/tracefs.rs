//! tracefs and debugfs without a mount point: a mount that hangs on a file descriptor alone.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Mutex;

/// `FSCONFIG_CMD_CREATE` of linux/mount.h.
const CREATE: libc::c_uint = 6;

/// What was mounted ahead, by its type.
static AHEAD: Mutex<Vec<(&CStr, OwnedFd)>> = Mutex::new(Vec::new());

/// Mounts it now for when [`mount_detached`] may no longer. That it can't be is found out then.
pub fn mount_ahead(of: &'static CStr) {
    if let (Ok(mount), Ok(mut ahead)) = (mount_detached(of), AHEAD.lock()) {
        ahead.push((of, mount));
    }
}

/// A file system of that type (`tracefs`, `debugfs`) that no directory shows: gone with its last descriptor, so nothing is
/// left behind. Takes about 2 ms.
///
/// # Errors
/// `EPERM` without CAP_SYS_ADMIN, `ENODEV` where the kernel has no such type, `ENOSYS` before Linux 5.2.
pub fn mount_detached(of: &CStr) -> io::Result<OwnedFd> {
    let ahead = AHEAD.lock().ok();
    let ahead = ahead
        .as_ref()
        .and_then(|ahead| ahead.iter().find(|(known, _)| *known == of));
    if let Some((_, mount)) = ahead {
        return mount.try_clone();
    }
    // SAFETY: fsopen reads a NUL-terminated name and returns a new descriptor or -1.
    let context =
        owned(unsafe { libc::syscall(libc::SYS_fsopen, of.as_ptr(), libc::FSOPEN_CLOEXEC) })?;
    let none = std::ptr::null::<libc::c_char>();
    // SAFETY: FSCONFIG_CMD_CREATE takes neither key nor value.
    let created = unsafe {
        libc::syscall(
            libc::SYS_fsconfig,
            context.as_raw_fd(),
            CREATE,
            none,
            none,
            0,
        )
    };
    if created < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: plain numbers; returns a new descriptor or -1.
    owned(unsafe {
        libc::syscall(
            libc::SYS_fsmount,
            context.as_raw_fd(),
            libc::FSMOUNT_CLOEXEC,
            0,
        )
    })
}

/// The descriptor that a system call returned, or why it returned none.
fn owned(result: libc::c_long) -> io::Result<OwnedFd> {
    match i32::try_from(result) {
        // SAFETY: the kernel has just made this descriptor for us alone.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detached_mount_shows_events_and_leaves_nothing_behind() {
        let before = std::fs::read_to_string("/proc/self/mounts").unwrap();
        let mount = match mount_detached(c"tracefs") {
            Ok(mount) => mount,
            Err(error) => {
                assert_eq!(error.raw_os_error(), Some(libc::EPERM), "{error}");
                return;
            }
        };
        let events = format!("/proc/self/fd/{}/events/sched", mount.as_raw_fd());
        assert!(std::fs::read_dir(events).unwrap().count() > 5);
        assert_eq!(
            std::fs::read_to_string("/proc/self/mounts").unwrap(),
            before
        );
    }
}
