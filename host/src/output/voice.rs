//! What moontrace says for itself where there is no writer: on standard error.

use crate::rows::escape;
use std::io::{self, IsTerminal, Write};

/// Says a line or several. What comes from a script in it does not steer a terminal.
pub fn say(text: &str) {
    let mut stream = io::stderr();
    let text = match stream.is_terminal() {
        true => escape::lines(text.as_bytes()),
        false => text.to_owned(),
    };
    // With nobody to read it, the status says enough.
    let _ = writeln!(stream, "{text}");
}
