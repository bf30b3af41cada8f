//! The settings of the terminal that is standard input (termios(3)).

use libc::termios;
use std::sync::OnceLock;

/// As they were when this program began to change them.
static FOUND: OnceLock<termios> = OnceLock::new();

/// From now on keys are not shown by the terminal itself and not kept until the line is whole: who types ahead of a prompt
/// finds it there. Ctrl-C still makes SIGINT. Nothing happens where standard input is no terminal.
pub fn hush() {
    let Some(mut settings) = settings() else {
        return;
    };
    FOUND.get_or_init(|| settings);
    settings.c_lflag &= !(libc::ICANON | libc::ECHO);
    settings.c_iflag &= !libc::ICRNL;
    settings.c_cc[libc::VMIN] = 1;
    settings.c_cc[libc::VTIME] = 0;
    // A core dump would leave the terminal as it is now.
    settings.c_cc[libc::VQUIT] = 0;
    set(&settings);
}

/// Gives the terminal back as it was found.
pub fn restore() {
    if let Some(found) = FOUND.get() {
        set(found);
    }
}

/// Takes the keys that wait, so that the next program or line does not get them.
pub fn take_keys() {
    // SAFETY: has no preconditions.
    unsafe { libc::tcflush(libc::STDIN_FILENO, libc::TCIFLUSH) };
}

/// Is a key pressed within so many milliseconds? (The end of input is one, too.)
pub fn has_key(milliseconds: i32) -> bool {
    let mut polled = libc::pollfd {
        fd: libc::STDIN_FILENO,
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one struct, which outlives the call.
    unsafe { libc::poll(&raw mut polled, 1, milliseconds) > 0 }
}

fn settings() -> Option<termios> {
    // SAFETY: a struct of integers, which the call fills.
    let mut settings = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    let got = unsafe { libc::tcgetattr(libc::STDIN_FILENO, &raw mut settings) };
    (got == 0).then_some(settings)
}

fn set(settings: &termios) {
    // SAFETY: reads one struct. A terminal that is gone needs no settings.
    unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSADRAIN, settings) };
}
