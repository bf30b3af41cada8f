//! What expressions may be, and what they do to the event.

use super::{ALTERNATIVES, Follower, PARTS, Paths, add};
use crate::lua::infer::tree::{Expression, Link, LinkKind, VariableId};

impl<'t> Follower<'t> {
    /// What an expression may be. Whoever asks says what becomes of it: bound, tested, used, or let go.
    pub(super) fn value(&mut self, expression: &'t Expression<'t>) -> Paths {
        self.within_bounds(|follower| follower.evaluate(expression))
    }

    pub(super) fn evaluate(&mut self, expression: &'t Expression<'t>) -> Paths {
        match expression {
            Expression::Nil
            | Expression::Constant
            | Expression::String(_)
            | Expression::Global(_) => {}
            Expression::Local(variable) => {
                let paths = self
                    .environment
                    .get(variable)
                    .map(|binding| binding.paths.clone())
                    .unwrap_or_default();
                self.spend(paths.len());
                return paths;
            }
            Expression::Function(id) => self.enter(*id, Vec::new()),
            Expression::Table { fields, line } => {
                for (key, value) in fields {
                    for part in key.iter().chain([value]) {
                        let paths = self.value(part);
                        self.let_go(paths, *line, "is stored in a table");
                    }
                }
            }
            Expression::Chain { head, links } => return self.chain(head, links),
            Expression::And(list) => {
                if let Some((last, tests)) = list.split_last() {
                    tests.iter().for_each(|test| self.test(test));
                    return self.value(last);
                }
            }
            Expression::Or(list) => {
                let mut either = Paths::new();
                for value in list {
                    let paths = self.value(value);
                    self.touch(&paths);
                    add(&mut either, paths);
                }
                return either;
            }
            Expression::Not(of) => self.test(of),
            Expression::Compute(list)
                if list
                    .iter()
                    .any(|operand| matches!(operand, Expression::Nil)) =>
            {
                list.iter().for_each(|operand| self.test(operand));
            }
            Expression::Compute(list) => {
                for operand in list {
                    let paths = self.value(operand);
                    self.use_values(&paths);
                }
            }
        }
        Paths::new()
    }

    pub(super) fn chain(&mut self, head: &'t Expression<'t>, links: &'t [Link<'t>]) -> Paths {
        let mut paths = self.value(head);
        let (mut callee, mut name) = match head {
            Expression::Local(variable) => (Some(*variable), self.tree.variables[variable.0].name),
            Expression::Global(name) => (None, *name),
            _ => (None, "a function"),
        };
        for link in links {
            paths = match &link.kind {
                LinkKind::Field(field) => {
                    name = field;
                    self.field(paths, field, link.line)
                }
                LinkKind::Index(key) => self.index(paths, key, link.line),
                LinkKind::Call(arguments) => {
                    self.let_go(paths, link.line, "is called");
                    self.call(callee, name, arguments, link.line);
                    Paths::new()
                }
                LinkKind::Method(method, arguments) => {
                    let how = format!("is handed to '{method}'");
                    self.hand_over(arguments, link.line, &how);
                    if *method == "copy" && paths.contains_key("") {
                        paths
                    } else {
                        self.let_go(paths, link.line, &how);
                        Paths::new()
                    }
                }
            };
            callee = None;
        }
        paths
    }

    fn field(&mut self, paths: Paths, name: &str, line: u32) -> Paths {
        let mut below = Paths::new();
        let alternatives = paths.len();
        for path in paths.into_keys() {
            if alternatives > ALTERNATIVES || path.split('.').count() >= PARTS {
                self.escape(line, "a list is walked along, which the kernel can't foresee: name the fields that are read with :fetch");
                break;
            }
            let path = if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}.{name}")
            };
            below.insert(path, line);
        }
        below
    }

    fn index(&mut self, paths: Paths, key: &'t Expression<'t>, line: u32) -> Paths {
        if let Expression::String(bytes) = key
            && let Some(name) = std::str::from_utf8(bytes).ok().filter(|name| is_name(name))
        {
            return self.field(paths, name, line);
        }
        let key = self.value(key);
        self.let_go(key, line, "is a key of a table");
        self.let_go(paths, line, "is indexed with a key that is computed");
        Paths::new()
    }

    /// A call of a function that this chunk defines is gone into, when the event is among the arguments.
    fn call(
        &mut self,
        callee: Option<VariableId>,
        name: &str,
        arguments: &'t [Expression<'t>],
        line: u32,
    ) {
        let variable = callee.map(|variable| &self.tree.variables[variable.0]);
        let how = format!("is handed to '{name}'");
        let known = variable
            .filter(|variable| !variable.assigned)
            .and_then(|variable| variable.function);
        let Some(id) = known.filter(|id| !self.calls.contains(id)) else {
            return self.hand_over(arguments, line, &how);
        };
        let mut values = self.values(arguments, arguments.len());
        let parameters = self.tree.functions[id.0].parameters.len();
        for surplus in values.split_off(parameters.min(values.len())) {
            self.let_go(surplus, line, &how);
        }
        if values.iter().any(|paths| !paths.is_empty()) {
            self.calls.push(id);
            self.enter(id, values);
            self.calls.pop();
        }
    }

    fn hand_over(&mut self, arguments: &'t [Expression<'t>], line: u32, how: &str) {
        for argument in arguments {
            let paths = self.value(argument);
            self.let_go(paths, line, how);
        }
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
