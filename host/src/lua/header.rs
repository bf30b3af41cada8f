//! A script's header: the comment at its top that says what it does and which options it takes.
//!
//! It is parsed and never run, so that listing, help and completion need no code to run.

mod line;

pub use line::{OptionSpec, ValueType};

use super::options;
use crate::permission::{Level, Permission, Permissions};
use crate::report::{Place, Report, did_you_mean};
use line::OptionLine;
use std::sync::Arc;

/// What scripts may be about.
pub const SUBJECTS: [&str; 11] = [
    "cpu", "memory", "disk", "files", "network", "process", "security", "locks", "language", "app",
    "learn",
];

/// All of it is empty for a script without a header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The `---` line: one sentence.
    pub summary: String,
    /// What stands behind `Usage:`, a line each: `memleak [OPTIONS] [INTERVAL]`.
    pub usage: Vec<String>,
    /// Options and positional arguments, in the order written.
    pub options: Vec<OptionSpec>,
    pub subjects: Vec<String>,
    pub level: Option<Level>,
    /// What it may do: `Probes:` and `Permissions:`.
    pub permissions: Permissions,
    pub examples: Vec<String>,
    /// Every other line, its indentation kept.
    pub description: Vec<String>,
}

impl Header {
    /// Reads the header of a script's text. `file` is for the messages.
    pub fn parse(file: &Arc<str>, text: &str) -> Result<Self, Vec<Report>> {
        let mut reader = Reader {
            header: Self::default(),
            place: None,
            in_usage: false,
            usage_line: 0,
            level_line: 0,
            wrong: Vec::new(),
        };
        let mut lines = text.lines().zip(1..).skip_while(|(line, number)| {
            line.trim().is_empty() || (*number == 1 && line.starts_with('#'))
        });
        let Some((first, number)) = lines.next() else {
            return Ok(Self::default());
        };
        let Some(summary) = first.strip_prefix("---") else {
            return Ok(Self::default());
        };
        reader.header.summary = summary.trim().to_owned();
        let mut last = number;
        for (line, number) in lines {
            let Some(line) = line.strip_prefix("--") else {
                break;
            };
            reader.place = Some(Place {
                file: Arc::clone(file),
                line: number,
            });
            reader.line(line);
            last = number;
        }
        reader.place = Some(Place {
            file: Arc::clone(file),
            line: reader.usage_line.max(1).min(last),
        });
        reader.check_positionals();
        reader.check_level(file);
        if reader.wrong.is_empty() {
            Ok(reader.header)
        } else {
            Err(reader.wrong)
        }
    }

    /// The option that a dashed word names: `-k`, `--kernel`.
    pub fn option(&self, dashed: &str) -> Option<&OptionSpec> {
        self.options.iter().find(|option| option.is_called(dashed))
    }

    pub(super) fn positionals(&self) -> impl Iterator<Item = &OptionSpec> {
        self.options.iter().filter(|option| option.is_positional())
    }
}

struct Reader {
    header: Header,
    /// The line that is read.
    place: Option<Place>,
    /// Indented lines are options.
    in_usage: bool,
    usage_line: u32,
    level_line: u32,
    wrong: Vec<Report>,
}

impl Reader {
    fn line(&mut self, line: &str) {
        let indented = line.starts_with("  ");
        let trimmed = line.trim();
        if let Some((keyword, rest)) = trimmed.split_once(':')
            && !indented
            && self.keyword(keyword, rest.trim())
        {
            return;
        }
        if self.in_usage && indented && !trimmed.is_empty() {
            return self.option_line(line);
        }
        self.in_usage = false;
        if !(trimmed.is_empty() && self.header.description.is_empty()) {
            self.header
                .description
                .push(line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned());
        }
    }

    /// `Usage:` and its like; false when the word is none of them.
    fn keyword(&mut self, keyword: &str, rest: &str) -> bool {
        let header = &mut self.header;
        match keyword {
            "Usage" => {
                header.usage.push(rest.to_owned());
                self.usage_line = self.place.as_ref().map_or(0, |place| place.line);
            }
            "Subject" | "Subjects" => {
                for subject in rest.split([',', ' ']).filter(|word| !word.is_empty()) {
                    self.subject(subject);
                }
            }
            "Level" => self.level(rest),
            "Probes" => self.permit(Permissions::of_probes(rest)),
            "Permissions" => self.permit(Permissions::parse(rest)),
            "Example" => header.examples.push(rest.to_owned()),
            _ => return false,
        }
        self.in_usage = keyword == "Usage";
        true
    }

    fn subject(&mut self, subject: &str) {
        if SUBJECTS.contains(&subject) {
            return self.header.subjects.push(subject.to_owned());
        }
        let help = did_you_mean(subject, SUBJECTS)
            .unwrap_or_else(|| format!("one of {}", SUBJECTS.join(", ")));
        self.report(Report::new(format!("there is no subject '{subject}'")).help(help));
    }

