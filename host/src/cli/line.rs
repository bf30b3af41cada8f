//! The command line as clap reads it: what there is to say, and what values may be.

use super::Allow;
use crate::output::Format;
use crate::permission::Permissions;
use crate::spec::duration;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueHint};
use clap_complete::Shell;
use std::path::PathBuf;

/// Sites that a SPEC may match, unless `--max-probes` says otherwise.
pub(super) const MAX_PROBES: usize = 1024;
/// Bytes of the ring buffer, unless `--ring` says otherwise.
pub(super) const RING: u32 = 4 << 20;

const USAGE: &str = "moontrace
       moontrace [OPTIONS] FILE|TOOL [ARGS]...
       moontrace [OPTIONS] -e CODE [ARGS]...
       moontrace COMMAND";

const EXAMPLES: &str = r#"Options stand before FILE; what follows it is for the script, -h included, but
-p -c -o --duration --format are taken there too, unless the script has its own.

Examples:
  moontrace -e 'probe "tracepoint:raw_syscalls:sys_enter" :by "comm" :count()'
  moontrace run opensnoop -h
  moontrace -p 1234 --duration 10s opensnoop
  moontrace -c 'make -j4' --format json -o opens.json ./mine.lua
  moontrace list 'tracepoint:sched:*'
  moontrace describe tracepoint:syscalls:sys_enter_openat"#;

/// Lua tracing for Linux.
#[derive(Parser)]
#[command(name = "moontrace", version, about, max_term_width = 80)]
#[command(disable_help_subcommand = true)]
#[command(override_usage = USAGE, after_help = EXAMPLES)]
pub(super) struct Line {
    #[command(subcommand)]
    pub command: Option<Sub>,
    #[command(flatten)]
    pub run: RunLine,
}

#[derive(Subcommand)]
pub(super) enum Sub {
    /// Run a script: what FILE alone does
    #[command(override_usage = "moontrace run [OPTIONS] FILE|TOOL [ARGS]...")]
    Run(RunLine),
    /// List probes that match, one a line, as `probe` takes them
    #[command(after_help = "\
Examples:
  moontrace list                            tracepoints and kernel functions
  moontrace list openat                     those with that in their names
  moontrace list 'tracepoint:sched:*'
  moontrace list 'uprobe:/bin/bash:*read*'")]
    List {
        /// What to list: * ? and {a,b} stand for names
        pattern: Option<String>,
        /// Look files up as this process sees them
        #[arg(short, value_name = "PID", value_parser = pid, allow_hyphen_values = true)]
        pid: Option<u32>,
        /// text or json [default: text]
        #[arg(long, value_name = "FORMAT", value_parser = formats(), hide_possible_values = true)]
        format: Option<Format>,
    },
    /// Show what a probe offers, or what a type is made of
    #[command(after_help = "\
Examples:
  moontrace describe tracepoint:syscalls:sys_enter_openat
  moontrace describe struct task_struct")]
    Describe {
        /// A probe, or a type
        #[arg(required = true, value_name = "PROBE|TYPE")]
        what: Vec<String>,
        /// text or json [default: text]
        #[arg(long, value_name = "FORMAT", value_parser = formats(), hide_possible_values = true)]
        format: Option<Format>,
    },
    /// Check scripts: everything but attaching; of those that can't run without arguments, header and Lua
    Check {
        /// Scripts
        #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
        files: Vec<PathBuf>,
    },
    /// Say what a script would do in the kernel, and why
    #[command(
        override_usage = "moontrace explain [OPTIONS] FILE|TOOL [ARGS]...\n       \
                                moontrace explain [OPTIONS] -e CODE [ARGS]..."
    )]
    Explain(RunLine),
    /// List the tools at hand: those that come with moontrace, and those of installed collections
    #[command(after_help = "\
Examples:
  moontrace tools                all of them, by subject
  moontrace tools network
  moontrace tools 'net and safe'
  moontrace tools '(disk or files) and not heavy'
  moontrace run tcplife -h")]
    Tools {
        /// Words that are said of a tool: its name, collection, subject, level, what it does; and, or, not, brackets
        query: Vec<String>,
        /// text or json [default: text]
        #[arg(long, value_name = "FORMAT", value_parser = formats(), hide_possible_values = true)]
        format: Option<Format>,
    },
    /// Show a tool, with what it may do and its source, or a collection
    Show {
        /// opensnoop, net/slowconn, or a collection's name
        name: String,
    },
    /// Install a collection of tools from a git repository; nothing of it is run
    #[command(after_help = "\
Examples:
  moontrace add https://example.org/net.git
  moontrace add git@example.org:net.git --at v1.2.0
  moontrace add ./net            what is committed in a folder")]
    Add {
        /// What git takes: https, ssh, git and file URLs, and folders
        #[arg(value_name = "URL|DIR", value_hint = ValueHint::AnyPath, allow_hyphen_values = true)]
        what: String,
        /// This tag (also without its v), branch or commit
        #[arg(long, value_name = "VERSION|COMMIT")]
        at: Option<String>,
    },
    /// Take an installed collection away
    Remove {
        /// An installed collection
        name: String,
    },
    /// Show what is new of installed collections, and take it when that is agreed to
    #[command(after_help = "\
