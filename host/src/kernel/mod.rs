//! Link, load, attach; read maps and rings.

pub mod abilities;
pub mod attach;
pub mod control;
pub mod diagnosis;
pub mod inline;
pub mod instance;
pub mod library;
pub mod object;
mod parallel;
pub mod shared;
pub mod table;

pub use abilities::Abilities;
pub use control::Control;
pub use instance::{Instance, LoadError};
pub use shared::Shared;
