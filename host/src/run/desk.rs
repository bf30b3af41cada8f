//! Where a prompt asks the session that runs, and is answered: between two turns of its loop.

use super::running::Probe;
use super::watch::{End, Watch};
use crate::lua::session::Session;
use crate::lua::{ScriptError, Vm, Written};
use crate::output::{Margin, Use, attached};
use crate::rows::grouped;
use crate::spec::ProbeId;
use crate::sys::{clock, signals};
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender};

/// What a prompt asks.
pub(super) enum Request {
    /// To run a statement that is whole; messages call it `name`.
    Run {
        name: String,
        text: String,
        echo: bool,
    },
    /// To say something of what the VM knows.
    Look(Box<dyn FnOnce(&Vm) + Send>),
    /// To answer in so many ns.
    Wait(u64),
    /// To draw no screen any more.
    EndScreen,
    /// To end the session.
    End,
}

/// What became of a statement. What it has to say has been said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// With how a script has it.
    Done(Written),
    Failed,
    /// Ctrl-C ended it.
    Stopped,
    /// A screen is drawn until a key is pressed; another answer follows.
    Screen,
}

pub(super) struct Desk {
    requests: Receiver<Request>,
    /// A person waits for an answer.
    awaited: Arc<AtomicBool>,
    answers: Sender<Answer>,
    /// Where the output goes; none when nobody watches.
    margin: Option<Margin>,
    at: RefCell<At>,
    /// Something that the statement asked for could not be attached.
    failed: Cell<bool>,
    /// The losses that were said.
    lost: Cell<u64>,
}

/// What the session does for the prompt.
enum At {
    Idle,
    /// The control threads attach what a statement declared.
    Attaching {
        probes: Vec<ProbeId>,
        text: String,
        echo: bool,
    },
    Screen {
        text: String,
    },
    /// Until then, ns.
    Waiting(u64),
}

impl Desk {
    pub(super) fn new(
        requests: Receiver<Request>,
        awaited: Arc<AtomicBool>,
        answers: Sender<Answer>,
        margin: Option<Margin>,
    ) -> Self {
        Self {
            requests,
            awaited,
            answers,
            margin,
            at: RefCell::new(At::Idle),
            failed: Cell::new(false),
            lost: Cell::new(0),
        }
    }

    /// One turn: whoever waits for an answer gets it when there is one, then the next request is taken.
    pub(super) fn serve(&self, watch: &Watch<'_>) -> Option<End> {
        if signals::take_stop() {
            self.stop(watch);
        }
        let ready = match &*self.at.borrow() {
            At::Attaching { .. } => !watch.running.is_underway() || self.failed.get(),
            At::Waiting(until) => clock::monotonic() >= *until,
            At::Idle | At::Screen { .. } => false,
        };
        if ready && let Some(end) = self.answer_waiting(watch) {
            return Some(end);
        }
        while let Ok(request) = self.next() {
            match request {
                Request::Look(look) => look(watch.vm),
                Request::Wait(time) => {
                    *self.at.borrow_mut() = At::Waiting(clock::monotonic().saturating_add(time));
                }
                Request::EndScreen => self.end_screen(watch, Answer::Done),
                Request::End => return Some(End::Done),
                Request::Run { name, text, echo } => {
                    if let Some(end) = self.run(watch, &name, text, echo) {
                        return Some(end);
                    }
                }
            }
        }
        if self.has_screen()
            && let Some(end) = watch.flush()
        {
            return Some(end);
        }
        if let Some(margin) = &self.margin {
            margin.let_time_pass(clock::monotonic(), || self.new_losses(watch));
        }
        None
    }

    /// Statements wait for the one before.
    fn next(&self) -> Result<Request, ()> {
        match &*self.at.borrow() {
            At::Attaching { .. } | At::Waiting(_) => Err(()),
            At::Idle | At::Screen { .. } => self.requests.try_recv().map_err(drop),
        }
    }

