//! One call of a function of the API: its arguments, checked, and the user's line that it stands in.

use super::error::Failure;
use super::script::Script;
use crate::report::{Place, Report};
use mlua::{Function, Lua, MultiValue, UserDataRef, Value};
use std::cell::OnceCell;
use std::rc::Rc;

/// A function of the API or a method of one of its types: all that is known of it stands in one table entry.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    /// As the documentation writes the call: `:sum(expr)`.
    pub(crate) signature: &'static str,
    /// Whole sentences.
    pub(crate) doc: &'static str,
    /// What it is given, a name and its type in the words of the Lua language server: `name?` may be left out, `...` is any
    /// number of values. A method's own value is not among them.
    pub(crate) takes: &'static [(&'static str, &'static str)],
    /// The type of what it gives, "" where that is nothing.
    pub(crate) gives: &'static str,
    /// A script, which works as it stands.
    pub(crate) example: &'static str,
    pub(crate) function: fn(&Call<'_>) -> mlua::Result<Value>,
}

pub(crate) struct Call<'l> {
    pub(crate) lua: &'l Lua,
    pub(crate) script: Rc<Script>,
    /// What messages call it: `probe`, `:where`.
    name: String,
    /// A method's own value comes first.
    args: MultiValue,
    place: OnceCell<Place>,
}

impl<'l> Call<'l> {
    pub(crate) fn run(
        lua: &'l Lua,
        entry: &Entry,
        is_method: bool,
        args: MultiValue,
    ) -> mlua::Result<Value> {
        let name = if is_method {
            format!(":{}", entry.name)
        } else {
            entry.name.to_owned()
        };
        (entry.function)(&Self {
            lua,
            script: Script::of(lua)?,
            name,
            args,
            place: OnceCell::new(),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The user's line that is being run.
    pub(crate) fn place(&self) -> Place {
        self.place
            .get_or_init(|| self.script.here(self.lua))
            .clone()
    }

    pub(crate) fn report(&self, message: impl Into<String>) -> Report {
        Report::new(message).at(self.place())
    }

    pub(crate) fn fail(&self, message: impl Into<String>) -> mlua::Error {
        Failure::Reports(vec![self.report(message)]).into()
    }

    pub(crate) fn fail_with_help(
        &self,
        message: impl Into<String>,
        help: Option<String>,
    ) -> mlua::Error {
        Failure::Reports(vec![Report {
            help,
            ..self.report(message)
        }])
        .into()
    }

    /// Gives reports of later stages the line of this call where they have none.
    pub(crate) fn check<T>(&self, result: Result<T, Report>) -> mlua::Result<T> {
        result.map_err(|report| Failure::Reports(vec![report.at(self.place())]).into())
    }

    pub(crate) fn count(&self) -> usize {
        self.args.len()
    }

    /// The argument at an index, `nil` where there is none.
    pub(crate) fn value(&self, index: usize) -> Value {
        self.args.get(index).cloned().unwrap_or(Value::Nil)
    }

    /// Every argument from an index on.
    pub(crate) fn rest(&self, from: usize) -> impl Iterator<Item = &Value> {
        self.args.iter().skip(from)
    }

    /// The value that a method was called on.
    pub(crate) fn this<T: 'static>(&self) -> mlua::Result<UserDataRef<T>> {
        let wrong = || {
            let bare = self.name.trim_start_matches(':');
            self.fail_with_help(
                format!("'{bare}' is a method"),
                Some(format!("call it with a colon: value:{bare}(…)")),
            )
        };
        match self.args.front() {
            Some(Value::UserData(data)) => data.borrow::<T>().map_err(|_| wrong()),
            _ => Err(wrong()),
        }
    }

    /// `what` the argument is, for the message: `a text`, `a function`.
    pub(crate) fn wrong(&self, index: usize, what: &str) -> mlua::Error {
        let found = match self.args.get(index) {
            None | Some(Value::Nil) => "nil",
            Some(value) => value.type_name(),
        };
        self.fail(format!(
            "{} takes {what}, not {}",
            self.name,
            with_article(found)
        ))
    }

    pub(crate) fn text(&self, index: usize, what: &str) -> mlua::Result<String> {
        match self.args.get(index) {
            Some(Value::String(text)) => match text.to_str() {
                Ok(text) => Ok(text.to_owned()),
                Err(_) => Err(self.fail(format!("{} takes {what} in UTF-8", self.name))),
            },
            _ => Err(self.wrong(index, what)),
        }
    }

    pub(crate) fn integer(&self, index: usize, what: &str) -> mlua::Result<i64> {
        match self.args.get(index) {
            Some(Value::Integer(value)) => Ok(*value),
            Some(Value::Number(value)) if value.fract() == 0.0 && value.abs() < 9.0e15 => {
                Ok(*value as i64)
            }
            _ => Err(self.wrong(index, what)),
        }
    }

    pub(crate) fn function(&self, index: usize) -> mlua::Result<Function> {
        match self.args.get(index) {
            Some(Value::Function(function)) => Ok(function.clone()),
            _ => Err(self.wrong(index, "a function")),
        }
    }
}

fn with_article(kind: &str) -> String {
    match kind {
        "nil" => kind.to_owned(),
        "integer" | "userdata" | "error" => {
            format!("an {kind}").replace("an userdata", "a userdata")
        }
        other => format!("a {other}"),
    }
}
