//! What a worker does: `kernel --workload [as COMM] [at-once] DEED…`
//!
//! It says `ready`, waits for a line, does its deed, says `done`, and waits for the end of its input; `at-once` does the
//! deed and ends. Deeds:
//!
//! - `getppid N`: the system call, N times
//! - `burst CPU N`: the same, tied to a CPU
//! - `open PATH N`
//! - `read PATH BYTES N`: N reads of so many bytes from the start of the file; errors are no failure
//! - `call N`: N calls of [`moontrace_target`] with (0, 7), (1, 7), …
//! - `connect PORT`: a TCP connection to 127.0.0.1, which is refused or not
//! - `spin MS`: so many ms of CPU time

use std::ffi::{CString, c_long};
use std::fs::File;
use std::hint::black_box;
use std::io::{Write, stdin, stdout};
use std::os::fd::AsRawFd;
use std::process::ExitCode;
use std::time::{Duration, Instant};

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
        ["burst", cpu, times] => {
            pin(number(cpu) as usize);
            getppid(number(times));
        }
        ["open", path, times] => (0..number(times)).for_each(|_| drop(File::open(path))),
        ["read", path, bytes, times] => read(path, number(bytes) as usize, number(times)),
        ["call", times] => {
            for n in 0..number(times) as i64 {
                black_box(moontrace_target(black_box(n), 7));
            }
        }
        ["connect", port] => {
            let port = number(port) as u16;
            // Whether anything listens is the test's business.
            drop(std::net::TcpStream::connect(("127.0.0.1", port)));
        }
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

/// What uprobes are set on: gives `a - b`.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn moontrace_target(a: i64, b: i64) -> i64 {
    black_box(a - b)
}

fn getppid(times: u64) {
    for _ in 0..times {
        // SAFETY: the call takes no arguments and always succeeds.
        unsafe { libc::syscall(libc::SYS_getppid) };
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

fn wait_for_line() {
    let _ = stdin().read_line(&mut String::new());
}