Examples:
  moontrace update               all collections, one after the other
  moontrace update net --at v2.0.0
  moontrace update net --back    as it was before the last update")]
    Update {
        /// An installed collection
        name: Option<String>,
        /// This tag, branch or commit from now on
        #[arg(long, value_name = "VERSION|COMMIT", requires = "name")]
        at: Option<String>,
        /// Take it without asking
        #[arg(long)]
        yes: bool,
        /// Take the last update back
        #[arg(long, requires = "name", conflicts_with_all = ["yes", "at"])]
        back: bool,
    },
    /// Write the start of a collection or of a tool, with a test
    New {
        #[command(subcommand)]
        what: New,
    },
    /// Run the tests of tools on this kernel, as root
    #[command(after_help = "\
Examples:
  moontrace test                 all tests of the tools that come with moontrace
  moontrace test opensnoop
  moontrace test ./mine          a collection of yours: ./mine/tests/NAME.lua
  moontrace test net --allow run an installed collection")]
    Test {
        /// Tools, files of tests, or collections
        #[arg(value_name = "TOOL|FILE|FOLDER")]
        what: Vec<String>,
        /// Only the case of this title
        #[arg(long, value_name = "TITLE")]
        case: Vec<String>,
        /// Only name the cases
        #[arg(long)]
        list: bool,
        /// What tests of an installed collection may do: run (programs), network
        #[arg(long, value_name = "WHAT", value_parser = permissions)]
        allow: Vec<Permissions>,
        /// Write the tools' example outputs there, instead of comparing
        #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
        examples: Option<PathBuf>,
    },
    /// Allow a tool of a collection, or all of it, what it asks for, as long as
    /// it stays what it is
    #[command(after_help = "\
Examples:
  moontrace show net/slowconn       what it is and asks for
  moontrace trust net/slowconn
  moontrace trust net --revoke      ask again")]
    Trust {
        /// COLLECTION/TOOL, or a collection
        name: String,
        /// Take it back
        #[arg(long)]
        revoke: bool,
    },
    /// The prompt, for probing live: what `moontrace` alone does on a terminal
    #[command(after_help = "\
Examples:
  > p = probe \"syscall:openat\" :by \"comm\" :count()
  > p
  > watch(p)
  > ?probe")]
    Repl {
        /// Trace this process
        #[arg(short, value_name = "PID", value_parser = pid, allow_hyphen_values = true)]
        pid: Option<u32>,
        /// With -p: trace the children, too
        #[arg(long)]
        follow: bool,
        /// exact: no cheaper substitute for a probe
        #[arg(long, value_name = "HOW", value_parser = ["exact"], hide_possible_values = true)]
        attach: Option<String>,
        /// The most that one SPEC may match [default: 1024]
        #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
        max_probes: Option<usize>,
        /// Room for events that wait [default: 4MiB]
        #[arg(long, value_name = "SIZE", value_parser = ring_size, allow_hyphen_values = true)]
        ring: Option<u32>,
        /// Say how each probe is attached, and how long it took
        #[arg(short)]
        verbose: bool,
    },
    /// Say what this kernel, this user and this machine offer
    Info,
    /// Write definitions of the script API for editors: DIR/moontrace.lua
    #[command(after_help = "\
Editors that speak to the Lua language server then complete names and show what
they are. A .luarc.json beside your scripts says where they are:
  { \"workspace.library\": [\"DIR\"] }

Example:
  moontrace types ~/.local/share/moontrace")]
    Types {
        /// A folder, made where there is none
        #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
        folder: PathBuf,
    },
    /// Print completions for a shell
    #[command(after_help = "\
Example:
  moontrace completions bash > /etc/bash_completion.d/moontrace")]
    Completions {
        #[arg(value_parser = shells())]
        shell: Shell,
    },
}

#[derive(Subcommand)]
pub(super) enum New {
    /// A collection with a first tool, in a new folder of its name
    Collection {
        #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
        folder: PathBuf,
    },
    /// A tool of the collection in this folder
    Tool { name: String },
}

