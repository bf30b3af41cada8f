//! Lua's suffixed expressions, `probe "…" :where "…"`, as far as they are typed: where they begin and what their value is.

use super::LuaNames;
use crate::lua::docs;
use crate::lua::lex::Token;
use std::ops::Range;

pub(super) type Tokens<'t, 'a> = &'t [(Token<'a>, Range<usize>)];

/// Names that lead to each other: `a = b  b = a`.
const STEPS: u32 = 8;

/// A name and what is done to it.
#[derive(Debug, PartialEq)]
pub(super) struct Chain<'a> {
    pub root: &'a str,
    pub steps: Vec<Step<'a>>,
}

#[derive(Debug, PartialEq)]
pub(super) enum Step<'a> {
    Field(&'a str),
    /// Of a method, where it has a name. The arguments' tokens are without brackets.
    Call {
        method: Option<&'a str>,
        arguments: Range<usize>,
    },
    Index,
}

/// What a value is, as far as a text tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Of a type of the API, by its name.
    Api(&'static str),
    /// What the session has under that path.
    At(String),
}

impl<'a> Chain<'a> {
    /// The expression that ends before the token `end`.
    pub(super) fn before(tokens: Tokens<'_, 'a>, end: usize) -> Option<Self> {
        Self::within(tokens, first(tokens, end)?, end)
    }

    /// The expression that begins at the token `first`, as far as it goes before `end`.
    pub(super) fn within(tokens: Tokens<'_, 'a>, first: usize, end: usize) -> Option<Self> {
        let tokens = tokens.get(..end)?;
        let mut at = first + 1;
        let mut chain = match &tokens.get(first)?.0 {
            Token::Name(root) => Self {
                root,
                steps: Vec::new(),
            },
            Token::Fixed("(") => {
                let close = closing(tokens, first)?;
                at = close + 1;
                Self::within(tokens, first + 1, close)?
            }
            _ => return None,
        };
        while let Some((token, _)) = tokens.get(at) {
            let name = |at: usize| match tokens.get(at)?.0 {
                Token::Name(name) => Some(name),
                _ => None,
            };
            let step = match token {
                Token::Fixed(".") => {
                    at += 2;
                    Step::Field(name(at - 1)?)
                }
                Token::Fixed(":") => {
                    let method = name(at + 1)?;
                    let arguments = arguments(tokens, at + 2)?;
                    at = arguments.behind;
                    Step::Call {
                        method: Some(method),
                        arguments: arguments.inside,
                    }
                }
                Token::Fixed("[") => {
                    at = closing(tokens, at)? + 1;
                    Step::Index
                }
                _ => {
                    let Some(arguments) = arguments(tokens, at) else {
                        break;
                    };
                    at = arguments.behind;
                    Step::Call {
                        method: None,
                        arguments: arguments.inside,
                    }
                }
            };
            chain.steps.push(step);
        }
        Some(chain)
    }

    /// What its value is; `tokens` are those that stand before it, too.
    pub(super) fn value(&self, tokens: Tokens<'_, 'a>, lua: &dyn LuaNames) -> Option<Value> {
        self.value_after(tokens, lua, STEPS)
    }

    fn value_after(&self, tokens: Tokens<'_, 'a>, lua: &dyn LuaNames, left: u32) -> Option<Value> {
        let left = left.checked_sub(1)?;
        let mut value = match assigned(tokens, self.root) {
            Some(made) => made.value_after(tokens, lua, left)?,
            None => Value::At(self.root.to_owned()),
        };
        for step in &self.steps {
            value = match (step, value) {
                (Step::Field(name), Value::At(path)) => Value::At(format!("{path}.{name}")),
                (Step::Call { method: None, .. }, Value::At(path)) => {
                    Value::Api(docs::given_by(None, &path)?)
                }
                (
                    Step::Call {
                        method: Some(name), ..
                    },
                    value,
                ) => {
                    let of = value.api(lua)?;
                    Value::Api(docs::given_by(Some(&of), name)?)
                }
                _ => return None,
            };
        }
        Some(value)
    }

    /// The text that `probe` is called with, where this is a probe.
    pub(super) fn spec(&self, tokens: Tokens<'_, 'a>) -> Option<String> {
        match (self.root, self.steps.first()) {
            (
                "probe",
                Some(Step::Call {
                    method: None,
                    arguments,
                }),
            ) => text(tokens, arguments),
            _ => {
                let made = assigned(tokens, self.root)?;
                (made.root == "probe").then(|| made.spec(tokens))?
            }
        }
    }
}

