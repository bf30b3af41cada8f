//! Work that signals interrupt all the time, with handlers that do the same work.

use super::{getppid, moontrace_target};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

/// Between two signals, in µs: less than what a few of the calls take.
const PERIOD: i64 = 100;

/// Signals that have been handled.
static HANDLED: AtomicU64 = AtomicU64::new(0);

/// Work is a call of getppid and one of [`moontrace_target`]: `times` of them, and one a signal.
pub(super) fn weather(times: u64) {
    timer(PERIOD);
    for _ in 0..times {
        work();
    }
    timer(0);
    // How often there was work in all is told by the argument of a system call: 0 or an error is its answer.
    let done = times + HANDLED.load(Ordering::Relaxed);
    // SAFETY: takes a number.
    unsafe { libc::syscall(libc::SYS_getpgid, done) };
}

fn work() {
    getppid(1);
    black_box(moontrace_target(black_box(3), 1));
}

extern "C" fn handler(_: libc::c_int) {
    HANDLED.fetch_add(1, Ordering::Relaxed);
    work();
}

/// A signal every so many µs from now on; 0 for no more of them.
fn timer(period: i64) {
    let period = libc::timeval {
        tv_sec: 0,
        tv_usec: period,
    };
    let value = libc::itimerval {
        it_interval: period,
        it_value: period,
    };
    let handler: extern "C" fn(libc::c_int) = handler;
    // SAFETY: the handler does what handlers may: it adds to an atomic, and calls functions that do nothing but compute or
    // enter the kernel. The timer's value is read only.
    let failed = unsafe {
        libc::signal(libc::SIGALRM, handler as libc::sighandler_t) == libc::SIG_ERR
            || libc::setitimer(libc::ITIMER_REAL, &raw const value, std::ptr::null_mut()) != 0
    };
    assert!(!failed, "there is no timer");
}
