//! Parses the command line, runs what it asks for, and gives the exit status.

use moontrace::cli::{self, Command};
use moontrace::{commands, prompt, run, testing};
use std::process::exit;

fn main() {
    let command = cli::parse(std::env::args_os()).unwrap_or_else(|error| error.exit());
    exit(match command {
        Command::Run(arguments) => run::run(arguments),
        Command::Explain(arguments) => run::explain_script(arguments),
        Command::Check { files } => run::check(files),
        Command::List {
            pattern,
            pid,
            format,
        } => commands::list(pattern.as_deref(), pid, format),
        Command::Describe { what, format } => commands::describe(&what, format),
        Command::Tools { query, format } => commands::tools(&query, format),
        Command::Show { name } => commands::show_named(&name),
        Command::Add { what, at } => commands::add(&what, at.as_deref()),
        Command::Remove { name } => commands::remove(&name),
        Command::Update { name, at, yes } => {
            commands::update(&commands::UpdateWanted { name, at, yes })
        }
        Command::TakeBack { name } => commands::take_back(&name),
        Command::NewCollection { folder } => commands::new_collection(&folder),
        Command::NewTool { name } => commands::new_tool(&name),
        Command::Trust { name } => commands::trust(&name),
        Command::Revoke { name } => commands::revoke(&name),
        Command::Test(wanted) => testing::test(&wanted),
        Command::Prompt(arguments) => prompt::prompt(arguments),
        Command::Info => commands::info(),
        Command::Types { folder } => commands::types(&folder),
        Command::Completions { shell } => commands::say(&cli::completions(shell)),
    });
}
