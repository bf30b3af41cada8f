//! Runs a handler in thought: which paths of the event can each name hold, and which of them are read?
//!
//! A branch joins what its arms leave, a loop goes round until nothing new appears, a function of the same chunk is
//! gone into where it is called. Names that inner functions share hold everything that is ever put into them.

mod expressions;

use super::tree::{Block, Expression, FunctionId, LinkKind, Statement, Tree, VariableId};
use super::{Escape, Inferred, Read};
use std::collections::BTreeMap;

/// Statements, expressions and copied paths before giving up: some ten milliseconds.
const BUDGET: u32 = 200_000;
/// Statements and expressions within each other, calls included, before giving up: less than a thread's stack holds.
const DEPTH: u32 = 400;
/// Parts of a path, and paths in one name, before giving up on a walk along a list (`x = x.next`).
const PARTS: usize = 24;
const ALTERNATIVES: usize = 64;
/// Rounds of a loop, and of the whole for shared names. Each adds a path, so few are ever needed.
const ROUNDS: usize = 32;

/// What a value may be: paths of the event (the empty one is the event itself), and the line where each was written.
/// No path: something that is none of the event's.
type Paths = BTreeMap<String, u32>;

/// `None` when no function stands at these lines.
pub(super) fn follow(tree: &Tree, first_line: u32, last_line: u32) -> Option<Inferred> {
    let mut follower = Follower::new(tree);
    let mut found = false;
    for (index, function) in tree.functions.iter().enumerate().skip(1) {
        if (function.first_line, function.last_line) == (first_line, last_line) {
            found = true;
            follower.handler(FunctionId(index));
        }
    }
    found.then(|| follower.finish())
}

/// A name's value now, and how many loops surrounded its declaration.
#[derive(Clone, PartialEq)]
struct Binding {
    paths: Paths,
    loops: u32,
}

type Environment = BTreeMap<VariableId, Binding>;

struct Follower<'t> {
    tree: &'t Tree<'t>,
    environment: Environment,
    /// All that shared names ever held.
    shared: BTreeMap<VariableId, Paths>,
    /// Read as values.
    used: Paths,
    /// Bound to a name, or tested: reads, unless fields of them are read.
    touched: Paths,
    escape: Option<Escape>,
    /// Functions of the chunk that are being gone into.
    calls: Vec<FunctionId>,
    loops: u32,
    depth: u32,
    budget: u32,
    /// Where the handler begins.
    first_line: u32,
}

impl<'t> Follower<'t> {
    fn new(tree: &'t Tree<'t>) -> Self {
        Self {
            tree,
            environment: Environment::new(),
            shared: BTreeMap::new(),
            used: Paths::new(),
            touched: Paths::new(),
            escape: None,
            calls: Vec::new(),
            loops: 0,
            depth: 0,
            budget: BUDGET,
            first_line: 1,
        }
    }

    fn handler(&mut self, id: FunctionId) {
        let function = &self.tree.functions[id.0];
        self.first_line = function.first_line;
        if function.parameters.is_empty() {
            if function.variadic {
                let why = "the event comes as '...', where it can't be followed: make it a parameter, or name the fields that are read with :fetch";
                self.escape(function.first_line, why);
            }
            return;
        }
        for _ in 0..ROUNDS {
            let before = self.shared.clone();
            self.environment.clear();
            self.enter(
                id,
                vec![Paths::from([(String::new(), function.first_line)])],
            );
            if self.shared == before {
                break;
            }
        }
    }

    fn finish(self) -> Inferred {
        let mut reads = self.used;
        let mut all = self.touched;
        add(&mut all, reads.clone());
        for (path, line) in &all {
            let next = all.range(format!("{path}.")..).next();
            if !next.is_some_and(|(next, _)| is_below(next, path)) {
                reads.entry(path.clone()).or_insert(*line);
            }
        }
        let reads = reads
            .into_iter()
            .map(|(path, line)| Read { path, line })
            .collect();
        Inferred {
            reads,
            escape: self.escape,
        }
    }

