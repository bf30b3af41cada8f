//! Text as lines of a terminal.

/// What a line holds.
const WIDTH: usize = 80;

/// The words, so many to a line as there is room for. The first line stands where the cursor is, at `column`; those behind it
/// are indented as far.
pub(super) fn wrapped(text: &str, column: usize) -> String {
    let (mut out, mut at) = (String::new(), column);
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if at > column {
            if at + 1 + length > WIDTH {
                out.push('\n');
                out.push_str(&" ".repeat(column));
                at = column;
            } else {
                out.push(' ');
                at += 1;
            }
        }
        out.push_str(word);
        at += length;
    }
    out
}

/// The text, each line of it behind so many blanks.
pub(super) fn indented(text: &str, blanks: usize) -> String {
    let lines = text.lines().map(|line| match line.is_empty() {
        true => String::new(),
        false => " ".repeat(blanks) + line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What a text says first.
pub(super) fn first_sentence(text: &str) -> &str {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        quoted ^= c == '`';
        let ends = matches!(c, '.' | '?') && !quoted;
        let rest = text.get(at + c.len_utf8()..).unwrap_or_default();
        if ends && (rest.is_empty() || rest.starts_with(' ')) {
            return text.get(..at + c.len_utf8()).unwrap_or(text);
        }
    }
    text
}

/// A line for each: what it is called, and beside it in one column what it is.
pub(super) fn columns<'a>(rows: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    /// The second column begins here at the latest: what is longer has a line by itself.
    const WIDEST: usize = 30;
    let rows: Vec<_> = rows.collect();
    let widths = rows.iter().map(|(name, _)| name.chars().count());
    let column = 4 + widths
        .filter(|width| *width <= WIDEST - 4)
        .max()
        .unwrap_or(0);
    let mut out = String::new();
    for (name, text) in rows {
        let end = 2 + name.chars().count();
        let gap = match end + 2 > column {
            true => "\n".to_owned() + &" ".repeat(column),
            false => " ".repeat(column - end),
        };
        out.push_str(&format!("  {name}{gap}{}\n", wrapped(text, column)));
    }
    out
}
