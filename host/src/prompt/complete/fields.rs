//! Texts of the expression language: words, functions, the fields of the probe that they are about, and through structs
//! those behind them.

use super::cursor::Place;
use super::machine::{Known, Probe};
use super::{Candidate, Completions};
use crate::expr::types::Type;
use crate::expr::{self, Entry, Names, Scope, known};
use crate::facts::describe::{Named, value_names};
use crate::facts::{Facts, Match, Site};
use crate::lua;
use crate::plan::{self, Options, Traced};
use crate::report::{self, Report};
use crate::spec::probe::{is_plain, parse};
use crate::spec::{Definition, Given, Kind, Pattern, Source};
use std::collections::BTreeMap;

/// As a run without options would attach it.
const OPTIONS: Options = Options {
    traced: Traced::All,
    exact: false,
    most_sites: usize::MAX,
};

/// What may stand at the end of a text.
pub(super) fn complete(known: &mut Known<'_>, text: &str, place: &Place) -> Completions {
    if let Some(quoted) = open_quote(text) {
        return in_quotes(known.facts, text, quoted);
    }
    known.look_at(place.spec.as_deref());
    let probe = known.probe.as_ref().map(|(_, probe)| probe);
    let here = Here::new(known, probe, place);
    let word = text.len() - trailing_word(text);
    let (before, typed) = text.split_at(word);
    let all = match before.strip_suffix('.') {
        Some(object) if !object.ends_with('.') => here.behind(path_end(object)),
        Some(_) => Vec::new(),
        None if before.ends_with('$') => here.given(),
        None if typed.starts_with(|c: char| c.is_ascii_digit()) => Vec::new(),
        None => match here.values(before) {
            values if typed.is_empty() && !values.is_empty() => values,
            values => values.into_iter().chain(here.words()).collect(),
        },
    };
    Completions::of(word, typed, all)
}

/// What the names in a text mean.
struct Here<'k> {
    place: &'k Place,
    definitions: Vec<Definition>,
    /// Of no interest here.
    touched: expr::Touched,
    probe: Option<&'k Probe>,
    facts: &'k Facts,
    names: Box<dyn Names + 'k>,
    at_beginning: Option<Box<dyn Names + 'k>>,
}

impl<'k> Here<'k> {
    fn new(known: &'k Known<'k>, probe: Option<&'k Probe>, place: &'k Place) -> Self {
        let own = place.definitions.iter().filter_map(|text| {
            let nowhere = report::Place {
                file: "".into(),
                line: 0,
            };
            lua::definition(text, nowhere)
        });
        let names = match probe {
            Some(probe) => known.names(probe, &probe.site),
            None => known.facts.names(&Site::Timer, ""),
        };
        let beginning = probe.and_then(|probe| Some((probe, probe.beginning.as_ref()?)));
        Self {
            place,
            definitions: lua::definitions().into_iter().chain(own).collect(),
            touched: expr::Touched::default(),
            probe,
            facts: known.facts,
            names,
            at_beginning: beginning.map(|(probe, site)| known.names(probe, site)),
        }
    }

    /// The type of a part of the text, with the names that lists before it have made.
    fn type_of(&self, text: &str) -> Option<Type> {
        let entry = self.at_beginning.as_deref().map(Entry::new);
        let given: BTreeMap<String, Given> = self
            .place
            .given
            .iter()
            .map(|name| (name.clone(), Given::Int(0)))
            .collect();
        let mut bound = Vec::new();
        let source = |text: &str| Source {
            text: text.to_owned(),
            place: report::Place {
                file: "".into(),
                line: 0,
            },
        };
        for list in &self.place.lists {
            let scope = self.scope(&given, entry.as_ref(), &bound);
            let items = expr::list(&source(list), &scope).unwrap_or_else(|wrong| wrong.items);
            bound.extend(items.into_iter().map(|item| (item.name, item.checked)));
        }
        let scope = self.scope(&given, entry.as_ref(), &bound);
        expr::type_of(&source(text), &scope)
    }