    fn run(&self, watch: &Watch<'_>, name: &str, text: String, echo: bool) -> Option<End> {
        self.failed.set(false);
        let done = self.answering(watch, || watch.vm.evaluate(name, &text));
        match done {
            Ok(()) => {}
            Err(error) => return self.failed(watch, error),
        }
        let probes = watch.running.waiting.borrow().clone();
        if watch.running.is_waiting()
            && let Err(reports) = watch.running.attach_waiting()
        {
            return self.failed(watch, ScriptError::Reports(reports));
        }
        *self.at.borrow_mut() = At::Attaching { probes, text, echo };
        if watch.running.is_underway() {
            return None;
        }
        self.answer_waiting(watch)
    }

    /// What the prompt waits for has come.
    fn answer_waiting(&self, watch: &Watch<'_>) -> Option<End> {
        match self.at.replace(At::Idle) {
            At::Attaching { probes, text, echo } => self.attached(watch, &probes, text, echo),
            At::Waiting(_) => {
                self.answer(Answer::Done(Written::Not));
                None
            }
            At::Idle | At::Screen { .. } => None,
        }
    }

    /// Everything is attached that the statement asked for, or something could not be: then nothing is.
    fn attached(
        &self,
        watch: &Watch<'_>,
        probes: &[ProbeId],
        text: String,
        echo: bool,
    ) -> Option<End> {
        if self.failed.take() {
            self.detach(watch, probes);
            self.answer(Answer::Failed);
            return None;
        }
        let started = self.answering(watch, || {
            watch.running.writer.borrow_mut().forget_tables();
            if self.margin.is_some() && !probes.is_empty() {
                self.say_attached(watch, probes);
            }
            watch.vm.run_start()?;
            if watch.vm.is_watching() {
                watch.vm.begin_watching()
            } else if echo {
                watch.vm.echo()
            } else {
                Ok(())
            }
        });
        match started {
            Err(error) => self.failed(watch, error),
            Ok(()) if watch.vm.is_watching() => {
                *self.at.borrow_mut() = At::Screen { text };
                match &self.margin {
                    Some(margin) => {
                        margin.turn_to(Use::UnderScreen);
                        self.answer(Answer::Screen);
                    }
                    // Nobody presses a key.
                    None => self.end_screen(watch, Answer::Done),
                }
                None
            }
            Ok(()) => {
                self.answer(Answer::Done(watch.vm.written(&text)));
                None
            }
        }
    }

    fn say_attached(&self, watch: &Watch<'_>, probes: &[ProbeId]) {
        let all = watch.running.probes.borrow();
        let meant = probes.iter().filter_map(|id| all.get(id));
        let words = attached(meant.map(Probe::attached).sum());
        watch.running.writer.borrow_mut().note(&words);
    }

    /// A statement that failed has attached nothing, whatever it had declared before.
    fn failed(&self, watch: &Watch<'_>, error: ScriptError) -> Option<End> {
        if let ScriptError::Exit(status) = error {
            return Some(End::Exit(status));
        }
        watch.vm.end_watching();
        let waiting = watch.running.waiting.take();
        watch.running.forget(&waiting);
        let stopped = error == ScriptError::Interrupted;
        if stopped {
            signals::take_stop();
            watch.vm.clear_interrupt();
        }
        self.answering(watch, || {
            if stopped {
                watch.running.writer.borrow_mut().note("stopped");
            }
            super::say(watch.running, &error);
            if let Some(words) = not_attached(waiting.len()) {
                watch.running.writer.borrow_mut().note(&words);
            }
        });
        self.answer(if stopped {
            Answer::Stopped
        } else {
            Answer::Failed
        });
        None
    }

    /// Ctrl-C while no statement runs in the VM.
    fn stop(&self, watch: &Watch<'_>) {
        watch.vm.clear_interrupt();
        let at = self.at.replace(At::Idle);
        match at {
            At::Idle => {}
            At::Waiting(_) => self.answer(Answer::Stopped),
            At::Screen { .. } => {
                *self.at.borrow_mut() = at;
                self.end_screen(watch, |_| Answer::Stopped);
            }
            At::Attaching { probes, .. } => {
                self.detach(watch, &probes);
                self.answering(watch, || {
                    let mut writer = watch.running.writer.borrow_mut();
                    writer.note("stopped: nothing of it is attached");
                });
                self.answer(Answer::Stopped);
            }
        }
    }

