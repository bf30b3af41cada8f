//! A Lua chunk as far as values have to be followed in it: names are resolved, and what computes is not told apart.
//!
//! Chains (`a.b(c):d`) and operators (`a + b - c`) are flat lists, so the tree is no deeper than the parser's recursion.

/// Indices into a [`Tree`]'s lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct VariableId(pub(super) usize);
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FunctionId(pub(super) usize);

#[derive(Debug, Default)]
pub(super) struct Tree<'a> {
    /// The chunk itself is the first.
    pub(super) functions: Vec<Function<'a>>,
    pub(super) variables: Vec<Variable<'a>>,
}

/// Lines as `lua_getinfo` gives them in `linedefined` and `lastlinedefined`.
#[derive(Debug, Default)]
pub(super) struct Function<'a> {
    pub(super) parameters: Vec<VariableId>,
    pub(super) variadic: bool,
    pub(super) body: Block<'a>,
    pub(super) first_line: u32,
    pub(super) last_line: u32,
    /// It has labels, so its statements may run in another order than they are written in.
    pub(super) labels: bool,
}

/// A local variable or parameter.
#[derive(Debug)]
pub(super) struct Variable<'a> {
    pub(super) name: &'a str,
    /// The function that declares it.
    pub(super) owner: FunctionId,
    /// An inner function uses it.
    pub(super) captured: bool,
    /// It is assigned to behind its declaration.
    pub(super) assigned: bool,
    /// The function that its declaration gives it.
    pub(super) function: Option<FunctionId>,
}

pub(super) type Block<'a> = Vec<Statement<'a>>;

/// `goto`, labels and `break` leave nothing.
#[derive(Debug)]
pub(super) enum Statement<'a> {
    Local {
        names: Vec<VariableId>,
        values: Vec<Expression<'a>>,
    },
    Assign {
        targets: Vec<Expression<'a>>,
        values: Vec<Expression<'a>>,
        line: u32,
    },
    Call(Expression<'a>),
    Do(Block<'a>),
    If {
        arms: Vec<(Expression<'a>, Block<'a>)>,
        otherwise: Block<'a>,
    },
    /// All four: `values` are evaluated once, `test` each time round.
    Loop {
        values: Vec<Expression<'a>>,
        test: Option<Expression<'a>>,
        body: Block<'a>,
    },
    Return {
        values: Vec<Expression<'a>>,
        line: u32,
    },
}

#[derive(Debug)]
pub(super) enum Expression<'a> {
    Nil,
    /// A number, `true`, `false` or `...`.
    Constant,
    String(Vec<u8>),
    Local(VariableId),
    Global(&'a str),
    Function(FunctionId),
    /// Keys (where written) and values.
    Table {
        fields: Vec<(Option<Self>, Self)>,
        line: u32,
    },
    Chain {
        head: Box<Self>,
        links: Vec<Link<'a>>,
    },
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    /// Every other operator: the result is a new value.
    Compute(Vec<Self>),
}

/// What is done to the value before it in a chain.
#[derive(Debug)]
pub(super) struct Link<'a> {
    pub(super) kind: LinkKind<'a>,
    pub(super) line: u32,
}

#[derive(Debug)]
pub(super) enum LinkKind<'a> {
    Field(&'a str),
    Index(Expression<'a>),
    Call(Vec<Expression<'a>>),
    Method(&'a str, Vec<Expression<'a>>),
}
