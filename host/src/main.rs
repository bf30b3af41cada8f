//! Parses the command line, runs what it asks for, and gives the exit status.

use moontrace::cli::{self, Command};
use moontrace::{commands, run};
use std::process::exit;

fn main() {
    let command = cli::parse(std::env::args_os()).unwrap_or_else(|error| error.exit());
    exit(match command {
        Command::Run(arguments) => run::run(arguments),
        Command::Explain(arguments) => run::explain_script(arguments),
        Command::Check { files } => run::check(files),
        Command::List { pattern, pid } => commands::list(pattern.as_deref(), pid),
        Command::Describe { what } => commands::describe(&what),
        Command::Info => commands::info(),
        Command::Completions { shell } => commands::say(&cli::completions(shell)),
    });
}
