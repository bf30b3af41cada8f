//! The books in words, with what helps against each kind of loss.

use crate::rows::Books;

/// What a probe lost, was skipped for, and noted; `None` when all is well.
pub fn words(books: &Books) -> Option<String> {
    let mut lines = Vec::new();
    if books.losses() > 0 {
        let causes: Vec<String> = books.lost.iter().map(|(cause, count)| format!("{count} {}", cause_words(cause))).collect();
        lines.push(format!("{}: {} of {} events lost: {}", books.probe, books.losses(), books.hits(), causes.join(", ")));
    }
    if let Some(missed) = books.missed.filter(|missed| *missed > 0) {
        lines.push(format!("{}: the kernel skipped the program for {missed} hits, in which it was running already", books.probe));
    }
    for (note, count) in &books.notes {
        lines.push(format!("{}: {count} {}", books.probe, note_words(note)));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn cause_words(cause: &str) -> &str {
    match cause {
        "ring" => "(the ring buffer was full: --ring 64MiB makes it larger, a :where in the kernel makes fewer events)",
        "read" => "(memory that a condition, a key or a column needs could not be read)",
        "full" => "(the table has no room for another key)",
        "memory" => "(the kernel had no memory for another key)",
        "busy" => "(the table was in use by what the hit interrupted)",
        other => other,
    }
}

fn note_words(note: &str) -> String {
    match note {
        "division by zero" => "divisions by zero gave 0".into(),
        "truncated" => "strings were longer than their field and cut: str(p, n) gives more room".into(),
        "fault" => "fields could not be read and are nil".into(),
        "unread" => "events waited unread when the script ended itself".into(),
        other => other.into(),
    }
}
