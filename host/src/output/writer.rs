//! The one owner of the output stream.

use super::margin::Margin;
use super::screen::{Screen, Size};
use super::{EventRows, books, json, table};
use crate::report::Report;
use crate::rows::{Books, Table, Value, escape};
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::Path;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Format {
    #[default]
    Text,
    Json,
}

/// Bytes that wait before they are written without being asked to.
const WAITING: usize = 64 << 10;
/// Bytes of a line that are kept back until it is whole: a longer one is written in parts.
const LONGEST_LINE: usize = 1 << 20;

/// Why output can't be written.
#[derive(Debug)]
pub enum WriteError {
    /// Nobody reads it any more: `| head` has enough.
    Closed,
    Failed(Report),
}

/// Where output goes: a file that was just made, or standard output.
#[derive(Debug)]
pub struct Stream {
    file: File,
    /// What it is called in messages.
    name: String,
}

impl Stream {
    /// # Errors
    /// A file that can't be made.
    pub fn open(path: Option<&Path>) -> Result<Self, Report> {
        let name = path.map_or("standard output".into(), |path| path.display().to_string());
        let file = match path {
            Some(path) => File::create(path),
            // Not through Rust's own buffer, which looks for lines once more.
            None => io::stdout().as_fd().try_clone_to_owned().map(File::from),
        };
        match file {
            Ok(file) => Ok(Self { file, name }),
            Err(error) => Err(unwritable(&name, &error)),
        }
    }
}

/// Renders in one format and writes whole lines to one stream.
///
/// Nothing fails before the next flush, and what comes behind a failure is dropped.
pub struct Writer {
    format: Format,
    sink: Box<dyn Write>,
    /// Where moontrace speaks for itself.
    voice: Box<dyn Write>,
    /// The terminal of a prompt, which shows a part of what comes by itself.
    margin: Option<Margin>,
    /// What the stream is called in messages.
    name: String,
    /// A person is watching: a line may appear before it is whole. And what scripts print may hold what traced processes
    /// have, so nothing of it may steer the terminal.
    watched: bool,
    /// The same of the voice.
    voice_is_watched: bool,
    waiting: Vec<u8>,
    /// Bytes of `waiting` that make whole lines.
    whole: usize,
    rows: EventRows,
    /// The tally that was printed first.
    first_table: Option<String>,
    /// What is being printed of a screen, until it is flushed.
    screen: Option<Screen>,
    /// There has been a screen before.
    drawn: bool,
    state: State,
}

enum State {
    Good,
    Closed,
    /// With what has not been told yet.
    Failed(Option<io::Error>),
}

impl Writer {
    pub fn new(stream: Stream, format: Format) -> Self {
        let Stream { file, name } = stream;
        let watched = file.is_terminal();
        Self::to(Box::new(file), name, watched, format)
    }

    /// To the terminal of a prompt, where everything is said in one place.
    pub fn at_prompt(margin: &Margin) -> Self {
        let sink = Box::new(margin.clone());
        Self {
            voice: Box::new(margin.clone()),
            voice_is_watched: true,
            margin: Some(margin.clone()),
            ..Self::to(sink, "the terminal".into(), true, Format::Text)
        }
    }

    fn to(sink: Box<dyn Write>, name: String, watched: bool, format: Format) -> Self {
        let rows = EventRows::default();
        let waiting = Vec::with_capacity(WAITING);
        Self {
            format,
            sink,
            voice: Box::new(io::stderr()),
            voice_is_watched: io::stderr().is_terminal(),
            margin: None,
            name,
            watched,
            waiting,
            whole: 0,
            rows,
            first_table: None,
            screen: None,
            drawn: false,
            state: State::Good,
        }
    }

    pub fn format(&self) -> Format {
        self.format
    }

    /// Says that all probes are live: JSON on the stream, text on a terminal's standard error.
    pub fn attached(&mut self, probes: usize, milliseconds: f64) {
        match self.format {
            Format::Json => {
                self.put(json::attached(probes, milliseconds).as_bytes());
                // Programs wait for this line before they begin.
                self.write_lines();
            }
            // A script of timers alone attaches nothing, and nobody waits for that.
            Format::Text if probes > 0 && io::stderr().is_terminal() => {
                self.note(&attached(probes));
            }
            Format::Text => {}
        }
    }

    /// What a script printed: as it is, but on a terminal.
    pub fn text(&mut self, bytes: &[u8]) {
        match self.format {
            Format::Text if self.watched => self.put(escape::lines(bytes).as_bytes()),
            Format::Text => self.put(bytes),
            Format::Json => self.put(json::text(bytes).as_bytes()),
        }
    }

    /// The next table is the first that is printed.
    pub fn forget_tables(&mut self) {
        self.first_table = None;
    }

    /// What moontrace says for itself, a line or several.
    pub fn note(&mut self, text: &str) {
        let text = match self.voice_is_watched {
            true => escape::lines(text.as_bytes()),
            false => text.to_owned(),
        };
        // Nobody reading it is no reason to fail.
        let _ = writeln!(self.voice, "{text}");
    }

