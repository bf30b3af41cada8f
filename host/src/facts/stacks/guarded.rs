//! blazesym panics on some damaged files (0.2.7: `dwarf/lines.rs`, a line of a file that the table does not have), and any
//! process may map one: a trace must not end by that.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// What panics here is caught, and nobody has to know.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// What `read` gives; `None` where it panics. What it has used until then is not to be used again.
pub(super) fn guarded<R>(read: impl FnOnce() -> R) -> Option<R> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |info| {
            if !QUIET.get() {
                usual(info);
            }
        }));
    });
    QUIET.set(true);
    let read = catch_unwind(AssertUnwindSafe(read));
    QUIET.set(false);
    read.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_no_answer() {
        assert_eq!(guarded(|| 5), Some(5));
        assert_eq!(guarded(|| std::hint::black_box(&[1, 2][..])[7]), None);
        assert!(!QUIET.get());
    }
}
