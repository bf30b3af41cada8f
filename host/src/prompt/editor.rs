//! The line that a person types: history, completion, and what is printed above it.

use super::complete::{Candidate, Completer, LuaNames};
use super::shell::{self, Outcome, Shell};
use super::{batch, places, say, say_wrong};
use crate::cli::RunArgs;
use crate::report::{Report, plainly};
use crate::run::Session;
use crate::sys::terminal;
use rustyline::completion::Pair;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{
    Cmd, ColorMode, CompletionType, ConditionalEventHandler, Config, Context, Editor, Event,
    EventContext, EventHandler, ExternalPrinter, KeyCode, KeyEvent, Modifiers, RepeatCount,
};
use std::borrow::Cow;
use std::cell::RefCell;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

const PROMPT: &str = "> ";
/// Texts that may wait to be printed above the line.
const WAITING: usize = 64;
/// Statements that are remembered.
const REMEMBERED: usize = 10_000;
/// Bytes of a line that is typed letter by letter, as what is pasted unmarked is.
const LONGEST: usize = 16 << 10;
/// How long a session that is busy with events may take to say what it knows: who presses Tab waits for it.
const PATIENCE: Duration = Duration::from_millis(300);

/// Terminals that the editor leaves to edit lines by themselves, by TERM.
const PLAIN: [&str; 3] = ["dumb", "cons25", "emacs"];

pub(super) fn run(arguments: RunArgs) -> Result<i32, Report> {
    let (above, lines) = sync_channel(WAITING);
    let session = Session::start(arguments, Some(above))?;
    hush();
    let done = type_lines(session, lines);
    terminal::restore();
    done
}

fn hush() {
    if !std::env::var("TERM").is_ok_and(|name| PLAIN.contains(&name.as_str())) {
        terminal::hush();
    }
}

fn type_lines(session: Session, lines: Receiver<String>) -> Result<i32, Report> {
    let mut shell = Shell::new(session);
    let (forgotten, too_long) = (Forgotten::default(), TooLong::default());
    let mut editor = editor(&shell, &forgotten, &too_long).map_err(|error| no_editor(&error))?;
    print_above(&mut editor, lines);
    say(&format!(
        "moontrace {}: type Lua; .help says how, Ctrl-D leaves",
        env!("CARGO_PKG_VERSION")
    ));
    let history = read_history(&mut editor);
    let mut over = startup(&mut shell) == Outcome::Over;
    while !over {
        hush();
        let text = match editor.readline(PROMPT) {
            // Ctrl-C forgets the line.
            Ok(_) if forgotten.take() => {
                too_long.take();
                continue;
            }
            Ok(_) if too_long.take() => {
                say_wrong(
                    &Report::new(format!(
                        "the line is too long: {LONGEST} bytes are the most that can be typed"
                    ))
                    .help(
                        "'.load FILE' runs a file; a terminal that marks what is pasted takes more",
                    ),
                );
                continue;
            }
            Ok(text) => text,
            Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => continue,
            Err(ReadlineError::Eof) => break,
            Err(ReadlineError::Io(error)) if error.kind() == std::io::ErrorKind::InvalidData => {
                say_wrong(&Report::new("what was typed is no UTF-8"));
                continue;
            }
            // The terminal is gone.
            Err(_) => break,
        };
        if !text.trim().is_empty() {
            remember(&mut editor, history.as_deref(), &text);
        }
        over = shell.execute(&text) == Outcome::Over;
    }
    drop(editor);
    Ok(shell.end())
}

type Line = Editor<Offers, DefaultHistory>;

fn editor(shell: &Shell, forgotten: &Forgotten, too_long: &TooLong) -> rustyline::Result<Line> {
    let colours = match std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty()) {
        true => ColorMode::Disabled,
        false => ColorMode::Enabled,
    };
    let config = Config::builder()
        .max_history_size(REMEMBERED)?
        .history_ignore_dups(true)?
        .completion_type(CompletionType::List)
        .completion_show_all_if_ambiguous(true)
        .color_mode(colours)
        .bracketed_paste(true)
        .build();
    let mut editor = Editor::with_config(config)?;
    editor.set_helper(Some(Offers {
        completer: RefCell::new(Completer::new(shell::command_names().collect())),
        session: Rc::clone(&shell.session),
        forgotten: forgotten.clone(),
    }));
    let forget = EventHandler::Conditional(Box::new(forgotten.clone()));
    editor.bind_sequence(KeyEvent::ctrl('C'), forget);
    let limit = EventHandler::Conditional(Box::new(too_long.clone()));
    editor.bind_sequence(Event::Any, limit);
    Ok(editor)
}

fn no_editor(error: &ReadlineError) -> Report {
    Report::new(format!("no lines can be read here: {error}"))
}

