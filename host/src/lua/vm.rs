//! SURFACE ONLY for now: bodies follow on this branch.

use super::session::Session;
use crate::report::{Place, Report};
use std::rc::Rc;

/// What a VM is made of.
pub struct Config {
    pub session: Rc<dyn Session>,
    // pub options: BTreeMap<String, OptionValue>  (lua::options, when branch infer is merged)
    /// Bytes that the script's Lua values may take.
    pub memory_limit: usize,
}

/// How a piece of the script ended when it did not just return.
#[derive(Clone, Debug)]
pub enum ScriptError {
    Reports(Vec<Report>),
    Lua(LuaError),
    Interrupted,
    /// `exit(N)`: no handler runs any more.
    Exit(i32),
}

#[derive(Clone, Debug)]
pub struct LuaError {
    pub place: Option<Place>,
    pub message: String,
    /// The user's lines that led there, innermost first.
    pub traceback: Vec<Place>,
}

/// Records of the ring, oldest first, header included. Each is consumed by the call that returns it.
pub trait Records {
    fn next(&mut self) -> Option<&[u8]>;
}

/// Copy, Send; `trigger` is async-signal-safe (from a handler on the VM's thread).
#[derive(Clone)]
pub struct Interrupter;
impl Interrupter {
    pub fn trigger(&self) {}
}

pub struct Vm;

impl Vm {
    pub fn new(_config: Config) -> Result<Self, ScriptError> { todo!() }
    /// Runs the body. `name` is the file as the user named it, or `-e`. Chains without an ending are declared when it returns.
    pub fn run(&self, _name: &str, _text: &str) -> Result<(), ScriptError> { todo!() }
    /// Everything is attached: timers start, `on_start` functions run. After an error, call again to go on with the rest.
    pub fn run_start(&self) -> Result<(), ScriptError> { todo!() }
    /// `on_exit` functions. After an error, call again to go on with the rest.
    pub fn run_exit(&self) -> Result<(), ScriptError> { todo!() }
    /// Hands each record to its handler, or to `Session::event` when its probe has none (`:print`).
    /// Returns at the end of the records or at the first error; call again with the same records to go on.
    pub fn dispatch(&self, _records: &mut dyn Records) -> Result<(), ScriptError> { todo!() }
    /// When the next timer is due, ns of `Session::now`.
    pub fn next_deadline(&self) -> Option<u64> { todo!() }
    /// Runs the timers that are due. After an error, call again to go on with the rest.
    pub fn run_due(&self, _now: u64) -> Result<(), ScriptError> { todo!() }
    /// Prints (Session::table) every tally that the script neither read nor printed, as `t:print{…}` in the body said.
    pub fn print_unread(&self) -> Result<(), ScriptError> { todo!() }
    pub fn interrupter(&self) -> Interrupter { todo!() }
    /// Lets Lua run again after an interrupt (for `on_exit`).
    pub fn clear_interrupt(&self) { todo!() }
}
