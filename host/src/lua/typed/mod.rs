//! What is typed at a prompt: run as an expression where it is one, its values kept, shown, and called `_`.

mod echo;
mod inspect;
mod names;
pub mod syntax;
mod watched;

use echo::Largest;
pub(crate) use echo::running;
pub(crate) use watched::{Watched, watch};

use super::api;
use super::error::ScriptError;
use super::lex::{self, Token};
use super::meter::Part;
use super::vm::Vm;
use mlua::chunk::ChunkMode;
use mlua::{Function, MultiValue, Value};
use std::cell::{Cell, RefCell};

/// What the last statement has left to be shown.
#[derive(Default)]
pub(crate) struct Typed {
    values: RefCell<MultiValue>,
    /// It is a statement as it stands, a call: where it gives `nil`, nothing is meant to be seen.
    is_statement: Cell<bool>,
    pub(crate) watched: RefCell<Option<Watched>>,
}

/// How a typed text is written in a script, where it has to be a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    AsTyped,
    /// An expression, whose value is printed.
    Printed(String),
    /// What only a prompt can do.
    Not,
}

/// What scripts don't have.
fn of_the_prompt() -> impl Iterator<Item = &'static str> {
    let functions = api::OF_PROMPT
        .iter()
        .flat_map(|namespace| namespace.functions);
    functions.map(|entry| entry.name)
}

/// Does the text call a global of that name?
fn calls(text: &str, name: &str) -> bool {
    let tokens = lex::Typed::read(text).tokens;
    let mut before = None;
    tokens.windows(2).any(|pair| {
        let (token, next) = (&pair[0].0, &pair[1].0);
        let is_member = matches!(before.replace(token), Some(Token::Fixed("." | ":")));
        let is_called = matches!(next, Token::Fixed("(" | "{") | Token::String(_));
        *token == Token::Name(name) && !is_member && is_called
    })
}

impl Vm {
    /// Runs a whole statement or expression; its values wait for [`Self::echo`]. Chains without an ending are declared.
    /// Places in messages call the text `name`.
    pub fn evaluate(&self, name: &str, text: &str) -> Result<(), ScriptError> {
        let typed = &self.script.typed;
        typed.values.borrow_mut().clear();
        let run = self.typed(name, text);
        let run = run.and_then(|function| function.call::<MultiValue>(()));
        let values = self.settle(run, Part::Body, "the statement")?;
        let first = values.front().filter(|value| !value.is_nil());
        if let Some(value) = first {
            let kept = self.lua.globals().raw_set("_", value);
            kept.map_err(|error| self.script.explain(&error))?;
        }
        *typed.values.borrow_mut() = values;
        Ok(())
    }

    /// The text as a function: of the expression that it is, else of statements.
    fn typed(&self, name: &str, text: &str) -> mlua::Result<Function> {
        let statement = self.script.chunks.load(&self.lua, name, text);
        let expression = self.load(name, &format!("return {text}"));
        self.script.typed.is_statement.set(statement.is_ok());
        match (expression, statement) {
            (Ok(expression), _) => Ok(expression),
            (Err(_), Ok(statement)) => Ok(statement),
            (Err(expression), Err(statement)) => {
                // Where statements fail at the first word, an expression was meant.
                let at_first = text.trim_start().chars().next().is_some_and(|first| {
                    let near = format!("unexpected symbol near '{first}");
                    statement.to_string().contains(&near)
                });
                Err(if at_first { expression } else { statement })
            }
        }
    }

    fn load(&self, name: &str, text: &str) -> mlua::Result<Function> {
        let chunk = self.lua.load(text).set_name(format!("@{name}"));
        chunk.set_mode(ChunkMode::Text).into_function()
    }

    /// Shows what [`Self::evaluate`] gave, as the session prints.
    pub fn echo(&self) -> Result<(), ScriptError> {
        let values = self.script.typed.values.borrow().clone();
        if self.script.typed.is_statement.get() && values.iter().all(Value::is_nil) {
            return Ok(());
        }
        let shown = values
            .iter()
            .try_for_each(|value| echo::show(&self.lua, &self.script, value, Largest::Last));
        shown.map_err(|error| self.script.explain(&error))
    }

    /// How a script would have the text that [`Self::evaluate`] ran last.
    pub fn written(&self, text: &str) -> Written {
        if of_the_prompt().any(|name| calls(text, name)) {
            return Written::Not;
        }
        let text = text.trim();
        let values = self.script.typed.values.borrow();
        let is_statement = self.script.typed.is_statement.get();
        match values.front() {
            Some(Value::Integer(_) | Value::Number(_) | Value::String(_) | Value::Boolean(_)) => {
                Written::Printed(format!("print({text})"))
            }
            // What begins with a parenthesis would go on from the line before.
            _ if is_statement && text.starts_with('(') => Written::Printed(format!(";{text}")),
            _ if is_statement => Written::AsTyped,
            Some(value) if echo::is_table_of_rows(value) => {
                Written::Printed(format!("do local shown = {text} shown:print() end"))
            }
            _ => Written::Printed(format!("print({text})")),
        }
    }

    /// Is something on the screen that is drawn again and again?
    pub fn is_watching(&self) -> bool {
        self.script.typed.watched.borrow().is_some() || self.script.live.is_shown()
    }

    /// Draws what is watched now, and once a period from now on.
    pub fn begin_watching(&self) -> Result<(), ScriptError> {
        let drawn = watched::begin(&self.lua, &self.script);
        drawn.map_err(|error| self.told(self.script.explain(&error), Part::Later, "a screen"))
    }

