//! What this machine has, on a thread of its own: who asks waits for so long and no longer, and what was found out late is
//! there when it is asked for again.

use super::cursor::Asked;
use super::{Completions, fields, files, specs};
use crate::expr::names::Names;
use crate::facts::{Facts, Site};
use std::collections::HashSet;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};
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
    /// `facts` are made on the thread. Another begins at once to read the kernel's functions, which takes long, before
    /// anybody asks for them: what is asked of something else does not wait for that.
    pub(super) fn new(facts: impl Fn() -> Facts + Send + Clone + 'static) -> Self {
        let (questions, asked) = channel();
        let functions = Functions::default();
        let named = |name: &str| thread::Builder::new().name(name.to_owned());
        let (ahead, of_reader) = (Arc::clone(&functions), facts.clone());
        // Where there is no thread for it, who asks first reads them.
        let _ = named("functions").spawn(move || drop(read_functions(&ahead, &of_reader())));
        let begun = named("completion").spawn(move || answer_all(&facts(), functions, &asked));
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

/// Once they have been read.
type Functions = Arc<OnceLock<Arc<[Function]>>>;

/// The kernel's functions and the modules they are in, sorted. Waits for another thread that reads them.
fn read_functions(functions: &Functions, facts: &Facts) -> Arc<[Function]> {
    Arc::clone(functions.get_or_init(|| facts.traceable_functions().into()))
}

fn answer_all(facts: &Facts, functions: Functions, questions: &Receiver<Question>) {
    let mut known = Known {
        facts,
        functions,
        typed: Vec::new(),
        binary: None,
        probe: None,
    };
    while let Ok(first) = questions.recv() {
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
    functions: Functions,
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

    /// The kernel's functions and the modules they are in, sorted; as they were when the prompt began.
    pub(super) fn functions(&self) -> Arc<[Function]> {
        read_functions(&self.functions, self.facts)
    }

    /// The names at a site of the probe.
    pub(super) fn names(&self, probe: &Probe, site: &Site) -> Box<dyn Names + '_> {
        self.facts.names(site, &probe.name)
    }
}
