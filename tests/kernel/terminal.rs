//! The prompt on a terminal of its own, as a person sees it: what was written is drawn on a screen (pty(7)).

use crate::trace::product;
use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Emulated processors are slow, and machines busy.
const PATIENCE: Duration = Duration::from_secs(60);
const LINES: u16 = 50;
const COLUMNS: u16 = 80;

pub(crate) struct Prompt {
    child: Child,
    keys: File,
    written: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    /// Every byte so far.
    raw: Vec<u8>,
    /// The terminal's other end, to look at its settings.
    terminal: OwnedFd,
    /// Where it keeps what outlives it; gone with the last who has it.
    home: Home,
}

/// A home folder of the tests' own.
pub(crate) type Home = std::rc::Rc<TempDir>;

pub(crate) fn home() -> Home {
    tempfile::tempdir().expect("a folder").into()
}

impl Prompt {
    /// The prompt, as soon as it takes a line.
    pub(crate) fn open() -> Self {
        Self::at(&home(), COLUMNS)
    }

    /// The same with a home, on a terminal of so many columns.
    pub(crate) fn at(home: &Home, columns: u16) -> Self {
        let mut prompt = Self::launch(home, columns, &["repl"], &[]);
        prompt.sees("Ctrl-D leaves");
        prompt.waits();
        prompt
    }

    /// Another command than the prompt, with variables of its environment.
    pub(crate) fn of(home: &Home, words: &[&str], environment: &[(&str, &Path)]) -> Self {
        Self::launch(home, COLUMNS, words, environment)
    }

    fn launch(home: &Home, columns: u16, words: &[&str], environment: &[(&str, &Path)]) -> Self {
        let (keys, terminal) = pty(columns);
        let end = |fd: &OwnedFd| Stdio::from(fd.try_clone().expect("a descriptor"));
        let mut command = Command::new(product());
        command
            .args(words)
            .env("HOME", home.path())
            .envs(environment.iter().copied())
            .env("TERM", "xterm")
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_STATE_HOME")
            .current_dir(home.path())
            .stdin(end(&terminal))
            .stdout(end(&terminal))
            .stderr(end(&terminal));
        let lead = || {
            // SAFETY: two system calls, neither of which reads memory.
            match unsafe { libc::setsid() >= 0 && libc::ioctl(0, libc::TIOCSCTTY, 0) == 0 } {
                true => Ok(()),
                false => Err(std::io::Error::last_os_error()),
            }
        };
        // SAFETY: between fork and exec nothing is done but those calls.
        unsafe { command.pre_exec(lead) };
        let child = command.spawn().expect("the product starts");
        let mut output = keys.try_clone().expect("a descriptor");
        let (tell, written) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count) = output.read(&mut bytes) {
                if tell.send(bytes[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            keys,
            written,
            screen: vt100::Parser::new(lines(), wide(columns), 0),
            raw: Vec::new(),
            terminal,
            home: Home::clone(home),
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Presses keys: `\r` is Enter, `\t` Tab, `\x03` Ctrl-C.
    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("the terminal");
    }

    /// Types a line and Enter, and waits until the next can be typed; gives what stands between the two.
    #[track_caller]
    pub(crate) fn says(&mut self, line: &str) -> String {
        let from = self.raw.len();
        self.press(&format!("{line}\r"));
        self.answer(from)
    }

    /// What was written between the end of a line's typing, from that byte on, and the beginning of the next one.
    #[track_caller]
    pub(crate) fn answer(&mut self, from: usize) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(text) = between(&self.raw[from..], TYPED, TYPING) {
                return drawn(text);
            }
            assert!(self.listen(end), "no answer:\n{}", self.screen());
        }
    }

    /// How much has been written.
    pub(crate) fn written(&self) -> usize {
        self.raw.len()
    }

    /// Waits until that stands on the screen.
    #[track_caller]
    pub(crate) fn sees(&mut self, text: &str) {
        self.sees_what(text, |screen| screen.contains(text));
    }

    /// Waits until the screen is like that.
    #[track_caller]
    pub(crate) fn sees_what(&mut self, what: &str, is_there: impl Fn(&str) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is_there(&self.screen()) {
            assert!(self.listen(end), "not seen: {what}\n{}", self.screen());
        }
    }

    /// What stands on the screen now.
    pub(crate) fn screen(&self) -> String {
        self.screen.screen().contents()
    }

    /// Everything that was written, byte for byte.
    pub(crate) fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Lets time pass.
    pub(crate) fn rest(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while self.listen(end) {}
    }

