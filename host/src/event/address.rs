//! Addresses as people and programs write them: `192.0.2.1`, `[::1]:80`, `/run/socket`, `02:42:ac:11:00:02`.

use crate::rows::shown::AddressKind;
use std::fmt::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr};

/// The text of an address, in place: it is pushed to Lua from where nothing may be left to be dropped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AddressText {
    bytes: [u8; LONGEST],
    length: usize,
}

/// Bytes of the path of a UNIX socket (UNIX_PATH_MAX of include/uapi/linux/un.h), and the `@` of an abstract one.
const LONGEST: usize = 109;

/// Families of include/linux/socket.h.
const UNSPEC: u16 = 0;
const UNIX: u16 = 1;
const INET: u16 = 2;
const INET6: u16 = 10;
/// Those whose addresses are of use to few: their names alone.
const OTHERS: [(u16, &str); 7] = [
    (16, "AF_NETLINK"),
    (17, "AF_PACKET"),
    (29, "AF_CAN"),
    (31, "AF_BLUETOOTH"),
    (38, "AF_ALG"),
    (40, "AF_VSOCK"),
    (44, "AF_XDP"),
];

impl AddressText {
    /// An address of a kind; `None` when there are too few bytes.
    pub fn of(kind: AddressKind, bytes: &[u8]) -> Option<Self> {
        Some(match kind {
            AddressKind::Ipv4 => Self::written(format_args!("{}", ipv4(bytes)?)),
            AddressKind::Ipv6 => Self::written(format_args!("{}", ipv6(bytes)?)),
            AddressKind::Mac => {
                let [a, b, c, d, e, f] = *bytes.first_chunk()?;
                Self::written(format_args!(
                    "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}"
                ))
            }
        })
    }

    /// A socket's address, whose first two bytes are its family; `None` when there are too few bytes for that one.
    pub fn of_socket(bytes: &[u8]) -> Option<Self> {
        let family = u16::from_ne_bytes(*bytes.first_chunk()?);
        let port = |bytes: &[u8]| Some(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?));
        Some(match family {
            UNSPEC => Self::written(format_args!("AF_UNSPEC")),
            UNIX => Self::of_path(bytes.get(2..)?),
            INET => Self::written(format_args!("{}:{}", ipv4(bytes.get(4..)?)?, port(bytes)?)),
            INET6 => Self::written(format_args!(
                "[{}]:{}",
                ipv6(bytes.get(8..)?)?,
                port(bytes)?
            )),
            other => match OTHERS.iter().find(|(family, _)| *family == other) {
                Some((_, name)) => Self::written(format_args!("{name}")),
                None => Self::written(format_args!("family {other}")),
            },
        })
    }

    /// That of a UNIX socket: a file's, or behind a NUL an abstract one, which is written with an `@`.
    fn of_path(path: &[u8]) -> Self {
        let (mark, name): (&[u8], _) = match path.split_first() {
            Some((0, rest)) => (b"@", rest),
            _ => (b"", path),
        };
        let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
        let mut text = Self::empty();
        text.push(mark);
        text.push(name);
        text
    }

    fn written(text: fmt::Arguments<'_>) -> Self {
        let mut out = Self::empty();
        // What doesn't fit is cut.
        let _ = out.write_fmt(text);
        out
    }

    fn empty() -> Self {
        Self {
            bytes: [0; LONGEST],
            length: 0,
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        let room = self.bytes.get_mut(self.length..).unwrap_or_default();
        for (to, from) in room.iter_mut().zip(bytes) {
            *to = *from;
        }
        self.length = (self.length + bytes.len()).min(LONGEST);
    }

    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl Write for AddressText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

fn ipv4(bytes: &[u8]) -> Option<Ipv4Addr> {
    Some(Ipv4Addr::from(*bytes.first_chunk::<4>()?))
}

fn ipv6(bytes: &[u8]) -> Option<Ipv6Addr> {
    Some(Ipv6Addr::from(*bytes.first_chunk::<16>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(bytes: &[u8]) -> Option<String> {
        let text = AddressText::of_socket(bytes)?;
        Some(String::from_utf8_lossy(text.bytes()).into_owned())
    }

    #[test]
    fn sockets_are_written_as_their_family_is() {
        let shown = |bytes: &[u8]| socket(bytes).unwrap();
        assert_eq!(shown(&[2, 0, 0, 80, 192, 0, 2, 1, 9]), "192.0.2.1:80");
        let mut six = [0; 28];
        (six[0], six[3], six[23]) = (10, 22, 1);
        assert_eq!(shown(&six), "[::1]:22");
        assert_eq!(shown(b"\x01\0/run/x\0junk"), "/run/x");
        assert_eq!(shown(b"\x01\0\0hidden\0"), "@hidden");
        let long = [b"\x01\0".as_slice(), &[b'a'; 200]].concat();
        assert_eq!(shown(&long), "a".repeat(LONGEST));
        assert_eq!(shown(&[16, 0]), "AF_NETLINK");
        assert_eq!(shown(&[99, 0]), "family 99");
        assert_eq!(socket(&[2, 0, 0, 80, 192]), None);
        assert_eq!(socket(&[10, 0, 0, 80, 0, 0, 0, 0, 1]), None);
        assert_eq!(socket(&[2]), None);
    }

    #[test]
    fn other_addresses_are_written_by_their_kind() {
        let shown = |kind, bytes: &[u8]| {
            let text = AddressText::of(kind, bytes)?;
            Some(String::from_utf8_lossy(text.bytes()).into_owned())
        };
        let mac = shown(AddressKind::Mac, &[2, 0x42, 0xac, 0x11, 0, 2]);
        assert_eq!(mac.as_deref(), Some("02:42:ac:11:00:02"));
        let v6 = shown(AddressKind::Ipv6, &[0xff; 16]);
        assert_eq!(
            v6.as_deref(),
            Some("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
        );
        assert_eq!(shown(AddressKind::Ipv4, &[1, 2, 3]), None);
    }
}