/// A thread prints, since the editor takes its time for each text, and the session has none to wait.
fn print_above(editor: &mut Line, lines: Receiver<String>) {
    let mut printer = editor.create_external_printer().ok();
    let thread = std::thread::Builder::new().name("printer".into());
    // Without a thread nobody takes the lines, and each is counted as not shown.
    let _ = thread.spawn(move || {
        for text in lines {
            let printed = match &mut printer {
                Some(printer) => printer.print(text.clone()).is_ok(),
                None => false,
            };
            if !printed {
                // A terminal that can't move its cursor.
                let mut out = std::io::stdout().lock();
                let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            }
        }
    });
}

/// Where the history is kept, if it can be.
fn read_history(editor: &mut Line) -> Option<PathBuf> {
    let path = places::history()?;
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    let opened = made.and_then(|()| {
        let mut options = std::fs::File::options();
        options.create(true).append(true).open(&path)
    });
    if let Err(error) = opened {
        say_wrong(&Report::new(format!(
            "what is typed will not be remembered: {}: {}",
            path.display(),
            plainly(&error)
        )));
        return None;
    }
    // An empty file is none of the editor's, and one that is damaged is read as far as it goes.
    let _ = editor.load_history(&path);
    Some(path)
}

fn remember(editor: &mut Line, history: Option<&Path>, text: &str) {
    let is_new = editor.add_history_entry(text).unwrap_or(false);
    if is_new
        && let Some(path) = history
        && let Err(error) = editor.append_history(path)
    {
        say_wrong(&Report::new(format!(
            "this line will not be remembered: {error}"
        )));
    }
}

/// Runs the start-up file, if there is one; a mistake in it leaves the session as it is.
fn startup(shell: &mut Shell) -> Outcome {
    let Some(path) = places::startup().filter(|path| path.exists()) else {
        return Outcome::Done;
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let outcome = shell.statement(&path.display().to_string(), &text, false);
            shell.script.clear();
            outcome
        }
        Err(error) => {
            say_wrong(&Report::new(format!(
                "{} can't be read: {}",
                path.display(),
                plainly(&error)
            )));
            Outcome::Failed
        }
    }
}

/// What the editor asks while a line is being typed.
struct Offers {
    completer: RefCell<Completer>,
    session: Rc<Session>,
    forgotten: Forgotten,
}

/// Ctrl-C was pressed. The editor's own way of saying so loses the keys that were typed ahead.
#[derive(Clone, Default)]
struct Forgotten(Arc<AtomicBool>);

impl Forgotten {
    fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

impl ConditionalEventHandler for Forgotten {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, _: &EventContext<'_>) -> Option<Cmd> {
        self.0.store(true, Ordering::Relaxed);
        Some(Cmd::AcceptLine)
    }
}

/// A key was pressed for which the line has no room: the editor draws a long line anew again and again.
#[derive(Clone, Default)]
struct TooLong(Arc<AtomicBool>);

impl TooLong {
    fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

impl ConditionalEventHandler for TooLong {
    fn handle(
        &self,
        event: &Event,
        _: RepeatCount,
        _: bool,
        context: &EventContext<'_>,
    ) -> Option<Cmd> {
        let is_letter = matches!(
            event.get(0),
            Some(KeyEvent(KeyCode::Char(_), Modifiers::NONE))
        );
        if !is_letter || context.line().len() < LONGEST {
            return None;
        }
        self.0.store(true, Ordering::Relaxed);
        Some(Cmd::Noop)
    }
}

/// The session's Lua, asked from the editor's thread.
struct Names<'a>(&'a Session);

impl LuaNames for Names<'_> {
    fn names_in(&self, path: &str) -> Vec<(String, String)> {
        let path = path.to_owned();
        let names = self.0.look(PATIENCE, move |vm| vm.names_in(&path));
        names.unwrap_or_default()
    }

    fn definitions(&self) -> Vec<String> {
        let definitions = self.0.look(PATIENCE, crate::lua::Vm::definitions);
        definitions.unwrap_or_default()
    }
}

impl rustyline::completion::Completer for Offers {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let mut completer = self.completer.borrow_mut();
        let found = completer.complete(line, at, &Names(&self.session));
        let pair = |Candidate { text, shown }| Pair {
            display: shown,
            replacement: text,
        };
        Ok((
            found.start,
            found.candidates.into_iter().map(pair).collect(),
        ))
    }
}

impl Validator for Offers {
    /// Enter ends a line, and the statement only where it is whole.
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let forgotten = self.forgotten.0.load(Ordering::Relaxed);
        Ok(match forgotten || batch::is_whole(context.input()) {
            true => ValidationResult::Valid(None),
            false => ValidationResult::Incomplete,
        })
    }
}

impl Highlighter for Offers {
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        Cow::Owned(format!("\x1b[1;36m{prompt}\x1b[0m"))
    }
}

impl Hinter for Offers {
    type Hint = String;
}

impl rustyline::Helper for Offers {}
