//! From all that may stand somewhere to what a person reads.

use super::{Candidate, Completions};

/// More are not listed one by one: those that begin alike stand as one.
const SHOWN: usize = 100;

impl Candidate {
    /// A name and what it is.
    pub(super) fn new(text: impl Into<String>, kind: &str) -> Self {
        let text = text.into();
        let shown = match kind {
            "" => text.clone(),
            kind => format!("{text}  {kind}"),
        };
        Self { text, shown }
    }
}

impl Completions {
    /// Those of `all` that begin as `typed` does, which stands at `start`.
    pub(super) fn of(start: usize, typed: &str, all: impl IntoIterator<Item = Candidate>) -> Self {
        let fits = |candidate: &Candidate| candidate.text.starts_with(typed);
        let mut candidates: Vec<Candidate> = all.into_iter().filter(fits).collect();
        // What begins with underscores is rarely meant.
        let key = |candidate: &Candidate| {
            let rest = candidate.text.strip_prefix(typed).unwrap_or_default();
            (rest.starts_with('_'), candidate.text.clone())
        };
        candidates.sort_by_cached_key(key);
        candidates.dedup_by(|a, b| a.text == b.text);
        Self {
            start,
            candidates: few(candidates, typed),
        }
    }

    /// The same, where the typed text stands so many bytes further on.
    pub(super) fn moved(self, by: usize) -> Self {
        Self {
            start: self.start + by,
            ..self
        }
    }
}

/// As many as a person reads.
fn few(all: Vec<Candidate>, typed: &str) -> Vec<Candidate> {
    if all.len() <= SHOWN {
        return all;
    }
    let common = common(&all).to_owned();
    let mut stems = Vec::new();
    for group in all.chunk_by(|a, b| stem(&a.text, &common) == stem(&b.text, &common)) {
        stems.push(match group {
            [one] => one.clone(),
            [first, ..] => {
                let text = stem(&first.text, &common).to_owned();
                let shown = format!("{text}…  {}", group.len());
                Candidate { text, shown }
            }
            [] => continue,
        });
    }
    if stems.len() > SHOWN {
        let more = stems.len() - SHOWN;
        stems.truncate(SHOWN);
        // Without it, those that are left might have more in common than all.
        let text = match common.len() > typed.len() {
            true => common,
            false => typed.to_owned(),
        };
        let shown = format!("… and {more} more");
        stems.push(Candidate { text, shown });
    }
    stems
}

/// What all begin with.
fn common(all: &[Candidate]) -> &str {
    let Some((first, rest)) = all.split_first() else {
        return "";
    };
    let shared = |length: usize, other: &Candidate| {
        let pairs = first.text.bytes().zip(other.text.bytes()).take(length);
        pairs.take_while(|(a, b)| a == b).count()
    };
    let mut length = rest.iter().fold(first.text.len(), shared);
    while !first.text.is_char_boundary(length) {
        length -= 1;
    }
    &first.text[..length]
}

/// The beginning of a name, up to the first separator behind what all have in common.
fn stem<'n>(name: &'n str, common: &str) -> &'n str {
    let rest = name.get(common.len()..).unwrap_or_default();
    // A name may begin with several of them.
    let word = rest.len() - rest.trim_start_matches('_').len();
    match rest[word..].find(['_', ':', '.', '/', '-']) {
        Some(at) => &name[..common.len() + word + at + 1],
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(typed: &str, names: impl IntoIterator<Item = String>) -> Vec<(String, String)> {
        let all = names.into_iter().map(|name| Candidate::new(name, ""));
        let found = Completions::of(0, typed, all).candidates;
        found.into_iter().map(|of| (of.text, of.shown)).collect()
    }

    #[test]
    fn few_are_listed_as_they_are() {
        let names = ["tcp_a", "udp_a", "tcp_b", "tcp_a", "tcp__c"].map(String::from);
        let texts: Vec<String> = of("tcp_", names)
            .into_iter()
            .map(|(text, _)| text)
            .collect();
        assert_eq!(texts, ["tcp_a", "tcp_b", "tcp__c"]);
    }

    #[test]
    fn of_many_those_that_begin_alike_stand_as_one() {
        let v4 = (0..90).map(|n| format!("tcp_v4_{n}"));
        let v6 = (0..30).map(|n| format!("tcp_v6_{n}"));
        let all = v4.chain(v6).chain(["tcp_abort".to_owned()]);
        assert_eq!(
            of("tcp", all),
            [
                ("tcp_abort".into(), "tcp_abort".into()),
                ("tcp_v4_".into(), "tcp_v4_…  90".into()),
                ("tcp_v6_".into(), "tcp_v6_…  30".to_string()),
            ]
        );
    }

    #[test]
    fn what_is_not_shown_changes_nothing_of_what_all_have_in_common() {
        let all = (0..150).map(|n| format!("x_a{n:03}")).chain(["x_b".into()]);
        let found = of("x", all);
        assert_eq!(found.len(), SHOWN + 1);
        assert_eq!(found[SHOWN], ("x_".into(), "… and 51 more".to_string()));
    }
}
