//! Ticks of this thread's CPU time: what is asleep is not counted.

use std::io;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering::SeqCst};

type Tick = Box<dyn Fn() + Send + Sync>;

/// What is called; null before there is anything.
static TICK: AtomicPtr<Tick> = AtomicPtr::new(null_mut());

extern "C" fn ticked(_: libc::c_int) {
    // SAFETY: null, or a box that is never freed.
    if let Some(tick) = unsafe { TICK.load(SeqCst).as_ref() } {
        tick();
    }
}

/// From now on calls `tick` on this thread each time that it has used so many ns more of CPU time. Of a process, one
/// thread at a time has that, the last one; it lasts as long as the thread.
///
/// `tick` must be async-signal-safe.
pub fn every(nanoseconds: u64, tick: impl Fn() + Send + Sync + 'static) -> io::Result<()> {
    // A handler may still be in the one before, so it stays: some bytes a script.
    let tick: Tick = Box::new(tick);
    TICK.store(Box::leak(Box::new(tick)), SeqCst);
    let failed = |result: libc::c_int| match result {
        0.. => Ok(()),
        _ => Err(io::Error::last_os_error()),
    };
    // SAFETY: structs of integers and pointers, all of which may be zero; each is filled before the call that reads it and
    // outlives it. The handler is async-signal-safe, as is what it calls.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = ticked as extern "C" fn(libc::c_int) as libc::sighandler_t;
        // A system call that it comes in is none that takes CPU time for long.
        action.sa_flags = libc::SA_RESTART;
        failed(libc::sigaction(
            libc::SIGVTALRM,
            &raw const action,
            null_mut(),
        ))?;
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGVTALRM);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, null_mut());
        let mut event: libc::sigevent = std::mem::zeroed();
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = libc::SIGVTALRM;
        event.sigev_notify_thread_id = libc::gettid();
        let mut timer: libc::timer_t = std::mem::zeroed();
        failed(libc::timer_create(
            libc::CLOCK_THREAD_CPUTIME_ID,
            &raw mut event,
            &raw mut timer,
        ))?;
        let period = libc::timespec {
            tv_sec: (nanoseconds / 1_000_000_000) as libc::time_t,
            tv_nsec: (nanoseconds % 1_000_000_000) as libc::c_long,
        };
        let periods = libc::itimerspec {
            it_interval: period,
            it_value: period,
        };
        failed(libc::timer_settime(
            timer,
            0,
            &raw const periods,
            null_mut(),
        ))
    }
}
