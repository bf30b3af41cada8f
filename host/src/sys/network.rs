//! A network of this process's own (network_namespaces(7)).

use std::io;

/// Leaves the machine's network for one that ends at its own loopback: what is started from now on reaches nobody else. The
/// process must have one thread: others stay where they are.
///
/// # Errors
/// `EPERM` without CAP_SYS_ADMIN.
pub fn leave() -> io::Result<()> {
    // SAFETY: plain numbers.
    if unsafe { libc::unshare(libc::CLONE_NEWNET) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: plain numbers; the kernel makes a new descriptor or none.
    let socket = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
    if socket < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a struct of integers, in which the name is one byte shorter than its room.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = *from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = libc::IFF_UP as libc::c_short;
    // SAFETY: reads one struct.
    let set = unsafe { libc::ioctl(socket, libc::SIOCSIFFLAGS, &raw const request) };
    // Before closing says something else.
    let result = match set {
        0.. => Ok(()),
        _ => Err(io::Error::last_os_error()),
    };
    // SAFETY: closes what was opened above, which is nobody else's.
    unsafe { libc::close(socket) };
    result
}
