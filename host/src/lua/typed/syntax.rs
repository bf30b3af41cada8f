//! Whether a text is whole.

use mlua::chunk::ChunkMode;
use mlua::{Error, Lua};

/// Would more lines make it right? A text with another mistake is whole: running it says what is wrong.
pub fn is_whole(text: &str) -> bool {
    let lua = Lua::new();
    let fails = |text: &str| {
        let chunk = lua.load(text).set_mode(ChunkMode::Text);
        chunk.into_function().err()
    };
    let is_open = |error: &Error| {
        matches!(
            error,
            Error::SyntaxError {
                incomplete_input: true,
                ..
            }
        )
    };
    // The line has been ended: a string in quotes that is open there stays open.
    let text = format!("{text}\n");
    match (fails(&format!("return {text}")), fails(&text)) {
        (Some(expression), Some(statement)) => !is_open(&expression) && !is_open(&statement),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn a_text_that_ends_too_early_is_not_whole() {
        for open in [
            "function f()",
            "f(",
            "x = {",
            "6 *",
            "probe 'a'\n:on(function(e)",
            "[[long",
            "if x then",
        ] {
            assert!(!is_whole(open), "{open}");
        }
        for whole in [
            "",
            "6*7",
            "x = 1",
            "f()",
            "x y",
            "'no end",
            "end",
            "-- nothing",
            "return 5",
            "probe 'a':count()",
        ] {
            assert!(is_whole(whole), "{whole}");
        }
    }
}
