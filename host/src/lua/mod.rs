//! The VM: the only user of mlua.
//!
//! vm → sandbox and api (what a script finds), call (how a function of it is called), types (what it gets), script (what
//! it has said), handler (what its handlers read), dispatch and view (events on their way into them).

mod api;
mod call;
mod chunks;
mod dispatch;
pub mod docs;
mod error;
mod format;
mod given;
mod handler;
pub mod header;
pub mod infer;
mod interrupt;
pub mod lex;
mod live;
mod long_calls;
pub mod meter;
mod modules;
pub mod options;
mod patterns;
mod printer;
mod sandbox;
mod script;
pub mod session;
mod stacks;
mod stdlib;
mod tables;
mod tallies;
pub mod testing;
mod timers;
mod typed;
mod types;
mod view;
mod vm;

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;

pub use api::probe::definition;
pub use dispatch::Records;
pub use error::{LuaError, ScriptError};
pub use interrupt::Interrupter;
pub use meter::Limits;
pub use session::{Session, Site};
pub use stdlib::{definitions, modules};
pub use typed::{Written, syntax};
pub use vm::{Config, Modules, Vm};
