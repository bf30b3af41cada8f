//! Deeds with TCP connections and names whose numbers are known. Listeners are this process's own.

use std::io::{Read, Write};
use std::net::{
    IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs,
    UdpSocket,
};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

fn listen(address: &str) -> TcpListener {
    TcpListener::bind(address).expect("an address to listen at")
}

/// Connects to its own listener so many times, sends so many bytes and hears so many; the client ends first.
pub(super) fn talk(address: &str, times: u64, sent: usize, heard: usize) {
    let listener = listen(address);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..times {
                let (mut stream, _) = listener.accept().expect("a client");
                let mut all = Vec::new();
                stream.read_to_end(&mut all).expect("what was sent");
                assert_eq!(all.len(), sent);
                stream
                    .write_all(&vec![b'h'; heard])
                    .expect("a client that hears");
            }
        });
        for _ in 0..times {
            let mut stream = TcpStream::connect(address).expect("the listener");
            stream
                .write_all(&vec![b's'; sent])
                .expect("a server that hears");
            stream.shutdown(Shutdown::Write).expect("it is open");
            let mut all = Vec::new();
            stream.read_to_end(&mut all).expect("what was answered");
            assert_eq!(all.len(), heard);
        }
    });
}

/// A connection each to so many of this machine's addresses, 127.1.0.0 and up.
pub(super) fn flows(port: u16, count: u32) {
    let listener = listen(&format!("0.0.0.0:{port}"));
    let first = u32::from(Ipv4Addr::new(127, 1, 0, 0));
    for number in 0..count {
        let to = SocketAddr::from((Ipv4Addr::from(first + number), port));
        drop(TcpStream::connect(to).expect("the listener"));
        drop(listener.accept().expect("a client"));
    }
}

/// A connection that nothing waits for.
pub(super) fn connect_soon(address: &str) {
    let listener = listen(address);
    let SocketAddr::V4(to) = listener.local_addr().expect("it is bound") else {
        panic!("an IPv4 address is wanted")
    };
    // SAFETY: plain numbers.
    let socket = unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_NONBLOCK, 0) };
    assert!(socket >= 0);
    // SAFETY: nobody else has it.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    let name = libc::sockaddr_in {
        sin_family: libc::AF_INET as u16,
        sin_port: to.port().to_be(),
        sin_addr: libc::in_addr {
            s_addr: u32::from_ne_bytes(to.ip().octets()),
        },
        sin_zero: [0; 8],
    };
    let size = size_of_val(&name) as u32;
    // SAFETY: an address of that size.
    let result = unsafe { libc::connect(socket.as_raw_fd(), (&raw const name).cast(), size) };
    let error = std::io::Error::last_os_error();
    assert!(
        result < 0 && error.raw_os_error() == Some(libc::EINPROGRESS),
        "{error}"
    );
    drop(listener.accept().expect("a client"));
}

/// So many bytes to one that hears nothing for a while: its kernel drops what comes. They have come in the end.
pub(super) fn send_to_deaf(address: &str, bytes: usize, ms: u64) {
    let listener = listen(address);
    let mut stream = TcpStream::connect(address).expect("the listener");
    let (mut other, _) = listener.accept().expect("a client");
    // ret 0
    let mut drop_all = libc::sock_filter {
        code: 6,
        jt: 0,
        jf: 0,
        k: 0,
    };
    let program = libc::sock_fprog {
        len: 1,
        filter: &raw mut drop_all,
    };
    set_filter(&other, libc::SO_ATTACH_FILTER, &program);
    stream
        .write_all(&vec![b's'; bytes])
        .expect("room for what is sent");
    std::thread::sleep(Duration::from_millis(ms));
    set_filter(&other, libc::SO_DETACH_FILTER, &program);
    stream.shutdown(Shutdown::Write).expect("it is open");
    let mut all = Vec::new();
    other.read_to_end(&mut all).expect("what was sent");
    assert_eq!(all.len(), bytes);
}

