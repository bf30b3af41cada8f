//! What may stand where the cursor is.

/// What may take the place of the text between `start` and the cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completions {
    /// Bytes of the line before it.
    pub start: usize,
    pub candidates: Vec<Candidate>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What is put in.
    pub text: String,
    /// What is listed: the name and, where it has one, its type.
    pub shown: String,
}

/// What the session's Lua knows, as it is now.
pub trait LuaNames {
    /// Names in a value, each with what it is (`function`, `tally`, `number`): of `""` the globals, of `a.b` what is in that
    /// table or, for a value of the API, its methods.
    fn names_in(&self, path: &str) -> Vec<(String, String)>;
    /// The texts of the definitions that were made with `define`.
    fn definitions(&self) -> Vec<String>;
}

/// What is offered, and what it was found by.
pub struct Completer {
    commands: Vec<String>,
}

impl Completer {
    /// `commands` may stand at the beginning of a line.
    pub fn new(commands: Vec<String>) -> Self {
        Self { commands }
    }

    pub fn complete(&mut self, text: &str, at: usize, _: &dyn LuaNames) -> Completions {
        let _ = (text, at, &self.commands);
        Completions::default()
    }
}
