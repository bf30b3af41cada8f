//! Tokens → tree: the whole grammar of Lua 5.4, names resolved on the way.
//!
//! What Lua checks beyond its grammar (labels, constants, counts of locals) is left to Lua.

mod expressions;
mod statements;

use super::Unreadable;
use super::tree::{Expression, Function, FunctionId, Tree, Variable, VariableId};
use crate::lua::lex::{Lexer, Token};

/// Levels of nesting. Lua itself stops at 200 (LUAI_MAXCCALLS), so whatever it compiled is read.
const DEPTH: u32 = 200;

pub(super) fn parse(text: &str) -> Result<Tree<'_>, Unreadable> {
    let mut lexer = Lexer::new(text);
    let (token, line) = lexer.next()?;
    let mut parser = Parser {
        lexer,
        token,
        line,
        depth: 0,
        tree: Tree::default(),
        scopes: Vec::new(),
    };
    let chunk = parser.open_function();
    parser.tree.functions[chunk.0].variadic = true;
    let body = parser.block()?;
    if parser.token != Token::End {
        return Err(parser.unexpected("<eof>"));
    }
    parser.scopes.pop();
    parser.tree.functions[chunk.0].body = body;
    Ok(parser.tree)
}

/// The function whose text is being read: its visible locals, and the names that its statements gave.
struct Scope<'a> {
    function: FunctionId,
    visible: Vec<(&'a str, VariableId)>,
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// The current token, and the line it ends on.
    token: Token<'a>,
    line: u32,
    depth: u32,
    tree: Tree<'a>,
    scopes: Vec<Scope<'a>>,
}

type Parsed<T> = Result<T, Unreadable>;

impl<'a> Parser<'a> {
    fn advance(&mut self) -> Parsed<Token<'a>> {
        let (token, line) = self.lexer.next()?;
        self.line = line;
        Ok(std::mem::replace(&mut self.token, token))
    }

    fn is(&self, fixed: &str) -> bool {
        matches!(self.token, Token::Fixed(token) if token == fixed)
    }

    fn accept(&mut self, fixed: &str) -> Parsed<bool> {
        let fits = self.is(fixed);
        if fits {
            self.advance()?;
        }
        Ok(fits)
    }

    fn expect(&mut self, fixed: &str) -> Parsed<()> {
        if self.accept(fixed)? {
            Ok(())
        } else {
            Err(self.unexpected(&format!("'{fixed}'")))
        }
    }

    fn unexpected(&self, wanted: &str) -> Unreadable {
        let found = match &self.token {
            Token::Name(name) => format!("'{name}'"),
            Token::String(_) => "a string".to_owned(),
            Token::Number => "a number".to_owned(),
            Token::Fixed(fixed) => format!("'{fixed}'"),
            Token::End => "<eof>".to_owned(),
        };
        self.error(format!("{wanted} expected near {found}"))
    }

    fn error(&self, message: impl Into<String>) -> Unreadable {
        Unreadable::Syntax {
            line: self.line,
            message: message.into(),
        }
    }

    fn name(&mut self) -> Parsed<&'a str> {
        match self.token {
            Token::Name(name) => {
                self.advance()?;
                Ok(name)
            }
            _ => Err(self.unexpected("<name>")),
        }
    }

    /// Reads something that may hold itself, unless that goes too deep.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEPTH {
            return Err(self.error("nested too deeply"));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }
}

/// Names.
impl<'a> Parser<'a> {
    fn open_function(&mut self) -> FunctionId {
        let function = FunctionId(self.tree.functions.len());
        self.tree.functions.push(Function::default());
        self.scopes.push(Scope {
            function,
            visible: Vec::new(),
        });
        function
    }

    fn declare(&mut self, name: &'a str) -> VariableId {
        let variable = VariableId(self.tree.variables.len());
        if let Some(scope) = self.scopes.last_mut() {
            let owner = scope.function;
            scope.visible.push((name, variable));
            let declared = Variable {
                name,
                owner,
                captured: false,
                assigned: false,
                function: None,
            };
            self.tree.variables.push(declared);
        }
        variable
    }

    fn resolve(&mut self, name: &'a str) -> Expression<'a> {
        for (outward, scope) in self.scopes.iter().rev().enumerate() {
            if let Some((_, variable)) =
                scope.visible.iter().rev().find(|(known, _)| *known == name)
            {
                self.tree.variables[variable.0].captured |= outward > 0;
                return Expression::Local(*variable);
            }
        }
        Expression::Global(name)
    }

    /// Reads a stretch of text whose locals end with it.
    fn scoped<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let before = self.scopes.last().map_or(0, |scope| scope.visible.len());
        let result = read(self);
        if let Some(scope) = self.scopes.last_mut() {
            scope.visible.truncate(before);
        }
        result
    }

    fn current_function(&mut self) -> Option<&mut Function<'a>> {
        let id = self.scopes.last()?.function;
        self.tree.functions.get_mut(id.0)
    }
}
