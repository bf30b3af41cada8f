//! Raw record + layout → event; raw table + shape → rows; raw books → books.

pub mod address;
pub mod books;
pub mod copied;
pub mod record;
pub mod span;
pub mod tally;
