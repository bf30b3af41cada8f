//! Names with `*`, `?` and `{a,b}` in them.

use std::collections::HashSet;

/// Alternatives that braces may make of one part.
pub(super) const ALTERNATIVES: usize = 4096;

/// Is it a name, with nothing in it that matches others?
pub fn is_plain(part: &str) -> bool {
    !part.contains(['*', '?', '{'])
}

/// The alternatives that braces make: `a{b,c}` is `ab` and `ac`. Stars stay. None where there are too many.
pub fn expand(part: &str) -> Vec<String> {
    alternatives(part).unwrap_or_default()
}

/// As [`expand`]; `None` when there are more than [`ALTERNATIVES`].
pub(super) fn alternatives(part: &str) -> Option<Vec<String>> {
    let (mut done, mut seen) = (Vec::new(), HashSet::new());
    let mut waiting = vec![part.to_string()];
    while let Some(next) = waiting.pop() {
        let Some((open, close)) = innermost(&next) else {
            if seen.insert(next.clone()) {
                done.push(next);
            }
            continue;
        };
        for choice in next[open + 1..close].split(',').rev() {
            waiting.push(format!("{}{choice}{}", &next[..open], &next[close + 1..]));
        }
        if waiting.len() + done.len() > ALTERNATIVES {
            return None;
        }
    }
    Some(done)
}

/// The first pair of braces that has none inside.
fn innermost(text: &str) -> Option<(usize, usize)> {
    let close = text.find('}')?;
    Some((text[..close].rfind('{')?, close))
}

/// Does the pattern match the whole name?
pub fn matches(pattern: &str, name: &str) -> bool {
    if pattern.contains('{') {
        return expand(pattern).iter().any(|pattern| matches(pattern, name));
    }
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    // Where the last star stands, and what it has taken so far.
    let mut star = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, taken)) = star else {
                    return false;
                };
                star = Some((at, taken + 1));
                p = at + 1;
                n = taken + 1;
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_and_stars_match_what_shells_match() {
        assert_eq!(expand("a{b,c}{,d}"), ["ab", "abd", "ac", "acd"]);
        assert_eq!(expand("a{b,{c,d}e}"), ["ab", "ace", "ade"]);
        assert!(matches("sys_*_open{,at}", "sys_enter_openat"));
        assert!(matches("a*b*c", "a__b_b_c"));
        assert!(matches("*", "") && matches("a**", "a"));
        assert!(!matches("a*b", "ac") && !matches("a", "aa") && !matches("", "a"));
        assert!(matches("?fs", "vfs") && !matches("?fs", "fs"));
    }

    #[test]
    fn endless_alternatives_are_none() {
        assert_eq!(alternatives(&"{a,b}".repeat(12)).unwrap().len(), 4096);
        assert_eq!(alternatives(&"{a,b}".repeat(40)), None);
    }
}
