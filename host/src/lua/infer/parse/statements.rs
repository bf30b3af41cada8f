//! Statements.

use super::expressions::{Shape, extend};
use super::{Parsed, Parser};
use crate::lua::infer::tree::{Block, Expression, Link, LinkKind, Statement, VariableId};
use crate::lua::lex::Token;

impl<'a> Parser<'a> {
    pub(super) fn block(&mut self) -> Parsed<Block<'a>> {
        self.scoped(Self::statements)
    }

    fn statements(&mut self) -> Parsed<Block<'a>> {
        let mut block = Vec::new();
        while !matches!(
            self.token,
            Token::End | Token::Fixed("end" | "else" | "elseif" | "until")
        ) {
            let last = self.is("return");
            block.extend(self.nested(Self::statement)?);
            if last {
                break;
            }
        }
        Ok(block)
    }

    /// One statement; `None` for those that leave nothing to follow.
    fn statement(&mut self) -> Parsed<Option<Statement<'a>>> {
        let line = self.line;
        let Token::Fixed(word) = self.token else {
            return self.expression_statement().map(Some);
        };
        let statement = match word {
            ";" | "break" => {
                self.advance()?;
                return Ok(None);
            }
            "goto" => {
                self.advance()?;
                self.name()?;
                return Ok(None);
            }
            "::" => {
                self.advance()?;
                self.name()?;
                self.expect("::")?;
                if let Some(function) = self.current_function() {
                    function.labels = true;
                }
                return Ok(None);
            }
            "if" => self.if_statement()?,
            "while" => {
                self.advance()?;
                let test = Some(self.expression()?);
                self.expect("do")?;
                let body = self.block()?;
                self.expect("end")?;
                Statement::Loop {
                    values: Vec::new(),
                    test,
                    body,
                }
            }
            "do" => {
                self.advance()?;
                let body = self.block()?;
                self.expect("end")?;
                Statement::Do(body)
            }
            "for" => self.for_statement()?,
            "repeat" => {
                self.advance()?;
                self.scoped(|parser| {
                    let body = parser.statements()?;
                    parser.expect("until")?;
                    let test = Some(parser.expression()?);
                    Ok(Statement::Loop {
                        values: Vec::new(),
                        test,
                        body,
                    })
                })?
            }
            "function" => self.function_statement()?,
            "local" => {
                self.advance()?;
                if self.accept("function")? {
                    self.local_function()?
                } else {
                    self.local_names()?
                }
            }
            "return" => {
                self.advance()?;
                let ends = matches!(
                    self.token,
                    Token::End | Token::Fixed("end" | "else" | "elseif" | "until" | ";")
                );
                let values = if ends {
                    Vec::new()
                } else {
                    self.expressions()?
                };
                self.accept(";")?;
                Statement::Return { values, line }
            }
            _ => self.expression_statement()?,
        };
        Ok(Some(statement))
    }

    fn if_statement(&mut self) -> Parsed<Statement<'a>> {
        let mut arms = Vec::new();
        let mut otherwise = Vec::new();
        loop {
            self.advance()?;
            let test = self.expression()?;
            self.expect("then")?;
            arms.push((test, self.block()?));
            if !self.is("elseif") {
                break;
            }
        }
        if self.accept("else")? {
            otherwise = self.block()?;
        }
        self.expect("end")?;
        Ok(Statement::If { arms, otherwise })
    }

    fn for_statement(&mut self) -> Parsed<Statement<'a>> {
        self.advance()?;
        let mut names = vec![self.name()?];
        let values = if self.accept("=")? {
            let values = self.expressions()?;
            if !(2..=3).contains(&values.len()) {
                return Err(self.error("'for' takes a first value, a last one, and perhaps a step"));
            }
            values
        } else {
            while self.accept(",")? {
                names.push(self.name()?);
            }
            self.expect("in")?;
            self.expressions()?
        };
        self.expect("do")?;
        let body = self.scoped(|parser| {
            for name in names {
                parser.declare(name);
            }
            parser.block()
        })?;
        self.expect("end")?;
        Ok(Statement::Loop {
            values,
            test: None,
            body,
        })
    }

    /// `function a.b:c() … end` assigns to `a.b.c`.
    fn function_statement(&mut self) -> Parsed<Statement<'a>> {
        let first_line = self.line;
        self.advance()?;
        let name = self.name()?;
        let mut target = self.resolve(name);
        let mut method = false;
        while !method && (self.is(".") || self.is(":")) {
            method = self.is(":");
            self.advance()?;
            let line = self.line;
            let field = self.name()?;
            target = extend(
                target,
                Link {
                    kind: LinkKind::Field(field),
                    line,
                },
            );
        }
        self.assigned(&target);
        let function = self.function_body(first_line, method)?;
        Ok(Statement::Assign {
            targets: vec![target],
            values: vec![Expression::Function(function)],
            line: first_line,
        })
    }

    fn local_function(&mut self) -> Parsed<Statement<'a>> {
        let name = self.name()?;
        let variable = self.declare(name);
        let function = self.function_body(self.line, false)?;
        self.tree.variables[variable.0].function = Some(function);
        Ok(Statement::Local {
            names: vec![variable],
            values: vec![Expression::Function(function)],
        })
    }

    fn local_names(&mut self) -> Parsed<Statement<'a>> {
        let mut names = Vec::new();
        loop {
            names.push(self.name()?);
            if self.accept("<")? {
                let attribute = self.name()?;
                if !matches!(attribute, "const" | "close") {
                    return Err(self.error(format!("unknown attribute '{attribute}'")));
                }
                self.expect(">")?;
            }
            if !self.accept(",")? {
                break;
            }
        }
        let values = if self.accept("=")? {
            self.expressions()?
        } else {
            Vec::new()
        };
        let names: Vec<VariableId> = names.into_iter().map(|name| self.declare(name)).collect();
        for (variable, value) in names.iter().zip(&values) {
            if let Expression::Function(function) = value {
                self.tree.variables[variable.0].function = Some(*function);
            }
        }
        Ok(Statement::Local { names, values })
    }

    fn expression_statement(&mut self) -> Parsed<Statement<'a>> {
        let line = self.line;
        let (first, shape) = self.suffixed()?;
        if !self.is("=") && !self.is(",") {
            return if shape == Shape::Call {
                Ok(Statement::Call(first))
            } else {
                Err(self.error("syntax error"))
            };
        }
        let mut targets = vec![(first, shape)];
        while self.accept(",")? {
            targets.push(self.suffixed()?);
        }
        if targets.iter().any(|(_, shape)| *shape != Shape::Assignable) {
            return Err(self.error("syntax error: cannot assign to this"));
        }
        self.expect("=")?;
        let values = self.expressions()?;
        let targets: Vec<_> = targets.into_iter().map(|(target, _)| target).collect();
        targets.iter().for_each(|target| self.assigned(target));
        Ok(Statement::Assign {
            targets,
            values,
            line,
        })
    }

    fn assigned(&mut self, target: &Expression<'a>) {
        if let Expression::Local(variable) = target {
            self.tree.variables[variable.0].assigned = true;
        }
    }
}
