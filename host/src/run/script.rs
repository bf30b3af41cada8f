//! The script as it was named: its text, its header, and the options it takes.

use super::files::Files;
use super::permit::Permit;
use crate::cli;
use crate::collection::{self, Collection, Source};
use crate::lua::header::Header;
use crate::lua::options::{self, OptionValue};
use crate::lua::{Limits, Modules};
use crate::report::Report;
use std::collections::BTreeMap;
use std::path::Path;

pub(super) struct Script {
    /// As the user named the file; `-e` for a one-liner.
    pub(super) name: String,
    pub(super) text: String,
    /// Where its modules are.
    pub(super) collection: Collection,
    pub(super) header: Header,
    /// What it may do: everything, unless somebody says otherwise.
    pub(super) permit: Permit,
    /// How it writes files.
    pub(super) files: Files,
}

impl Script {
    pub(super) fn read(script: &cli::Script) -> Result<Self, Report> {
        let (source, collection) = match script {
            cli::Script::Code(code) => {
                let (file, text) = ("-e".to_owned(), code.clone());
                (Source { file, text }, Collection::Folder("".into()))
            }
            cli::Script::File(path) => find(path)?,
        };
        let Source { file: name, text } = source;
        let header =
            Header::parse(&name.as_str().into(), &text).map_err(|mut reports| reports.remove(0))?;
        Ok(Self {
            name,
            text,
            collection,
            permit: Permit::default(),
            files: Files::Own,
            header,
        })
    }

    /// Its name among the tools of its collection.
    pub(super) fn tool(&self) -> String {
        let name = Path::new(&self.name).file_stem().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// Is it the user's own, or of the binary? All others run within walls.
    pub(super) fn is_ours(&self) -> bool {
        match self.collection {
            Collection::Builtin | Collection::Folder(_) => true,
            Collection::Shared(_) => false,
        }
    }

    pub(super) fn limits(&self) -> Limits {
        match self.is_ours() {
            true => Limits::OWN,
            false => Limits::STRANGERS,
        }
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
        let help = options::help(&self.header, &self.tool());
        let help = crate::rows::escape::lines(help.as_bytes());
        // A pipe that nobody reads wants no help.
        let _ = std::io::stdout().write_all(help.as_bytes());
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

    /// The arguments that it can't run without, as its usage calls them.
    pub(super) fn required(&self) -> Vec<String> {
        let options = self.header.options.iter();
        let required = options.filter(|option| option.required);
        required.map(|option| option.shown().to_owned()).collect()
    }

    /// The modules that lie beside it.
    pub(super) fn modules(&self) -> Modules {
        let modules = self.collection.modules();
        Box::new(move |from, name| modules.find(from, name))
    }
}

/// A word alone, or a collection's name before it, names a tool before it names a file: `./word` is the file.
fn find(path: &Path) -> Result<(Source, Collection), Report> {
    if let Some(word) = path.to_str()
        && let Some(tool) = collection::tool_of_all(word)?
    {
        return Ok(tool);
    }
    if let Some(tool) = collection::tool_in_store(path)? {
        return Ok(tool);
    }
    let source = collection::read(path).map_err(|report| {
        let help = match path.exists() {
            true => None,
            false => path
                .to_str()
                .and_then(collection::not_installed)
                .or_else(|| cli::meant(path, &collection::tool_names())),
        };
        Report { help, ..report }
    })?;
    Ok((source, Collection::around(path)))
}
