//! The tables by which the library matches a glob: all of its elements at once, a bit each.

use super::MapRef;
use super::function::{Done, Function};
use super::instruction::{R1, R2, R3};
use super::text::Purpose;
use crate::expr::tree::{Glob, Text};
use crate::report::Report;
use moontrace_abi::limits::{PATTERN, STRING};

/// A mask for each byte, the stars, and the bit that accepts.
const WORDS: usize = 258;

impl Function<'_> {
    /// r0 = 1 when the whole string matches, else 0.
    pub(super) fn like(&mut self, text: &Text, glob: &Glob) -> Done {
        let capacity = text.capacity();
        if usize::from(capacity) > STRING {
            return Err(Report::new(format!(
                "'like' takes a string of {STRING} bytes at most; this one may have {capacity}"
            ))
            .help(format!("give it a length with str(p, {STRING})")));
        }
        let table = table(glob)?;
        let mark = self.mark();
        let place = self.place_text(text, capacity, Purpose::Compare)?;
        let offset = self.asm.pattern(&table);
        self.point_at(R1, &place);
        self.asm.mov(R2, i32::from(capacity));
        self.asm.map(R3, MapRef::Patterns { offset });
        self.asm.library("lib_glob");
        self.release(mark);
        Ok(())
    }
}

/// See `lib_glob`: state `n` stands for "n elements are matched".
fn table(glob: &Glob) -> Done<[u64; WORDS]> {
    let mut table = [0; WORDS];
    let mut count = 0;
    for element in &glob.elements {
        if element.star {
            table[256] |= 1 << count;
            continue;
        }
        if count == PATTERN {
            return Err(Report::new(format!(
                "a pattern of 'like' has {PATTERN} elements at most, stars not counted: '{}' has more",
                String::from_utf8_lossy(&glob.source)
            )));
        }
        for (byte, mask) in table.iter_mut().take(256).enumerate() {
            if element.bytes[byte / 64] >> (byte % 64) & 1 == 1 {
                *mask |= 1 << count;
            }
        }
        count += 1;
    }
    table[257] = 1 << count;
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::tree::GlobElement;

    /// `*`, `?` and bytes that stand for themselves.
    fn glob(source: &str) -> Glob {
        let elements = source.bytes().map(|byte| match byte {
            b'*' => GlobElement {
                bytes: [0; 4],
                star: true,
            },
            b'?' => GlobElement {
                bytes: [u64::MAX; 4],
                star: false,
            },
            _ => {
                let mut bytes = [0; 4];
                bytes[usize::from(byte) / 64] |= 1 << (byte % 64);
                GlobElement { bytes, star: false }
            }
        });
        Glob {
            source: source.into(),
            elements: elements.collect(),
        }
    }

    /// What `lib_glob` does with a table.
    fn matches(pattern: &str, text: &str) -> bool {
        let table = table(&glob(pattern)).unwrap();
        let states = text.bytes().fold(1, |states: u64, byte| {
            ((states & table[usize::from(byte)]) << 1) | (states & table[256])
        });
        states & table[257] != 0
    }

    #[test]
    fn tables_match_whole_strings() {
        for (pattern, yes, no) in [
            ("", vec![""], vec!["a"]),
            ("*", vec!["", "a", "abc"], vec![]),
            ("a*", vec!["a", "ab"], vec!["", "ba"]),
            ("*.so", vec![".so", "x.so", "x.so.so"], vec!["x.so.1", "so"]),
            (
                "a*b?c*",
                vec!["abxc", "aXbYc", "abbbcc"],
                vec!["abc", "abx"],
            ),
            ("**a", vec!["a", "ba"], vec!["ab"]),
        ] {
            yes.iter()
                .for_each(|text| assert!(matches(pattern, text), "{pattern} {text}"));
            no.iter()
                .for_each(|text| assert!(!matches(pattern, text), "{pattern} {text}"));
        }
    }

    #[test]
    fn a_pattern_has_room_for_its_last_element() {
        let longest = "x".repeat(PATTERN);
        assert!(matches(&longest, &longest));
        assert!(
            table(&glob(&"x".repeat(PATTERN + 1)))
                .unwrap_err()
                .message
                .contains("63")
        );
    }
}
