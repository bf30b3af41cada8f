//! Strings in quotes, with Lua's escapes (Lua manual §3.1).

use super::lex::refuse;
use crate::report::Report;

/// The bytes of the string that begins at `at`, and where it ends.
///
/// # Errors
/// A report that points into the text.
pub(super) fn quoted(text: &str, at: usize) -> Result<(Vec<u8>, usize), Report> {
    let bytes = text.as_bytes();
    let quote = bytes[at];
    let mut out = Vec::new();
    let mut here = at + 1;
    loop {
        let Some(byte) = bytes.get(here) else {
            let message = format!("the string has no closing {}", quote as char);
            return Err(refuse(text, at..text.len(), message));
        };
        here += 1;
        match byte {
            byte if *byte == quote => return Ok((out, here)),
            b'\\' => here = escape(text, here, &mut out)?,
            byte => out.push(*byte),
        }
    }
}

/// Reads what stands behind a backslash, at `here`; returns where that ends.
fn escape(text: &str, here: usize, out: &mut Vec<u8>) -> Result<usize, Report> {
    let rest = &text.as_bytes()[here..];
    let wrong = |length: usize, message: &str| {
        let mut end = (here + length).min(text.len());
        while !text.is_char_boundary(end) {
            end += 1;
        }
        refuse(text, here - 1..end, message)
    };
    let Some(letter) = rest.first() else {
        return Err(wrong(0, "the string ends within an escape"));
    };
    let byte = match letter {
        b'n' | b'\n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'v' => 11,
        b'\\' | b'"' | b'\'' => *letter,
        b'z' => {
            let spaces = rest[1..]
                .iter()
                .take_while(|byte| byte.is_ascii_whitespace());
            return Ok(here + 1 + spaces.count());
        }
        b'x' => {
            let digits = rest
                .get(1..3)
                .and_then(|digits| std::str::from_utf8(digits).ok());
            let digits =
                digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
            let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
            out.push(byte.ok_or_else(|| wrong(3, "\\x wants two hexadecimal digits"))?);
            return Ok(here + 3);
        }
        b'0'..=b'9' => {
            let digits = rest.iter().take(3).take_while(|byte| byte.is_ascii_digit());
            let (count, value) = digits.fold((0, 0u32), |(count, value), digit| {
                (count + 1, 10 * value + u32::from(digit - b'0'))
            });
            let byte = u8::try_from(value);
            out.push(byte.map_err(|_| wrong(count, "a byte is at most \\255"))?);
            return Ok(here + count);
        }
        b'u' => {
            let digits = text[here + 1..]
                .strip_prefix('{')
                .and_then(|rest| rest.split_once('}'));
            let code = digits.and_then(|(digits, _)| {
                let code = u32::from_str_radix(digits, 16)
                    .ok()
                    .and_then(char::from_u32);
                code.map(|code| (code, digits.len()))
            });
            let (code, length) =
                code.ok_or_else(|| wrong(1, "write \\u{41}, with the number of a character"))?;
            out.extend(code.encode_utf8(&mut [0; 4]).bytes());
            return Ok(here + length + 3);
        }
        _ => return Err(wrong(1, "there is no such escape in a string")),
    };
    out.push(byte);
    Ok(here + 1)
}
