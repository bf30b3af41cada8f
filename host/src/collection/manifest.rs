//! `collection.toml`: what a collection says of itself.
//!
//! ```toml
//! name = "net"
//! version = "1.2.0"
//! api = 1
//! licence = "MIT"
//! maintainers = ["Ada <ada@example.org>"]
//!
//! [requires]
//! packets = "https://example.org/packets.git"
//! ```

use crate::report::{Place, Report, did_you_mean};
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Its file.
pub const FILE: &str = "collection.toml";

/// The level of the script API that this moontrace has: a collection that wants a higher one is for a newer moontrace.
pub const API: u32 = 1;

/// The binary's own tools are `moontrace/NAME`.
pub const OURS: &str = "moontrace";

const KEYS: [&str; 6] = [
    "name",
    "version",
    "api",
    "licence",
    "maintainers",
    "requires",
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Lower-case letters, digits, `_` and `-`; a letter first.
    pub name: String,
    /// Three numbers by dots, and what may stand behind `-` or `+`.
    pub version: String,
    /// At most [`API`].
    pub api: u32,
    pub licence: String,
    /// At least one.
    pub maintainers: Vec<String>,
    /// Other collections whose modules its own may use: their names, and where they are from.
    pub requires: BTreeMap<String, String>,
}

impl Manifest {
    /// Reads the text of a `collection.toml` that can be installed; `file` is for the messages.
    ///
    /// # Errors
    /// When it is no TOML, lacks something or has what is unknown, each with its line.
    pub fn parse(file: &str, text: &str) -> Result<Self, Report> {
        Self::read(file, text, name_problem)
    }

    /// As [`Self::parse`], of a folder where tools lie: it may well be the one that the binary's own are made of.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn of_folder(file: &str, text: &str) -> Result<Self, Report> {
        Self::read(file, text, shape_problem)
    }

    fn read(
        file: &str,
        text: &str,
        name_problem: fn(&str) -> Option<String>,
    ) -> Result<Self, Report> {
        let reader = Reader { file, text };
        let table = DeTable::parse(text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            reader.at(span, Report::new(one_line(error.message())))
        })?;
        let table = table.get_ref();
        // What is for a newer moontrace may well have keys that this one does not know.
        if table.contains_key("api") {
            reader.api(table)?;
        }
        for key in table.keys() {
            if !KEYS.contains(&&**key.get_ref()) {
                let report = Report::new(format!("no key '{}' is known", key.get_ref()));
                let help = did_you_mean(key.get_ref(), KEYS)
                    .unwrap_or_else(|| format!("there are {}", KEYS.join(", ")));
                return Err(reader.at(key.span(), report.help(help)));
            }
        }
        let manifest = Self {
            api: reader.api(table)?,
            name: reader.checked(table, "name", name_problem)?,
            version: reader.checked(table, "version", version_problem)?,
            licence: reader.checked(table, "licence", text_problem)?,
            maintainers: reader.maintainers(table)?,
            requires: reader.requires(table)?,
        };
        Ok(manifest)
    }
}

/// Why no collection of others can have that name, where none can.
pub fn name_problem(name: &str) -> Option<String> {
    match name {
        OURS => Some(format!(
            "'{OURS}' is the collection that comes with moontrace"
        )),
        name => shape_problem(name),
    }
}

fn shape_problem(name: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(fits)
        && name.len() <= super::LONGEST_NAME;
    (!is_name).then(|| {
        "a collection's name is made of lower-case letters, digits, '_' and '-', a letter first"
            .to_owned()
    })
}

fn version_problem(version: &str) -> Option<String> {
    let (numbers, more) = match version.find(['-', '+']) {
        Some(at) => (&version[..at], Some(&version[at + 1..])),
        None => (version, None),
    };
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|of| of.is_ascii_digit());
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
    let is_version = numbers.split('.').count() == 3
        && numbers.split('.').all(is_number)
        && more.is_none_or(|more| !more.is_empty() && more.chars().all(fits))
        && version.len() <= 64;
    (!is_version).then(|| "a version is three numbers, as in \"1.0.0\"".to_owned())
}

