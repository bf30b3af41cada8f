//! What is made before Lua's thread is: within the walls around a stranger's script it could be made no more. It is made
//! alike for every script.

use super::files::Files;
use super::script::Script;
use crate::cli::RunArgs;
use crate::facts;
use crate::output::{Stream, voice};
use crate::report::{Report, plainly};
use crate::sys::child::Held;
use crate::sys::confine::{self, Needs};
use crate::sys::notify::Listener;
use crate::sys::{bpf, memory, open_files, trampoline};
use std::io;

/// Bytes of memory for a stranger's script and all that the host does for it: types, symbols and debug information of what it
/// traces take some hundred MiB, and its own Lua values have a limit of their own.
const MEMORY: u64 = 4 << 30;

/// What a run takes along.
pub(super) struct Ahead {
    pub(super) stream: Stream,
    /// The command of `-c`, waiting for its first instruction. What it does is no matter of the script's: no wall is around it.
    pub(super) held: Option<Held>,
    pub(super) listener: Listener,
}

impl Ahead {
    pub(super) fn make(arguments: &RunArgs) -> Result<Self, Report> {
        // Where it fails, the probe that wants one file too many says so.
        let _ = open_files::raise();
        Ok(Self {
            stream: Stream::open(arguments.output.as_deref())?,
            held: arguments.command.as_deref().map(hold).transpose()?,
            listener: Listener::find(),
        })
    }
}

/// Puts walls around this thread, and so around all that it starts, unless the script is ours.
///
/// # Errors
/// When one can't be put up that this kernel has: nothing of the script may run then.
pub(super) fn wall_in(script: &mut Script, verbose: bool) -> Result<(), Report> {
    if script.is_ours() {
        return Ok(());
    }
    bpf::raise_memory_limit();
    // What the host itself keeps for a script is counted nowhere else.
    memory::limit(MEMORY).map_err(|error| not_put_up(script, &error))?;
    facts::mount_ahead();
    trampoline::open_objects_ahead();
    // It has walls of its own, and must not be made within these.
    script.files = Files::of(&script.permit).map_err(|error| not_put_up(script, &error))?;
    let needs = Needs {
        processes: script.permit.looks_into_processes(),
        folders: Vec::new(),
    };
    let walls = confine::put_up(&needs).map_err(|error| not_put_up(script, &error))?;
    if verbose {
        voice::say(&walls.to_string());
    }
    Ok(())
}

fn not_put_up(script: &Script, error: &io::Error) -> Report {
    let (name, why) = (&script.name, plainly(error));
    Report::new(format!(
        "{name} is not run: its sandbox can't be put up: {why}"
    ))
}

/// The command of `-c`, its words split as a shell would, waiting for its first instruction.
pub(super) fn hold(command: &str) -> Result<Held, Report> {
    let words = shlex::split(command).filter(|words| !words.is_empty());
    let words = words.ok_or_else(|| Report::new(format!("-c '{command}': this is no command")))?;
    let argv: Result<Vec<_>, _> = words.into_iter().map(std::ffi::CString::new).collect();
    let argv = argv.map_err(|_| Report::new("-c: a command has no NUL in it"))?;
    Held::spawn(&argv)
        .map_err(|error| Report::new(format!("the command '{command}' can't be run: {error}")))
}
