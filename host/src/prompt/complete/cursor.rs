//! Where the cursor is, when it is within a string: what that string is to whom.

use super::LuaNames;
use super::chain::{Chain, Step, Tokens, depth_of, text};
use crate::lua::lex::Token;
use std::ops::Range;

/// What a text is asked for. All of it is plain data: another thread answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Spec,
    /// A text of the expression language, or a list of them.
    Expression(Box<Place>),
    /// A struct or union of the kernel's.
    Struct,
    /// The path of a file.
    File,
    /// One that `readfile` reads.
    KernelFile,
    Module,
}

/// Where a text of the expression language stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// The probe that it is about; `None` where it is about none, or that isn't told.
    pub spec: Option<String>,
    /// It makes columns of a tally.
    pub columns: bool,
    /// Lists before it in the chain, whose names it may use.
    pub lists: Vec<String>,
    /// What `:with` gives.
    pub given: Vec<String>,
    /// The names that a span has stored, where a step before has bound one.
    pub stored: Option<Vec<String>>,
    /// Texts of `define`.
    pub definitions: Vec<String>,
}

/// Methods of a chain whose first argument is a text.
const FIRST: [&str; 12] = [
    "where", "fetch", "by", "print", "sum", "hist", "lhist", "avg", "min", "max", "stats", "tally",
];
/// Those whose second one is.
const SECOND: [&str; 8] = [
    "tally", "within", "without", "finish", "start", "mark", "add", "remove",
];
/// Steps whose names later texts may use.
const LISTS: [&str; 2] = ["fetch", "by"];
/// Steps that bind a span.
const BINDING: [&str; 2] = ["finish", "within"];

/// What a string is for that opens behind these tokens; `None` where nothing is known of it.
pub(super) fn asked(tokens: Tokens<'_, '_>, lua: &dyn LuaNames) -> Option<Asked> {
    let call = Called::before(tokens)?;
    if !call.is_method {
        return match (call.name, call.argument) {
            ("probe" | "exists", 0) => Some(Asked::Spec),
            ("readfile" | "cgroupid", 0) => Some(Asked::KernelFile),
            ("require", 0) => Some(Asked::Module),
            ("define" | "span", 0) => Some(Asked::Expression(Box::new(Place {
                definitions: definitions(tokens, lua),
                ..Place::default()
            }))),
            _ => None,
        };
    }
    let takes_text = match call.argument {
        0 => FIRST.contains(&call.name),
        1 => SECOND.contains(&call.name),
        _ => false,
    };
    let chain = takes_text.then(|| Chain::before(tokens, call.receiver))??;
    let spec = chain.spec(tokens);
    // A tally has methods of the same names, whose texts are others.
    let value = || chain.value(tokens, lua)?.api(lua);
    if spec.is_none() && value().as_deref() != Some("probe") {
        return None;
    }
    let mut place = Place {
        spec,
        columns: call.name == "tally",
        definitions: definitions(tokens, lua),
        ..Place::default()
    };
    for step in &chain.steps {
        let Step::Call {
            method: Some(method),
            arguments,
        } = step
        else {
            continue;
        };
        if LISTS.contains(method) {
            place.lists.extend(text(tokens, arguments));
        } else if *method == "with" {
            place.given.extend(keys(tokens, arguments));
        } else if BINDING.contains(method) {
            place.stored = Some(stored(tokens));
        }
    }
    Some(Asked::Expression(Box::new(place)))
}

/// The text without its escapes, byte for byte as long as with them.
pub(super) fn without_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        plain.push(' ');
        match characters.next() {
            Some(quote @ ('"' | '\'' | '\\')) => plain.push(quote),
            Some(other) => plain.extend(std::iter::repeat_n(' ', other.len_utf8())),
            None => {}
        }
    }
    plain
}

/// A call that has been begun, and that a string is an argument of.
struct Called<'a> {
    name: &'a str,
    is_method: bool,
    /// Which argument, from 0.
    argument: usize,
    /// The token behind the value that a method is called of.
    receiver: usize,
}

impl<'a> Called<'a> {
    fn before(tokens: Tokens<'_, 'a>) -> Option<Self> {
        let mut argument = 0;
        let mut name = tokens.len().checked_sub(1)?;
        if matches!(tokens[name].0, Token::Fixed("(" | ",")) {
            let mut depth = 0;
            let open = tokens.iter().rposition(|(token, _)| {
                argument += usize::from(depth == 0 && *token == Token::Fixed(","));
                depth -= depth_of(token);
                depth < 0
            })?;
            if tokens[open].0 != Token::Fixed("(") {
                return None;
            }
            name = open.checked_sub(1)?;
        }
        let Token::Name(called) = tokens[name].0 else {
            return None;
        };
        let before = name.checked_sub(1).map(|before| &tokens[before].0);
        match before {
            Some(Token::Fixed(".")) => None,
            Some(Token::Fixed(":")) => Some(Self {
                name: called,
                is_method: true,
                argument,
                receiver: name - 1,
            }),
            _ => Some(Self {
                name: called,
                is_method: false,
                argument,
                receiver: name,
            }),
        }
    }
}

/// The names of a table's fields: `{ a = 1, b = 2 }`.
fn keys(tokens: Tokens<'_, '_>, table: &Range<usize>) -> Vec<String> {
    let tokens = tokens.get(table.clone()).unwrap_or_default();
    let pairs = tokens.windows(2).filter_map(|pair| match pair {
        [(Token::Name(name), _), (Token::Fixed("="), _)] => Some((*name).to_owned()),
        _ => None,
    });
    pairs.collect()
}

/// The session's definitions, and those that were typed before.
fn definitions(tokens: Tokens<'_, '_>, lua: &dyn LuaNames) -> Vec<String> {
    let typed = texts_of(tokens, &["define"]);
    lua.definitions().into_iter().chain(typed).collect()
}

/// Names that spans may have stored: those of all their lists, and of what is fetched where they start.
fn stored(tokens: Tokens<'_, '_>) -> Vec<String> {
    let lists = texts_of(tokens, &["span", "fetch"]);
    let items = lists.iter().flat_map(|list| list.split(','));
    let name = |item: &str| {
        let name = match item.split_once('=') {
            Some((name, _)) => name,
            None => item.rsplit('.').next().unwrap_or_default(),
        };
        let name = name.trim();
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        (plain && !name.is_empty()).then(|| name.to_owned())
    };
    items.filter_map(name).collect()
}

/// The texts that functions or methods of these names are called with.
fn texts_of(tokens: Tokens<'_, '_>, called: &[&str]) -> Vec<String> {
    let texts = tokens.iter().enumerate().filter_map(|(at, (token, _))| {
        let Token::String(bytes) = token else {
            return None;
        };
        let mut name = at.checked_sub(1)?;
        if tokens[name].0 == Token::Fixed("(") {
            name = name.checked_sub(1)?;
        }
        match &tokens[name].0 {
            Token::Name(name) if called.contains(name) => {
                Some(String::from_utf8_lossy(bytes).into_owned())
            }
            _ => None,
        }
    });
    texts.collect()
}
