//! Options of ours that stand behind the script, among its own.

use super::{Allow, RunArgs, line, wrong};
use crate::output::Format;
use crate::permission::Permissions;
use clap::Parser;
use clap::error::ErrorKind;
use std::path::PathBuf;

/// What is taken behind the script, too. All of it takes a value.
#[derive(Parser)]
#[command(
    name = "moontrace",
    override_usage = "moontrace [OPTIONS] FILE [ARGS]..."
)]
#[command(disable_help_flag = true, args_override_self = true)]
struct Behind {
    #[arg(short, value_name = "PID", value_parser = line::pid, allow_hyphen_values = true)]
    pid: Option<u32>,
    #[arg(short, value_name = "CMD", value_parser = line::command, allow_hyphen_values = true)]
    command: Option<String>,
    #[arg(long, value_name = "TIME", value_parser = line::lasting, allow_hyphen_values = true)]
    duration: Option<u64>,
    #[arg(long, value_name = "FORMAT", value_parser = line::formats(), allow_hyphen_values = true)]
    format: Option<Format>,
    #[arg(short, value_name = "FILE", allow_hyphen_values = true)]
    output: Option<PathBuf>,
    #[arg(long, value_name = "WHAT", value_parser = line::allowed, allow_hyphen_values = true)]
    allow: Vec<Allow>,
    #[arg(long, value_name = "WHAT", value_parser = line::permissions, allow_hyphen_values = true)]
    deny: Vec<Permissions>,
}

const NAMES: [&str; 7] = [
    "-p",
    "-c",
    "-o",
    "--duration",
    "--format",
    "--allow",
    "--deny",
];

impl RunArgs {
    /// Takes our own options out of what stands behind the script, but for those that the script declares (`declared`
    /// says which: `-p`, `--format`). They count more than those before it. What comes behind `--` is the script's.
    ///
    /// # Errors
    /// A value that makes no sense, and options that don't go together, wherever they stood.
    pub fn take_own(&mut self, declared: &dyn Fn(&str) -> bool) -> Result<(), clap::Error> {
        let mut own = vec!["moontrace".to_owned()];
        let mut rest = Vec::new();
        let mut words = std::mem::take(&mut self.arguments).into_iter();
        while let Some(word) = words.next() {
            let (name, has_value) = name_of(&word);
            if word == "--" {
                rest.push(word);
                rest.extend(words);
                break;
            } else if NAMES.contains(&name) && !declared(name) {
                own.push(word);
                own.extend(if has_value { None } else { words.next() });
            } else {
                rest.push(word);
            }
        }
        self.arguments = rest;
        let behind = Behind::try_parse_from(own)?;
        self.pid = behind.pid.or(self.pid);
        self.command = behind.command.or(self.command.take());
        self.duration = behind.duration.or(self.duration);
        self.format = behind.format.unwrap_or(self.format);
        self.output = behind.output.or(self.output.take());
        self.allow.extend(behind.allow);
        self.deny.extend(behind.deny);
        self.check()
    }

    fn check(&self) -> Result<(), clap::Error> {
        if self.pid.is_some() && self.command.is_some() {
            let message = "-p and -c each say what is traced: only one of them can be used";
            return Err(wrong(ErrorKind::ArgumentConflict, message));
        }
        if self.follow && self.pid.is_none() && self.command.is_none() {
            let message = "--follow wants a process to follow: -p PID";
            return Err(wrong(ErrorKind::MissingRequiredArgument, message));
        }
        Ok(())
    }
}

/// The option that a word names, and whether its value stands in the same word: `-p12`, `--format=json`.
fn name_of(word: &str) -> (&str, bool) {
    if word.starts_with("--") {
        return match word.split_once('=') {
            Some((name, _)) => (name, true),
            None => (word, false),
        };
    }
    let end = word.char_indices().nth(2).map_or(word.len(), |(at, _)| at);
    (&word[..end], end < word.len())
}
