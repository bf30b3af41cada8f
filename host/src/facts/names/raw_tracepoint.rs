//! `rawtracepoint`: the context is an array of words, BTF says what they are.

use super::value::{value, word};
use super::{Offered, argument_number, numbered};
use crate::expr::names::Meaning;
use crate::expr::tree::Node;
use crate::expr::types::{Int, Type};
use crate::facts::{Btf, Facts};
use std::cell::OnceCell;

pub(super) struct RawTracepoint<'a> {
    facts: &'a Facts,
    name: String,
    known: OnceCell<Known>,
}

/// What BTF says of it, and the types to read it by: the kernel's, or its module's.
#[derive(Default)]
struct Known {
    module: Option<Btf>,
    parameters: Option<Vec<(String, Type)>>,
}

/// The most that a program may take (MAX_BPF_FUNC_ARGS of include/linux/bpf.h).
const MOST: usize = 12;

impl<'a> RawTracepoint<'a> {
    pub(super) fn new(facts: &'a Facts, name: &str) -> Self {
        Self {
            facts,
            name: name.to_owned(),
            known: OnceCell::new(),
        }
    }

    /// What is passed, in order; `None` where BTF doesn't say.
    fn parameters(&self) -> Option<&[(String, Type)]> {
        self.known().parameters.as_deref()
    }

    fn known(&self) -> &Known {
        self.known
            .get_or_init(|| self.look_up().unwrap_or_default())
    }

    fn look_up(&self) -> Option<Known> {
        let kernel = self.facts.btf().ok()?;
        if let Some(parameters) = kernel.raw_tracepoint(&self.name) {
            return Some(Known {
                module: None,
                parameters: Some(parameters),
            });
        }
        let module = self
            .facts
            .module_btf_with(|btf| btf.has_raw_tracepoint(&self.name))?;
        let parameters = module.raw_tracepoint(&self.name);
        Some(Known {
            module: Some(module),
            parameters,
        })
    }

    fn count(&self) -> usize {
        self.parameters()
            .map_or(MOST, |parameters| parameters.len().min(MOST))
    }
}

impl Offered for RawTracepoint<'_> {
    fn argument(&self, name: &str) -> Option<Meaning> {
        let parameters = self.parameters()?.iter().take(MOST).enumerate();
        let (index, (_, ty)) = parameters
            .into_iter()
            .find(|(_, (known, _))| known == name && !known.is_empty())?;
        value(ty.clone(), |int| load(index, int))
    }

    fn arguments(&self) -> Vec<String> {
        let named = self
            .parameters()
            .unwrap_or_default()
            .iter()
            .filter(|(name, _)| !name.is_empty());
        named.map(|(name, _)| name.clone()).collect()
    }

    fn word(&self, name: &str) -> Option<Meaning> {
        let number = argument_number(name).filter(|number| *number < self.count())?;
        Some(word(|int| load(number, int)))
    }

    fn words(&self) -> Vec<String> {
        numbered(self.count()).collect()
    }

    fn absent(&self, name: &str) -> Option<String> {
        if name == "retval" {
            return Some("a raw tracepoint has no return value".to_owned());
        }
        if argument_number(name).is_some() {
            return Some(format!("it passes {} arguments", self.count()));
        }
        if let Err(report) = self.facts.btf() {
            return Some(format!("{}: use arg0, arg1, …", report.message));
        }
        let unnamed = self.arguments().is_empty() && self.count() > 0;
        unnamed.then(|| "BTF doesn't name its arguments: use arg0, arg1, …".to_owned())
    }

    fn btf(&self) -> Option<&Btf> {
        self.known().module.as_ref()
    }
}

fn load(index: usize, int: Int) -> Node {
    Node::Context {
        offset: index as i16 * 8,
        int,
    }
}
