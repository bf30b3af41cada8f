//! One Lua VM, which runs one script: its body first, then what that has asked for.

use super::api;
use super::dispatch::{Dispatcher, Records};
use super::error::{Failure, LuaError, ScriptError};
use super::interrupt::Interrupter;
use super::meter::{Limits, Part};
use super::options::OptionValue;
use super::sandbox;
use super::script::Script;
use super::session::{Session, Site};
use super::tables;
use super::tallies::Shows;
use crate::report::Report;
use mlua::{Function, Lua};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

/// What a VM is made of.
pub struct Config {
    pub session: Rc<dyn Session>,
    /// Every option that the script's header declares, by its name in `options()`.
    pub options: BTreeMap<String, OptionValue>,
    /// The script's arguments as they were typed: `$1` is the first.
    pub arguments: Vec<String>,
    /// What lies beside the script for `require`.
    pub modules: Modules,
    pub limits: Limits,
}

/// The file and the text of a module as a file asks for it, where there is one: its file (none where the call is in no
/// file) and the module's name.
pub type Modules = Box<dyn Fn(&str, &str) -> Result<Option<(String, String)>, Report>>;

/// All that runs a script's code returns its errors. Of several actions that are due, the first error ends the call; the
/// same call again goes on with the rest.
pub struct Vm {
    pub(super) lua: Lua,
    pub(super) script: Rc<Script>,
    interrupter: Interrupter,
    dispatcher: Dispatcher,
}

impl Vm {
    pub fn new(config: Config) -> Result<Self, ScriptError> {
        let memory_limit = config.limits.memory;
        let script = Rc::new(Script::new(config));
        let furnished = || {
            let lua = sandbox::lua(memory_limit)?;
            lua.set_app_data(Rc::clone(&script));
            sandbox::furnish(&lua, &script)?;
            let interrupter = Interrupter::attach(&lua)?;
            Ok((lua, interrupter))
        };
        let (lua, interrupter) = furnished().map_err(|error| script.explain(&error))?;
        Ok(Self {
            lua,
            script,
            interrupter,
            dispatcher: Dispatcher::default(),
        })
    }

    /// Gives it what only a prompt has.
    pub fn at_prompt(self) -> Result<Self, ScriptError> {
        for namespace in api::OF_PROMPT {
            let added = api::add(&self.lua, namespace, &self.lua.globals());
            added.map_err(|error| self.script.explain(&error))?;
        }
        Ok(self)
    }

    /// Runs the body. `name` is the file as the user named it, or `-e`. Chains without an ending are declared when it
    /// returns.
    pub fn run(&self, name: &str, text: &str) -> Result<(), ScriptError> {
        self.script.in_body.set(true);
        self.script.meter.begin(Part::Body);
        let body = self.script.chunks.load(&self.lua, name, text);
        let done = body.and_then(|body| body.call::<()>(()));
        self.script.meter.end();
        let done = self.settle(done, Part::Body, "the script");
        self.script.in_body.set(false);
        done
    }

    /// Reads the body without running it.
    pub fn read(&self, name: &str, text: &str) -> Result<(), ScriptError> {
        let body = self.script.chunks.load(&self.lua, name, text);
        self.settle(body.map(drop), Part::Body, "the script")
    }

    /// Everything is attached: timers begin to count, `on_start` functions run.
    pub fn run_start(&self) -> Result<(), ScriptError> {
        self.script.timers.start(self.script.session.now());
        self.run_all(&self.script.at_start)
    }

    /// Runs the `on_exit` functions.
    pub fn run_exit(&self) -> Result<(), ScriptError> {
        self.run_all(&self.script.at_exit)
    }

    /// Does the script want any signal?
    pub fn wants_signals(&self) -> bool {
        !self.script.at_signal.borrow().is_empty()
    }

    /// A signal has come: what `on_signal` was told of it is to run.
    pub fn signal(&self, signal: i32) {
        let actions = self.script.at_signal.borrow();
        let actions = actions.get(&signal).into_iter().flatten().cloned();
        self.script.signalled.borrow_mut().extend(actions);
    }

    /// Runs what signals have asked for.
    pub fn run_signalled(&self) -> Result<(), ScriptError> {
        self.run_all(&self.script.signalled)
    }

    /// Hands each record to its handler or, when its probe prints, to [`Session::event`].
    pub fn dispatch(&self, records: &mut dyn Records) -> Result<(), ScriptError> {
        if let Some(status) = self.script.exited.get() {
            return Err(ScriptError::Exit(status));
        }
        let done = self.dispatcher.run(&self.lua, &self.script, records);
        done.map_err(|error| {
            let probe = self.dispatcher.failed(&self.script);
            let who = probe.map_or("a handler".into(), |name| format!("the handler of {name}"));
            self.told(error, Part::Later, &who)
        })
    }