    /// Nothing is drawn any more.
    pub fn end_watching(&self) {
        watched::end(&self.script);
    }

    /// Names in a value of the session, each with what it is: of `""` the globals, of `a.b` what is in that table or, for
    /// a value of the API, its methods. Nothing of the user's is called for it.
    pub fn names_in(&self, path: &str) -> Vec<(String, String)> {
        names::names_in(&self.lua, path)
    }

    /// What a path of names stands for: a type of the API, or one of Lua's.
    pub fn type_of(&self, path: &str) -> Option<&'static str> {
        names::type_of(&self.lua, path)
    }

    /// The text of a function that the user wrote, from its first line to its last, and where it stands.
    pub fn source_of(&self, path: &str) -> Option<String> {
        names::source_of(&self.lua, &self.script, path)
    }

    /// The texts of the definitions that the user made.
    pub fn definitions(&self) -> Vec<String> {
        let definitions = self.script.definitions.borrow();
        let own = definitions
            .iter()
            .filter(|one| !super::stdlib::is_ours(one));
        own.map(|one| match one.parameters.as_slice() {
            [] => format!("{} = {}", one.name, one.body),
            parameters => format!("{}({}) = {}", one.name, parameters.join(", "), one.body),
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Written;
    use crate::lua::fake::{Fake, vm_on};
    use std::rc::Rc;

    /// What each line shows, or its error.
    fn shown(lines: &[&str]) -> String {
        let fake = Rc::new(Fake::default());
        let vm = vm_on(&fake).at_prompt().unwrap();
        for (line, number) in lines.iter().zip(1..) {
            let done = vm.evaluate(&format!("[{number}]"), line);
            if let Err(error) = done.and_then(|()| vm.echo()) {
                return format!("{}{error}", fake.take_log());
            }
        }
        fake.take_log()
    }

    #[test]
    fn an_expression_shows_its_values_and_is_called_underscore() {
        assert_eq!(
            shown(&["6*7", "_ + 1", "'a', nil, {1}"]),
            "42\n43\n\"a\"\nnil\n{ 1 }\n"
        );
        assert_eq!(shown(&["x = 5", "x", "nil", "_"]), "5\nnil\n5\n");
        assert_eq!(
            shown(&["function f() return nil end", "f()", "-- nothing"]),
            ""
        );
        assert_eq!(shown(&["print 'a'"]), "a\n");
    }

    #[test]
    fn a_mistake_stands_where_it_was_typed() {
        let index = shown(&["x = 1", "x.y.z"]);
        assert!(index.starts_with("[2]:1: attempt to index"), "{index}");
        assert!(shown(&["6 *) 2"]).starts_with("[1]:1: unexpected symbol near ')'"));
        assert!(shown(&["x = = 2"]).starts_with("[1]:1: unexpected symbol near '='"));
    }

    #[test]
    fn a_tally_and_a_probe_say_where_they_stand() {
        let tally = shown(&["p = probe 'kprobe:a':count()", "p"]);
        assert!(
            tally.ends_with("kprobe:a: attached at 2 places, 1,234,567 hits, none lost\n"),
            "{tally}"
        );
        let probe = shown(&["probe 'kprobe:a'"]);
        assert_eq!(
            probe,
            "kprobe:a: attached at 2 places, 1,234,567 hits, none lost\n"
        );
    }

    #[test]
    fn what_was_typed_is_written_as_statements() {
        let vm = vm_on(&Rc::new(Fake::default())).at_prompt().unwrap();
        let written = |text: &str| {
            vm.evaluate("[1]", text).unwrap();
            vm.written(text)
        };
        assert_eq!(written("p = probe 'kprobe:a':count()"), Written::AsTyped);
        assert_eq!(written("6*7"), Written::Printed("print(6*7)".into()));
        assert_eq!(
            written("p"),
            Written::Printed("do local shown = p shown:print() end".into())
        );
        assert_eq!(written("print 'probes'"), Written::AsTyped);
        assert_eq!(
            written("('a'):rep(2)"),
            Written::Printed("print(('a'):rep(2))".into())
        );
        assert_eq!(written("(print)()"), Written::Printed(";(print)()".into()));
        assert_eq!(written("probes()"), Written::Not);
        assert_eq!(written("watch(p)"), Written::Not);
    }

    #[test]
    fn names_are_told_with_what_they_are_and_nothing_is_called_for_it() {
        let vm = vm_on(&Rc::new(Fake::default())).at_prompt().unwrap();
        let made = "t = setmetatable({ a = 1 }, { __index = function() error 'called' end }) p = probe 'kprobe:a':count()";
        vm.evaluate("[1]", made).unwrap();
        assert_eq!(vm.names_in("t"), [("a".to_owned(), "number".to_owned())]);
        let has = |path: &str, name: &str| vm.names_in(path).iter().any(|(known, _)| known == name);
        assert!(has("", "p") && has("", "probe") && has("", "strftime") && has("string", "rep"));
        assert!(has("p", "top") && !has("p", "where"));
        assert_eq!(vm.type_of("p"), Some("tally"));
        assert!(vm.names_in("t.a.b").is_empty() && vm.names_in("nothing").is_empty());
        vm.evaluate("[2]", "function f(x)\n  return x\nend")
            .unwrap();
        assert_eq!(
            vm.source_of("f").unwrap(),
            "-- [2]:1\nfunction f(x)\n  return x\nend"
        );
        assert!(vm.source_of("strftime").unwrap().contains("function"));
    }
}
