//! What a worker does: `kernel --workload [as COMM] [at-once] DEED…`
//!
//! It says `ready`, waits for a line, does its deed, says `done`, and waits for the end of its input; `at-once` does the
//! deed and ends. Deeds:
//!
//! - `getppid N`: the system call, N times
//! - `compat N CALL…`: N times getppid and, the 32-bit way, the system calls of those 32-bit numbers
//! - `burst CPU N`: the same, tied to a CPU
//! - `open PATH N`
//! - `leak PATH N`: opens it N times, and closes every other one
//! - `read PATH BYTES N`: N reads of so many bytes from the start of the file; errors are no failure
//! - `call N`: N calls of [`moontrace_target`] with (0, 7), (1, 7), …
//! - `recurse DEPTH N`: N calls of [`moontrace_recurse`] with DEPTH
//! - `connect ADDRESS`: a TCP connection to an address with its port, which is refused or not
//! - `bind PATH`: a UNIX socket at that path
//! - `send ADDRESS`: a UDP packet to an address with its port
//! - `open-nowhere`: openat of a path that can't be read
//! - `connect-nowhere`: connect to a null pointer, and to an address that can't be read
//! - `ask N`: N times two places of the USDT probe `moontrace:asked`, passed only while it is probed
//! - `counter`: says how often `moontrace:asked` is probed, a line for each of its input
//! - `spin MS`: so many ms of CPU time
//! - `pace N`: N times ten calls of getppid and a nap
//! - `touch PAGES`: writes to so many pages for the first time
//! - `assorted N`: N times each system call of [`ASSORTED`]
//! - `nap N`: sleeps N times, a ms each
//! - `send ADDRESS N`: N datagrams of 100 bytes to port 9
//! - `ping N`: N echo requests to this machine
//! - `jit N`: N calls of getppid by code that was made at run time, which `/tmp/perf-PID.map` calls `compiled_here`
//! - `storm CPU N`: on a CPU, getppid and [`moontrace_target`] N times and once a signal; in the end getpgid of their sum
//! - `families N DEPTH DEED…`: N times a child, which has one of its own, and so on; each does the deed
//! - `numbers N`: for each number below N getpriority, getpgid and getsid of it, one after the other
//! - `files FOLDER`: fsync of files in a mount within a mount there, of a root, a pipe, a socket and the like
//! - `deep FOLDER N NAME M NAME…`: fsync of a folder below N folders of a name, then of one below M, and so on
//! - `exec WORD…`: becomes this program with the words, which it does nothing with
//! - `write N`: so many bytes to nowhere, 0, 7, 14, …
//! - `open-c PATH`: openat of a path as it is
//! - `vfs FOLDER`: calls of VFS functions, as `workload/vfs.rs` has them
//! - `many FOLDER N`: N new files, a byte in each
//! - `talk ADDRESS N SENT HEARD`: N TCP connections to a listener of its own there, with so many bytes both ways
//! - `flows PORT N`: a TCP connection each to N addresses of this machine
//! - `connect-soon ADDRESS`: a TCP connection of a socket that doesn't wait, to a listener of its own
//! - `deaf ADDRESS BYTES MS`: sends by TCP what the other end's kernel drops for so many ms
//! - `point-at ADDRESS…`: a UDP socket is to send to each of them
//! - `throw-away ADDRESS`: a TCP connection whose client ends it without reading what was sent
//! - `resolve NAME`: asks libc for addresses
//! - `connect-named HOW NAME ADDRESS`: a TCP connection to a listener of its own, behind DNS's answer that NAME is there, which comes
//!   by recvfrom, recvmsg or read
//! - `beside DEED…`: the deed in a new thread
//! - `open-by CALL FLAGS MODE PATH…`, `stat-all FOLDER NAME`, `exec-by HOW FILE WORD…`, `signal CALL SIGNAL PID`: see snoop.rs
//! - `many-descriptors DEED…`: the deed with a thousand descriptors open
//! - `heap STEP…`: allocations; a step is `NAME:SIZE:TIMES`, one of [`heap::step`], or `pause`: says so, and waits for a line

mod files;
mod heap;
mod net;
mod snoop;
mod storm;
mod vfs;

use std::ffi::{CStr, CString, c_long};
use std::fs::File;
use std::hint::black_box;
use std::io::{Write, stdin, stdout};
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// By that name, this binary is a workload and nothing else.
pub(crate) const NAME: &str = "workload";