    fn scope<'s>(
        &'s self,
        given: &'s BTreeMap<String, Given>,
        entry: Option<&'s Entry<'s>>,
        bound: &'s [(String, expr::Checked)],
    ) -> Scope<'s> {
        Scope {
            names: &*self.names,
            given,
            definitions: &self.definitions,
            bound,
            refused: expr::Refused::nothing(),
            entry,
            span: None,
            slots: &|_| expr::Slot(0),
            touched: &self.touched,
        }
    }

    /// What may follow `object.`
    fn behind(&self, object: &str) -> Vec<Candidate> {
        match object {
            "args" => self.arguments(),
            "from" => {
                let stored = self.place.stored.iter().flatten();
                let stored = stored.map(|name| Candidate::new(name, ""));
                let time = self.place.stored.as_ref();
                let time = time.map(|_| Candidate::new("time", "u64"));
                stored.chain(time).collect()
            }
            object => self
                .type_of(object)
                .map_or_else(Vec::new, |ty| self.members(&ty)),
        }
    }

    fn members(&self, of: &Type) -> Vec<Candidate> {
        let of = match of {
            Type::Struct(of) => of,
            Type::Pointer { to, .. } => match &**to {
                Type::Struct(of) => of,
                _ => return Vec::new(),
            },
            _ => return Vec::new(),
        };
        let members = self.names.typed_members(of).into_iter();
        members
            .map(|(name, member)| Candidate::new(name, &member.ty.to_string()))
            .collect()
    }

    /// The probe's arguments, those of the call that returns there among them.
    fn arguments(&self) -> Vec<Candidate> {
        self.offered(|description| description.arguments)
    }

    fn offered(&self, which: impl Fn(crate::facts::Description) -> Vec<Named>) -> Vec<Candidate> {
        let Some(probe) = self.probe else {
            return Vec::new();
        };
        let sites = [Some(&probe.site), probe.beginning.as_ref()];
        let described = sites
            .into_iter()
            .flatten()
            .flat_map(|site| which(self.facts.describe(site, &probe.name)));
        described
            .map(|named| Candidate::new(named.name, &named.ty))
            .collect()
    }

    /// What may stand where a value is wanted.
    fn words(&self) -> Vec<Candidate> {
        let mut all: Vec<Candidate> = known::words()
            .filter_map(|word| match word.known.name {
                word @ ("kstack" | "ustack") => Some(Candidate::new(word, "a stack")),
                word => Some(Candidate::new(word, &self.type_of(word)?.to_string())),
            })
            .collect();
        let arguments = self.arguments();
        if !arguments.is_empty() {
            all.push(Candidate::new("args.", ""));
        }
        all.extend(arguments);
        all.extend(self.offered(|description| description.words));
        if self.at_beginning.is_some() || self.place.stored.is_some() {
            all.push(Candidate::new("elapsed", "u64"));
        }
        if self.place.stored.is_some() {
            all.push(Candidate::new("from.", ""));
        }
        let columns = known::columns().iter().filter(|_| self.place.columns);
        let functions = known::functions().iter().chain(columns);
        all.extend(functions.map(|of| function(of.name, of.form)));
        all.extend(self.definitions.iter().map(|of| match of.parameters.len() {
            0 => Candidate::new(&of.name, "a definition"),
            _ => function(
                &of.name,
                &format!("{}({})", of.name, of.parameters.join(", ")),
            ),
        }));
        all
    }

    /// Names of values, where the text before compares something that has some: `args.which_clock == `, `args.flags & `.
    fn values(&self, before: &str) -> Vec<Candidate> {
        let before = before.trim_end();
        let compared = ["==", "~=", "&"]
            .iter()
            .find_map(|of| before.strip_suffix(of));
        let ty = compared.and_then(|text| self.type_of(path_end(text.trim_end())));
        let names = ty.map(|ty| value_names(&ty)).unwrap_or_default();
        let names = names.into_iter().map(|name| Candidate::new(name, ""));
        names.collect()
    }

    fn given(&self) -> Vec<Candidate> {
        let names = self.place.given.iter().map(String::as_str);
        let names = names.chain(["target"]);
        names.map(|name| Candidate::new(name, "")).collect()
    }
}

fn function(name: &str, form: &str) -> Candidate {
    Candidate {
        text: format!("{name}("),
        shown: form.to_owned(),
    }
}

impl Known<'_> {
    /// Finds the probe of a SPEC: of several, the first.
    fn look_at(&mut self, spec: Option<&str>) {
        let there = self.probe.as_ref().map(|(spec, _)| spec.as_str());
        if there == spec {
            return;
        }
        self.probe = spec.and_then(|spec| {
            let patterns = parse(spec).ok()?;
            let found = patterns.iter().find_map(|pattern| self.first(pattern))?;
            Some((spec.to_owned(), found))
        });
    }

    fn first(&mut self, pattern: &Pattern) -> Option<Probe> {
        if let Some(function) = function_named(pattern) {
            return Some(function);
        }
        let found = self.facts.matches(pattern, None).ok()?;
        of_match(self.facts, found.first()?).ok()
    }
}