fn text_problem(text: &str) -> Option<String> {
    (text.trim().is_empty() || text.contains('\n')).then(|| "one line of text is wanted".to_owned())
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
}

type Value<'t> = Spanned<DeValue<'t>>;

impl Reader<'_> {
    fn at(&self, span: Range<usize>, report: Report) -> Report {
        let before = self.text.as_bytes().get(..span.start).unwrap_or_default();
        let lines = before.iter().filter(|byte| **byte == b'\n').count();
        report.at(Place {
            file: self.file.into(),
            line: u32::try_from(lines + 1).unwrap_or(u32::MAX),
        })
    }

    fn wanted<'t, 'i>(&self, table: &'t DeTable<'i>, key: &str) -> Result<&'t Value<'i>, Report> {
        table.get(key).ok_or_else(|| {
            let report = Report::new(format!("'{key}' is missing"));
            self.at(0..0, report.help(example(key)))
        })
    }

    fn checked(
        &self,
        table: &DeTable<'_>,
        key: &str,
        problem: impl Fn(&str) -> Option<String>,
    ) -> Result<String, Report> {
        let value = self.wanted(table, key)?;
        let text = self.string(value, key)?;
        match problem(&text) {
            None => Ok(text),
            Some(why) => {
                let report = Report::new(format!("'{}' is no {key}", shown(&text)));
                Err(self.at(value.span(), report.help(why)))
            }
        }
    }

    fn string(&self, value: &Value<'_>, key: &str) -> Result<String, Report> {
        match value.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            _ => {
                let report = Report::new(format!("'{key}' wants text"));
                Err(self.at(value.span(), report.help(example(key))))
            }
        }
    }

    fn api(&self, table: &DeTable<'_>) -> Result<u32, Report> {
        let value = self.wanted(table, "api")?;
        let number = match value.get_ref() {
            DeValue::Integer(number) => u32::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        match number {
            Some(api @ 1..=API) => Ok(api),
            Some(api) if api > API => {
                let report = Report::new(format!("it is made for API level {api}"));
                let help = format!("this moontrace has level {API}: a newer one is wanted");
                Err(self.at(value.span(), report.help(help)))
            }
            _ => {
                let report = Report::new("'api' wants a number from 1 on");
                Err(self.at(value.span(), report.help(example("api"))))
            }
        }
    }

    fn maintainers(&self, table: &DeTable<'_>) -> Result<Vec<String>, Report> {
        let value = self.wanted(table, "maintainers")?;
        let DeValue::Array(list) = value.get_ref() else {
            let report = Report::new("'maintainers' wants a list");
            return Err(self.at(value.span(), report.help(example("maintainers"))));
        };
        if list.is_empty() {
            let report = Report::new("'maintainers' names nobody");
            return Err(self.at(value.span(), report.help(example("maintainers"))));
        }
        list.iter()
            .map(|one| {
                let name = self.string(one, "maintainers")?;
                match text_problem(&name) {
                    None => Ok(name),
                    Some(why) => Err(self.at(
                        one.span(),
                        Report::new("this is no maintainer's name").help(why),
                    )),
                }
            })
            .collect()
    }

    fn requires(&self, table: &DeTable<'_>) -> Result<BTreeMap<String, String>, Report> {
        let Some(value) = table.get("requires") else {
            return Ok(BTreeMap::new());
        };
        let DeValue::Table(list) = value.get_ref() else {
            let report = Report::new("'requires' wants a table");
            return Err(self.at(value.span(), report.help(example("requires"))));
        };
        list.iter()
            .map(|(name, url)| {
                if let Some(why) = name_problem(name.get_ref()) {
                    let name = shown(name.get_ref());
                    let report = Report::new(format!("'{name}' is no collection's name"));
                    return Err(self.at(url.span(), report.help(why)));
                }
                Ok((name.get_ref().to_string(), self.string(url, "requires")?))
            })
            .collect()
    }
}