    fn detach(&self, watch: &Watch<'_>, probes: &[ProbeId]) {
        for probe in probes {
            if let Err(report) = watch.running.detach(*probe) {
                watch.running.writer.borrow_mut().error(&report);
            }
        }
    }

    fn end_screen(&self, watch: &Watch<'_>, answer: impl FnOnce(Written) -> Answer) {
        let At::Screen { text } = self.at.replace(At::Idle) else {
            return;
        };
        watch.vm.end_watching();
        if let Some(margin) = &self.margin {
            margin.turn_to(Use::ByItself);
        }
        self.answer(answer(watch.vm.written(&text)));
    }

    /// What timers have drawn stands on the terminal before events come.
    pub(super) fn show_screen(&self, watch: &Watch<'_>) -> Option<End> {
        let margin = self.margin.as_ref().filter(|_| self.has_screen())?;
        margin.turn_to(Use::Answer);
        let end = watch.flush();
        margin.turn_to(Use::UnderScreen);
        end
    }

    fn has_screen(&self) -> bool {
        matches!(&*self.at.borrow(), At::Screen { .. })
    }

    /// Ctrl-C stopped what events or timers had called: the session goes on. What a person had to wait for is stopped for
    /// good, a handler with its probe; a handler that was only met by chance goes on with the next event.
    pub(super) fn resume(&self, watch: &Watch<'_>) {
        watch.vm.clear_interrupt();
        if !self.awaited.load(Ordering::SeqCst) {
            return;
        }
        signals::take_stop();
        let stopped = watch.vm.silence();
        let words = match &stopped {
            Some(site) => format!("stopped: the handler of {}, which is detached", site.name),
            None => "stopped: what a timer had called".into(),
        };
        watch.running.writer.borrow_mut().note(&words);
        if let Some(site) = stopped {
            self.detach(watch, &[site.id]);
        }
    }

    /// The session ends: all that is still said is an answer.
    pub(super) fn leave(&self, watch: &Watch<'_>) {
        let Some(margin) = &self.margin else { return };
        let more = margin.unsaid();
        let _ = watch.running.writer.borrow_mut().flush();
        margin.turn_to(Use::Answer);
        if more > 0 {
            let words = format!("… {} more", grouped(more));
            watch.running.writer.borrow_mut().note(&words);
        }
    }

    /// What was declared could not be attached; it has been said why.
    pub(super) fn note_failure(&self) {
        self.failed.set(true);
    }

    /// What is printed meanwhile answers what was typed, and is there when this returns.
    fn answering<R>(&self, watch: &Watch<'_>, act: impl FnOnce() -> R) -> R {
        let Some(margin) = &self.margin else {
            let done = act();
            // What can't be written ends the run at its next turn.
            let _ = watch.running.writer.borrow_mut().flush();
            return done;
        };
        let back = match &*self.at.borrow() {
            At::Screen { .. } => Use::UnderScreen,
            _ => Use::ByItself,
        };
        let flush = || drop(watch.running.writer.borrow_mut().flush());
        flush();
        margin.turn_to(Use::Answer);
        let done = act();
        flush();
        margin.turn_to(back);
        done
    }

    fn answer(&self, answer: Answer) {
        // A prompt that is gone waits for none.
        let _ = self.answers.send(answer);
    }

    /// Events that were lost since the last time.
    fn new_losses(&self, watch: &Watch<'_>) -> u64 {
        let standings = watch.running.standings().unwrap_or_default();
        let lost = standings.iter().map(|of| of.books.losses()).sum();
        lost - self.lost.replace(lost).min(lost)
    }
}

/// What a statement had declared before it failed.
fn not_attached(probes: usize) -> Option<String> {
    match probes {
        0 => None,
        1 => Some("  the probe before it is not attached either".into()),
        more => Some(format!(
            "  the {more} probes before it are not attached either"
        )),
    }
}