fn of_match(facts: &Facts, found: &Match) -> Result<Probe, Report> {
    let attached = plan::attachment_of(facts, &OPTIONS, found)?;
    Ok(Probe {
        name: found.probe.clone(),
        site: attached.site,
        beginning: attached.beginning,
    })
}

/// A function of the kernel by its own name: whether it is there, and what may be attached to it, takes longer to find out
/// than what it is passed, and is the same.
fn function_named(pattern: &Pattern) -> Option<Probe> {
    let kinds = [Kind::Kprobe, Kind::Kretprobe, Kind::Fentry, Kind::Fexit];
    let plain = pattern.parts.iter().all(|part| is_plain(part));
    if !kinds.contains(&pattern.kind) || !plain {
        return None;
    }
    let (function, module) = pattern.parts.split_last()?;
    let function = function.split('+').next()?.to_owned();
    let module = module.first().cloned();
    let site = |at_return| match pattern.kind {
        Kind::Kprobe | Kind::Kretprobe => Site::Kprobe {
            function: function.clone(),
            module: module.clone(),
            ret: at_return,
        },
        _ => Site::Fentry {
            function: function.clone(),
            module: module.clone(),
            exit: at_return,
        },
    };
    let returns = matches!(pattern.kind, Kind::Kretprobe | Kind::Fexit);
    Some(Probe {
        name: pattern.to_string(),
        site: site(returns),
        beginning: returns.then(|| site(false)),
    })
}

/// Where the quotes open that a text ends within.
fn open_quote(text: &str) -> Option<usize> {
    let mut open = None;
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match (byte, open) {
            (b'\\', Some(_)) => drop(bytes.next()),
            (b'"' | b'\'', None) => open = Some((at, byte)),
            (byte, Some((_, quote))) if byte == quote => open = None,
            _ => {}
        }
    }
    open.map(|(at, _)| at)
}

/// Within quotes: the type of `as('struct …`.
fn in_quotes(facts: &Facts, text: &str, quote: usize) -> Completions {
    let is_type = text[..quote].trim_end().ends_with("as(");
    let Some(typed) = text.get(quote + 1..).filter(|_| is_type) else {
        return Completions::default();
    };
    structs(facts, typed).moved(quote + 1)
}

/// The kernel's structs and unions, by `struct NAME`.
pub(super) fn structs(facts: &Facts, typed: &str) -> Completions {
    let start = typed.rfind(' ').map_or(0, |space| space + 1);
    let (kind, name) = typed.split_at(start);
    let all = facts.btf().map(|btf| btf.struct_names());
    let begun = all.unwrap_or_default().into_iter();
    let begun = begun.filter(|known| known.starts_with(name));
    match kind {
        "struct " | "union " => {
            let named = begun.map(|name| Candidate::new(name, ""));
            Completions::of(start, name, named)
        }
        _ => {
            let kinds = ["struct ", "union "].map(|kind| Candidate::new(kind, ""));
            Completions::of(0, typed, kinds)
        }
    }
}

/// Bytes of the name that a text ends in.
fn trailing_word(text: &str) -> usize {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    text.bytes().rev().take_while(is_part).count()
}

/// The path that a text ends in: `args.sk`, `as('struct sock', x).f`, `a[0].b`.
fn path_end(text: &str) -> &str {
    let bytes = text.as_bytes();
    let mut start = text.len();
    loop {
        let before = start;
        while start > 0 && matches!(bytes[start - 1], b')' | b']') {
            match opening(&bytes[..start]) {
                Some(open) => start = open,
                None => return "",
            }
        }
        start -= trailing_word(&text[..start]);
        if start > 0 && bytes[start - 1] == b'$' {
            start -= 1;
        }
        if start == before || start == 0 || bytes[start - 1] != b'.' {
            return &text[start..];
        }
        start -= 1;
    }
}

/// Where the bracket opens that a text closes with.
fn opening(text: &[u8]) -> Option<usize> {
    let mut depth = 0;
    text.iter().rposition(|byte| {
        match byte {
            b')' | b']' => depth += 1,
            b'(' | b'[' => depth -= 1,
            _ => {}
        }
        depth == 0
    })
}
