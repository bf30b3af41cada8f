//! The signals that end a run, those that a script asks for, and the file descriptor that wakes its loop.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering};

/// What ends a run. A terminal that goes away is a reason, too.
const ENDING: [libc::c_int; 3] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP];

/// What a script may have for itself. All others are ours, can't be caught, or say that something is broken.
const FREE: [(&str, libc::c_int); 8] = [
    ("HUP", libc::SIGHUP),
    ("USR1", libc::SIGUSR1),
    ("USR2", libc::SIGUSR2),
    ("QUIT", libc::SIGQUIT),
    ("CONT", libc::SIGCONT),
    ("WINCH", libc::SIGWINCH),
    ("URG", libc::SIGURG),
    ("PWR", libc::SIGPWR),
];

/// What the script gets to return by itself when a run ends, before it is interrupted: a handler that is cut short has
/// half done what it does for its event.
const GRACE_SECONDS: u32 = 1;
/// The most seconds that a timer of the kernel's is asked for: a hundred years.
const FOR_EVER: u64 = 100 * 366 * 86_400;

/// How many of them have come.
static ARRIVED: AtomicU32 = AtomicU32::new(0);
/// SIGINT at a prompt has come and was not yet taken.
static STOP: AtomicBool = AtomicBool::new(false);
/// Bit N: the script's signal N has come and was not yet taken.
static PENDING: AtomicU64 = AtomicU64::new(0);
/// The host works for the script, whose time stands still.
static PAUSED: AtomicBool = AtomicBool::new(false);
static WAKE: AtomicI32 = AtomicI32::new(-1);
static INTERRUPT: OnceLock<Box<dyn Fn() + Send + Sync>> = OnceLock::new();

/// A counter that is readable when anything was written to it: other threads and signals wake the loop by it.
#[derive(Debug)]
pub struct Wakeup(OwnedFd);

impl Wakeup {
    pub fn new() -> io::Result<Self> {
        // SAFETY: has no preconditions.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just made it for us.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Another handle of the same counter, for another thread.
    pub fn try_clone(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }

    pub fn wake(&self) {
        write_one(self.0.as_raw_fd());
    }

    /// Makes it unreadable until it is woken again.
    pub fn clear(&self) {
        let mut count = 0u64;
        // SAFETY: reads 8 bytes into a local; what is not there is no error for us.
        unsafe { libc::read(self.0.as_raw_fd(), (&raw mut count).cast(), 8) };
    }
}

fn write_one(fd: i32) {
    let one = 1u64;
    // SAFETY: writes 8 bytes of a local; a counter that is full is readable, which is all that is wanted.
    unsafe { libc::write(fd, (&raw const one).cast(), 8) };
}

/// Async-signal-safe: atomics, write(2), alarm(2) and _exit(2).
extern "C" fn arrived(_: libc::c_int) {
    if ARRIVED.fetch_add(1, Ordering::SeqCst) > 0 {
        // The first was asked politely. What does not stop by itself (a pattern match of Lua's) is left where it is.
        // SAFETY: async-signal-safe.
        unsafe { libc::_exit(130) };
    }
    write_one(WAKE.load(Ordering::SeqCst));
    grant_time();
}

/// What runs in the VM ends at once; the session goes on.
extern "C" fn stopped(_: libc::c_int) {
    STOP.store(true, Ordering::SeqCst);
    if let Some(interrupt) = INTERRUPT.get() {
        interrupt();
    }
    write_one(WAKE.load(Ordering::SeqCst));
}

extern "C" fn noted(signal: libc::c_int) {
    PENDING.fetch_or(1 << (signal as u32 % u64::BITS), Ordering::SeqCst);
    write_one(WAKE.load(Ordering::SeqCst));
}

extern "C" fn time_is_over(_: libc::c_int) {
    if PAUSED.load(Ordering::SeqCst) {
        return;
    }
    if let Some(interrupt) = INTERRUPT.get() {
        interrupt();
    }
}

/// What runs in the VM a second from now is interrupted.
pub fn grant_time() {
    // SAFETY: has no preconditions, and is async-signal-safe.
    unsafe { libc::alarm(GRACE_SECONDS) };
}

/// What runs in the VM so many ns from now, and that grace, is interrupted. [`grant_time`] takes its place.
pub fn interrupt_after(nanoseconds: u64) {
    let seconds = (nanoseconds / 1_000_000_000).min(FOR_EVER) + u64::from(GRACE_SECONDS);
    let timer = libc::itimerval {
        it_interval: libc::timeval {
            tv_sec: 0,
            tv_usec: 0,
        },
        it_value: libc::timeval {
            tv_sec: seconds as libc::time_t,
            tv_usec: (nanoseconds % 1_000_000_000 / 1_000) as libc::suseconds_t,
        },
    };
    // SAFETY: reads one struct. With these values it can't fail.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) };
}

/// While this is there, the script is not interrupted: what the host does for it may take long, and is none of its time.
pub struct Pause {
    left: libc::itimerval,
}

/// Stops the script's clock; not to be called while it stands.
pub fn pause() -> Pause {
    PAUSED.store(true, Ordering::SeqCst);
    // SAFETY: structs of integers; all zero stops the clock.
    let (stopped, mut left) = unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
    // SAFETY: reads one struct and fills the other. With these values it can't fail.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const stopped, &raw mut left) };
    Pause { left }
}

impl Drop for Pause {
    fn drop(&mut self) {
        PAUSED.store(false, Ordering::SeqCst);
        if ended() {
            grant_time();
        } else if self.left.it_value.tv_sec > 0 || self.left.it_value.tv_usec > 0 {
            // SAFETY: reads one struct, which the kernel has filled.
            unsafe {
                libc::setitimer(
                    libc::ITIMER_REAL,
                    &raw const self.left,
                    std::ptr::null_mut(),
                )
            };
        }
    }
}

/// From now on the first signal that ends a run wakes `wakeup`, and calls `interrupt` a second later, on this thread if
/// it is the one that has them unblocked; the second ends the process at once.
///
/// `interrupt` must be async-signal-safe.
pub fn catch(wakeup: &Wakeup, interrupt: impl Fn() + Send + Sync + 'static) -> io::Result<()> {
    WAKE.store(wakeup.0.as_raw_fd(), Ordering::SeqCst);
    let _ = INTERRUPT.set(Box::new(interrupt));
    handle(libc::SIGALRM, time_is_over)?;
    ENDING
        .into_iter()
        .try_for_each(|signal| handle(signal, arrived))
}

/// As [`catch`], but SIGINT stops only what runs in the VM: [`take_stop`] says that it came.
pub fn catch_at_prompt(
    wakeup: &Wakeup,
    interrupt: impl Fn() + Send + Sync + 'static,
) -> io::Result<()> {
    catch(wakeup, interrupt)?;
    handle(libc::SIGINT, stopped)
}

/// Has SIGINT come at a prompt since the last time?
pub fn take_stop() -> bool {
    STOP.swap(false, Ordering::SeqCst)
}

/// Names of the signals that a script may have.
pub fn free() -> impl Iterator<Item = &'static str> {
    FREE.iter().map(|(name, _)| *name)
}