/// Does the deed that the words name.
pub(crate) fn run(words: &[String]) -> ExitCode {
    let mut words = words.iter().map(String::as_str).collect::<Vec<_>>();
    if let ["as", comm, ..] = words[..] {
        set_comm(comm);
        words.drain(..2);
    }
    if words.first() == Some(&"at-once") {
        return perform(&words[1..]);
    }
    say("ready");
    wait_for_line();
    let status = perform(&words);
    say("done");
    wait_for_line();
    status
}

fn perform(words: &[&str]) -> ExitCode {
    let number = |word: &str| word.parse::<u64>().expect("a number");
    match *words {
        ["getppid", times] => getppid(number(times)),
        ["compat", times, ref calls @ ..] => {
            for _ in 0..number(times) {
                getppid(1);
                calls.iter().for_each(|call| compat(number(call) as u32));
            }
        }
        ["crowd", threads, times] => (0..number(threads)).for_each(|_| {
            let times = number(times);
            let thread = std::thread::spawn(move || getppid(times));
            thread.join().expect("the calls are made");
        }),
        ["burst", cpu, times] => {
            pin(number(cpu) as usize);
            getppid(number(times));
        }
        ["open", path, times] => (0..number(times)).for_each(|_| drop(File::open(path))),
        ["leak", path, times] => {
            let open = |_| File::open(path).expect("what is opened exists");
            let files: Vec<File> = (0..number(times)).map(open).collect();
            for (at, file) in files.into_iter().enumerate() {
                if at % 2 == 0 {
                    std::mem::forget(file);
                }
            }
        }
        ["read", path, bytes, times] => read(path, number(bytes) as usize, number(times)),
        ["call", times] => {
            for n in 0..number(times) as i64 {
                black_box(moontrace_target(black_box(n), 7));
                black_box(brief_target(black_box(n)));
                announce(n);
            }
        }
        // Whether anything listens is the test's business.
        ["recurse", depth, times] => {
            for _ in 0..number(times) {
                black_box(moontrace_recurse(black_box(number(depth))));
            }
        }
        ["connect", address] => drop(std::net::TcpStream::connect(address)),
        ["bind", path] => drop(std::os::unix::net::UnixListener::bind(path)),
        ["send", address] => {
            let socket = UdpSocket::bind("0.0.0.0:0").expect("there is IPv4");
            // Nobody has to hear it.
            let _ = socket.send_to(b"hello", address);
        }
        ["open-nowhere"] => open_nowhere(),
        ["connect-nowhere"] => connect_nowhere(),
        ["ask", times] => (0..number(times)).for_each(|_| ask()),
        ["counter"] => {
            while wait_for_line() {
                say(&ASKED.load(Ordering::Relaxed).to_string());
            }
        }
        ["assorted", times] => (0..number(times)).for_each(|_| assorted()),
        ["touch", pages] => touch(number(pages) as usize),
        ["nap", times] => {
            (0..number(times)).for_each(|_| std::thread::sleep(Duration::from_millis(1)))
        }
        ["pace", times] => {
            for _ in 0..number(times) {
                getppid(10);
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        ["jit", times] => jit(number(times)),
        ["send", address, times] => send(address, number(times)),
        ["ping", times] => ping(number(times)),
        ["storm", cpu, times] => {
            pin(number(cpu) as usize);
            storm::weather(number(times));
        }
        ["heap", ref steps @ ..] => {
            for step in steps {
                match *step.split(':').collect::<Vec<_>>() {
                    [name, size, times] => heap::step(name, number(size) as usize, number(times)),
                    _ => {
                        say("paused");
                        wait_for_line();
                    }
                }
            }
        }
        ["beside", ..] => {
            let deed: Vec<String> = words[1..].iter().map(|word| word.to_string()).collect();
            let thread = std::thread::spawn(move || {
                perform(&deed.iter().map(String::as_str).collect::<Vec<_>>())
            });
            return thread.join().expect("the deed is done");
        }
        ["families", times, depth, ref deed @ ..] => {
            (0..number(times)).for_each(|_| {
                files::family(number(depth), &mut || {
                    perform(deed);
                })
            });
        }
        ["numbers", count] => {
            for n in 0..number(count) as i32 {
                // SAFETY: plain numbers; whether there is such a process is nobody's business.
                unsafe {
                    (
                        libc::getpriority(libc::PRIO_PROCESS, n as u32),
                        libc::getpgid(n),
                        libc::getsid(n),
                    )
                };
            }
        }
        ["files", folder] => files::everywhere(folder),
        ["deep", folder, ref rest @ ..] => {
            for pair in rest.chunks_exact(2) {
                files::deep(folder, number(pair[0]), pair[1]);
            }
        }
        ["vfs", folder] => vfs::every_call(folder),
        ["many", folder, count] => vfs::many(folder, number(count)),
        ["talk", address, times, sent, heard] => {
            net::talk(
                address,
                number(times),
                number(sent) as usize,
                number(heard) as usize,
            );
        }
        ["flows", port, count] => net::flows(number(port) as u16, number(count) as u32),
        ["connect-soon", address] => net::connect_soon(address),
        ["deaf", address, bytes, ms] => {
            net::send_to_deaf(address, number(bytes) as usize, number(ms))
        }
        ["point-at", ref addresses @ ..] => net::point_at(addresses),
        ["throw-away", address] => net::throw_away(address),
        ["resolve", name] => net::resolve(name),
        ["connect-named", how, name, address] => net::connect_named(how, name, address),
        ["exec", ref words @ ..] => files::become_again(words),
        ["ended", ..] => {
            say("done");
            wait_for_line();
        }
        ["write", bytes] => files::write(number(bytes) as usize),
        ["open-c", path] => files::open(path),
        ["open-by", call, flags, mode, ref paths @ ..] => {
            for path in paths {
                snoop::open_by(call, flags, mode, path);
            }
        }
        ["many-descriptors", ref deed @ ..] => {
            snoop::many_descriptors();
            return perform(deed);
        }
        ["stat-all", folder, name] => snoop::stat_all(folder, name),
        ["exec-by", how, file, ref words @ ..] => snoop::exec_by(how, file, words),
        ["signal", call, signal, pid] => snoop::signal(call, signal, pid),
        ["spin", ms] => {
            let started = Instant::now();
            while started.elapsed() < Duration::from_millis(number(ms)) {
                black_box(started);
            }
        }
        _ => {
            eprintln!("no such workload: {words:?}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// Calls itself with one less, down to 0; gives the sum of all.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn moontrace_recurse(depth: u64) -> u64 {
    match black_box(depth) {
        0 => 0,
        depth => depth + black_box(moontrace_recurse(depth - 1)),
    }
}

/// What uprobes are set on: gives `a - b`.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn moontrace_target(a: i64, b: i64) -> i64 {
    black_box(a - b)
}

/// Probes of it come and go.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn brief_target(a: i64) -> i64 {
    black_box(a)
}

/// A place of a USDT probe of the provider `moontrace`, as the macros of sys/sdt.h make it: a nop, and a note of where it
/// is, where its counter is (0 for none) and where its arguments are.
macro_rules! usdt {
    ($name:literal, $counter:literal, $arguments:literal $(, $operand:ident = $($kind:tt)+)?) => {
        // SAFETY: a nop; the rest is a section that is never loaded.
        unsafe {
            std::arch::asm!(
                "990: nop",
                ".pushsection .note.stapsdt, \"\", @note",
                ".balign 4",
                ".4byte 992f-991f, 994f-993f, 3",
                "991: .asciz \"stapsdt\"",
                "992: .balign 4",
                concat!("993: .8byte 990b, 0, ", $counter),
                ".asciz \"moontrace\"",
                concat!(".asciz \"", $name, "\""),
                concat!(".asciz \"", $arguments, "\""),
                "994: .balign 4",
                ".popsection",
                $($operand = $($kind)+,)?
                options(att_syntax, nostack, preserves_flags),
            )
        }
    };
}

/// The USDT probe `moontrace:called` of an i64 and a negative i32.
#[inline(never)]
fn announce(n: i64) {
    usdt!("called", "0", "-8@{n} -4@$-7", n = in(reg) n);
}

/// The kernel raises it while `moontrace:asked` is probed.
#[unsafe(link_section = ".probes")]
static ASKED: AtomicU16 = AtomicU16::new(0);

/// Two places of the USDT probe `moontrace:asked`, of a 3.
#[inline(never)]
fn ask() {
    if ASKED.load(Ordering::Relaxed) != 0 {
        usdt!("asked", "{counter}", "4@$3", counter = sym ASKED);
        usdt!("asked", "{counter}", "4@$3", counter = sym ASKED);
    }
}

/// What a system call is passed.
#[derive(Clone, Copy)]
pub(crate) enum Passed {
    Int(i64),
    Text(&'static CStr),
}

/// A system call that does nothing, for the most part because what it is passed isn't there.
pub(crate) struct Call {
    /// As its tracepoints have it.
    pub(crate) name: &'static str,
    number: c_long,
    /// Its first argument, if it takes any, by the name that the tracepoint has for it.
    pub(crate) first: Option<(&'static str, Passed)>,
    others: &'static [Passed],
}

/// A path that leads nowhere.
const NOWHERE: &CStr = c"/moontrace/nowhere";

use Passed::{Int, Text};

macro_rules! assorted {
    ($($name:ident $number:ident ($($field:ident $first:expr $(, $other:expr)*)?);)+) => {
        &[$(Call {
            name: stringify!($name),
            number: libc::$number,
            first: [$(Some((stringify!($field), $first)),)? None][0],
            others: &[$($($other),*)?],
        }),+]
    };
}

/// System calls that differ in what they take.
#[rustfmt::skip]
pub(crate) const ASSORTED: &[Call] = assorted![
    access SYS_access (filename Text(NOWHERE), Int(4));
    alarm SYS_alarm (seconds Int(0));
    chdir SYS_chdir (filename Text(NOWHERE));
    chown SYS_chown (filename Text(NOWHERE), Int(5), Int(6));
    dup SYS_dup (fildes Int(-2));
    dup2 SYS_dup2 (oldfd Int(-3), Int(-4));
    fchmod SYS_fchmod (fd Int(-1), Int(0o644));
    fchown SYS_fchown (fd Int(-1), Int(1), Int(2));
    flock SYS_flock (fd Int(-1), Int(8));
    fsync SYS_fsync (fd Int(-5));
    ftruncate SYS_ftruncate (fd Int(-1), Int(77));
    getitimer SYS_getitimer (which Int(9), Int(0));
    getpgid SYS_getpgid (pid Int(0));
    getppid SYS_getppid ();
    getpriority SYS_getpriority (which Int(0), Int(0));
    ioctl SYS_ioctl (fd Int(-1), Int(21505), Int(7));
    lseek SYS_lseek (fd Int(-1), Int(1 << 40), Int(2));
    mkdir SYS_mkdir (pathname Text(NOWHERE), Int(0o700));
    mkdirat SYS_mkdirat (dfd Int(-1), Text(c"nowhere"), Int(0o700));
    mknod SYS_mknod (filename Text(NOWHERE), Int(0o600), Int(0));
    rename SYS_rename (oldname Text(NOWHERE), Text(c"/moontrace/either"));
    renameat SYS_renameat (olddfd Int(-1), Text(c"a"), Int(-1), Text(c"b"));
    symlink SYS_symlink (oldname Text(c"either"), Text(NOWHERE));
    truncate SYS_truncate (path Text(NOWHERE), Int(99));
];

fn assorted() {
    for call in ASSORTED {
        let mut words = [0; 4];
        let first = call.first.iter().map(|(_, passed)| passed);
        for (word, passed) in words.iter_mut().zip(first.chain(call.others)) {
            *word = match passed {
                Int(value) => *value,
                Text(text) => text.as_ptr() as i64,
            };
        }
        // SAFETY: none of them writes to memory, and the strings end in NUL.
        unsafe { libc::syscall(call.number, words[0], words[1], words[2], words[3]) };
    }
}

fn getppid(times: u64) {
    for _ in 0..times {
        // SAFETY: the call takes no arguments and always succeeds.
        unsafe { libc::syscall(libc::SYS_getppid) };
    }
}

/// A system call without arguments, as 32-bit programs make it.
#[cfg(target_arch = "x86_64")]
fn compat(number: u32) {
    // SAFETY: the kernel leaves all registers but the result's and the scratch ones as they are; the callers' system calls
    // write nothing. LLVM keeps rbx to itself: it is put back.
    unsafe {
        std::arch::asm!(
            "push rbx", "xor ebx, ebx", "int 0x80", "pop rbx",
            inlateout("rax") u64::from(number) => _,
            in("rcx") 0, in("rdx") 0, in("rsi") 0, in("rdi") 0,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
}

fn read(path: &str, bytes: usize, times: u64) {
    let file = File::open(path).expect("what is read exists");
    let mut buffer = vec![0u8; bytes];
    for _ in 0..times {
        // SAFETY: the buffer is writable and as long as said. Errors are what some tests are after.
        unsafe { libc::pread(file.as_raw_fd(), buffer.as_mut_ptr().cast(), bytes, 0) };
    }
}

/// No page is mapped so low.
const UNMAPPED: usize = 16;

fn open_nowhere() {
    // SAFETY: the call fails, which is what it is made for.
    unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, UNMAPPED, libc::O_RDONLY) };
}

fn connect_nowhere() {
    for address in [0, UNMAPPED] {
        // SAFETY: there is no such file, so that nothing is connected.
        unsafe { libc::syscall(libc::SYS_connect, -1, address, 16) };
    }
}

/// Code of a function that calls getppid: push rbp; mov rbp, rsp; mov eax, 110; syscall; pop rbp; ret.
const CODE: [u8; 13] = [
    0x55, 0x48, 0x89, 0xe5, 0xb8, 110, 0, 0, 0, 0x0f, 0x05, 0x5d, 0xc3,
];

fn jit(times: u64) {
    const PAGE: usize = 4096;
    // SAFETY: new memory, in which the code has room, and which is a function from then on; the system call changes no
    // register that a function must keep.
    unsafe {
        let memory = libc::mmap(
            std::ptr::null_mut(),
            PAGE,
            libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        assert_ne!(memory, libc::MAP_FAILED, "there is memory");
        std::ptr::copy_nonoverlapping(CODE.as_ptr(), memory.cast::<u8>(), CODE.len());
        let map = format!("/tmp/perf-{}.map", std::process::id());
        let line = format!("{:x} {:x} compiled_here\n", memory as usize, CODE.len());
        std::fs::write(map, line).expect("a file in /tmp");
        let function: extern "C" fn() -> i64 = std::mem::transmute(memory);
        for _ in 0..times {
            black_box(function());
        }
    }
}

fn touch(pages: usize) {
    const PAGE: usize = 4096;
    let length = pages * PAGE;
    // SAFETY: new memory, written within its length, and given back; the advice keeps huge pages out of it.
    unsafe {
        let memory = libc::mmap(
            std::ptr::null_mut(),
            length,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        assert_ne!(memory, libc::MAP_FAILED, "there is memory");
        libc::madvise(memory, length, libc::MADV_NOHUGEPAGE);
        for page in 0..pages {
            memory.cast::<u8>().add(page * PAGE).write_volatile(1);
        }
        libc::munmap(memory, length);
    }
}

fn send(address: &str, times: u64) {
    let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
    for _ in 0..times {
        let sent = socket.send_to(&[0; 100], (address, 9));
        sent.expect("the datagram is sent");
    }
}

fn ping(times: u64) {
    // Type 8 and code 0 of RFC 792, with their checksum.
    const ECHO: [u8; 8] = [8, 0, 0xf7, 0xff, 0, 0, 0, 0];
    // SAFETY: plain numbers; an address of all zeroes is a valid one. What is sent outlives the call.
    unsafe {
        let socket = libc::socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP);
        assert!(socket >= 0, "a raw socket");
        let mut address: libc::sockaddr_in = std::mem::zeroed();
        address.sin_family = libc::AF_INET as u16;
        address.sin_addr.s_addr = u32::from_ne_bytes([127, 0, 0, 1]);
        for _ in 0..times {
            let sent = libc::sendto(
                socket,
                ECHO.as_ptr().cast(),
                ECHO.len(),
                0,
                (&raw const address).cast(),
                size_of_val(&address) as u32,
            );
            assert_eq!(sent, ECHO.len() as isize, "the request is sent");
        }
        libc::close(socket);
    }
}

fn set_comm(comm: &str) {
    let comm = CString::new(comm).expect("no NUL in a comm");
    // SAFETY: the name ends in NUL.
    unsafe { libc::prctl(libc::PR_SET_NAME, comm.as_ptr()) };
}

fn pin(cpu: usize) {
    // SAFETY: an all-zero set is an empty one, and `cpu` is within it, since it is the number of a CPU that runs.
    let failed: c_long = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        libc::sched_setaffinity(0, size_of_val(&set), &set).into()
    };
    assert_eq!(failed, 0, "CPU {cpu} can't be chosen");
}

fn say(word: &str) {
    let mut out = stdout();
    let _ = writeln!(out, "{word}").and_then(|()| out.flush());
}

/// False at the end of the input.
fn wait_for_line() -> bool {
    stdin()
        .read_line(&mut String::new())
        .is_ok_and(|length| length > 0)
}
