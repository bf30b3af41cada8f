//! The script as it was named: its text, its header, and the options it takes.

use crate::cli;
use crate::lua::header::Header;
use crate::lua::options::{self, OptionValue};
use crate::report::Report;
use std::collections::BTreeMap;

/// Bytes of a script.
const LONGEST: u64 = 16 << 20;

pub(super) struct Script {
    /// As the user named the file; `-e` for a one-liner.
    pub(super) name: String,
    pub(super) text: String,
    header: Header,
}

impl Script {
    pub(super) fn read(script: &cli::Script) -> Result<Self, Report> {
        let (name, text) = match script {
            cli::Script::Code(code) => ("-e".to_string(), code.clone()),
            cli::Script::File(path) => {
                let name = path.display().to_string();
                let unreadable = |why: String| Report::new(format!("{name} can't be read: {why}"));
                let about = std::fs::metadata(path).map_err(|error| {
                    let missing = error.kind() == std::io::ErrorKind::NotFound;
                    let help = if missing { cli::meant(path) } else { None };
                    Report {
                        help,
                        ..unreadable(super::refusal::plainly(&error))
                    }
                })?;
                if about.is_dir() {
                    return Err(unreadable("it is a directory".into()));
                }
                if about.len() > LONGEST {
                    return Err(unreadable(format!(
                        "it has {} bytes, and a script at most {LONGEST}",
                        about.len()
                    )));
                }
                let bytes = std::fs::read(path)
                    .map_err(|error| unreadable(super::refusal::plainly(&error)))?;
                let text = String::from_utf8(bytes)
                    .map_err(|_| unreadable("it is not UTF-8 text".into()))?;
                (name, text)
            }
        };
        let header =
            Header::parse(&name.as_str().into(), &text).map_err(|mut reports| reports.remove(0))?;
        Ok(Self { name, text, header })
    }

    /// Does the header declare this option, `-p` or `--format`?
    pub(super) fn declares(&self, option: &str) -> bool {
        self.header.option(option).is_some()
    }

    pub(super) fn wants_help(&self, arguments: &[String]) -> bool {
        let own = arguments.iter().take_while(|word| *word != "--");
        own.clone()
            .any(|word| word == "--help" && !self.declares("--help"))
            || own.clone().any(|word| word == "-h" && !self.declares("-h"))
    }

    pub(super) fn print_help(&self) -> i32 {
        use std::io::Write;
        let name = std::path::Path::new(&self.name).file_stem();
        let name = name.map_or(self.name.clone(), |name| {
            name.to_string_lossy().into_owned()
        });
        // A pipe that nobody reads wants no help.
        let _ = std::io::stdout().write_all(options::help(&self.header, &name).as_bytes());
        0
    }

    pub(super) fn options(
        &self,
        arguments: &[String],
    ) -> Result<BTreeMap<String, OptionValue>, Report> {
        if self.header == Header::default() {
            // A script that declares nothing takes what it is given: `$1` is the first.
            return Ok(BTreeMap::new());
        }
        options::parse(&self.header, arguments)
    }
}
