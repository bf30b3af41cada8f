//! Rows → text and JSON: pure. One writer owns the output stream.
