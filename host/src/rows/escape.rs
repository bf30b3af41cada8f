//! Strings of traced processes, made safe to show.

use std::fmt::Write;

/// The text with everything escaped that could move a cursor, change a colour or turn the direction of writing, and with
/// bytes that are no UTF-8 as `\xff`.
pub fn printable(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            escape(&mut out, letter);
        }
        for byte in chunk.invalid() {
            hex(&mut out, *byte);
        }
    }
    out
}

/// The same for what scripts print, whose lines and tabs are meant.
pub fn lines(bytes: &[u8]) -> String {
    let parts = bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\t'));
    let mut out = String::with_capacity(bytes.len());
    for part in parts {
        match part.split_last() {
            Some((end @ (b'\n' | b'\t'), text)) => {
                out.push_str(&printable(text));
                out.push(char::from(*end));
            }
            _ => out.push_str(&printable(part)),
        }
    }
    out
}

fn escape(out: &mut String, letter: char) {
    match letter {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\0'..='\x1f' | '\x7f' => hex(out, letter as u8),
        letter if steers(letter) => out.extend(letter.escape_unicode()),
        letter => out.push(letter),
    }
}

fn hex(out: &mut String, byte: u8) {
    // Writing to a String can't fail.
    let _ = write!(out, "\\x{byte:02x}");
}

/// Control characters; line and paragraph separators and the marks of writing direction, which make a text look like another
/// one.
pub fn steers(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_steer_a_terminal_is_escaped_and_nothing_else() {
        assert_eq!(printable("naïve ☃ C:\\dir".as_bytes()), "naïve ☃ C:\\dir");
        assert_eq!(
            printable(b"a\x1b[2J\x07\n\r\t\x7f"),
            "a\\x1b[2J\\x07\\n\\r\\t\\x7f"
        );
        assert_eq!(printable(b"\xff\xc3(\xe2\x82"), "\\xff\\xc3(\\xe2\\x82");
        assert_eq!(
            printable("\u{9b}2J\u{202e}txt".as_bytes()),
            "\\u{9b}2J\\u{202e}txt"
        );
        assert_eq!(lines(b"a\tb\x1b[m\n\xffc"), "a\tb\\x1b[m\n\\xffc");
    }
}
