//! The session of a prompt: the run of a script that has no end, and whose lines come one after the other.

use super::ahead::hold;
use super::desk::{Answer, Desk, Request};
use super::running::{Running, Setup};
use super::script::Script;
use super::{Job, lua_thread, made, planner};
use crate::cli::RunArgs;
use crate::facts::Facts;
use crate::lua::Vm;
use crate::output::{Margin, Stream, Writer};
use crate::report::{Report, plainly};
use crate::sys::child::Held;
use crate::sys::notify::Listener;
use crate::sys::signals::Wakeup;
use crate::sys::{open_files, signals, terminal};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The prompt's side of a session that runs on a thread of its own.
pub struct Session {
    requests: Sender<Request>,
    answers: Receiver<Answer>,
    wakeup: Wakeup,
    thread: JoinHandle<i32>,
    /// The prompt waits for an answer.
    waits: Arc<AtomicBool>,
    /// The prompt knows that the session ends.
    expected: Arc<AtomicBool>,
}

/// Where what nobody typed for is printed; `None` when standard input is no terminal, and everything is an answer.
pub type Above = Option<SyncSender<String>>;

/// The session has ended.
#[derive(Debug)]
pub struct Ended;

impl Session {
    /// Starts it. The script of `arguments` is not run.
    ///
    /// # Errors
    /// A process that is gone, no thread, no signals.
    pub fn start(arguments: RunArgs, above: Above) -> Result<Self, Report> {
        let wakeup = made(Wakeup::new())?;
        let ours = made(wakeup.try_clone())?;
        let (requests, to_do) = channel();
        let (done, answers) = channel();
        let expected = Arc::new(AtomicBool::new(false));
        let known = Arc::clone(&expected);
        let waits = Arc::new(AtomicBool::new(false));
        let awaited = Arc::clone(&waits);
        let (ready, is_ready) = channel();
        let thread = lua_thread(move || {
            let is_typed = above.is_some();
            let margin = above.map(|above| Margin::new(Box::new(std::io::stdout()), above));
            let made = prepare(&arguments, margin.as_ref(), wakeup);
            let (running, vm, held) = match made {
                Ok(made) => made,
                Err(report) => {
                    let _ = ready.send(Err(report));
                    return super::FAILED;
                }
            };
            let _ = ready.send(Ok(()));
            let desk = Desk::new(to_do, awaited, done, margin);
            let status = run(&arguments, &running, &vm, held, desk);
            if is_typed && !known.load(Ordering::SeqCst) {
                // The editor waits for a key that need not come.
                terminal::restore();
                std::process::exit(status);
            }
            status
        })?;
        let session = Self {
            requests,
            answers,
            wakeup: ours,
            thread,
            waits,
            expected,
        };
        match is_ready.recv() {
            Ok(Ok(())) => Ok(session),
            Ok(Err(report)) => Err(report),
            Err(_) => Err(Report::new("the session could not be started")),
        }
    }

    /// Runs a statement and waits for what becomes of it.
    pub fn run(&self, name: &str, text: &str, echo: bool) -> Result<Answer, Ended> {
        let (name, text) = (name.to_owned(), text.to_owned());
        self.ask(Request::Run { name, text, echo })?;
        self.wait_for_answer()
    }

    /// Lets everything run for so many ns before it answers.
    pub fn wait(&self, nanoseconds: u64) -> Result<Answer, Ended> {
        self.ask(Request::Wait(nanoseconds))?;
        self.wait_for_answer()
    }

    /// While a screen is drawn: the answer that ends it, if it has come.
    pub fn answer(&self) -> Result<Option<Answer>, Ended> {
        match self.answers.try_recv() {
            Ok(answer) => Ok(Some(answer)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(Ended),
        }
    }

    /// Ends the screen, and waits until it has.
    pub fn end_screen(&self) -> Result<Answer, Ended> {
        self.ask(Request::EndScreen)?;
        self.wait_for_answer()
    }

    /// Asks the VM, which may be busy: then there is no answer.
    pub fn look<T: Send + 'static>(
        &self,
        within: Duration,
        look: impl FnOnce(&Vm) -> T + Send + 'static,
    ) -> Option<T> {
        let (tell, told) = channel();
        let look = move |vm: &Vm| drop(tell.send(look(vm)));
        self.ask(Request::Look(Box::new(look))).ok()?;
        told.recv_timeout(within).ok()
    }

    /// Ends it: everything is detached, what was lost is said. Gives the exit status.
    pub fn end(self) -> i32 {
        self.expected.store(true, Ordering::SeqCst);
        let _ = self.ask(Request::End);
        self.thread.join().unwrap_or(super::FAILED)
    }

    fn wait_for_answer(&self) -> Result<Answer, Ended> {
        self.waits.store(true, Ordering::SeqCst);
        let answer = self.answers.recv();
        self.waits.store(false, Ordering::SeqCst);
        answer.map_err(|_| Ended)
    }

    fn ask(&self, request: Request) -> Result<(), Ended> {
        self.requests.send(request).map_err(|_| Ended)?;
        self.wakeup.wake();
        Ok(())
    }
}

/// The session, from its first request to its end; gives the exit status.
fn run(arguments: &RunArgs, running: &Running, vm: &Vm, held: Option<Held>, desk: Desk) -> i32 {
    let mut job = Job {
        arguments,
        running,
        vm,
        held,
        listener: Listener::find(),
        child: None,
        until: None,
        started: false,
        desk: Some(&desk),
    };
    let end = job.go_on(Instant::now());
    job.finish(end)
}

fn prepare(
    arguments: &RunArgs,
    margin: Option<&Margin>,
    wakeup: Wakeup,
) -> Result<(Rc<Running>, Vm, Option<Held>), Report> {
    // Where it fails, the probe that wants one file too many says so.
    let _ = open_files::raise();
    let writer = match margin {
        Some(margin) => Writer::at_prompt(margin),
        None => Writer::new(Stream::open(None)?, arguments.format),
    };
    let planner = planner(arguments, Facts::for_a_run())?;
    let nothing = Script::read(&arguments.script)?;
    let setup = Setup::with(arguments, wakeup);
    let running = Rc::new(Running::new(planner, writer, setup, &nothing));
    let vm = super::vm(&running, &nothing, arguments, BTreeMap::new()).and_then(Vm::at_prompt);
    let vm = vm.map_err(|error| Report::new(error.to_string()))?;
    let interrupter = vm.interrupter();
    signals::catch_at_prompt(running.wakeup(), move || interrupter.trigger())
        .map_err(|error| Report::new(format!("signals can't be caught: {}", plainly(&error))))?;
    // Not before: what they do by default leaves a terminal as it is.
    signals::deliver_here(true);
    let held = arguments.command.as_deref().map(hold).transpose()?;
    Ok((running, vm, held))
}