    fn permit(&mut self, read: Result<Permissions, Report>) {
        match read {
            Ok(more) if more.cover(&Permission::Run) || more.cover(&Permission::Network) => {
                let report = Report::new("no script runs programs or reaches the network");
                self.report(report.help("there is nothing in moontrace that it could do it with"));
            }
            Ok(more) => {
                let permissions = &mut self.header.permissions;
                more.iter().for_each(|one| permissions.add(one.clone()));
            }
            Err(report) => self.report(report),
        }
    }

    /// What is asked for is not to be called less than it is.
    fn check_level(&mut self, file: &Arc<str>) {
        let (header, line) = (&self.header, self.level_line);
        let Some(level) = header.level else { return };
        let beyond = header.permissions.iter().find(|one| Level::of(one) > level);
        if let Some(one) = beyond {
            let file = Arc::clone(file);
            self.wrong
                .push(too_low(level, one).at(Place { file, line }));
        }
    }

    fn level(&mut self, level: &str) {
        self.level_line = self.place.as_ref().map_or(0, |place| place.line);
        match Level::ALL.into_iter().find(|(_, name)| *name == level) {
            Some((level, _)) => self.header.level = Some(level),
            None => {
                let report = Report::new(format!("there is no level '{level}'"));
                self.report(report.help("one of safe, sensitive, heavy"));
            }
        }
    }

    fn option_line(&mut self, line: &str) {
        match line::read(line) {
            Ok(OptionLine::Continued(text)) => match self.header.options.last_mut() {
                Some(option) => option.continue_text(&text),
                None => self.report(Report::new("a text without an option before it")),
            },
            Ok(OptionLine::Option(option)) => self.add(option),
            Err(report) => self.report(report),
        }
    }

    fn add(&mut self, option: OptionSpec) {
        let names = option.names();
        if let Some(taken) = names.iter().find(|name| self.header.option(name).is_some()) {
            return self.report(Report::new(format!("option '{taken}' is declared twice")));
        }
        if self
            .header
            .options
            .iter()
            .any(|other| other.key == option.key)
        {
            return self.report(Report::new(format!(
                "two options are called '{}'",
                option.key
            )));
        }
        if names
            .iter()
            .any(|name| matches!(name.as_str(), "-h" | "--help"))
        {
            return self.report(Report::new(
                "-h and --help show this header: a script can't declare them",
            ));
        }
        if let Some(default) = &option.default
            && let Err(wanted) = options::read(&option.kind, default)
        {
            let message = format!("the default '{default}' of '{}' is wrong", option.shown());
            self.report(Report::new(message).help(wanted));
        }
        self.header.options.push(option);
    }

    /// Positional arguments are required unless `Usage:` puts them in brackets or they have a default.
    fn check_positionals(&mut self) {
        let words: Vec<&str> = self
            .header
            .usage
            .iter()
            .flat_map(|usage| usage.split_whitespace().skip(1))
            .collect();
        let mut unexplained = Vec::new();
        for word in words.iter().filter(|word| is_placeholder(word)) {
            if !self
                .header
                .options
                .iter()
                .any(|option| option.placeholder.as_deref() == Some(bare(word)))
            {
                unexplained.push(bare(word).to_owned());
            }
        }
        let required: Vec<String> = words
            .iter()
            .filter(|word| !word.starts_with('['))
            .map(|word| bare(word).to_owned())
            .collect();
        for option in self
            .header
            .options
            .iter_mut()
            .filter(|option| option.is_positional())
        {
            let named = option
                .placeholder
                .as_ref()
                .is_some_and(|name| required.contains(name));
            option.required = named && option.default.is_none();
        }
        for name in unexplained {
            self.report(Report::new(format!(
                "'Usage:' names {name}, and no line below says what it is"
            )));
        }
        let positionals: Vec<&OptionSpec> = self.header.positionals().collect();
        if let Some(list) = positionals.iter().rev().skip(1).find(|option| option.list) {
            let report = Report::new(format!(
                "'{}' takes all arguments that are left, so it must be the last",
                list.shown()
            ));
            self.report(report);
        }
    }

    fn report(&mut self, report: Report) {
        self.wrong.push(match &self.place {
            Some(place) => report.at(place.clone()),
            None => report,
        });
    }
}

/// A header that says less than what the script does.
pub fn too_low(says: Level, does: &Permission) -> Report {
    let is = Level::of(does).word();
    Report::new(format!(
        "'Level: {}' says less than what the script does: it {}",
        says.word(),
        does.does()
    ))
    .help(format!("write: Level: {is}"))
}

/// A word of a usage line without its brackets and dots.
fn bare(word: &str) -> &str {
    word.trim_matches(['[', ']', '.'])
}

/// `FILE`, `[INTERVAL]`, `[NAME...]`, and not `[OPTIONS]`.
fn is_placeholder(word: &str) -> bool {
    let name = bare(word);
    name != "OPTIONS"
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && !name.contains(|c: char| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests;
