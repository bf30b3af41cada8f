//! A program that a case has started: what it prints is read as it comes.

use crate::lua::testing::{Actor, Ended};
use crate::sys::notify;
use std::cell::RefCell;
use std::io::{Read, Write};
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Emulated processors are slow, and machines busy.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at whether a program has ended.
const LOOK: Duration = Duration::from_millis(5);

pub(super) struct Process {
    running: RefCell<Running>,
    out: Arc<Stream>,
    err: Arc<Stream>,
    /// Where it says that it is ready.
    told: Option<UnixDatagram>,
    pid: u32,
}

struct Running {
    child: Child,
    input: Option<ChildStdin>,
    readers: Vec<JoinHandle<()>>,
    ended: Option<ExitStatus>,
}

/// What has come out of a pipe so far.
#[derive(Default)]
struct Stream {
    read: Mutex<(Vec<u8>, bool)>,
    more: Condvar,
}

impl Stream {
    /// Reads a pipe to its end, beside everything else.
    fn follow(mut pipe: impl Read + Send + 'static) -> (Arc<Self>, JoinHandle<()>) {
        let stream = Arc::new(Self::default());
        let own = stream.clone();
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 16 << 10];
            loop {
                let count = pipe.read(&mut buffer).unwrap_or(0);
                let mut read = own.read.lock().unwrap_or_else(PoisonError::into_inner);
                match buffer.get(..count) {
                    None | Some([]) => read.1 = true,
                    Some(bytes) => read.0.extend_from_slice(bytes),
                }
                own.more.notify_all();
                if read.1 {
                    return;
                }
            }
        });
        (stream, reader)
    }

    /// Waits until it holds for what was read, or nothing more can come. Does it hold?
    fn wait_until(&self, holds: impl Fn(&[u8]) -> bool) -> bool {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = |read: &mut (Vec<u8>, bool)| !read.1 && !holds(&read.0);
        let done = self.more.wait_timeout_while(read, PATIENCE, waits);
        let (read, _) = done.unwrap_or_else(PoisonError::into_inner);
        holds(&read.0)
    }

    fn bytes(&self) -> Vec<u8> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.0.clone()
    }
}

impl Process {
    pub(super) fn start(words: &[String], tells: bool) -> Result<Self, String> {
        let [program, arguments @ ..] = words else {
            return Err("there is no program to start".into());
        };
        let mut command = Command::new(program);
        command.args(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let failed = |error: std::io::Error| format!("{program} can't be started: {error}");
        let mut told = None;
        if tells {
            static STARTED: AtomicU32 = AtomicU32::new(0);
            let number = STARTED.fetch_add(1, Ordering::Relaxed);
            let name = format!("moontrace-test-{}-{number}", std::process::id());
            told = Some(notify::listen(&name).map_err(failed)?);
            command.env(notify::SOCKET, format!("@{name}"));
        }
        let mut child = command.spawn().map_err(failed)?;
        let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(format!("{program} has no output"));
        };
        let (out, reads_out) = Stream::follow(out);
        let (err, reads_err) = Stream::follow(err);
        let pid = child.id();
        let running = Running {
            input: child.stdin.take(),
            child,
            readers: vec![reads_out, reads_err],
            ended: None,
        };
        Ok(Self {
            running: RefCell::new(running),
            out,
            err,
            told,
            pid,
        })
    }

    fn has_ended(&self) -> bool {
        self.running.borrow_mut().status().is_some()
    }
}

impl Running {
    fn status(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended
    }
}

impl Actor for Process {
    fn pid(&self) -> u32 {
        self.pid
    }

    fn send(&self, line: &str) {
        if let Some(input) = &mut self.running.borrow_mut().input {
            // One that has ended shows it by what it said.
            let _ = input.write_all(format!("{line}\n").as_bytes());
        }
    }

    fn hear(&self, line: &str) -> Result<(), String> {
        let heard = |read: &[u8]| {
            read.split(|byte| *byte == b'\n')
                .any(|of| of == line.as_bytes())
        };
        match self.out.wait_until(heard) {
            true => Ok(()),
            false => {
                let said = String::from_utf8_lossy(&self.out.bytes()).into_owned();
                let complains = String::from_utf8_lossy(&self.err.bytes()).into_owned();
                Err(format!("it did not print '{line}' but:\n{said}{complains}"))
            }
        }
    }

    fn ready(&self) {
        let Some(told) = &self.told else { return };
        let _ = told.set_read_timeout(Some(LOOK));
        let started = Instant::now();
        let mut message = [0; 64];
        while started.elapsed() < PATIENCE && !self.has_ended() {
            if told
                .recv(&mut message)
                .is_ok_and(|count| message.get(..count) == Some(notify::READY))
            {
                return;
            }
        }
    }

    fn signal(&self, name: &str) {
        let signal = match name {
            "INT" => libc::SIGINT,
            _ => libc::SIGTERM,
        };
        let mut running = self.running.borrow_mut();
        if running.status().is_none() {
            // SAFETY: the process is our child and not waited for yet, so its number is no other's.
            unsafe { libc::kill(running.child.id() as i32, signal) };
        }
    }

    fn finish(&self) -> Ended {
        let mut running = self.running.borrow_mut();
        running.input = None;
        let started = Instant::now();
        let status = loop {
            match running.status() {
                Some(status) => break Some(status),
                None if started.elapsed() > PATIENCE => {
                    let _ = running.child.kill();
                    break running.child.wait().ok();
                }
                None => std::thread::sleep(LOOK),
            }
        };
        // What it left running may hold its pipes open: what was read by then is all that counts.
        for stream in [&self.out, &self.err] {
            stream.wait_until(|_| false);
        }
        let of_signal = |status: ExitStatus| 128 + status.signal().unwrap_or(0);
        Ended {
            status: status.map_or(-1, |status| {
                status.code().unwrap_or_else(|| of_signal(status))
            }),
            out: self.out.bytes(),
            err: self.err.bytes(),
        }
    }
}

/// What a case has started ends with it.
impl Drop for Process {
    fn drop(&mut self) {
        let running = self.running.get_mut();
        if running.status().is_none() {
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
        running.readers.clear();
    }
}
