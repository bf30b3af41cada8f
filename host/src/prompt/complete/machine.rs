//! What this machine has, on a thread of its own: who asks waits for so long and no longer, and what was found out late is
//! there when it is asked for again.

use super::cursor::Asked;
use super::{Completions, fields, files, specs};
use crate::expr::names::Names;
use crate::facts::{Facts, Site};
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

/// The thread, as those see it who ask.
pub(super) struct Machine {
    /// None where there is no thread, as none could be had.
    questions: Option<Sender<Question>>,
}

struct Question {
    text: String,
    asked: Asked,
    answer: Sender<Completions>,
}

impl Machine {
    /// `facts` are made on the thread, which begins at once: it reads the kernel's functions before anybody asks for them.
    pub(super) fn new(facts: impl FnOnce() -> Facts + Send + 'static) -> Self {
        let (questions, asked) = channel();
        let thread = thread::Builder::new().name("completion".to_owned());
        let begun = thread.spawn(move || answer_all(&facts(), &asked));
        Self {
            questions: begun.ok().map(|_| questions),
        }
    }

    /// What may stand at the end of a text; `None` when that can't be told in time.
    pub(super) fn ask(
        &self,
        text: String,
        asked: Asked,
        patience: Duration,
    ) -> Option<Completions> {
        let (answer, answered) = channel();
        let question = Question {
            text,
            asked,
            answer,
        };
        self.questions.as_ref()?.send(question).ok()?;
        answered.recv_timeout(patience).ok()
    }
}

fn answer_all(facts: &Facts, questions: &Receiver<Question>) {
    let mut known = Known {
        facts,
        functions: None,
        typed: Vec::new(),
        binary: None,
        probe: None,
    };
    loop {
        let asked = questions.try_recv().or_else(|_| {
            known.functions();
            questions.recv()
        });
        let Ok(first) = asked else { return };
        // Nobody waits for those that others have followed.
        let question = questions.try_iter().last().unwrap_or(first);
        let answer = known.answer(&question.text, &question.asked);
        // Who does not wait any more asks again.
        let _ = question.answer.send(answer);
    }
}

/// What was found out, and is kept for the next question.
pub(super) struct Known<'f> {
    pub facts: &'f Facts,
    /// The kernel's functions and the modules they are in, sorted.
    functions: Option<Rc<[Function]>>,
    /// Of the kernel and of modules, the names of functions that have types.
    pub typed: Vec<(Option<String>, HashSet<String>)>,
    /// What was asked for last of a binary.
    pub binary: Option<specs::Binary>,
    /// The probe whose fields were asked for last.
    pub probe: Option<(String, Probe)>,
}

pub(super) type Function = (String, Option<String>);

/// A probe whose texts are completed.
pub(super) struct Probe {
    pub name: String,
    pub site: Site,
    /// Where the calls begin that return there.
    pub beginning: Option<Site>,
}

impl Known<'_> {
    fn answer(&mut self, text: &str, asked: &Asked) -> Completions {
        match asked {
            Asked::Spec => specs::complete(self, text),
            Asked::Expression(place) => fields::complete(self, text, place),
            Asked::Struct => fields::structs(self.facts, text),
            Asked::File => files::path(text),
            Asked::KernelFile => files::kernels(text),
            Asked::Module => files::module(text),
        }
    }

    /// The kernel's functions and the modules they are in, sorted; as they were when that was first asked.
    pub(super) fn functions(&mut self) -> Rc<[Function]> {
        let read = || self.facts.traceable_functions().into();
        Rc::clone(self.functions.get_or_insert_with(read))
    }

    /// The names at a site of the probe.
    pub(super) fn names(&self, probe: &Probe, site: &Site) -> Box<dyn Names + '_> {
        self.facts.names(site, &probe.name)
    }
}