    /// Begins a screen: what is printed until the next flush takes the place of the screen before. Where nobody watches, it
    /// stands below that; of JSON lines nothing is taken away.
    pub fn screen(&mut self) {
        let drawn = std::mem::replace(&mut self.drawn, true);
        if self.format == Format::Json {
            return;
        }
        if self.watched {
            // The place of a screen is the whole terminal; what stands there is not lost to those who scroll back.
            self.screen = None;
            self.whole = self.waiting.len();
            self.write_lines();
            self.screen = Some(Screen::new(!drawn));
        } else if drawn {
            self.put(b"\n");
        }
        self.first_table = None;
    }

    /// A row of `:print`. `time` is the clock of events, in ns.
    pub fn event(&mut self, probe: &str, time: u64, cpu: u16, fields: &[(&str, Value)]) {
        if self.margin.as_ref().is_some_and(Margin::skips_line) {
            return;
        }
        let line = match self.format {
            Format::Json => json::event(probe, time, cpu, fields),
            Format::Text => self.rows.row(fields),
        };
        self.put(line.as_bytes());
    }

    /// A tally. In text, several are told apart: by a blank line, and those without a title by their names.
    pub fn table(&mut self, of: &Table, title: Option<&str>) {
        let text = match (self.format, self.first_table.as_ref()) {
            (Format::Json, _) => json::table(of),
            (Format::Text, None) => table(of, title),
            (Format::Text, Some(first)) => {
                let name = (*first != of.name).then_some(of.name.as_str());
                format!("\n{}", table(of, title.or(name)))
            }
        };
        self.first_table.get_or_insert_with(|| of.name.clone());
        // Values are escaped by themselves; names of columns and titles are a script's.
        match self.format {
            Format::Text if self.watched => self.put(escape::lines(text.as_bytes()).as_bytes()),
            _ => self.put(text.as_bytes()),
        }
    }

    /// The books of a probe: always in JSON, in text only what was lost or noted, on standard error. Who has closed the
    /// pipe wanted no more.
    pub fn books(&mut self, of: &Books) {
        match self.format {
            Format::Json => self.put(json::books(of).as_bytes()),
            Format::Text if matches!(self.state, State::Closed) => {}
            Format::Text => {
                if let Some(words) = books::words(of) {
                    self.note(&words);
                }
            }
        }
    }

    /// An error that the run says: on standard error, and in JSON on the stream, too.
    pub fn error(&mut self, report: &Report) {
        if self.format == Format::Json {
            self.put(json::error(report).as_bytes());
        }
        // What was printed before the error is to be read before it.
        self.draw();
        self.write_lines();
        self.note(&report.to_string());
    }

    fn put(&mut self, bytes: &[u8]) {
        if !matches!(self.state, State::Good) {
            return;
        }
        if let Some(screen) = &mut self.screen {
            return screen.put(bytes);
        }
        let before = self.waiting.len();
        self.waiting.extend_from_slice(bytes);
        if let Some(end) = memchr::memrchr(b'\n', bytes) {
            self.whole = before + end + 1;
        }
        if self.waiting.len() - self.whole > LONGEST_LINE {
            self.whole = self.waiting.len();
        }
        if self.whole >= WAITING {
            self.write_lines();
        }
    }

    /// Puts the screen, if one is being printed, where it belongs.
    fn draw(&mut self) {
        if let Some(screen) = self.screen.take() {
            self.put(screen.draw(Size::now()).as_bytes());
        }
    }

    fn write_lines(&mut self) {
        if self.whole == 0 {
            return;
        }
        let written = self.sink.write_all(&self.waiting[..self.whole]);
        self.waiting.drain(..self.whole);
        self.whole = 0;
        if let Err(error) = written.and_then(|()| self.sink.flush()) {
            self.waiting.clear();
            self.state = match error.kind() {
                io::ErrorKind::BrokenPipe => State::Closed,
                _ => State::Failed(Some(error)),
            };
        }
    }

    /// Writes all whole lines.
    ///
    /// # Errors
    /// A closed stream, each time; any other failure once.
    pub fn flush(&mut self) -> Result<(), WriteError> {
        self.draw();
        if self.watched {
            self.whole = self.waiting.len();
        }
        self.write_lines();
        match &mut self.state {
            State::Good => Ok(()),
            State::Closed => Err(WriteError::Closed),
            State::Failed(untold) => match untold.take() {
                Some(error) => Err(WriteError::Failed(unwritable(&self.name, &error))),
                None => Ok(()),
            },
        }
    }

    /// Writes everything, a last line without its end included.
    ///
    /// # Errors
    /// As [`Self::flush`].
    pub fn finish(&mut self) -> Result<(), WriteError> {
        self.whole = self.waiting.len();
        self.flush()
    }
}

fn unwritable(name: &str, error: &io::Error) -> Report {
    let why = error.to_string().to_lowercase();
    // Rust adds the number of a system's error.
    let why = why.split(" (os error").next().unwrap_or(&why);
    Report::new(format!("{name} can't be written: {why}"))
}

