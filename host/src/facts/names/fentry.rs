//! `fentry` and `fexit`: the context is an array of words, at the return with what was returned behind them.

use super::value::{value, word};
use super::{Offered, argument_number, no_return_value_yet, numbered};
use crate::expr::names::Meaning;
use crate::expr::tree::Node;
use crate::expr::types::{Int, Space, Type};
use crate::facts::functions::{Known, slots};
use crate::facts::{Btf, Facts};

pub(super) struct Fentry {
    function: String,
    exit: bool,
    known: Option<Known>,
    /// Of each argument the word where it begins, and of what is returned.
    places: Vec<usize>,
}

impl Fentry {
    pub(super) fn new(facts: &Facts, function: &str, module: Option<&str>, exit: bool) -> Self {
        let known = facts.known_function(function, module);
        let size = |known: &Known, ty: &Type| known.module.as_ref().or(facts.btf().ok())?.size(ty);
        let places = known
            .as_ref()
            .and_then(|known| slots(&known.prototype, |ty| size(known, ty)));
        Self {
            function: function.to_owned(),
            exit,
            known,
            places: places.unwrap_or_default(),
        }
    }

    /// Arguments with the words where they begin.
    fn parameters(&self) -> impl Iterator<Item = (usize, &(String, Type))> {
        let parameters = self.known.as_ref().map(|known| &known.prototype.parameters);
        self.places
            .iter()
            .copied()
            .zip(parameters.into_iter().flatten())
    }

    fn returned(&self) -> Option<(usize, &Type)> {
        let known = self.known.as_ref()?;
        Some((*self.places.last()?, &known.prototype.returns))
    }

    fn words_passed(&self) -> usize {
        self.places.last().copied().unwrap_or(0)
    }
}

impl Offered for Fentry {
    fn argument(&self, name: &str) -> Option<Meaning> {
        let mut all = self.parameters();
        let (at, (_, ty)) = all.find(|(_, (known, _))| known == name && !known.is_empty())?;
        value(ty.clone(), |int| load(at, int))
    }

    fn arguments(&self) -> Vec<String> {
        let held = |ty: &Type| *ty == Type::Bool || ty.integer().is_some();
        let named = self.parameters().map(|(_, parameter)| parameter);
        named
            .filter(|(name, ty)| !name.is_empty() && held(ty))
            .map(|(name, _)| name.clone())
            .collect()
    }

    fn word(&self, name: &str) -> Option<Meaning> {
        if name == "retval" && self.exit {
            let (at, ty) = self.returned()?;
            return value(ty.clone(), |int| load(at, int));
        }
        let number = argument_number(name).filter(|number| *number < self.words_passed())?;
        Some(word(|int| load(number, int)))
    }

    fn words(&self) -> Vec<String> {
        let returns = self.exit && self.word("retval").is_some();
        let mut words: Vec<_> = numbered(self.words_passed()).collect();
        words.extend(returns.then(|| "retval".to_owned()));
        words
    }

    fn absent(&self, name: &str) -> Option<String> {
        let function = &self.function;
        if name == "retval" {
            return Some(if self.exit {
                format!("{function} returns nothing that a register holds")
            } else {
                no_return_value_yet("fexit")
            });
        }
        if argument_number(name).is_some() {
            return Some(format!("{function} takes {} words", self.words_passed()));
        }
        let by_value = self.parameters().any(|(_, (known, _))| known == name);
        by_value.then(|| format!("{function} takes '{name}' by value: its words are arg0, arg1, …"))
    }

    fn btf(&self) -> Option<&Btf> {
        self.known.as_ref()?.module.as_ref()
    }
}

/// Through its address: the verifier knows what the words point to, and allows no arithmetic on those that it loads.
fn load(place: usize, int: Int) -> Node {
    Node::Read {
        space: Space::Kernel,
        base: Box::new(Node::ContextAddress),
        offset: place as i32 * 8,
        int,
    }
}
