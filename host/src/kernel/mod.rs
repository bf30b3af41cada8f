//! Link, load, attach; read maps and rings.