/// `attached 2 probes`
pub fn attached(probes: usize) -> String {
    let ending = if probes == 1 { "" } else { "s" };
    format!("attached {probes} probe{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;

    /// Keeps what is written, each call on its own, until it holds `room` bytes.
    #[derive(Clone)]
    struct Sink {
        written: Rc<RefCell<Vec<String>>>,
        room: usize,
        full: io::ErrorKind,
    }

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.room = self.room.checked_sub(bytes.len()).ok_or(self.full)?;
            self.written
                .borrow_mut()
                .push(String::from_utf8_lossy(bytes).into_owned());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn writer(
        room: usize,
        full: io::ErrorKind,
        format: Format,
    ) -> (Writer, Rc<RefCell<Vec<String>>>) {
        let sink = Sink {
            written: Rc::default(),
            room,
            full,
        };
        let written = Rc::clone(&sink.written);
        (
            Writer::to(Box::new(sink), "out.txt".into(), false, format),
            written,
        )
    }

    #[test]
    fn only_whole_lines_are_written_before_the_end() {
        let (mut writer, written) = writer(usize::MAX, io::ErrorKind::Other, Format::Text);
        writer.text(b"one\ntw");
        writer.flush().unwrap();
        writer.text(b"o\nthree");
        writer.flush().unwrap();
        assert_eq!(*written.borrow(), ["one\n", "two\n"]);
        writer.finish().unwrap();
        assert_eq!(written.borrow().concat(), "one\ntwo\nthree");
    }

    #[test]
    fn much_output_is_written_unasked_and_a_line_without_end_is_not_kept_for_ever() {
        let (mut writer, written) = writer(usize::MAX, io::ErrorKind::Other, Format::Text);
        let line = format!("{}\n", "x".repeat(WAITING));
        writer.text(line.as_bytes());
        assert_eq!(*written.borrow(), [line]);
        (0..3 * LONGEST_LINE / 1000).for_each(|_| writer.text(&[b'y'; 1000]));
        assert!(writer.waiting.len() <= LONGEST_LINE + 1000 && written.borrow().len() > 1);
    }

    #[test]
    fn a_closed_pipe_is_no_failure_and_stays_closed() {
        let (mut writer, written) = writer(4, io::ErrorKind::BrokenPipe, Format::Text);
        writer.text(b"one\n");
        writer.flush().unwrap();
        writer.text(b"two\n");
        assert!(matches!(writer.flush(), Err(WriteError::Closed)));
        writer.text(b"three\n");
        assert!(matches!(writer.finish(), Err(WriteError::Closed)));
        assert_eq!(*written.borrow(), ["one\n"]);
    }

    #[test]
    fn a_full_disk_is_told_once_with_the_files_name() {
        let (mut writer, _) = writer(0, io::ErrorKind::StorageFull, Format::Json);
        writer.text(b"one");
        let Err(WriteError::Failed(report)) = writer.flush() else {
            panic!("not told")
        };
        assert!(
            report.message.starts_with("out.txt can't be written: "),
            "{report}"
        );
        writer.text(b"two");
        writer.finish().unwrap();
    }

    #[test]
    fn the_second_tally_is_told_from_the_first() {
        let (mut writer, written) = writer(usize::MAX, io::ErrorKind::Other, Format::Text);
        let table = |name: &str| Table {
            name: name.into(),
            keys: vec!["cpu".into()],
            columns: vec!["count".into()],
            rows: vec![vec![Value::Int(0), Value::Int(5)]],
            ..Table::default()
        };
        writer.table(&table("a"), None);
        writer.table(&table("b"), None);
        writer.table(&table("b"), Some("Title"));
        writer.finish().unwrap();
        let rows = "CPU  COUNT\n  0      5\n";
        assert_eq!(
            written.borrow().concat(),
            format!("{rows}\nb\n{rows}\nTitle\n{rows}")
        );
    }

    #[test]
    fn screens_take_each_others_place_where_somebody_watches_and_else_stand_below_each_other() {
        let draw = |watched, format| {
            let (mut writer, written) = writer(usize::MAX, io::ErrorKind::Other, format);
            writer.watched = watched;
            writer.text(b"before\n");
            for text in [b"one\n", b"two\n"] {
                writer.screen();
                writer.text(text);
                writer.flush().unwrap();
            }
            writer.text(b"behind\n");
            writer.finish().unwrap();
            written.borrow().concat()
        };
        let watched = "before\n\x1b[2J\x1b[Hone\x1b[K\n\x1b[J\x1b[Htwo\x1b[K\n\x1b[Jbehind\n";
        assert_eq!(draw(true, Format::Text), watched);
        assert_eq!(draw(false, Format::Text), "before\none\n\ntwo\nbehind\n");
        let json = draw(true, Format::Json);
        assert_eq!(json.lines().count(), 4);
        assert!(!json.contains('\x1b'));
    }

    #[test]
    fn a_file_that_can_not_be_made_is_named() {
        let error = Stream::open(Some(Path::new("/no/such/directory/out"))).err();
        assert!(error.is_some_and(|report| report.message.contains("/no/such/directory/out")));
    }
}