    /// Runs a function's body with these arguments.
    fn enter(&mut self, id: FunctionId, mut arguments: Vec<Paths>) {
        let function = &self.tree.functions[id.0];
        arguments.resize(function.parameters.len(), Paths::new());
        for (parameter, paths) in function.parameters.iter().zip(arguments) {
            self.declare(*parameter, paths);
        }
        self.block(&function.body);
    }

    fn block(&mut self, block: &'t Block<'t>) {
        for statement in block {
            self.within_bounds(|follower| follower.statement(statement));
        }
    }

    /// Goes one level down, unless that was too many or too deep.
    fn within_bounds<T: Default>(&mut self, go: impl FnOnce(&mut Self) -> T) -> T {
        if self.budget == 0 || self.depth == DEPTH {
            self.escape(self.first_line, "the handler is too tangled to be followed: name the fields that it reads with :fetch");
            return T::default();
        }
        self.budget -= 1;
        self.depth += 1;
        let result = go(self);
        self.depth -= 1;
        result
    }

    fn statement(&mut self, statement: &'t Statement<'t>) {
        match statement {
            Statement::Local { names, values } => {
                let values = self.values(values, names.len());
                for (name, paths) in names.iter().zip(values) {
                    self.declare(*name, paths);
                }
            }
            Statement::Assign {
                targets,
                values,
                line,
            } => {
                let values = self.values(values, targets.len());
                for (target, paths) in targets.iter().zip(values) {
                    self.assign(target, paths, *line);
                }
            }
            Statement::Call(call) => drop(self.value(call)),
            Statement::Do(block) => self.block(block),
            Statement::If { arms, otherwise } => self.branch(arms, otherwise),
            Statement::Loop { values, test, body } => {
                for value in values {
                    self.test(value);
                }
                self.round_and_round(test.as_ref(), body);
            }
            Statement::Return { values, line } => {
                for value in values {
                    let paths = self.value(value);
                    self.let_go(paths, *line, "is returned");
                }
            }
        }
    }

    fn branch(&mut self, arms: &'t [(Expression<'t>, Block<'t>)], otherwise: &'t Block<'t>) {
        let mut joined = Environment::new();
        for (test, body) in arms {
            self.test(test);
            let before = self.snapshot();
            self.block(body);
            let after = std::mem::replace(&mut self.environment, before);
            join(&mut joined, after);
        }
        self.block(otherwise);
        join(&mut self.environment, joined);
    }

    /// In a loop, names from outside of it only gain paths; so it is done when nothing changes any more.
    fn round_and_round(&mut self, test: Option<&'t Expression<'t>>, body: &'t Block<'t>) {
        self.loops += 1;
        for _ in 0..ROUNDS {
            let before = self.snapshot();
            self.block(body);
            if let Some(test) = test {
                self.test(test);
            }
            if self.environment == before || self.budget == 0 {
                break;
            }
        }
        self.loops -= 1;
    }

    fn snapshot(&mut self) -> Environment {
        let size: usize = self
            .environment
            .values()
            .map(|binding| 1 + binding.paths.len())
            .sum();
        self.spend(size);
        self.environment.clone()
    }

    fn spend(&mut self, steps: usize) {
        self.budget = self
            .budget
            .saturating_sub(steps.try_into().unwrap_or(u32::MAX));
    }