impl Value {
    /// The type of the API that it is of.
    pub(super) fn api(&self, lua: &dyn LuaNames) -> Option<String> {
        match self {
            Self::Api(name) => Some((*name).to_owned()),
            Self::At(path) => {
                let (of, name) = path.rsplit_once('.').unwrap_or(("", path));
                let names = lua.names_in(of);
                let (_, kind) = names.into_iter().find(|(known, _)| known == name)?;
                // A table of Lua's is called as one that was taken of a tally is.
                let known = kind != "table" && docs::methods(&kind).next().is_some();
                known.then_some(kind)
            }
        }
    }
}

/// The text that is all that stands between brackets.
pub(super) fn text(tokens: Tokens<'_, '_>, arguments: &Range<usize>) -> Option<String> {
    match tokens.get(arguments.clone())? {
        [(Token::String(bytes), _), ..] => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    }
}

/// What a name was last given: `name = …`.
fn assigned<'a>(tokens: Tokens<'_, 'a>, name: &str) -> Option<Chain<'a>> {
    let at = tokens
        .windows(2)
        .rposition(|pair| pair[0].0 == Token::Name(name) && pair[1].0 == Token::Fixed("="))?;
    let is_field = at > 0 && matches!(tokens[at - 1].0, Token::Fixed("." | "{" | ","));
    let chain = Chain::within(tokens, at + 2, tokens.len())?;
    (!is_field && chain.root != name).then_some(chain)
}

struct Arguments {
    inside: Range<usize>,
    behind: usize,
}

/// What a call hands over: `(…)`, `{…}` or a string.
fn arguments(tokens: Tokens<'_, '_>, at: usize) -> Option<Arguments> {
    match tokens.get(at)?.0 {
        Token::String(_) => Some(Arguments {
            inside: at..at + 1,
            behind: at + 1,
        }),
        Token::Fixed("(") => {
            let close = closing(tokens, at)?;
            Some(Arguments {
                inside: at + 1..close,
                behind: close + 1,
            })
        }
        Token::Fixed("{") => {
            let close = closing(tokens, at)?;
            Some(Arguments {
                inside: at..close + 1,
                behind: close + 1,
            })
        }
        _ => None,
    }
}

/// The token where the expression begins that ends before `end`.
fn first(tokens: Tokens<'_, '_>, mut end: usize) -> Option<usize> {
    loop {
        let last = end.checked_sub(1)?;
        let open = match &tokens.get(last)?.0 {
            Token::Name(_) => match last.checked_sub(1).map(|before| &tokens[before].0) {
                Some(Token::Fixed("." | ":")) => {
                    end = last - 1;
                    continue;
                }
                _ => return Some(last),
            },
            Token::String(_) => last,
            Token::Fixed(")" | "}" | "]") => opening(tokens, last)?,
            _ => return None,
        };
        let called = open.checked_sub(1).is_some_and(|before| {
            matches!(
                tokens[before].0,
                Token::Name(_) | Token::String(_) | Token::Fixed(")" | "]" | "}")
            )
        });
        match (&tokens[open].0, called) {
            (_, true) => end = open,
            (Token::Fixed("("), false) => return Some(open),
            _ => return None,
        }
    }
}

/// Where the bracket closes that opens at a token.
fn closing(tokens: Tokens<'_, '_>, open: usize) -> Option<usize> {
    let mut depth = 0;
    let found = tokens.get(open..)?.iter().position(|(token, _)| {
        depth += depth_of(token);
        depth == 0
    });
    found.map(|behind| open + behind)
}

/// Where the bracket opens that closes at a token.
fn opening(tokens: Tokens<'_, '_>, close: usize) -> Option<usize> {
    let mut depth = 0;
    tokens.get(..=close)?.iter().rposition(|(token, _)| {
        depth -= depth_of(token);
        depth == 0
    })
}

pub(super) fn depth_of(token: &Token<'_>) -> i32 {
    match token {
        Token::Fixed("(" | "{" | "[") => 1,
        Token::Fixed(")" | "}" | "]") => -1,
        _ => 0,
    }
}
