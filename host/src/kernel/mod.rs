//! Link, load, attach; read maps and rings.

pub mod diagnosis;
pub mod inline;
pub mod library;
pub mod object;
