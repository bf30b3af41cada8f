//! Says to whoever started this process that it is ready, as services do (sd_notify(3)).

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The variable that names the socket: a path, or `@NAME` in the abstract namespace.
pub const SOCKET: &str = "NOTIFY_SOCKET";
/// What is said there.
pub const READY: &[u8] = b"READY=1";

/// Who is told, where anybody listens.
#[derive(Debug, Default)]
pub struct Listener(Option<UnixDatagram>);

impl Listener {
    /// Connects to it: later, nothing may be.
    pub fn find() -> Self {
        let Some(name) = std::env::var_os(SOCKET) else {
            return Self(None);
        };
        let name = name.as_encoded_bytes();
        let address = match name.strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name),
            None => SocketAddr::from_pathname(String::from_utf8_lossy(name).as_ref()),
        };
        let connect = |address| {
            let socket = UnixDatagram::unbound()?;
            socket.connect_addr(&address)?;
            Ok(socket)
        };
        Self(address.and_then(connect).ok())
    }

    /// Says it. That nobody listens is no error.
    pub fn ready(&self) {
        if let Some(socket) = &self.0 {
            let _ = socket.send(READY);
        }
    }
}

/// A socket of that name to hear it on, in the abstract namespace.
///
/// # Errors
/// When there is one already.
pub fn listen(name: &str) -> std::io::Result<UnixDatagram> {
    UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(name)?)
}
