//! Every maximum that both sides share. The documentation states the same numbers; crossing one is an error that names it.

/// Tallies of one script.
pub const TALLIES: usize = 256;
/// Parts of a key.
pub const KEY_PARTS: usize = 8;
/// Bytes of a key, without the word in front that names its generation.
pub const KEY: usize = 512;
/// Bytes of a key, with that word, up to which it is built on the stack.
pub const SMALL_KEY: usize = 72;
/// Bytes of a row of a tally: the most that each CPU can have of one (PCPU_MIN_UNIT_SIZE, include/linux/percpu.h), less what an
/// offset of an instruction reaches.
pub const ROW: usize = 32_760;
/// Columns of a tally.
pub const COLUMNS: usize = 16;
/// Columns up to which their arguments are measured on the stack.
pub const SMALL_COLUMNS: usize = 8;
/// Steps of a linear histogram.
pub const STEPS: u64 = 1000;
/// Bytes that are kept of a call's beginning, with the word that says what could not be read.
pub const KEPT: usize = 4096;
/// Bytes of that up to which it is built on the stack.
pub const SMALL_KEPT: usize = 128;
/// Values that are kept of a call's beginning: a bit each, of those that an instruction can test.
pub const KEPT_FIELDS: usize = 30;
/// Bytes of what a span has of each of its things: the time, the word that says what is there, and the fields.
pub const SPAN: usize = 4096;
/// Bytes of that up to which it is built, or bound by steps, on the stack.
pub const SMALL_SPAN: usize = 64;
/// Fields of a span: a bit each, of those that an instruction can test.
pub const SPAN_FIELDS: usize = 30;
/// Words of the key of a call that is under way: its thread, its place on the stack, which site.
pub const CALL_KEY: usize = 3;
/// Fields of a record: a validity bit each.
pub const FIELDS: usize = 64;
/// Bytes of a string with its NUL, unless the script says another length.
pub const STRING: usize = 256;
/// Bytes of a string with its NUL in a key, unless the script says another length.
pub const KEY_STRING: usize = 128;
/// The most that a script may say for the length of a string.
pub const LONGEST_STRING: usize = 4096;
/// Bytes of a string that two computed strings are compared by, with the NUL.
pub const COMPARED_STRING: usize = 128;
/// Bytes of a path with its NUL, unless the script says another length.
pub const PATH: usize = 1024;
/// Names in a path, and mounts that it crosses.
pub const COMPONENTS: usize = 64;
/// Bytes of a command's arguments with the NUL, unless the script says another length.
pub const ARGV: usize = 2048;
/// Arguments of a command.
pub const ARGUMENTS: usize = 256;
/// Bytes of an IP address as text with its NUL (INET6_ADDRSTRLEN of include/linux/inet.h, in whole words).
pub const ADDRESS: usize = 48;
/// Bytes of a buffer, unless the script says another length.
pub const BUFFER: usize = 4096;
/// Elements of a pattern of `like`: one bit each, and one for the end.
pub const PATTERN: usize = 63;
/// Bytes of a record up to which it is filled in place in the ring buffer.
pub const SMALL_RECORD: usize = 512;
/// Bytes of the longest record.
pub const RECORD: usize = 8192;
/// Bytes of one scratch slot: a record whose last string may start at its last byte.
pub const SCRATCH: usize = RECORD + LONGEST_STRING;
/// Scratch slots of an instance on each CPU: runs that may be nested or preempted there at once.
pub const SCRATCH_SLOTS: usize = 4;
/// Bytes of a member of a set.
pub const SET_KEY: usize = 64;
/// Bytes of the value that holds a script's `var`s.
pub const VARIABLES: usize = 4096;
/// Bytes of a string `var` with its NUL.
pub const VARIABLE_STRING: usize = 64;
