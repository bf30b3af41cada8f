//! A line of the header that declares an option or a positional argument.

use crate::report::Report;

/// What a value must be. Times are nanoseconds and sizes bytes once they are parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// No value: given or not.
    Flag,
    Integer,
    Number,
    Time,
    Size,
    Pid,
    Uid,
    File,
    Choice(Vec<String>),
    Word,
}

/// An option or, without a dash, a positional argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionSpec {
    pub short: Option<char>,
    pub long: Option<String>,
    /// The value's name as written, without the dots of a list; for a positional argument its own name.
    pub placeholder: Option<String>,
    /// The field of `options()`: `no_clear` for `--no-clear`, `interval` for `INTERVAL`.
    pub key: String,
    pub kind: ValueType,
    /// It may be given several times, and is a list.
    pub list: bool,
    pub text: String,
    /// As written in brackets at the end of its text.
    pub default: Option<String>,
    /// A positional argument that must be given.
    pub required: bool,
}

impl OptionSpec {
    pub fn is_positional(&self) -> bool {
        self.short.is_none() && self.long.is_none()
    }

    /// `-k` and `--kernel`.
    pub fn names(&self) -> Vec<String> {
        let short = self.short.map(|short| format!("-{short}"));
        let long = self.long.as_ref().map(|long| format!("--{long}"));
        short.into_iter().chain(long).collect()
    }

    pub fn is_called(&self, dashed: &str) -> bool {
        self.names().iter().any(|name| name == dashed)
    }

    /// How messages name it: `--sort`, `-n`, `INTERVAL`.
    pub fn shown(&self) -> String {
        self.names()
            .pop()
            .or_else(|| self.placeholder.clone())
            .unwrap_or_default()
    }

    pub(super) fn continue_text(&mut self, more: &str) {
        let text = match self.default.take() {
            Some(default) => format!("{} [{default}] {more}", self.text),
            None => format!("{} {more}", self.text),
        };
        (self.text, self.default) = split_default(text.trim());
    }
}

pub(super) enum OptionLine {
    Option(OptionSpec),
    /// More text of the option before.
    Continued(String),
}

/// Deeper than this, a line without a dash goes on with the text of the one before.
const CONTINUED: usize = 8;

/// Reads `[-s,] [--long] [VALUE]`, two spaces or more, text, `[default]`. The line's `--` is taken off.
pub(super) fn read(line: &str) -> Result<OptionLine, Report> {
    let trimmed = line.trim();
    let indent = line.len() - line.trim_start().len();
    if indent > CONTINUED && !trimmed.starts_with('-') {
        return Ok(OptionLine::Continued(trimmed.to_owned()));
    }
    let (form, text) = trimmed.split_once("  ").unwrap_or((trimmed, ""));
    let (text, default) = split_default(text.trim());
    let mut option = OptionSpec {
        short: None,
        long: None,
        placeholder: None,
        key: String::new(),
        kind: ValueType::Flag,
        list: false,
        text,
        default,
        required: false,
    };
    for word in form.split_whitespace() {
        add_word(&mut option, word).map_err(|message| wrong(&message, line, word))?;
    }
    let dashed = option
        .long
        .clone()
        .or_else(|| option.short.map(String::from));
    let name = dashed.or_else(|| option.placeholder.as_ref().map(|name| name.to_lowercase()));
    option.key = name.unwrap_or_default().replace('-', "_");
    let is_name = option
        .key
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if option.key.is_empty() || !is_name {
        return Err(wrong(
            "an option's name is made of letters, digits and '-'",
            line,
            form,
        ));
    }
    if option.kind == ValueType::Flag && option.default.is_some() {
        // Nothing can follow an option without a value, so the brackets belong to its text.
        option.text = format!(
            "{} [{}]",
            option.text,
            option.default.take().unwrap_or_default()
        );
    }
    Ok(OptionLine::Option(option))
}

fn add_word(option: &mut OptionSpec, word: &str) -> Result<(), String> {
    if option.placeholder.is_some() {
        return Err("two spaces stand between an option and its text".to_owned());
    }
    if let Some(long) = word.strip_prefix("--") {
        if option.long.replace(long.to_owned()).is_some() {
            return Err("an option has one long name".to_owned());
        }
    } else if let Some(short) = word.strip_prefix('-') {
        let mut letters = short.trim_end_matches(',').chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) if letter.is_ascii_alphanumeric() => option.short = Some(letter),
            _ => return Err("one letter or digit follows a single '-'".to_owned()),
        }
    } else {
        let value = word.strip_suffix("...");
        option.list = value.is_some();
        let value = value.unwrap_or(word);
        option.kind = value_type(value);
        option.placeholder = Some(value.to_owned());
    }
    Ok(())
}

fn value_type(placeholder: &str) -> ValueType {
    match placeholder {
        "N" | "COUNT" => ValueType::Integer,
        "X" => ValueType::Number,
        "TIME" | "INTERVAL" => ValueType::Time,
        "SIZE" => ValueType::Size,
        "PID" => ValueType::Pid,
        "UID" => ValueType::Uid,
        "FILE" => ValueType::File,
        choice if choice.contains('|') => {
            ValueType::Choice(choice.split('|').map(str::to_owned).collect())
        }
        _ => ValueType::Word,
    }
}

/// Text, and what stands in brackets at its end.
fn split_default(text: &str) -> (String, Option<String>) {
    match text
        .strip_suffix(']')
        .and_then(|text| text.rsplit_once('['))
    {
        Some((text, default)) => (text.trim_end().to_owned(), Some(default.to_owned())),
        None => (text.to_owned(), None),
    }
}

fn wrong(message: &str, line: &str, part: &str) -> Report {
    let text = format!("--{line}");
    let start = text.find(part).unwrap_or(0);
    Report::new(message)
        .pointing(text, start..start + part.len())
        .help("as in '-s, --sort size|count   order by [size]'")
}
