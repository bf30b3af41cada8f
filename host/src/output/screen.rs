//! A screen that is drawn again and again in the same place, as `top` draws.

/// Columns and lines of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) lines: usize,
}

/// Where the terminal's size isn't known.
const USUAL: Size = Size {
    columns: 80,
    lines: 24,
};

impl Size {
    /// Of the terminal that standard output is.
    pub(super) fn now() -> Self {
        terminal_size::terminal_size_of(std::io::stdout()).map_or(USUAL, |(columns, lines)| Self {
            columns: columns.0.into(),
            lines: lines.0.into(),
        })
    }
}

/// What is printed of a screen before it is drawn.
pub(super) struct Screen {
    text: Vec<u8>,
    /// Nothing of this program stands on the terminal yet that the screen takes the place of.
    first: bool,
}

const HOME: &str = "\x1b[H";
const ERASE_ALL: &str = "\x1b[2J";
const ERASE_LINE: &str = "\x1b[K";
const ERASE_BELOW: &str = "\x1b[J";

impl Screen {
    pub(super) fn new(first: bool) -> Self {
        Self {
            text: Vec::new(),
            first,
        }
    }

    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.text.extend_from_slice(bytes);
    }

    /// What to write, so that the text stands on the terminal and nothing else does. What the terminal has no room for is
    /// left out, and said in the last line: a longer text would scroll, and the next screen would find another place.
    pub(super) fn draw(&self, size: Size) -> String {
        let text = String::from_utf8_lossy(&self.text);
        let lines: Vec<&str> = text.lines().collect();
        // The cursor stands in the line behind the last.
        let room = size.lines.saturating_sub(1).max(1);
        let (shown, rest) = match lines.len() > room {
            true => lines.split_at(room - 1),
            false => (&lines[..], &[][..]),
        };
        let mut out = String::from(if self.first { ERASE_ALL } else { "" });
        out.push_str(HOME);
        let more = (!rest.is_empty()).then(|| format!("… {} more lines", rest.len()));
        for line in shown.iter().copied().chain(more.as_deref()) {
            out.push_str(cut(line, size.columns));
            out.push_str(ERASE_LINE);
            out.push('\n');
        }
        out.push_str(ERASE_BELOW);
        out
    }
}

/// The beginning of a line that fits. What a script prints to give it colours takes no columns.
fn cut(line: &str, columns: usize) -> &str {
    let (mut used, mut sequence) = (0, false);
    for (at, c) in line.char_indices() {
        match c {
            '\x1b' => sequence = true,
            _ if sequence => sequence = !c.is_ascii_alphabetic(),
            _ if used == columns => return &line[..at],
            _ => used += 1,
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(text: &str, columns: usize, lines: usize) -> String {
        let mut screen = Screen::new(false);
        screen.put(text.as_bytes());
        screen.draw(Size { columns, lines })
    }

    #[test]
    fn each_line_takes_the_place_of_the_one_that_stood_there() {
        assert_eq!(drawn("a\nb\n", 80, 24), "\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J");
        assert!(Screen::new(true).draw(USUAL).starts_with(ERASE_ALL));
    }

    #[test]
    fn what_has_no_room_is_left_out_and_said() {
        let drawn = drawn("one\ntwo\nthree\nfour\nfive\n", 80, 5);
        assert!(drawn.contains("three\x1b[K\n… 2 more lines\x1b[K\n\x1b[J"));
        assert!(!drawn.contains("four"));
        assert_eq!(drawn.matches('\n').count(), 4);
    }

    #[test]
    fn long_lines_are_cut_by_columns_not_by_bytes() {
        assert_eq!(cut("äöüß", 3), "äöü");
        assert_eq!(cut("\x1b[1mbold\x1b[0m", 4), "\x1b[1mbold\x1b[0m");
        assert_eq!(cut("\x1b[1mbold\x1b[0m", 2), "\x1b[1mbo");
    }
}