fn set_filter(socket: &TcpStream, option: i32, program: &libc::sock_fprog) {
    let (level, size) = (libc::SOL_SOCKET, size_of_val(program) as u32);
    // SAFETY: a program of that size, which the kernel copies.
    let set = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            (&raw const *program).cast(),
            size,
        )
    };
    assert_eq!(set, 0, "{}", std::io::Error::last_os_error());
}

/// A connection that the client throws away with what it has not read: the server's end is reset.
pub(super) fn throw_away(address: &str) {
    let listener = listen(address);
    let stream = TcpStream::connect(address).expect("the listener");
    let (mut other, _) = listener.accept().expect("a client");
    other.write_all(b"unread").expect("room for what is sent");
    let mut seen = [0];
    assert_eq!(stream.peek(&mut seen).expect("what was sent"), 1);
    drop(stream);
    let end = other.read(&mut seen);
    assert!(end.is_err(), "{end:?}");
}

/// Asks libc for the addresses of a name, whether there are any or not.
pub(super) fn resolve(name: &str) {
    let _ = (name, 80).to_socket_addrs();
}

/// Asks a name server of its own, at port 53, for a name, gets the address by that system call, and connects to a listener
/// there.
pub(super) fn connect_named(how: &str, name: &str, address: &str) {
    const SERVER: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 53);
    let listener = listen(address);
    let to = listener.local_addr().expect("it is bound");
    let server = UdpSocket::bind(SERVER).expect("nobody else is a name server here");
    let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    // RFC 1035, section 4: a message has an identity, flags, and counts of questions and answers.
    let mut question = b"MT\x01\0\0\x01\0\0\0\0\0\0".to_vec();
    for label in name.split('.') {
        question.push(label.len() as u8);
        question.extend(label.bytes());
    }
    question.extend(b"\0\0\x01\0\x01");
    client.send_to(&question, SERVER).expect("it is sent");
    let mut heard = [0; 512];
    let (length, from) = server.recv_from(&mut heard).expect("a question");
    let mut answer = heard[..length].to_vec();
    (answer[2], answer[7]) = (0x81, 2);
    // The name is another's: of `x` below it, whose address is the second answer.
    answer.extend(b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x04\x01x\xc0\x0c");
    let (kind, bytes) = match to.ip() {
        IpAddr::V4(ip) => (1, ip.octets().to_vec()),
        IpAddr::V6(ip) => (28, ip.octets().to_vec()),
    };
    let length = bytes.len() as u8;
    answer.extend(b"\x01x\xc0\x0c\0");
    answer.extend([kind, 0, 1, 0, 0, 0, 60, 0, length]);
    answer.extend(bytes);
    server.send_to(&answer, from).expect("it is sent");
    let length = match how {
        "recvfrom" => client.recv_from(&mut heard).expect("an answer").0,
        "recvmsg" => receive_message(&client, &mut heard),
        _ => {
            client.connect(SERVER).expect("there is a way");
            let mut client = std::fs::File::from(OwnedFd::from(client));
            client.read(&mut heard).expect("an answer")
        }
    };
    assert_eq!(heard[..length], answer);
    drop(TcpStream::connect(to).expect("the listener"));
    drop(listener.accept().expect("a client"));
}

fn receive_message(socket: &UdpSocket, bytes: &mut [u8]) -> usize {
    let mut part = libc::iovec {
        iov_base: bytes.as_mut_ptr().cast(),
        iov_len: bytes.len(),
    };
    // SAFETY: plain numbers and null pointers.
    let mut from: libc::sockaddr_in = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_name = (&raw mut from).cast();
    message.msg_namelen = size_of_val(&from) as u32;
    (message.msg_iov, message.msg_iovlen) = (&raw mut part, 1);
    // SAFETY: the name and the part are as long as said.
    let length = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, 0) };
    usize::try_from(length).expect("an answer")
}

/// A UDP socket that is to send to one address after the other, whether there is a way or not.
pub(super) fn point_at(addresses: &[&str]) {
    for address in addresses {
        let address: IpAddr = address.parse().expect("an IP address");
        let any: IpAddr = match address {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((any, 0)).expect("a socket of that family");
        let _ = socket.connect((address, 9));
    }
}