    /// After [`Self::dispatch`] was interrupted: no handler of that probe runs any more. Gives the site whose event it was.
    pub fn silence(&self) -> Option<Rc<Site>> {
        self.dispatcher.silence(&self.script)
    }

    /// When [`Self::run_due`] has something to do, in ns of the session's clock.
    pub fn next_deadline(&self) -> Option<u64> {
        self.script.timers.next_deadline()
    }

    /// Runs the timers that are due at `now`, in ns of the session's clock.
    pub fn run_due(&self, now: u64) -> Result<(), ScriptError> {
        while let Some(action) = self.script.timers.take_due(now) {
            self.call(&action)?;
        }
        Ok(())
    }

    /// Shows every tally that the script has neither read nor printed, as `t:print{…}` and `t:flamegraph(…)` in the body said.
    pub fn print_unread(&self) -> Result<(), ScriptError> {
        for Shows {
            tally,
            view,
            pictures,
        } in self.script.tallies.take_unseen()
        {
            let failed = |report| ScriptError::Reports(vec![report]);
            let table = self
                .script
                .session
                .read_tally(tally, false)
                .map_err(failed)?;
            let session = &self.script.session;
            for picture in pictures {
                let drawn = session.draw(&table, &picture.flame, &picture.file);
                drawn.map_err(|report| failed(report.at(picture.place)))?;
            }
            let Some(view) = view else { continue };
            let table = tables::view(&table, &view).map_err(|(message, help)| {
                failed(Report {
                    help,
                    ..Report::new(message)
                })
            })?;
            session.table(&table, view.title.as_deref());
        }
        Ok(())
    }

    /// What stops the script, whatever it does: for signal handlers of this thread.
    pub fn interrupter(&self) -> Interrupter {
        self.interrupter.clone()
    }

    /// What is to be called every [`TICK`] ns of this thread's CPU time, from a signal handler as well, so that no call takes
    /// longer than it may; `None` where it may.
    ///
    /// [`TICK`]: super::meter::TICK
    pub fn ticker(&self) -> Option<impl Fn() + Send + Sync + 'static> {
        let (clock, interrupter) = (self.script.meter.clock(), self.interrupter());
        let tick = move || {
            if clock.tick() {
                interrupter.trigger();
            }
        };
        self.script.meter.is_limited().then_some(tick)
    }

    /// Lets Lua run again after it was interrupted: for `on_exit`.
    pub fn clear_interrupt(&self) {
        self.interrupter.clear();
    }

    fn run_all(&self, actions: &RefCell<VecDeque<Function>>) -> Result<(), ScriptError> {
        loop {
            let Some(action) = actions.borrow_mut().pop_front() else {
                return Ok(());
            };
            self.call(&action)?;
        }
    }

    fn call(&self, action: &Function) -> Result<(), ScriptError> {
        self.script.meter.begin(Part::Later);
        let done = action.call::<()>(());
        self.script.meter.end();
        self.settle(done, Part::Later, "a function of the script's")
    }

    /// What a piece of the script has come to, its open chains declared when it has returned.
    pub(super) fn settle<T>(
        &self,
        done: mlua::Result<T>,
        part: Part,
        who: &str,
    ) -> Result<T, ScriptError> {
        let declared = |value| self.script.declare_open().map(|()| value);
        let done = done.and_then(|value| declared(value).map_err(Failure::into));
        done.map_err(|error| self.told(self.script.explain(&error), part, who))
    }

    /// An error while the script is being stopped is that it was stopped, by whatever did it.
    pub(super) fn told(&self, error: ScriptError, part: Part, who: &str) -> ScriptError {
        self.script.open.borrow_mut().clear();
        if let Some(over) = self.script.meter.take_over(part) {
            // What is called next has its own time.
            self.interrupter.clear();
            let (place, traceback) = match error {
                ScriptError::Lua(LuaError {
                    place, traceback, ..
                }) => (place, traceback),
                _ => (None, Vec::new()),
            };
            return ScriptError::Lua(LuaError {
                place,
                message: format!("{who} {over}"),
                traceback,
            });
        }
        if self.interrupter.is_triggered() {
            ScriptError::Interrupted
        } else {
            error
        }
    }

    #[cfg(test)]
    pub(crate) fn lua(&self) -> &Lua {
        &self.lua
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        self.interrupter.detach(&self.lua);
    }
}
