//! The books in words, with what helps against each kind of loss.

use crate::rows::Books;

/// What a probe lost, was skipped for and noted; `None` when all is well.
pub fn words(books: &Books) -> Option<String> {
    let (probe, losses, hits) = (&books.probe, books.losses(), books.hits());
    let mut lines = Vec::new();
    if losses > 0 {
        lines.push(format!("{probe}: {losses} of {hits} events lost"));
        let causes = books.lost.iter();
        lines.extend(causes.map(|(cause, count)| format!("  {cause} {count}: {}", loss(cause))));
    }
    if let Some(missed) = books.missed.filter(|missed| *missed > 0) {
        lines.push(format!(
            "{probe}: the kernel skipped {missed} hits, in which the program was running already"
        ));
    }
    for (cause, count) in books.notes.iter().filter(|(cause, _)| *cause != UNREAD) {
        lines.push(format!("{probe}: {cause} {count}: {}", note(cause)));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Events that waited when the script ended the run: it wanted no more of them.
const UNREAD: &str = "unread";
const UNKNOWN: &str = "no more is known";

/// What a cause means, and what helps.
fn loss(cause: &str) -> &'static str {
    match cause {
        "ring" => {
            "the ring buffer was full; --ring 64MiB makes it larger, :where makes events fewer"
        }
        "read" => "memory that a condition, a key or a column needs could not be read",
        "full" => {
            "there is no room for another key: these updates are lost; tally{ keys = … } and span{ keys = … } give more, :where makes keys fewer"
        }
        "memory" => {
            "the kernel had no memory for another key; :where or a coarser key makes keys fewer"
        }
        "stacks" => {
            "there was no room for another stack; tally{ stacks = N } and span{ stacks = N } give more, kstack(N) makes fewer"
        }
        "busy" => "the hit interrupted another one at work on the same memory",
        _ => UNKNOWN,
    }
}

fn note(cause: &str) -> &'static str {
    match cause {
        "division by zero" => "the result is 0",
        "truncated" => {
            "strings were cut to the length of their field; str(p, 1024) gives more room"
        }
        "fault" => "fields could not be read and are nil",
        "contended" => {
            "a smallest or largest value was left as it was, since others changed it all the time"
        }
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_when_all_is_well() {
        let books = Books {
            probe: "p".into(),
            filtered: 5,
            delivered: 7,
            missed: Some(0),
            notes: vec![("unread", 3)],
            ..Books::default()
        };
        assert_eq!(words(&books), None);
    }

    #[test]
    fn each_loss_comes_with_what_helps() {
        let books = Books {
            probe: "kprobe:vfs_read".into(),
            filtered: 0,
            delivered: 88,
            lost: vec![("ring", 10), ("read", 2)],
            missed: Some(4),
            notes: vec![("fault", 1), ("truncated", 6)],
        };
        insta::assert_snapshot!(words(&books).unwrap(), @r"
        kprobe:vfs_read: 12 of 100 events lost
          ring 10: the ring buffer was full; --ring 64MiB makes it larger, :where makes events fewer
          read 2: memory that a condition, a key or a column needs could not be read
        kprobe:vfs_read: the kernel skipped 4 hits, in which the program was running already
        kprobe:vfs_read: fault 1: fields could not be read and are nil
        kprobe:vfs_read: truncated 6: strings were cut to the length of their field; str(p, 1024) gives more room
        ");
    }

    #[test]
    fn every_cause_and_note_of_the_kernel_half_has_its_words() {
        for (_, cause) in moontrace_abi::Outcome::LOSSES {
            assert_ne!(loss(cause), UNKNOWN, "{cause}");
        }
        for (_, cause) in moontrace_abi::Note::ALL {
            assert_ne!(note(cause), UNKNOWN, "{cause}");
        }
    }
}
