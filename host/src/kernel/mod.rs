//! Link, load, attach; read maps and rings.

pub mod abilities;
pub mod attach;
mod calls;
pub mod control;
pub mod diagnosis;
pub mod engine_log;
pub mod inline;
pub mod instance;
pub mod library;
mod maps;
pub mod object;
mod parallel;
mod program;
pub mod shared;
mod stacks;
pub mod table;
mod tidy;

pub use abilities::Abilities;
pub use control::Control;
pub use instance::Instance;
pub use maps::Maps;
pub use program::LoadError;
pub use shared::Shared;

use crate::sys::map::{Map, MapSpec, MapType};

/// A map whose keys are numbers from 0 on.
fn array(name: &str, of: MapType, value_size: usize, entries: u32) -> std::io::Result<Map> {
    Map::create(&MapSpec {
        name,
        of,
        key_size: 4,
        value_size: value_size as u32,
        entries,
        flags: 0,
    })
}
