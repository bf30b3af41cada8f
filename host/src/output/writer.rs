//! The one owner of the output stream.

use super::text::Columns;
use super::{json, text};
use crate::report::Report;
use crate::rows::{Books, Table, Value};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Format {
    #[default]
    Text,
    Json,
}

/// Bytes that wait before they are written without being asked to.
const WAITING: usize = 64 << 10;

/// Why output can't be written.
#[derive(Debug)]
pub enum WriteError {
    /// Nobody reads it any more: `| head` has enough.
    Closed,
    Failed(Report),
}

/// Renders in one format and writes whole lines to one stream. An error is kept until the next flush.
pub struct Writer {
    format: Format,
    sink: Box<dyn Write>,
    /// What the stream is called in messages.
    name: String,
    waiting: Vec<u8>,
    /// Up to where `waiting` has whole lines.
    lines: usize,
    /// A person is watching: a line may appear before it is whole.
    watched: bool,
    columns: BTreeMap<String, Columns>,
    failed: Option<io::Error>,
}

impl Writer {
    /// To a file, or to standard output.
    ///
    /// # Errors
    /// A file that can't be made.
    pub fn open(path: Option<&Path>, format: Format) -> Result<Self, Report> {
        let watched = path.is_none() && io::stdout().is_terminal();
        let (sink, name): (Box<dyn Write>, _) = match path {
            None => (Box::new(io::stdout()), String::from("standard output")),
            Some(path) => {
                let file = File::create(path)
                    .map_err(|error| Report::new(format!("{} can't be written: {error}", path.display())))?;
                (Box::new(file), path.display().to_string())
            }
        };
        let waiting = Vec::with_capacity(WAITING);
        Ok(Self { format, sink, name, waiting, lines: 0, watched, columns: BTreeMap::new(), failed: None })
    }

    pub fn format(&self) -> Format {
        self.format
    }

    /// Says that all probes are live: JSON on the stream, text on a terminal's standard error.
    pub fn attached(&mut self, probes: usize, milliseconds: f64) {
        match self.format {
            Format::Json => self.put(json::attached(probes, milliseconds).as_bytes()),
            Format::Text if io::stderr().is_terminal() => {
                eprintln!("attached {probes} probe{}", if probes == 1 { "" } else { "s" });
            }
            Format::Text => {}
        }
    }

    /// What a script printed, as it is.
    pub fn text(&mut self, bytes: &[u8]) {
        match self.format {
            Format::Text => self.put(bytes),
            Format::Json => self.put(json::text(bytes).as_bytes()),
        }
    }

    /// A row of `:print`.
    pub fn event(&mut self, probe: &str, time: u64, cpu: u16, fields: &[(&str, Value)]) {
        let line = match self.format {
            Format::Json => json::event(probe, time, cpu, fields),
            Format::Text => match self.columns.get_mut(probe) {
                Some(columns) => columns.row(fields),
                None => self.columns.entry(probe.into()).or_default().row(fields),
            },
        };
        self.put(line.as_bytes());
    }

    /// A tally.
    pub fn table(&mut self, table: &Table, title: Option<&str>) {
        let text = match self.format {
            Format::Json => json::table(table),
            Format::Text => text::table(table, title),
        };
        self.put(text.as_bytes());
    }

    /// The books of a probe: always in JSON, in text only what was lost or noted, on standard error.
    pub fn books(&mut self, books: &Books) {
        match self.format {
            Format::Json => self.put(json::books(books).as_bytes()),
            Format::Text => {
                if let Some(words) = super::books::words(books) {
                    eprintln!("{words}");
                }
            }
        }
    }

    /// An error that the run says: on standard error, and in JSON on the stream, too.
    pub fn error(&mut self, report: &Report) {
        // What was printed before the error is to be read before it.
        let _ = self.write_lines();
        eprintln!("{report}");
        if self.format == Format::Json {
            self.put(json::error(report).as_bytes());
        }
    }

    fn put(&mut self, bytes: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        self.waiting.extend_from_slice(bytes);
        if let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') {
            self.lines = self.waiting.len() - bytes.len() + end + 1;
        }
        if self.waiting.len() >= WAITING
            && let Err(error) = self.write_lines()
        {
            self.failed = Some(error);
        }
    }

    fn write_lines(&mut self) -> io::Result<()> {
        let whole: Vec<u8> = self.waiting.drain(..self.lines).collect();
        self.lines = 0;
        self.sink.write_all(&whole)?;
        self.sink.flush()
    }

    /// Writes all whole lines.
    ///
    /// # Errors
    /// The first error since the last flush.
    pub fn flush(&mut self) -> Result<(), WriteError> {
        if self.watched {
            self.lines = self.waiting.len();
        }
        if self.lines == 0 && self.failed.is_none() {
            return Ok(());
        }
        let result = self.failed.take().map_or_else(|| self.write_lines(), Err);
        result.map_err(|error| self.why(&error))
    }

    /// Writes everything, a last line without its end included.
    ///
    /// # Errors
    /// As [`Self::flush`].
    pub fn finish(&mut self) -> Result<(), WriteError> {
        self.lines = self.waiting.len();
        self.flush()
    }

    fn why(&self, error: &io::Error) -> WriteError {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return WriteError::Closed;
        }
        WriteError::Failed(Report::new(format!("{} can't be written: {error}", self.name)))
    }
}
