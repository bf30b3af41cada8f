//! The script's own options: words of the command line → values, by what the header says.

mod help;
mod value;

pub use help::help;
pub use value::OptionValue;
pub(super) use value::read;
pub(crate) use value::whole;

use super::header::{Header, OptionSpec, ValueType};
use crate::report::{Report, nearest};
use std::collections::BTreeMap;

/// Reads the script's arguments. The map has every declared option, by the name that `options()` gives it:
/// its value, its default, else nothing (`false` for one that takes no value).
pub fn parse(header: &Header, args: &[String]) -> Result<BTreeMap<String, OptionValue>, Report> {
    let mut parser = Parser {
        header,
        args: args.iter(),
        given: BTreeMap::new(),
        loose: Vec::new(),
    };
    parser.words()?;
    parser.positionals()?;
    let mut values = parser.given;
    for option in &header.options {
        if !values.contains_key(&option.key) {
            values.insert(option.key.clone(), missing(option)?);
        }
    }
    Ok(values)
}

/// What an option is that was not given.
fn missing(option: &OptionSpec) -> Result<OptionValue, Report> {
    if option.required {
        return Err(Report::new(format!("{} is missing", option.shown())).help(option.text.clone()));
    }
    let Some(default) = &option.default else {
        let flag = option.kind == ValueType::Flag && !option.list;
        return Ok(if flag {
            OptionValue::Bool(false)
        } else {
            OptionValue::Nil
        });
    };
    let value = value_of(option, default)?;
    Ok(if option.list {
        OptionValue::List(vec![value])
    } else {
        value
    })
}

struct Parser<'a> {
    header: &'a Header,
    args: std::slice::Iter<'a, String>,
    given: BTreeMap<String, OptionValue>,
    /// Words that belong to no option.
    loose: Vec<&'a str>,
}

impl<'a> Parser<'a> {
    fn words(&mut self) -> Result<(), Report> {
        while let Some(word) = self.args.next() {
            if word == "--" {
                self.loose.extend(self.args.by_ref().map(String::as_str));
            } else if word.starts_with("--") {
                self.long(word)?;
            } else if word.starts_with('-') && word.len() > 1 {
                self.bundle(word)?;
            } else {
                self.loose.push(word);
            }
        }
        Ok(())
    }

    /// `--name`, `--name value`, `--name=value`
    fn long(&mut self, word: &'a str) -> Result<(), Report> {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word, None),
        };
        let option = self.find(name)?;
        if option.kind != ValueType::Flag {
            return self.take_value(option, value);
        }
        match value {
            Some(value) => Err(Report::new(format!(
                "'{name}' takes no value, and got '{value}'"
            ))),
            None => self.set(option, OptionValue::Bool(true)),
        }
    }

    /// `-x`, `-n 5`, `-n5`, and several in one: `-xF`, `-xn5`.
    fn bundle(&mut self, word: &'a str) -> Result<(), Report> {
        let mut rest = &word[1..];
        while let Some(letter) = rest.chars().next() {
            rest = &rest[letter.len_utf8()..];
            let option = self.find(&format!("-{letter}"))?;
            if option.kind != ValueType::Flag {
                let value = (!rest.is_empty()).then_some(rest);
                return self.take_value(option, value);
            }
            self.set(option, OptionValue::Bool(true))?;
        }
        Ok(())
    }

    fn find(&self, name: &str) -> Result<&'a OptionSpec, Report> {
        if let Some(option) = self.header.option(name) {
            return Ok(option);
        }
        let report = Report::new(format!("this script has no option '{name}'"));
        let options = &self.header.options;
        let long = options.iter().filter_map(|option| option.long.as_deref());
        if let Some(near) = nearest(name.trim_start_matches('-'), long).first() {
            return Err(report.help(format!("did you mean '--{near}'?")));
        }
        let known: Vec<String> = options.iter().flat_map(OptionSpec::names).collect();
        Err(report.help(match known.as_slice() {
            [] => "it takes none".to_owned(),
            known => format!("it has {}", known.join(", ")),
        }))
    }

    fn take_value(&mut self, option: &'a OptionSpec, value: Option<&'a str>) -> Result<(), Report> {
        let Some(value) = value.or_else(|| self.args.next().map(String::as_str)) else {
            let placeholder = option.placeholder.as_deref().unwrap_or_default();
            let message = format!(
                "'{}' wants a value ({placeholder}), and none follows",
                option.shown()
            );
            return Err(Report::new(message));
        };
        self.set(option, value_of(option, value)?)
    }

    /// The last one counts, but lists grow.
    fn set(&mut self, option: &OptionSpec, value: OptionValue) -> Result<(), Report> {
        let key = option.key.clone();
        if !option.list {
            self.given.insert(key, value);
        } else if let OptionValue::List(list) = self
            .given
            .entry(key)
            .or_insert_with(|| OptionValue::List(Vec::new()))
        {
            list.push(value);
        }
        Ok(())
    }

    fn positionals(&mut self) -> Result<(), Report> {
        let header = self.header;
        let mut loose = std::mem::take(&mut self.loose).into_iter();
        for option in header.positionals() {
            let count = if option.list { usize::MAX } else { 1 };
            for word in loose.by_ref().take(count) {
                self.set(option, value_of(option, word)?)?;
            }
        }
        match loose.next() {
            None => Ok(()),
            Some(word) => {
                let report = Report::new(format!("'{word}' is one argument too many"));
                Err(match header.usage.first() {
                    Some(usage) => report.help(format!("usage: {usage}")),
                    None => report.help("this script takes none"),
                })
            }
        }
    }
}

fn value_of(option: &OptionSpec, text: &str) -> Result<OptionValue, Report> {
    read(&option.kind, text).map_err(|wanted| {
        Report::new(format!("'{}' can't be '{text}'", option.shown())).help(wanted)
    })
}

#[cfg(test)]
mod tests;