/// `[OPTIONS] FILE [ARGS]...`. An option that has a default is none where it isn't given.
#[derive(Args)]
pub(super) struct RunLine {
    /// The script itself, instead of FILE
    #[arg(short = 'e', value_name = "CODE", allow_hyphen_values = true)]
    pub code: Option<String>,
    /// Trace this process
    #[arg(short, value_name = "PID", value_parser = pid, allow_hyphen_values = true)]
    pub pid: Option<u32>,
    /// Start a command, trace it and its children, end with it
    #[arg(short, value_name = "CMD", value_parser = command, value_hint = ValueHint::CommandString)]
    pub command: Option<String>,
    /// With -p: trace the children, too
    #[arg(long)]
    pub follow: bool,
    /// End after 500ms, 10s, 5m, …
    #[arg(long, value_name = "TIME", value_parser = lasting, allow_hyphen_values = true)]
    pub duration: Option<u64>,
    /// text or json [default: text]
    #[arg(long, value_name = "FORMAT", value_parser = formats(), hide_possible_values = true)]
    pub format: Option<Format>,
    /// Write output to this file
    #[arg(short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Exit with status 3 when an event was lost
    #[arg(long)]
    pub strict: bool,
    /// At a handler's error, stop or continue [default: stop]
    #[arg(long, value_name = "WHAT", value_parser = ["stop", "continue"], hide_possible_values = true)]
    pub on_error: Option<String>,
    /// exact: no cheaper substitute for a probe
    #[arg(long, value_name = "HOW", value_parser = ["exact"], hide_possible_values = true)]
    pub attach: Option<String>,
    /// The most that one SPEC may match [default: 1024]
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    pub max_probes: Option<usize>,
    /// Room for events that wait [default: 4MiB]
    #[arg(long, value_name = "SIZE", value_parser = ring_size, allow_hyphen_values = true)]
    pub ring: Option<u32>,
    /// Say how each probe is attached, and how long it took
    #[arg(short)]
    pub verbose: bool,
    /// What a script may do: memory, stacks, probes=SPEC, … or
    /// declared, all that its header asks for (may be repeated)
    #[arg(long, value_name = "WHAT", value_parser = allowed, allow_hyphen_values = true)]
    pub allow: Vec<Allow>,
    /// What it may not, whatever else is said
    #[arg(long, value_name = "WHAT", value_parser = permissions, allow_hyphen_values = true)]
    pub deny: Vec<Permissions>,
    /// For developers: this build of the kernel half, which logs
    #[arg(long, value_name = "OBJECT", value_hint = ValueHint::FilePath)]
    pub engine_log: Option<PathBuf>,
    /// A script, and what its header declares
    #[arg(value_name = "FILE [ARGS]", value_hint = ValueHint::FilePath, trailing_var_arg = true)]
    pub script: Vec<String>,
}

pub(super) fn formats() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(["text", "json"]).map(|name| match name.as_str() {
        "json" => Format::Json,
        _ => Format::Text,
    })
}

fn shells() -> impl TypedValueParser<Value = Shell> {
    PossibleValuesParser::new(["bash", "zsh", "fish"]).map(|name| match name.as_str() {
        "zsh" => Shell::Zsh,
        "fish" => Shell::Fish,
        _ => Shell::Bash,
    })
}

/// `declared`, or a list of permissions.
pub(super) fn allowed(text: &str) -> Result<Allow, String> {
    match text.trim() {
        "declared" => Ok(Allow::Declared),
        list => permissions(list).map(Allow::These),
    }
}

pub(super) fn permissions(text: &str) -> Result<Permissions, String> {
    let list = Permissions::parse(text);
    let list = list.map_err(|report| match report.help {
        Some(help) => format!("{} ({help})", report.message),
        None => report.message,
    })?;
    match list.is_empty() {
        true => Err("there is no permission in it".into()),
        false => Ok(list),
    }
}

/// Whether there is such a process is for the run to see.
pub(super) fn pid(text: &str) -> Result<u32, String> {
    let positive = text.parse::<u32>().ok().filter(|pid| *pid > 0);
    positive.ok_or_else(|| "a process id is a number above 0".into())
}

pub(super) fn command(text: &str) -> Result<String, String> {
    match shlex::split(text) {
        None => Err("a quote is missing".into()),
        Some(words) if words.is_empty() => Err("there is no command in it".into()),
        Some(_) => Ok(text.into()),
    }
}

/// ns
pub(super) fn lasting(text: &str) -> Result<u64, String> {
    let ns = u64::try_from(duration::duration(text)?).ok();
    let positive = ns.filter(|ns| *ns > 0);
    positive.ok_or_else(|| "a run takes more time than none".into())
}

fn count(text: &str) -> Result<usize, String> {
    let positive = text.parse().ok().filter(|count| *count > 0);
    positive.ok_or_else(|| "a number above 0 is wanted".into())
}

/// Bytes; the kernel wants whole pages and a power of two.
fn ring_size(text: &str) -> Result<u32, String> {
    const LEAST: u64 = 4096;
    const MOST: u64 = 1 << 30;
    let size = u64::try_from(duration::size(text)?).ok();
    let fitting = size.filter(|size| (LEAST..=MOST).contains(size));
    let rounded = fitting.and_then(|size| u32::try_from(size.next_power_of_two()).ok());
    rounded.ok_or_else(|| "a ring has 4KiB to 1GiB".into())
}
