//! Rows → text and JSON: pure. One [`Writer`] owns the output stream.

pub mod books;
mod histogram;
pub mod json;
pub mod text;
mod writer;

pub use writer::{Format, WriteError, Writer};