/// From now on a signal is the script's, and no longer does what it does by default; gives its number. `None` where a
/// script can't have it.
pub fn catch_for_script(name: &str) -> Option<io::Result<i32>> {
    let (_, signal) = FREE.iter().find(|(free, _)| *free == name)?;
    Some(handle(*signal, noted).map(|()| *signal))
}

/// The script's signals that have come since the last time, each once, as the kernel has it with signals.
pub fn take_pending() -> impl Iterator<Item = i32> {
    let pending = PENDING.swap(0, Ordering::SeqCst);
    (0..u64::BITS)
        .filter(move |bit| pending & (1 << bit) != 0)
        .map(|bit| bit as i32)
}

fn handle(signal: libc::c_int, handler: extern "C" fn(libc::c_int)) -> io::Result<()> {
    // SAFETY: a struct of integers and a function pointer; all zero but for the handler is valid.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as libc::sighandler_t;
        // No SA_RESTART: a wait that is interrupted is to look at what has happened.
        if libc::sigaction(signal, &raw const action, std::ptr::null_mut()) < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Has one of them come?
pub fn ended() -> bool {
    ARRIVED.load(Ordering::SeqCst) > 0
}

/// Whether this thread, and those that it makes, get the signals that are caught: they cut system calls short.
pub fn deliver_here(here: bool) {
    // SAFETY: sets of signals on the stack, filled before they are used.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        let free = FREE.iter().map(|(_, signal)| *signal);
        for signal in ENDING.into_iter().chain([libc::SIGALRM]).chain(free) {
            libc::sigaddset(&raw mut set, signal);
        }
        let how = if here {
            libc::SIG_UNBLOCK
        } else {
            libc::SIG_BLOCK
        };
        libc::pthread_sigmask(how, &raw const set, std::ptr::null_mut());
    }
}

/// Waits until one of `fds` is readable, a signal came, or `timeout` (ns; `None`: for ever) has passed.
pub fn wait(fds: &[BorrowedFd<'_>], timeout: Option<u64>) -> io::Result<()> {
    let mut polled: Vec<libc::pollfd> = fds
        .iter()
        .map(|fd| libc::pollfd {
            fd: fd.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        })
        .collect();
    let time = timeout.map(|ns| libc::timespec {
        tv_sec: (ns / 1_000_000_000) as libc::time_t,
        tv_nsec: (ns % 1_000_000_000) as libc::c_long,
    });
    let time = time.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: the array and the time outlive the call.
    let result = unsafe {
        libc::ppoll(
            polled.as_mut_ptr(),
            polled.len() as libc::nfds_t,
            time,
            std::ptr::null(),
        )
    };
    let error = io::Error::last_os_error();
    if result < 0 && error.kind() != io::ErrorKind::Interrupted {
        Err(error)
    } else {
        Ok(())
    }
}
