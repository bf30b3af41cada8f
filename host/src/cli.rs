//! The command line: validates, does nothing.

use crate::output::Format;
use crate::spec::duration;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  moontrace -e 'probe \"tracepoint:raw_syscalls:sys_enter\":by \"comm\":count()'
  moontrace opensnoop.lua -x            a script, with an option of its own
  moontrace -p 1234 --duration 10s tool.lua
  moontrace list 'tracepoint:sched:*'
  moontrace describe tracepoint:syscalls:sys_enter_openat";

/// Lua tracing for Linux.
#[derive(Debug, Parser)]
#[command(name = "moontrace", version, about, after_help = EXAMPLES, max_term_width = 80)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, arg_required_else_help = true)]
#[command(override_usage = "moontrace [OPTIONS] FILE [ARGS…]\n       moontrace [OPTIONS] -e CODE [ARGS…]\n       moontrace COMMAND …")]
struct Line {
    #[command(subcommand)]
    command: Option<Sub>,
    #[command(flatten)]
    run: RunLine,
}

#[derive(Debug, Subcommand)]
enum Sub {
    /// Run a script (the same as without `run`)
    Run(RunLine),
    /// List probes that match, one a line, in the syntax that `probe` takes
    List {
        /// Such as 'tracepoint:sched:*'; everything when it is left out
        pattern: Option<String>,
        /// Look binaries up as this process sees them
        #[arg(short, value_name = "PID")]
        pid: Option<u32>,
    },
    /// Show a probe's arguments and attachment, or a type's members
    Describe {
        /// A probe, or a type such as 'struct task_struct'
        #[arg(required = true, value_name = "PROBE|TYPE")]
        what: Vec<String>,
    },
    /// Check scripts: everything but attaching
    Check {
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Say probe by probe what runs in the kernel, what is fetched and why
    Explain(RunLine),
    /// Say what this kernel, user and machine offer, and what is missing
    Info,
    /// Print completions for a shell
    Completions {
        #[arg(value_enum)]
        shell: Shell,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

#[derive(Debug, Args)]
struct RunLine {
    /// Run this code instead of a file
    #[arg(short = 'e', value_name = "CODE", allow_hyphen_values = true)]
    code: Option<String>,
    /// Trace this process only
    #[arg(short, value_name = "PID", value_parser = clap::value_parser!(u32).range(1..))]
    pid: Option<u32>,
    /// Start a command, trace it and its children, end when it ends
    #[arg(short, value_name = "CMD", conflicts_with = "pid")]
    command: Option<String>,
    /// With -p: trace the children of the process, too
    #[arg(long, requires = "pid")]
    follow: bool,
    /// End after this time: 500ms, 5s, 1m
    #[arg(long, value_name = "TIME", value_parser = duration::duration, allow_hyphen_values = true)]
    duration: Option<u64>,
    /// How output is written
    #[arg(long, value_enum, default_value = "text")]
    format: FormatName,
    /// Write output to this file
    #[arg(short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Exit with status 3 when any event was lost
    #[arg(long)]
    strict: bool,
    /// What a handler's error does
    #[arg(long, value_enum, value_name = "WHAT", default_value = "stop")]
    on_error: OnErrorName,
    /// exact: no cheaper substitute for an attachment
    #[arg(long, value_enum, value_name = "HOW")]
    attach: Option<AttachName>,
    /// The most probes that one SPEC may match
    #[arg(long, value_name = "N", default_value_t = 1000)]
    max_probes: usize,
    /// Size of the ring buffer that events wait in
    #[arg(long, value_name = "SIZE", default_value = "4MiB", value_parser = ring_size)]
    ring: u32,
    /// Say on standard error how each probe is attached, why, and how long it took
    #[arg(short)]
    verbose: bool,
    /// A script, and the options that its header declares
    #[arg(value_name = "FILE", trailing_var_arg = true, allow_hyphen_values = true)]
    script: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormatName {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OnErrorName {
    Stop,
    Continue,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum AttachName {
    Exact,
}

/// What the command line asks for.
#[derive(Debug)]
pub enum Command {
    Run(RunArgs),
    Explain(RunArgs),
    List { pattern: Option<String>, pid: Option<u32> },
    Describe { what: String },
    Check { files: Vec<PathBuf> },
    Info,
    Completions { shell: clap_complete::Shell },
}

/// A script and how it is run.
#[derive(Clone, Debug, Default)]
pub struct RunArgs {
    pub script: Script,
    /// What stands behind the script: its own options, and some of ours.
    pub arguments: Vec<String>,
    pub pid: Option<u32>,
    pub command: Option<String>,
    pub follow: bool,
    /// ns
    pub duration: Option<u64>,
    pub format: Format,
    pub output: Option<PathBuf>,
    pub strict: bool,
    /// A handler's error does not end the run.
    pub go_on: bool,
    pub exact: bool,
    pub max_probes: usize,
    /// Bytes, a power of two.
    pub ring: u32,
    pub verbose: bool,
}

#[derive(Clone, Debug)]
pub enum Script {
    File(PathBuf),
    Code(String),
}

impl Default for Script {
    fn default() -> Self {
        Self::Code(String::new())
    }
}

/// Reads a command line, the program's name first.
///
/// # Errors
/// What clap says, ready to be printed; `--help` and `--version` are among them.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, clap::Error> {
    let line = Line::try_parse_from(arguments)?;
    Ok(match line.command {
        None => Command::Run(line.run.validate()?),
        Some(Sub::Run(run)) => Command::Run(run.validate()?),
        Some(Sub::Explain(run)) => Command::Explain(run.validate()?),
        Some(Sub::List { pattern, pid }) => Command::List { pattern, pid },
        Some(Sub::Describe { what }) => Command::Describe { what: what.join(" ") },
        Some(Sub::Check { files }) => Command::Check { files },
        Some(Sub::Info) => Command::Info,
        Some(Sub::Completions { shell }) => Command::Completions {
            shell: match shell {
                Shell::Bash => clap_complete::Shell::Bash,
                Shell::Zsh => clap_complete::Shell::Zsh,
                Shell::Fish => clap_complete::Shell::Fish,
            },
        },
    })
}

/// The completions of a shell, as a script for it.
pub fn completions(shell: clap_complete::Shell) -> Vec<u8> {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut Line::command(), "moontrace", &mut out);
    out
}

impl RunLine {
    fn validate(self) -> Result<RunArgs, clap::Error> {
        let mut words = Vec::new();
        for word in self.script {
            words.push(word.into_string().map_err(|word| {
                wrong(clap::error::ErrorKind::InvalidUtf8, format!("'{}' is not UTF-8", word.display()))
            })?);
        }
        let script = match self.code {
            Some(code) => Script::Code(code),
            None if words.is_empty() => {
                let message = "a script is wanted: FILE, or -e CODE".into();
                return Err(wrong(clap::error::ErrorKind::MissingRequiredArgument, message));
            }
            None => Script::File(words.remove(0).into()),
        };
        Ok(RunArgs {
            script,
            arguments: words,
            pid: self.pid,
            command: self.command,
            follow: self.follow,
            duration: self.duration,
            format: self.format.into(),
            output: self.output,
            strict: self.strict,
            go_on: matches!(self.on_error, OnErrorName::Continue),
            exact: self.attach.is_some(),
            max_probes: self.max_probes,
            ring: self.ring,
            verbose: self.verbose,
        })
    }
}

impl From<FormatName> for Format {
    fn from(name: FormatName) -> Self {
        match name {
            FormatName::Text => Self::Text,
            FormatName::Json => Self::Json,
        }
    }
}

fn wrong(kind: clap::error::ErrorKind, message: String) -> clap::Error {
    Line::command().error(kind, message)
}

/// The kernel wants whole pages and a power of two.
fn ring_size(text: &str) -> Result<u32, String> {
    const LEAST: u64 = 4096;
    const MOST: u64 = 1 << 30;
    let size = duration::size(text)?;
    if !(LEAST..=MOST).contains(&size) {
        return Err(format!("'{text}' is no size of a ring: from 4KiB to 1GiB"));
    }
    Ok(size.next_power_of_two() as u32)
}

/// The options of ours that are taken behind the script, too, with whether they want a value.
const BEHIND: [(&str, &str, bool); 5] =
    [("-p", "p", true), ("-c", "c", true), ("-o", "o", true), ("--duration", "duration", true), ("--format", "format", true)];

impl RunArgs {
    /// Takes our own options out of what stands behind the script, but for those that the script declares (`declared`
    /// says which: `-p`, `--format`). What comes behind `--` is the script's.
    ///
    /// # Errors
    /// A value that makes no sense.
    pub fn take_own(&mut self, declared: &dyn Fn(&str) -> bool) -> Result<(), clap::Error> {
        let mut own = vec![OsString::from("moontrace")];
        let mut rest = Vec::new();
        let mut words = std::mem::take(&mut self.arguments).into_iter();
        while let Some(word) = words.next() {
            if word == "--" {
                rest.push(word);
                rest.extend(words);
                break;
            }
            let name = word.split('=').next().unwrap_or(&word);
            match BEHIND.iter().find(|(option, ..)| *option == name && !declared(option)) {
                Some(_) => {
                    let with_value = word.contains('=');
                    own.push(word.clone().into());
                    if !with_value {
                        own.extend(words.next().map(OsString::from));
                    }
                }
                None => rest.push(word),
            }
        }
        self.arguments = rest;
        if own.len() == 1 {
            return Ok(());
        }
        own.extend(["-e".into(), String::new().into()]);
        if let Command::Run(given) = parse(own)? {
            self.pid = given.pid.or(self.pid);
            self.command = given.command.or(self.command.take());
            self.duration = given.duration.or(self.duration);
            self.output = given.output.or(self.output.take());
            if given.format == Format::Json {
                self.format = given.format;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &[&str]) -> Result<Command, clap::Error> {
        parse(std::iter::once("moontrace").chain(words.iter().copied()).map(OsString::from))
    }

    fn run(words: &[&str]) -> RunArgs {
        match line(words).unwrap() {
            Command::Run(arguments) => arguments,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_stands_behind_the_script_is_its_own() {
        let arguments = run(&["--duration", "5s", "tool.lua", "-x", "--name", "sshd", "-h"]);
        assert_eq!(arguments.duration, Some(5_000_000_000));
        assert!(matches!(arguments.script, Script::File(path) if path.as_os_str() == "tool.lua"));
        assert_eq!(arguments.arguments, ["-x", "--name", "sshd", "-h"]);
        let code = run(&["-e", "print(1)", "a", "-b"]);
        assert_eq!(code.arguments, ["a", "-b"]);
    }

    #[test]
    fn some_of_ours_are_taken_behind_it_unless_the_script_has_them() {
        let mut arguments = run(&["tool.lua", "-p", "12", "-x", "--format=json", "--", "-p", "5"]);
        arguments.take_own(&|_| false).unwrap();
        assert_eq!((arguments.pid, arguments.format), (Some(12), Format::Json));
        assert_eq!(arguments.arguments, ["-x", "--", "-p", "5"]);
        let mut arguments = run(&["tool.lua", "-p", "80"]);
        arguments.take_own(&|option| option == "-p").unwrap();
        assert_eq!((arguments.pid, arguments.arguments), (None, vec!["-p".to_string(), "80".into()]));
    }

    #[test]
    fn mistakes_name_the_flag_and_the_value() {
        for (words, named) in [
            (vec!["--format", "xml", "-e", "x"], "xml"),
            (vec!["--duration", "-3s", "-e", "x"], "-3s"),
            (vec!["-p", "abc", "-e", "x"], "abc"),
            (vec!["--no-such-flag"], "no-such-flag"),
            (vec!["--ring", "3GiB", "-e", "x"], "3GiB"),
            (vec!["completions", "tcsh"], "tcsh"),
        ] {
            let error = line(&words).unwrap_err();
            assert!(error.to_string().contains(named), "{words:?}: {error}");
            assert_eq!(error.exit_code(), 2);
        }
    }

    #[test]
    fn commands_are_read() {
        assert!(matches!(line(&["list", "t:sched:*"]).unwrap(), Command::List { pattern: Some(_), .. }));
        assert!(matches!(line(&["describe", "struct", "sock"]).unwrap(), Command::Describe { what } if what == "struct sock"));
        assert!(matches!(line(&["run", "-e", "x"]).unwrap(), Command::Run(_)));
        assert_eq!(line(&[]).unwrap_err().exit_code(), 2);
    }
}
