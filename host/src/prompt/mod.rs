//! The prompt: lines that a person types, on their way to the VM; what it says of them, and what it offers before they are whole.

pub mod complete;
