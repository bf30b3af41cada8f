//! The program, as a file's content: tests write it where they run it, in guests, too.

/// An ELF program for x86_64 Linux that needs no library; `program.c` says what it does.
pub static PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/program"));

/// What it is compiled from: lines of it are told.
pub static SOURCE: &str = include_str!("program.c");