fn example(key: &str) -> String {
    match key {
        "name" => "as in: name = \"net\"",
        "version" => "as in: version = \"1.0.0\"",
        "api" => return format!("as in: api = {API}"),
        "licence" => "as in: licence = \"MIT OR Apache-2.0\"",
        "maintainers" => "as in: maintainers = [\"Ada <ada@example.org>\"]",
        _ => "as in: [requires], and below it: net = \"https://example.org/net.git\"",
    }
    .to_owned()
}

fn shown(text: &str) -> String {
    crate::rows::escape::printable(text.as_bytes())
}

fn one_line(text: &str) -> String {
    text.lines().collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "name = \"net\"\nversion = \"1.2.0-rc.1\"\napi = 1\nlicence = \"MIT\"\n\
        maintainers = [\"Ada\", \"Grace\"]\n[requires]\npackets = \"https://example.org/p.git\"\n";

    fn wrong(text: &str) -> String {
        Manifest::parse("collection.toml", text)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn all_of_it_is_read() {
        let manifest = Manifest::parse("f", GOOD).unwrap();
        assert_eq!(
            (manifest.name.as_str(), manifest.version.as_str()),
            ("net", "1.2.0-rc.1")
        );
        assert_eq!(manifest.maintainers, ["Ada", "Grace"]);
        assert_eq!(manifest.requires["packets"], "https://example.org/p.git");
    }

    #[test]
    fn the_binarys_own_is_one_as_others_are() {
        let own = super::super::BUILTIN.get_file(FILE).unwrap();
        let text = own.contents_utf8().unwrap();
        let manifest = Manifest::of_folder(FILE, text).unwrap();
        assert_eq!(manifest.name, OURS);
        assert_eq!(manifest.version, env!("CARGO_PKG_VERSION"));
        assert_eq!(manifest.api, API);
        assert_eq!(manifest.licence, env!("CARGO_PKG_LICENSE"));
        // Nobody else's takes its place.
        assert!(wrong(text).contains("comes with moontrace"));
    }

    #[test]
    fn each_mistake_has_its_line_and_the_nearest_right_thing() {
        let with = |from: &str, to: &str| wrong(&GOOD.replace(from, to));
        assert_eq!(
            with("licence =", "license ="),
            "collection.toml:4: no key 'license' is known\n  did you mean 'licence'?"
        );
        assert!(with("\"net\"", "\"Net\"").starts_with("collection.toml:1: 'Net' is no name\n"));
        assert!(with("\"net\"", "\"moontrace\"").contains("comes with moontrace"));
        assert!(with("\"net\"", "\"../net\"").contains("'../net' is no name"));
        assert!(with("\"net\"", "\"\\u001b[2J\"").contains("'\\x1b[2J' is no name"));
        assert!(with("1.2.0-rc.1", "1.2").starts_with("collection.toml:2: '1.2' is no version"));
        assert_eq!(
            with("api = 1", "api = 2"),
            "collection.toml:3: it is made for API level 2\n  this moontrace has level 1: a newer one is wanted"
        );
        // A newer level comes before what else may be new.
        assert!(with("api = 1", "api = 2\nnews = 1").contains("API level 2"));
        assert!(with("api = 1", "api = -1").contains("a number from 1 on"));
        assert!(with("api = 1\n", "").starts_with("collection.toml:1: 'api' is missing"));
        assert!(with("[\"Ada\", \"Grace\"]", "[]").contains("names nobody"));
        assert!(with("[\"Ada\", \"Grace\"]", "\"Ada\"").contains("wants a list"));
        assert!(with("packets =", "\"../x\" =").starts_with("collection.toml:7: '../x'"));
        assert!(with("[requires]", "[requires").starts_with("collection.toml:6: "));
        assert!(wrong("name = 1").contains("'api' is missing"));
    }
}
