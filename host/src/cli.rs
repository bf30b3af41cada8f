//! The command line: validates, does nothing.

mod behind;
mod line;

#[cfg(test)]
mod tests;

use crate::output::Format;
use crate::permission::Permissions;
use crate::report::did_you_mean;
use crate::testing::Wanted;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches};
use clap_complete::Shell;
use line::{Line, New, RunLine, Sub};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What the command line asks for.
#[derive(Debug)]
pub enum Command {
    Run(RunArgs),
    /// Takes what `Run` takes, so that `explain` can stand before any command line.
    Explain(RunArgs),
    /// Everything without a pattern. Files are looked up as the process `pid` sees them.
    List {
        pattern: Option<String>,
        pid: Option<u32>,
        format: Format,
    },
    /// A probe's SPEC or a type's name.
    Describe {
        what: String,
        format: Format,
    },
    Check {
        files: Vec<PathBuf>,
    },
    /// The tools that every word is said of.
    Tools {
        query: Vec<String>,
        format: Format,
    },
    /// A tool or a collection.
    Show {
        name: String,
    },
    /// A URL or a folder.
    Add {
        what: String,
        at: Option<String>,
    },
    Remove {
        name: String,
    },
    /// All collections without a name.
    Update {
        name: Option<String>,
        at: Option<String>,
        yes: bool,
    },
    TakeBack {
        name: String,
    },
    NewCollection {
        folder: PathBuf,
    },
    NewTool {
        name: String,
    },
    Test(Wanted),
    /// A tool or a collection may do what it asks for.
    Trust {
        name: String,
    },
    /// It may not any more.
    Revoke {
        name: String,
    },
    /// The prompt. The script is none; a handler's error does not end it.
    Prompt(RunArgs),
    Info,
    /// Definitions for editors, into that folder.
    Types {
        folder: PathBuf,
    },
    Completions {
        shell: Shell,
    },
}

/// A script and how it is run.
#[derive(Clone, Debug)]
pub struct RunArgs {
    pub script: Script,
    /// What stands behind the script: its own options, and some of ours until [`RunArgs::take_own`] has taken them.
    pub arguments: Vec<String>,
    /// `-p`; never together with `-c`.
    pub pid: Option<u32>,
    /// `-c`: words that a shell would split, at least one.
    pub command: Option<String>,
    pub follow: bool,
    /// ns, more than 0.
    pub duration: Option<u64>,
    pub format: Format,
    pub output: Option<PathBuf>,
    pub strict: bool,
    /// A handler's error does not end the run.
    pub go_on: bool,
    /// `--attach exact`
    pub exact: bool,
    pub max_probes: usize,
    /// Bytes, a power of two.
    pub ring: u32,
    pub verbose: bool,
    /// `--allow`, as often as it was given.
    pub allow: Vec<Allow>,
    /// `--deny`
    pub deny: Vec<Permissions>,
    /// An object that takes the place of the kernel half inside, and whose log is printed.
    pub engine_log: Option<PathBuf>,
}

/// What `--allow` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allow {
    /// All that the script's header declares.
    Declared,
    These(Permissions),
}

/// Where the script's text is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Script {
    File(PathBuf),
    /// `-e`
    Code(String),
}

impl RunArgs {
    /// The script as it is run without any option.
    pub fn of(script: Script) -> Self {
        Self {
            script,
            arguments: Vec::new(),
            pid: None,
            command: None,
            follow: false,
            duration: None,
            format: Format::Text,
            output: None,
            strict: false,
            go_on: false,
            exact: false,
            max_probes: line::MAX_PROBES,
            ring: line::RING,
            verbose: false,
            allow: Vec::new(),
            deny: Vec::new(),
            engine_log: None,
        }
    }
}

