//! Probes by patterns, held against each other without asking a kernel: nothing that is not allowed is even looked up.

use crate::spec::Pattern;
use crate::spec::probe::expand;

/// Is everything that `wanted` may match matched by `given`? Where that can't be told from the texts, it isn't.
pub(super) fn covers(given: &Pattern, wanted: &Pattern) -> bool {
    given == wanted
        || given.kind == wanted.kind
            && given.parts.len() == wanted.parts.len()
            && wanted
                .parts
                .iter()
                .zip(&given.parts)
                .all(|(wanted, given)| {
                    let given = expand(given);
                    let all = expand(wanted);
                    let mut all = all.iter().map(String::as_bytes);
                    all.all(|wanted| given.iter().any(|given| includes(given.as_bytes(), wanted)))
                })
}

/// The patterns without braces that one with braces is short for; `None` where they are more than anybody writes.
pub(super) fn alternatives(pattern: &Pattern) -> Option<Vec<Pattern>> {
    const MOST: usize = 4096;
    let mut all = vec![Vec::new()];
    for part in &pattern.parts {
        let choices = expand(part);
        if all.len() * choices.len() > MOST {
            return None;
        }
        let with = |parts: &Vec<String>| {
            let with = |choice: &String| [&parts[..], std::slice::from_ref(choice)].concat();
            choices.iter().map(with).collect::<Vec<_>>()
        };
        all = all.iter().flat_map(with).collect();
    }
    let kind = pattern.kind;
    let made = all.into_iter().map(|parts| Pattern { kind, parts });
    Some(made.collect())
}

/// May both match the same?
pub(super) fn meet(one: &Pattern, other: &Pattern) -> bool {
    one.kind == other.kind
        && one.parts.len() == other.parts.len()
        && one.parts.iter().zip(&other.parts).all(|(one, other)| {
            let others = expand(other);
            expand(one).iter().any(|one| {
                let mut others = others.iter();
                others.any(|other| intersect(one.as_bytes(), other.as_bytes()))
            })
        })
}

/// Does `outer` match whatever `inner` does? Its own stars take what `inner` has in the place, stars and all.
fn includes(outer: &[u8], inner: &[u8]) -> bool {
    reaches(outer, inner, &|outer, inner| {
        inner != b'*' && (outer == inner || outer == b'?')
    })
}

/// The classic match of a pattern with stars, in the time of both lengths' product: `fits` says of a letter of it, none a star,
/// what it may stand for.
fn reaches(pattern: &[u8], text: &[u8], fits: &dyn Fn(u8, u8) -> bool) -> bool {
    // Which beginnings of the text the pattern so far matches.
    let mut here = vec![false; text.len() + 1];
    here[0] = true;
    for letter in pattern {
        let before = std::mem::take(&mut here);
        here = vec![false; text.len() + 1];
        for at in 0..=text.len() {
            here[at] = match letter {
                b'*' => before[at] || at > 0 && here[at - 1],
                letter => at > 0 && before[at - 1] && fits(*letter, text[at - 1]),
            };
        }
    }
    here[text.len()]
}

/// Is there a text that both match?
fn intersect(one: &[u8], other: &[u8]) -> bool {
    // Which pairs of beginnings have a text in common.
    let mut before = vec![false; other.len() + 1];
    for i in 0..=one.len() {
        let mut here = vec![false; other.len() + 1];
        for j in 0..=other.len() {
            let skips = |from: bool, pattern: &[u8], at: usize| from && pattern[at - 1] == b'*';
            here[j] = match (i, j) {
                (0, 0) => true,
                _ => {
                    let over_one = i > 0 && skips(before[j], one, i);
                    let over_other = j > 0 && skips(here[j - 1], other, j);
                    let both = i > 0 && j > 0 && {
                        let (a, b) = (one[i - 1], other[j - 1]);
                        let same = a == b || a == b'?' || b == b'?';
                        a != b'*' && b != b'*' && same && before[j - 1]
                            || a == b'*' && b != b'*' && here[j - 1]
                            || b == b'*' && a != b'*' && before[j]
                    };
                    over_one || over_other || both
                }
            };
        }
        before = here;
    }
    before[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::probe::matches;
    use proptest::prelude::*;

    proptest! {
        /// Against patterns matched with all texts of some letters.
        #[test]
        fn patterns_are_compared_as_the_texts_that_they_match(one in "[ab*?]{0,4}", other in "[ab*?]{0,4}") {
            let mut texts = vec![String::new()];
            for length in 0..6 {
                let longer: Vec<String> = texts.iter().filter(|text| text.len() == length)
                    .flat_map(|text| ["a", "b", "c"].map(|letter| format!("{text}{letter}"))).collect();
                texts.extend(longer);
            }
            let common = texts.iter().any(|text| matches(&one, text) && matches(&other, text));
            prop_assert_eq!(intersect(one.as_bytes(), other.as_bytes()), common);
            if includes(one.as_bytes(), other.as_bytes()) {
                let outside = texts.iter().find(|text| matches(&other, text) && !matches(&one, text));
                prop_assert_eq!(outside, None);
            }
        }
    }
}
