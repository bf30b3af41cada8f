//! One value of an option.

use crate::lua::header::ValueType;
use crate::report::did_you_mean;
use crate::spec::duration::{duration, size};
use crate::spec::{Given, Member};

#[derive(Clone, Debug, PartialEq)]
pub enum OptionValue {
    Bool(bool),
    /// Integers, nanoseconds, bytes, process and user numbers.
    Int(i64),
    Number(f64),
    Str(String),
    List(Vec<Self>),
    /// Declared, not given, and without a default.
    Nil,
}

impl OptionValue {
    /// What `$name` means in the script's texts; `None` for a fraction, which no text can hold.
    pub fn given(&self) -> Option<Given> {
        Some(match self {
            Self::Nil => Given::Nil,
            Self::Bool(value) => Given::Bool(*value),
            Self::List(values) => {
                Given::List(values.iter().map(Self::member).collect::<Option<_>>()?)
            }
            other => match other.member()? {
                Member::Int(value) => Given::Int(value),
                Member::Str(text) => Given::Str(text),
                Member::Tuple(_) => return None,
            },
        })
    }

    /// The words that it has, of a list all.
    pub fn words(&self) -> Vec<&str> {
        match self {
            Self::Str(text) => vec![text],
            Self::List(values) => values.iter().flat_map(Self::words).collect(),
            _ => Vec::new(),
        }
    }

    fn member(&self) -> Option<Member> {
        match self {
            Self::Int(value) => Some(Member::Int(*value)),
            Self::Number(value) => whole(*value).map(Member::Int),
            Self::Str(text) => Some(Member::Str(text.clone().into_bytes())),
            _ => None,
        }
    }
}

/// The integer that a float is exactly.
pub(crate) fn whole(value: f64) -> Option<i64> {
    const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
    let fits = value.fract() == 0.0 && (-TWO_TO_63..TWO_TO_63).contains(&value);
    fits.then_some(value as i64)
}

/// Reads a value by its type. The error says what is wanted.
pub(crate) fn read(kind: &ValueType, text: &str) -> Result<OptionValue, String> {
    let value = match kind {
        ValueType::Flag => return Err("it takes no value".to_owned()),
        ValueType::Integer => OptionValue::Int(integer(text).ok_or("it wants an integer")?),
        ValueType::Number => {
            let number = text.parse().ok().filter(|number: &f64| number.is_finite());
            OptionValue::Number(number.ok_or("it wants a number")?)
        }
        ValueType::Time => OptionValue::Int(duration(text)?),
        ValueType::Size => OptionValue::Int(size(text)?),
        ValueType::Pid => {
            let pid = integer(text).filter(|pid| (1..=i64::from(i32::MAX)).contains(pid));
            OptionValue::Int(pid.ok_or("it wants a process's number")?)
        }
        ValueType::Uid => OptionValue::Int(user(text).ok_or("it wants a user's number or name")?),
        ValueType::File | ValueType::Word => OptionValue::Str(text.to_owned()),
        ValueType::Choice(choices) if choices.iter().any(|choice| choice == text) => {
            OptionValue::Str(text.to_owned())
        }
        ValueType::Choice(choices) => {
            let near = did_you_mean(text, choices.iter().map(String::as_str));
            return Err(near.unwrap_or_else(|| format!("it wants one of {}", choices.join(", "))));
        }
    };
    Ok(value)
}

/// Decimal, or hexadecimal behind `0x`.
fn integer(text: &str) -> Option<i64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) if !digits.starts_with(['+', '-']) => i64::from_str_radix(digits, 16).ok(),
        Some(_) => None,
        None => text.parse().ok(),
    }
}

/// A static program has no name services, so names are those of the passwd file.
fn user(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse::<u32>() {
        return Some(number.into());
    }
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let fields = users
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields.first() == Some(&text))?;
    fields.get(2)?.parse::<u32>().ok().map(i64::from)
}