    /// The values of a list that fills `wanted` places.
    fn values(&mut self, list: &'t [Expression<'t>], wanted: usize) -> Vec<Paths> {
        let mut values: Vec<Paths> = list.iter().map(|value| self.value(value)).collect();
        // What nobody takes has been read all the same.
        for paths in values.iter().skip(wanted) {
            self.touch(paths);
        }
        values.resize(wanted, Paths::new());
        values
    }

    fn declare(&mut self, variable: VariableId, paths: Paths) {
        self.touch(&paths);
        let paths = if self.is_shared(variable) {
            self.share(variable, paths)
        } else {
            paths
        };
        self.environment.insert(
            variable,
            Binding {
                paths,
                loops: self.loops,
            },
        );
    }

    fn assign(&mut self, target: &'t Expression<'t>, paths: Paths, line: u32) {
        match target {
            Expression::Local(variable) => self.reassign(*variable, paths, line),
            Expression::Global(name) => self.let_go(
                paths,
                line,
                &format!("is kept in '{name}', which outlives the handler"),
            ),
            Expression::Chain { head, links } => {
                if let Some((last, before)) = links.split_last() {
                    self.chain(head, before);
                    if let LinkKind::Index(key) = &last.kind {
                        let key = self.value(key);
                        self.let_go(key, line, "is a key of a table");
                    }
                }
                self.let_go(paths, line, "is stored in a table");
            }
            _ => {}
        }
    }

    fn reassign(&mut self, variable: VariableId, paths: Paths, line: u32) {
        let Some(loops) = self.environment.get(&variable).map(|binding| binding.loops) else {
            let name = self.tree.variables[variable.0].name;
            return self.let_go(
                paths,
                line,
                &format!("is kept in '{name}', which outlives the handler"),
            );
        };
        self.touch(&paths);
        let shared = self.is_shared(variable);
        let paths = if shared {
            self.share(variable, paths)
        } else {
            paths
        };
        if let Some(binding) = self.environment.get_mut(&variable) {
            if shared || loops < self.loops {
                add(&mut binding.paths, paths);
            } else {
                binding.paths = paths;
            }
        }
    }

    /// May it be assigned to in an order that the text does not show?
    fn is_shared(&self, variable: VariableId) -> bool {
        let variable = &self.tree.variables[variable.0];
        variable.captured || self.tree.functions[variable.owner.0].labels
    }

    fn share(&mut self, variable: VariableId, paths: Paths) -> Paths {
        let all = self.shared.entry(variable).or_default();
        add(all, paths);
        all.clone()
    }

    fn test(&mut self, expression: &'t Expression<'t>) {
        let paths = self.value(expression);
        self.touch(&paths);
    }

    fn touch(&mut self, paths: &Paths) {
        note(&mut self.touched, paths);
    }

    fn use_values(&mut self, paths: &Paths) {
        note(&mut self.used, paths);
    }

    /// These go where they can't be followed: harmless for values, an escape for what only has fields.
    fn let_go(&mut self, paths: Paths, line: u32, how: &str) {
        self.use_values(&paths);
        if let Some(path) = paths.into_keys().find(|path| has_only_fields(path)) {
            let what = if path.is_empty() {
                "the event".to_owned()
            } else {
                format!("the event's '{path}'")
            };
            self.escape(line, &format!("{what} {how}, where it can't be followed: name the fields that are read of it with :fetch"));
        }
    }

    /// The first one is told.
    fn escape(&mut self, line: u32, why: &str) {
        self.escape.get_or_insert_with(|| Escape {
            line,
            why: why.to_owned(),
        });
    }
}

/// Things without a value of their own.
fn has_only_fields(path: &str) -> bool {
    matches!(path, "" | "args" | "from")
}

fn is_below(path: &str, parent: &str) -> bool {
    path.strip_prefix(parent)
        .is_some_and(|rest| rest.starts_with('.'))
}

/// Adds paths that are values to `known`; the first line stays.
fn note(known: &mut Paths, paths: &Paths) {
    for (path, line) in paths.iter().filter(|(path, _)| !has_only_fields(path)) {
        known.entry(path.clone()).or_insert(*line);
    }
}

fn add(to: &mut Paths, more: Paths) {
    for (path, line) in more {
        to.entry(path).or_insert(line);
    }
}

/// What a name may hold after either of two ways.
fn join(to: &mut Environment, other: Environment) {
    for (variable, binding) in other {
        match to.get_mut(&variable) {
            Some(known) => add(&mut known.paths, binding.paths),
            None => drop(to.insert(variable, binding)),
        }
    }
}
