//! What a script has said so far: shared by the API's functions, kept for as long as the VM.

use super::chunks::Chunks;
use super::error::{Failure, ScriptError, explain};
use super::live::Live;
use super::meter::Meter;
use super::options::OptionValue;
use super::printer::Printer;
use super::session::Session;
use super::stdlib;
use super::tallies::Tallies;
use super::timers::Timers;
use super::typed::Typed;
use super::types::chain::Chain;
use super::vm::{Config, Modules};
use crate::report::Place;
use crate::spec::{Definition, Given, ProbeId, SetId, SpanId, VarId};
use mlua::{Function, Lua};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;

pub(crate) struct Script {
    pub(crate) session: Rc<dyn Session>,
    pub(crate) chunks: Chunks,
    pub(crate) options: BTreeMap<String, OptionValue>,
    /// As they were typed.
    pub(crate) arguments: Vec<String>,
    pub(crate) modules: Modules,
    pub(crate) printer: Printer,
    pub(crate) meter: Rc<Meter>,
    /// Those that every script has, then its own.
    pub(crate) definitions: RefCell<Vec<Definition>>,
    /// Chains that wait for their ending.
    pub(crate) open: RefCell<Vec<Rc<RefCell<Chain>>>>,
    pub(crate) handlers: RefCell<HashMap<ProbeId, Function>>,
    pub(crate) tallies: Tallies,
    pub(crate) timers: Timers,
    pub(crate) live: Live,
    pub(crate) typed: Typed,
    pub(crate) at_start: RefCell<VecDeque<Function>>,
    pub(crate) at_exit: RefCell<VecDeque<Function>>,
    /// What `on_signal` was told to call, by the signal's number.
    pub(crate) at_signal: RefCell<BTreeMap<i32, Vec<Function>>>,
    /// What is to be called for signals that have come.
    pub(crate) signalled: RefCell<VecDeque<Function>>,
    /// The body runs: printing a tally says how to show it at exit.
    pub(crate) in_body: Cell<bool>,
    /// What `exit` was called with.
    pub(crate) exited: Cell<Option<i32>>,
    memory_limit: usize,
    probes: Cell<u32>,
    sets: Cell<u32>,
    spans: Cell<u32>,
    variables: Cell<u32>,
}

impl Script {
    pub(crate) fn new(config: Config) -> Self {
        let Config {
            session,
            options,
            arguments,
            modules,
            limits,
        } = config;
        let meter = Rc::new(Meter::new(limits.call));
        Self {
            printer: Printer::new(Rc::clone(&session), Rc::clone(&meter)),
            meter,
            session,
            chunks: Chunks::default(),
            options,
            arguments,
            modules,
            definitions: RefCell::new(stdlib::definitions()),
            open: RefCell::default(),
            handlers: RefCell::default(),
            tallies: Tallies::default(),
            timers: Timers::default(),
            live: Live::default(),
            typed: Typed::default(),
            at_start: RefCell::default(),
            at_exit: RefCell::default(),
            at_signal: RefCell::default(),
            signalled: RefCell::default(),
            in_body: Cell::new(false),
            exited: Cell::new(None),
            memory_limit: limits.memory,
            probes: Cell::new(0),
            sets: Cell::new(0),
            spans: Cell::new(0),
            variables: Cell::new(0),
        }
    }

    /// The script that a VM runs.
    pub(crate) fn of(lua: &Lua) -> mlua::Result<Rc<Self>> {
        let script = lua.app_data_ref::<Rc<Self>>();
        script
            .map(|script| Rc::clone(&script))
            .ok_or(mlua::Error::UserDataDestructed)
    }

    pub(crate) fn next_probe(&self) -> ProbeId {
        ProbeId(next(&self.probes))
    }

    pub(crate) fn next_set(&self) -> SetId {
        SetId(next(&self.sets))
    }

    pub(crate) fn next_span(&self) -> SpanId {
        SpanId(next(&self.spans))
    }

    pub(crate) fn next_variable(&self) -> VarId {
        VarId(next(&self.variables))
    }

    /// The user's line that is being run; line 0 of `?` where nothing of the user's runs.
    pub(crate) fn here(&self, lua: &Lua) -> Place {
        self.chunks.here(lua).unwrap_or_else(|| Place {
            file: "?".into(),
            line: 0,
        })
    }

    pub(crate) fn has_open(&self) -> bool {
        !self.open.borrow().is_empty()
    }

    /// What `$name` means in every chain: arguments, options, `$target`. (A fraction means nothing in a text.)
    pub(crate) fn given(&self) -> BTreeMap<String, Given> {
        let arguments = self
            .arguments
            .iter()
            .zip(1..)
            .map(|(word, number): (_, usize)| {
                let int = word.parse().map(Given::Int);
                (
                    number.to_string(),
                    int.unwrap_or_else(|_| Given::Str(word.clone().into_bytes())),
                )
            });
        let options = self.options.iter();
        let options = options.filter_map(|(name, value)| Some((name.clone(), value.given()?)));
        let target = ("target".to_owned(), Given::Target);
        arguments.chain(options).chain([target]).collect()
    }

    /// Declares what was left without an ending: such a chain prints its events.
    pub(crate) fn declare_open(&self) -> Result<(), Failure> {
        let open = std::mem::take(&mut *self.open.borrow_mut());
        let reports: Vec<_> = open
            .iter()
            .filter_map(|chain| chain.borrow_mut().print_by_default(self).err())
            .flatten()
            .collect();
        if reports.is_empty() {
            Ok(())
        } else {
            Err(Failure::Reports(reports))
        }
    }

    pub(crate) fn explain(&self, error: &mlua::Error) -> ScriptError {
        explain(error, &self.chunks, self.memory_limit)
    }

    pub(crate) fn explain_text(&self, text: &str) -> ScriptError {
        ScriptError::Lua(super::error::explain_text(
            text,
            &self.chunks,
            self.memory_limit,
        ))
    }
}

fn next(counter: &Cell<u32>) -> u32 {
    let number = counter.get();
    counter.set(number.saturating_add(1));
    number
}
