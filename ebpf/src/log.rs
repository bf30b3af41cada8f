//! The library's own diagnostics: lines that `moontrace --engine-log` prints, for whoever works on it. The object that is
//! kept in the repo is built without the feature `log`, and holds nothing of them.

/// `log!(LEVEL, "format", values)`, with the levels, hints and values of aya-log. Values are names or fields: without the
/// feature they aren't looked at.
#[cfg(feature = "log")]
macro_rules! log {
    ($level:ident, $($words:tt)*) => {
        aya_log_ebpf::$level!((), $($words)*)
    };
}

#[cfg(not(feature = "log"))]
macro_rules! log {
    ($level:ident, $format:literal $(, $value:expr)*) => {{
        $(let _ = $value;)*
    }};
}
