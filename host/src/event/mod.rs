//! Raw record + layout → event; raw table + shape → rows; raw books → books.

pub mod books;
pub mod record;
pub mod tally;
