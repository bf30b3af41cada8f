//! Names of Lua: globals, locals, keywords, fields and methods.

use super::chain::{Chain, Tokens, Value};
use super::{Candidate, Completions, LuaNames};
use crate::collection;
use crate::lua::docs;
use crate::lua::lex::{KEYWORDS, Token};
use std::collections::BTreeMap;

/// What may stand at the end of `text`, which are these tokens.
pub(super) fn complete(text: &str, tokens: Tokens<'_, '_>, lua: &dyn LuaNames) -> Completions {
    let start = word_start(text);
    let typed = &text[start..];
    if typed.starts_with(|c: char| c.is_ascii_digit()) {
        return Completions::default();
    }
    let before = tokens.partition_point(|(_, span)| span.start < start);
    let tokens = &tokens[..before];
    let all = match tokens.last() {
        Some((Token::Fixed(":"), _)) => methods(tokens, lua),
        Some((Token::Fixed("."), _)) => fields(tokens, lua),
        _ => words(tokens, lua),
    };
    Completions::of(start, typed, all)
}

/// What `?` knows something of: what is documented, tools, the session's own values, and kinds of probes.
pub(super) fn documented(typed: &str, kinds: Vec<Candidate>, lua: &dyn LuaNames) -> Completions {
    let names = docs::names().into_iter().filter(|name| !name.contains(' '));
    // A method may be asked for without its type.
    if let Some(method) = typed.strip_prefix(':') {
        let methods = names.filter_map(|name| Some(name.split_once(':')?.1.to_owned()));
        let methods = methods.map(|name| Candidate::new(name, ""));
        return Completions::of(1, method, methods);
    }
    let tools = collection::tool_names();
    let values = lua.names_in("").into_iter().map(|(name, _)| name);
    let names = names.chain(tools).chain(values);
    let names = names.map(|name| Candidate::new(name, ""));
    Completions::of(0, typed, names.chain(kinds))
}

/// Where the name begins that a text ends in.
fn word_start(text: &str) -> usize {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    text.len() - text.bytes().rev().take_while(is_part).count()
}

/// What is reached from the value before the last token.
fn value(tokens: Tokens<'_, '_>, lua: &dyn LuaNames) -> Option<Value> {
    let end = tokens.len().checked_sub(1)?;
    Chain::before(tokens, end)?.value(tokens, lua)
}

fn methods(tokens: Tokens<'_, '_>, lua: &dyn LuaNames) -> Vec<Candidate> {
    let Some(value) = value(tokens, lua) else {
        return Vec::new();
    };
    match value.api(lua) {
        Some(of) => docs::methods(&of)
            .map(|(name, signature)| called(name, signature.trim_start_matches(':')))
            .collect(),
        None => in_value(&value, lua)
            .into_iter()
            .filter_map(|(name, kind)| match kind.strip_prefix(':') {
                Some(signature) => Some(called(&name, signature)),
                None => (kind == "function").then(|| Candidate::new(name, &kind)),
            })
            .collect(),
    }
}

fn fields(tokens: Tokens<'_, '_>, lua: &dyn LuaNames) -> Vec<Candidate> {
    let all = value(tokens, lua)
        .filter(|value| value.api(lua).is_none())
        .map(|value| in_value(&value, lua));
    // Of what is no table, methods are listed.
    let all = all.unwrap_or_default().into_iter();
    all.filter(|(_, kind)| !kind.starts_with(':'))
        .map(|(name, kind)| Candidate::new(name, &kind))
        .collect()
}

fn in_value(value: &Value, lua: &dyn LuaNames) -> Vec<(String, String)> {
    match value {
        Value::At(path) => lua.names_in(path),
        Value::Api(_) => Vec::new(),
    }
}

fn words(tokens: Tokens<'_, '_>, lua: &dyn LuaNames) -> Vec<Candidate> {
    let mut all = globals(lua);
    all.extend(locals(tokens).map(|name| Candidate::new(name, "")));
    all.extend(KEYWORDS.iter().map(|word| Candidate::new(*word, "")));
    all
}

fn globals(lua: &dyn LuaNames) -> Vec<Candidate> {
    let signatures: BTreeMap<&str, &str> = docs::functions().collect();
    let known = lua.names_in("").into_iter();
    known
        .map(|(name, kind)| match signatures.get(&*name) {
            Some(signature) if kind == "function" => called(&name, signature),
            _ => Candidate::new(name, &kind),
        })
        .collect()
}

/// A function, with how a call of it is written.
fn called(name: &str, signature: &str) -> Candidate {
    Candidate {
        text: name.to_owned(),
        shown: signature.to_owned(),
    }
}

/// Names that the statement itself has made so far: `local a, b`, `function(c)`, `for d in`, `e =`.
fn locals<'a>(tokens: Tokens<'_, 'a>) -> impl Iterator<Item = &'a str> {
    let mut in_list = false;
    let named = tokens
        .iter()
        .enumerate()
        .filter_map(move |(at, (token, _))| {
            let next = tokens.get(at + 1).map(|(next, _)| next);
            let before = at.checked_sub(1).map(|before| &tokens[before].0);
            match token {
                Token::Fixed("local" | "for") => in_list = true,
                Token::Fixed("(") => {
                    let named = at.checked_sub(2).map(|before| &tokens[before].0);
                    in_list = [before, named].contains(&Some(&Token::Fixed("function")));
                }
                Token::Name(name) => {
                    let is_made = in_list
                        || next == Some(&Token::Fixed("="))
                            && !matches!(before, Some(Token::Fixed("." | "{" | ",")));
                    return is_made.then_some(*name);
                }
                // What may stand within a list of names.
                Token::Fixed("," | "function" | "<" | ">") => {}
                _ => in_list = false,
            }
            None
        });
    named.collect::<Vec<_>>().into_iter()
}
