//! A yes to what a stranger's script asks for: given before, or on the terminal now.

use crate::collection::{Shared, Trusted};
use crate::permission::Permissions;
use crate::report::Report;
use crate::rows::escape::printable;
use std::io::{self, BufRead, IsTerminal, Write};

/// What somebody is to say yes to.
pub struct Request<'a> {
    pub shared: &'a Shared,
    /// Under which the answer is remembered: a tool's name.
    pub key: &'a str,
    /// What it is called: `net/slowconn`.
    pub name: &'a str,
    /// What it is for, one sentence.
    pub summary: &'a str,
    /// SHA-256 of all that may be run: the yes is for this alone.
    pub content: String,
    pub asked: &'a Permissions,
}

impl Request<'_> {
    /// The key of a collection's tests.
    pub const TESTS: &'static str = "tests/";

    /// Gets the yes, or finds the one that was given.
    ///
    /// # Errors
    /// A no, nobody to ask, or a lock that can't be written. The help is the flag that would allow it.
    pub fn obtain(self) -> Result<(), Report> {
        if self.is_given() {
            return Ok(());
        }
        let (name, flag) = (self.name, shell(&self.asked.to_string()));
        let help = format!(
            "--allow {flag} allows it for once,\n  'moontrace trust {name}' as long as it stays what it is"
        );
        if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
            let asked = printable(self.asked.to_string().as_bytes());
            let message = format!("{name} asks for what nobody has allowed: {asked}");
            return Err(Report::new(message).help(help));
        }
        if !ask(&self.question()) {
            return Err(Report::new(format!("{name} was not allowed to run")).help(help));
        }
        self.grant()
    }

    /// Says yes, for as long as the content is the same.
    ///
    /// # Errors
    /// When the lock can't be written.
    pub fn grant(self) -> Result<(), Report> {
        let trusted = Trusted {
            content: self.content,
            permissions: self.asked.to_string(),
        };
        self.shared.trust(self.key, Some(trusted))
    }

    fn is_given(&self) -> bool {
        let trusted = self.shared.entry.trusted.get(self.key);
        let same = trusted.filter(|trusted| trusted.content == self.content);
        let known = same.map(|trusted| Permissions::parse(&trusted.permissions));
        matches!(known, Some(Ok(known)) if self.asked.beyond(&known).is_empty())
    }

    fn question(&self) -> String {
        let entry = &self.shared.entry;
        format!(
            "{name}: {}\nIt is from {}, version {}, commit {}, and asks for this:\n{}\
             Level: {}. 'moontrace show {name}' shows its source.\n\
             Allow it, as long as it stays what it is? [y/N] ",
            printable(self.summary.as_bytes()),
            printable(entry.url.as_bytes()),
            printable(entry.now.version.as_bytes()),
            self.shared.short_commit(),
            self.asked.lines(),
            self.asked.level().word(),
            name = self.name,
        )
    }
}

/// Asks on the terminal. No answer is a no.
pub fn ask(question: &str) -> bool {
    let mut err = io::stderr();
    let mut answer = String::new();
    let asked = err
        .write_all(question.as_bytes())
        .and_then(|()| err.flush());
    let read = asked.and_then(|()| io::stdin().lock().read_line(&mut answer));
    if !answer.ends_with('\n') {
        // What is said next begins on a line of its own.
        let _ = err.write_all(b"\n");
    }
    read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

/// A value as a shell takes it.
pub fn shell(value: &str) -> String {
    let quoted = shlex::try_quote(value);
    quoted.map_or_else(|_| value.to_owned(), Into::into)
}
