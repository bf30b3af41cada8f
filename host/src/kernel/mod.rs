//! Link, load, attach; read maps and rings.

pub mod abilities;
pub mod attach;
pub mod control;
pub mod diagnosis;
pub mod engine_log;
pub mod inline;
pub mod instance;
pub mod library;
mod maps;
pub mod object;
mod parallel;
pub mod shared;
mod stacks;
pub mod table;

pub use abilities::Abilities;
pub use control::Control;
pub use instance::{Instance, LoadError};
pub use maps::Maps;
pub use shared::Shared;
