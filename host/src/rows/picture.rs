//! Pictures of tables, as scripts ask for them.

/// What of a table a flame graph shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flame {
    /// The column that says how wide a frame is; the first, unless said.
    pub column: Option<String>,
    pub title: Option<String>,
}