/// Reads a command line, the program's name first.
///
/// # Errors
/// What clap says, ready to be printed; `--help` and `--version` are among them.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, clap::Error> {
    let matches = Line::command().try_get_matches_from(arguments)?;
    let is_given =
        |id: &clap::Id| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine);
    let has_options = matches.ids().any(is_given);
    let line = Line::from_arg_matches(&matches)?;
    Ok(match line.command {
        None if !has_options => alone()?,
        None => Command::Run(line.run.validate()?),
        // Options before `run` are as good as those behind it.
        Some(Sub::Run(behind)) => Command::Run(behind.over(line.run).validate()?),
        Some(_) if has_options => {
            let name = matches.subcommand_name().unwrap_or_default();
            return Err(wrong(
                ErrorKind::ArgumentConflict,
                format!(
                    "the options of a run can't stand before '{name}' (a script of that name is ./{name})"
                ),
            ));
        }
        Some(Sub::Explain(run)) => Command::Explain(run.validate()?),
        Some(Sub::List {
            pattern,
            pid,
            format,
        }) => Command::List {
            pattern,
            pid,
            format: format.unwrap_or_default(),
        },
        Some(Sub::Describe { what, format }) => Command::Describe {
            what: what.join(" "),
            format: format.unwrap_or_default(),
        },
        Some(Sub::Check { files }) => Command::Check { files },
        Some(Sub::Tools { query, format }) => Command::Tools {
            query,
            format: format.unwrap_or_default(),
        },
        Some(Sub::Show { name }) => Command::Show { name },
        Some(Sub::Add { what, at }) => Command::Add { what, at },
        Some(Sub::Remove { name }) => Command::Remove { name },
        Some(Sub::Update {
            name: Some(name),
            back: true,
            ..
        }) => Command::TakeBack { name },
        Some(Sub::Update { name, at, yes, .. }) => Command::Update { name, at, yes },
        Some(Sub::New {
            what: New::Collection { folder },
        }) => Command::NewCollection { folder },
        Some(Sub::New {
            what: New::Tool { name },
        }) => Command::NewTool { name },
        Some(Sub::Test {
            what,
            case,
            list,
            allow,
            examples,
        }) => Command::Test(Wanted {
            what,
            cases: case,
            list,
            allowed: allow.iter().flat_map(Permissions::iter).cloned().collect(),
            examples,
        }),
        Some(Sub::Repl {
            pid,
            follow,
            attach,
            max_probes,
            ring,
            verbose,
        }) => Command::Prompt(RunArgs {
            pid,
            follow,
            exact: attach.is_some(),
            max_probes: max_probes.unwrap_or(line::MAX_PROBES),
            ring: ring.unwrap_or(line::RING),
            verbose,
            ..of_a_prompt()
        }),
        Some(Sub::Trust { name, revoke }) => match revoke {
            true => Command::Revoke { name },
            false => Command::Trust { name },
        },
        Some(Sub::Info) => Command::Info,
        Some(Sub::Types { folder }) => Command::Types { folder },
        Some(Sub::Completions { shell }) => Command::Completions { shell },
    })
}

/// `moontrace` and nothing more: the prompt for a person, help for a program.
fn alone() -> Result<Command, clap::Error> {
    use std::io::IsTerminal;
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        return Ok(Command::Prompt(of_a_prompt()));
    }
    let help = Line::command().render_help();
    Err(clap::Error::raw(
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
        help,
    ))
}

fn of_a_prompt() -> RunArgs {
    RunArgs {
        go_on: true,
        ..RunArgs::of(Script::Code(String::new()))
    }
}

/// The completions of a shell, as a script for it.
pub fn completions(shell: Shell) -> Vec<u8> {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut Line::command(), "moontrace", &mut out);
    out
}

/// What a FILE that isn't there may have been meant to be: a command, one of the tools, or a script somewhere else.
pub fn meant(file: &Path, tools: &[String]) -> Option<String> {
    let word = file.to_str().filter(|word| !word.contains(['/', '.']))?;
    let commands = Line::command();
    let names = commands.get_subcommands().map(clap::Command::get_name);
    let near = did_you_mean(word, names.chain(tools.iter().map(String::as_str)));
    near.or_else(|| {
        Some(format!(
            "'moontrace tools' lists the tools; a script of yours is named by its path, such as ./{word}.lua"
        ))
    })
}

/// A wrong command line in words of our own.
fn wrong(kind: ErrorKind, message: impl std::fmt::Display) -> clap::Error {
    Line::command().error(kind, message)
}

impl RunLine {
    /// # Errors
    /// When there is no script. Whether its options go together is seen when those behind it are known, too.
    fn validate(self) -> Result<RunArgs, clap::Error> {
        let mut words = self.script.into_iter();
        let script = match self.code {
            Some(code) => Script::Code(code),
            None => match words.next() {
                Some(file) => Script::File(file.into()),
                None => {
                    return Err(wrong(
                        ErrorKind::MissingRequiredArgument,
                        "a script is wanted: FILE, or a one-liner with -e CODE",
                    ));
                }
            },
        };
        Ok(RunArgs {
            script,
            arguments: words.collect(),
            pid: self.pid,
            command: self.command,
            follow: self.follow,
            duration: self.duration,
            format: self.format.unwrap_or_default(),
            output: self.output,
            strict: self.strict,
            go_on: self.on_error.is_some_and(|what| what == "continue"),
            exact: self.attach.is_some(),
            max_probes: self.max_probes.unwrap_or(line::MAX_PROBES),
            ring: self.ring.unwrap_or(line::RING),
            verbose: self.verbose,
            allow: self.allow,
            deny: self.deny,
            engine_log: self.engine_log,
        })
    }

    /// These options over others: of what both have, these count.
    fn over(self, other: Self) -> Self {
        Self {
            code: self.code.or(other.code),
            pid: self.pid.or(other.pid),
            command: self.command.or(other.command),
            follow: self.follow || other.follow,
            duration: self.duration.or(other.duration),
            format: self.format.or(other.format),
            output: self.output.or(other.output),
            strict: self.strict || other.strict,
            on_error: self.on_error.or(other.on_error),
            attach: self.attach.or(other.attach),
            max_probes: self.max_probes.or(other.max_probes),
            ring: self.ring.or(other.ring),
            verbose: self.verbose || other.verbose,
            allow: [other.allow, self.allow].concat(),
            deny: [other.deny, self.deny].concat(),
            engine_log: self.engine_log.or(other.engine_log),
            script: self.script,
        }
    }
}
