//! The comments of a Lua module, or of the definitions for texts, that begin with three dashes: sentences, then an example behind four blanks, then what the
//! function takes and gives (`---@param NAME TYPE`, `---@return TYPE`), as editors read them, too.

#[derive(Default, Debug, PartialEq)]
pub(super) struct Comment {
    /// What is defined below it, as it is written there: `text.strftime(format, time)`; "" of what stands at the file's top.
    pub(super) head: String,
    pub(super) doc: String,
    pub(super) example: String,
    pub(super) takes: Vec<(String, String)>,
    pub(super) gives: String,
}

/// All of a module's, its own first.
pub(super) fn of(text: &str) -> Vec<Comment> {
    let mut comments = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let mut comment = Comment::default();
        let Some(first) = line.strip_prefix("---") else {
            continue;
        };
        comment.take(first);
        while let Some(next) = lines.next_if(|line| line.starts_with("---")) {
            comment.take(next.strip_prefix("---").unwrap_or_default());
        }
        if !comments.is_empty() {
            comment.head = lines.peek().copied().and_then(defined).unwrap_or_default();
        }
        comments.push(comment);
    }
    comments
}

impl Comment {
    /// `text.strftime`
    pub(super) fn name(&self) -> &str {
        self.head.split('(').next().unwrap_or_default()
    }

    /// A line behind its dashes.
    fn take(&mut self, line: &str) {
        if let Some(parameter) = line.strip_prefix("@param ") {
            let (name, ty) = parameter.split_once(' ').unwrap_or((parameter, "any"));
            self.takes.push((name.to_owned(), ty.to_owned()));
        } else if let Some(ty) = line.strip_prefix("@return ") {
            ty.clone_into(&mut self.gives);
        } else if let Some(code) = line.strip_prefix("     ") {
            if !self.example.is_empty() {
                self.example.push('\n');
            }
            self.example.push_str(code);
        } else if !line.trim().is_empty() {
            if !self.doc.is_empty() {
                self.doc.push(' ');
            }
            self.doc.push_str(line.trim());
        }
    }
}

/// What a line defines: `function text.ntop(address)`, `text.cls = host.screen`, `sport(sk) = sk.…`.
fn defined(line: &str) -> Option<String> {
    let head = match line.strip_prefix("function ") {
        Some(rest) => rest.split_inclusive(')').next()?,
        None => line.split_once(" = ")?.0,
    };
    Some(head.trim().to_owned())
}
