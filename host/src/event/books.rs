//! The books of a declaration: its sites' books, added up and given their words.

use crate::rows::Books;
use moontrace_abi::{Book, Note, Outcome};

/// One site: its book, and the hits that the kernel skipped its program for, where this kernel can tell.
pub struct SiteBook {
    pub book: Book,
    pub missed: Option<u64>,
}

/// Adds up the books of a declaration's sites.
pub fn books(probe: String, sites: &[SiteBook]) -> Books {
    let outcome = |outcome: Outcome| {
        sites
            .iter()
            .map(|site| site.book.outcomes[outcome as usize])
            .sum::<u64>()
    };
    let note = |note: Note| {
        sites
            .iter()
            .map(|site| site.book.notes[note as usize])
            .sum::<u64>()
    };
    let lost = Outcome::LOSSES
        .iter()
        .map(|(cause, name)| (*name, outcome(*cause)));
    let notes = Note::ALL.iter().map(|(cause, name)| (*name, note(*cause)));
    Books {
        probe,
        filtered: outcome(Outcome::Filtered),
        delivered: outcome(Outcome::Delivered),
        lost: lost.filter(|(_, count)| *count > 0).collect(),
        missed: sites.iter().map(|site| site.missed).sum(),
        notes: notes.filter(|(_, count)| *count > 0).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_are_added_up_and_an_unknown_makes_the_sum_unknown() {
        let site = |delivered, ring, missed| {
            let mut book = Book::default();
            book.outcomes[Outcome::Delivered as usize] = delivered;
            book.outcomes[Outcome::Ring as usize] = ring;
            SiteBook { book, missed }
        };
        let both = books("p".into(), &[site(3, 0, Some(1)), site(4, 2, Some(0))]);
        assert_eq!((both.hits(), both.delivered, both.missed), (9, 7, Some(1)));
        assert_eq!(both.lost, [("ring", 2)]);
        assert_eq!(
            books("p".into(), &[site(1, 0, None), site(1, 0, Some(5))]).missed,
            None
        );
    }
}