    /// The window gets another width.
    pub(crate) fn resize(&mut self, columns: u16) {
        let size = size(columns);
        // SAFETY: reads one struct.
        let set = unsafe { libc::ioctl(self.keys.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
        assert_eq!(set, 0);
        self.screen = vt100::Parser::new(lines(), wide(columns), 0);
    }

    /// Is the terminal as a shell wants it: lines that are edited and shown?
    pub(crate) fn is_restored(&self) -> bool {
        // SAFETY: a struct of integers, which the call fills.
        let mut settings: libc::termios = unsafe { std::mem::zeroed() };
        // SAFETY: as above.
        let got = unsafe { libc::tcgetattr(self.terminal.as_raw_fd(), &raw mut settings) };
        let wanted = libc::ICANON | libc::ECHO | libc::ISIG;
        got == 0 && settings.c_lflag & wanted == wanted && settings.c_iflag & libc::ICRNL != 0
    }

    /// Sends the process a signal.
    pub(crate) fn signal(&self, signal: i32) {
        // SAFETY: reads no memory; the child has not been waited for.
        unsafe { libc::kill(self.child.id() as i32, signal) };
    }

    /// Leaves by Ctrl-D; gives the exit status.
    #[track_caller]
    pub(crate) fn leave(mut self) -> i32 {
        self.press("\x04");
        self.ends()
    }

    /// Waits for its end; gives the exit status, or 128 and the signal's number.
    #[track_caller]
    pub(crate) fn ends(&mut self) -> i32 {
        let end = Instant::now() + PATIENCE;
        loop {
            self.rest(Duration::from_millis(10));
            if let Some(status) = self.child.try_wait().expect("a child") {
                self.rest(Duration::from_millis(50));
                let signal = || 128 + status.signal().unwrap_or(0);
                return status.code().unwrap_or_else(signal);
            }
            assert!(Instant::now() < end, "it does not end:\n{}", self.screen());
        }
    }

    /// Waits until the next line can be typed, from the beginning on.
    #[track_caller]
    fn waits(&mut self) {
        let end = Instant::now() + PATIENCE;
        while memchr::memmem::find(&self.raw, TYPING).is_none() {
            assert!(self.listen(end), "no prompt:\n{}", self.screen());
        }
    }

    /// Takes what was written; `false` when the time is over.
    fn listen(&mut self, until: Instant) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        match self.written.recv_timeout(left) {
            Ok(bytes) => {
                self.screen.process(&bytes);
                self.raw.extend_from_slice(&bytes);
                true
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => {
                // The terminal is closed: what waits for time waits.
                std::thread::sleep(left.min(Duration::from_millis(10)));
                !left.is_zero()
            }
        }
    }
}

impl Drop for Prompt {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the editor writes when it begins to read a line, and when it has read it: it turns the marking of pasted text on
/// and off.
const TYPING: &[u8] = b"\x1b[?2004h";
const TYPED: &[u8] = b"\x1b[?2004l";

fn between<'a>(text: &'a [u8], begin: &[u8], end: &[u8]) -> Option<&'a [u8]> {
    let from = memchr::memmem::find(text, begin)? + begin.len();
    let to = memchr::memmem::find(&text[from..], end)?;
    Some(&text[from..from + to])
}

/// As it stands on a screen that has room for it, without the blanks around it.
fn drawn(bytes: &[u8]) -> String {
    let mut screen = vt100::Parser::new(wide(1000), wide(200), 0);
    screen.process(bytes);
    screen.screen().contents().trim().to_owned()
}

fn lines() -> NonZeroU16 {
    wide(LINES)
}

fn wide(columns: u16) -> NonZeroU16 {
    NonZeroU16::new(columns).expect("a terminal has columns")
}

fn size(columns: u16) -> libc::winsize {
    libc::winsize {
        ws_row: LINES,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}

/// Both ends of a new terminal.
fn pty(columns: u16) -> (File, OwnedFd) {
    let size = size(columns);
    let (mut ours, mut theirs) = (-1, -1);
    // SAFETY: fills two integers and reads one struct; no name and no settings are asked for.
    let made = unsafe {
        libc::openpty(
            &raw mut ours,
            &raw mut theirs,
            std::ptr::null_mut(),
            std::ptr::null(),
            &raw const size,
        )
    };
    assert_eq!(made, 0, "{}", std::io::Error::last_os_error());
    // SAFETY: the kernel has just made them for us.
    unsafe { (File::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs)) }
}
