//! `.help`, `.load`, `.save` and the like: what is asked of the prompt itself.

use super::shell::{Outcome, Shell, said};
use super::{say, say_wrong};
use crate::report::{Report, did_you_mean, plainly, unwritable};
use crate::run::{Answer, Ended};
use crate::spec::duration;
use std::fmt::Write;
use std::path::Path;

pub(super) struct Command {
    pub(super) name: &'static str,
    /// What it takes: `FILE`.
    takes: &'static str,
    doc: &'static str,
    run: fn(&mut Shell, &str) -> Outcome,
}

pub(super) const COMMANDS: [Command; 5] = [
    Command {
        name: "help",
        takes: "",
        doc: "this",
        run: |_, _| {
            say(&help());
            Outcome::Done
        },
    },
    Command {
        name: "load",
        takes: "FILE",
        doc: "run a file as if it was typed",
        run: load,
    },
    Command {
        name: "save",
        takes: "FILE",
        doc: "write what worked so far as a script",
        run: save,
    },
    Command {
        name: "sleep",
        takes: "TIME",
        doc: "let everything run for 500ms, 2s, …",
        run: sleep,
    },
    Command {
        name: "exit",
        takes: "",
        doc: "leave, as Ctrl-D does",
        run: |_, _| Outcome::Over,
    },
];

/// `line` is what stands behind the dot.
pub(super) fn run(shell: &mut Shell, line: &str) -> Outcome {
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        let near = did_you_mean(name, COMMANDS.iter().map(|command| command.name));
        let help = near.unwrap_or_else(|| "'.help' lists them".into());
        return said(Err(Report::new(format!("no command '.{name}'")).help(help)));
    };
    if command.takes.is_empty() != rest.is_empty() {
        let message = match command.takes {
            "" => format!(".{name} takes nothing"),
            takes => format!(".{name} takes a {takes}"),
        };
        return said(Err(Report::new(message)));
    }
    (command.run)(shell, rest)
}

fn help() -> String {
    let mut text = "\
Type Lua. An expression shows its value, which '_' then is.
  p = probe \"syscall:openat\" :by \"comm\" :count()   starts at once
  p                      its table, where it is attached, hits and losses
  watch(p)               shows it again and again, until a key is pressed
  p:clear()  p:detach()  probes() lists what runs
  ?name  ??name          what it is, its source: ?probe ?:where ?opensnoop
  ?tracepoint:sched:*    lists; ?kprobe:tcp_v4_connect says what it offers

Tab completes, in Lua and inside the quotes. Ctrl-R searches what was typed,
Ctrl-C stops what runs, Ctrl-D leaves; nothing stays attached.

"
    .to_owned();
    for command in &COMMANDS {
        let words = format!(".{} {}", command.name, command.takes);
        // Writing to a String can't fail.
        let _ = writeln!(text, "  {words:<21}  {}", command.doc);
    }
    text
}

fn load(shell: &mut Shell, file: &str) -> Outcome {
    match std::fs::read_to_string(file) {
        Ok(text) => shell.statement(file, &text, false),
        Err(error) => said(Err(Report::new(format!(
            "{file} can't be read: {}",
            plainly(&error)
        )))),
    }
}

fn save(shell: &mut Shell, file: &str) -> Outcome {
    if shell.script.is_empty() {
        return said(Err(Report::new(
            "nothing has been typed yet that a script could do",
        )));
    }
    if Path::new(file).exists() {
        return said(Err(Report::new(format!("{file} is there already"))));
    }
    let text = script(&shell.script);
    said(match std::fs::write(file, text) {
        Ok(()) => Ok(Some(format!("saved: moontrace {}", runnable(file)))),
        Err(error) => Err(unwritable(file, &error)),
    })
}

/// A word alone would name a tool.
fn runnable(file: &str) -> String {
    match file.contains('/') {
        true => file.to_owned(),
        false => format!("./{file}"),
    }
}

fn script(statements: &[String]) -> String {
    let mut text = "#!/usr/bin/env -S moontrace\n--- Typed at the prompt.\n\n".to_owned();
    for statement in statements {
        text.push_str(statement);
        text.push('\n');
    }
    text
}

fn sleep(shell: &mut Shell, time: &str) -> Outcome {
    let time = duration::duration(time)
        .and_then(|ns| u64::try_from(ns).map_err(|_| "time does not run backwards".to_owned()));
    let answer = match time {
        Ok(ns) => shell.session.wait(ns),
        Err(why) => {
            say_wrong(&Report::new(format!(".sleep: {why}")));
            return Outcome::Failed;
        }
    };
    match answer {
        Ok(Answer::Stopped) => Outcome::Failed,
        Ok(_) => Outcome::Done,
        Err(Ended) => Outcome::Over,
    }
}
