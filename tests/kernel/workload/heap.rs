//! Memory of the process: known sizes from known functions, most of them never freed.

use libc::{MAP_ANONYMOUS, MAP_FAILED, MAP_PRIVATE, PROT_READ, c_void};
use std::hint::black_box;
use std::ptr::{null, null_mut};

const THREADS: u64 = 32;

/// Does `NAME:SIZE:TIMES`: the function of that name, so often.
pub(super) fn step(name: &str, size: usize, times: u64) {
    let allocate: fn(usize) -> *const c_void = match name {
        "malloc" => leak_malloc,
        "calloc" => leak_calloc,
        "posix_memalign" => leak_posix_memalign,
        "aligned_alloc" => leak_aligned_alloc,
        "mmap" => leak_mmap,
        "realloc" => leak_realloc,
        "realloc-first" => leak_realloc_first,
        "realloc-refused" => leak_realloc_refused,
        "freed" => freed,
        "failed" => failed,
        "threads" => return in_threads(size, times),
        other => panic!("no such step: {other}"),
    };
    for _ in 0..times {
        black_box(allocate(black_box(size)));
    }
}

macro_rules! leaks {
    ($($(#[$doc:meta])* $name:ident($size:ident) $body:block)*) => {$(
        $(#[$doc])*
        #[inline(never)]
        fn $name($size: usize) -> *const c_void {
            // SAFETY: what is freed was allocated; what is allocated isn't touched.
            black_box(unsafe { $body })
        }
    )*};
}

leaks! {
    leak_malloc(size) { libc::malloc(size) }
    leak_calloc(size) { libc::calloc(size, 2) }
    leak_posix_memalign(size) {
        let mut at = null_mut();
        assert_eq!(libc::posix_memalign(&raw mut at, 64, size), 0);
        at
    }
    leak_aligned_alloc(size) { libc::aligned_alloc(64, size) }
    leak_mmap(size) { libc::mmap(null_mut(), size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) }
    /// Larger in its place or elsewhere, and smaller, until it has the size.
    leak_realloc(size) {
        let sizes = [16, 5000, 100, 300_000, 40];
        let grown = sizes.into_iter().fold(null_mut(), |at, size| black_box(libc::realloc(at, size)));
        libc::realloc(grown, size)
    }
    /// Of nothing it is a malloc, which glibc does by that.
    leak_realloc_first(size) { libc::realloc(null_mut(), size) }
    /// What can't be made larger stays.
    leak_realloc_refused(size) {
        let at = libc::malloc(size);
        assert!(libc::realloc(at, black_box(usize::MAX / 4)).is_null());
        at
    }
    /// All of it is let go.
    freed(size) {
        libc::free(black_box(libc::malloc(size)));
        libc::free(black_box(libc::calloc(size, 2)));
        libc::free(black_box(libc::realloc(libc::malloc(size), 8 * size)));
        libc::realloc(black_box(libc::malloc(size)), 0);
        let mut at = null_mut();
        libc::posix_memalign(&raw mut at, 64, size);
        libc::free(black_box(at));
        libc::munmap(leak_mmap(size).cast_mut(), size);
        null()
    }
    /// None of it is had.
    failed(size) {
        assert!(black_box(libc::malloc(usize::MAX / 2 - size)).is_null());
        assert!(black_box(libc::calloc(usize::MAX / 2, 4)).is_null());
        let mut at = null_mut();
        assert_ne!(libc::posix_memalign(&raw mut at, 3, size), 0);
        assert_eq!(libc::mmap(null_mut(), 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), MAP_FAILED);
        null()
    }
}

/// The first step, from as many threads at once.
fn in_threads(size: usize, times: u64) {
    let threads = (0..THREADS).map(|_| std::thread::spawn(move || step("malloc", size, times)));
    let threads: Vec<_> = threads.collect();
    for thread in threads {
        thread.join().expect("a thread ends");
    }
}
