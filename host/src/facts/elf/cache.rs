//! The loader's cache, `/etc/ld.so.cache`: library names and their files.

/// What begins the part that glibc has written since 2.2 (sysdeps/generic/dl-cache.h).
const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
const HEADER: usize = 48;
const ENTRY: usize = 24;
/// Of an entry's flags: a 64-bit x86 library.
const KIND_MASK: u32 = 0xff00;
const X86_64: u32 = 0x0300;

/// (name, file) of this machine's libraries in a cache; what makes no sense is left out.
pub(super) fn libraries(cache: &[u8]) -> Vec<(&str, &str)> {
    // Offsets of strings count from here; before it there may be a part for older loaders.
    let Some(cache) = memchr::memmem::find(cache, MAGIC).and_then(|at| cache.get(at..)) else {
        return Vec::new();
    };
    let word = |at: usize| -> Option<u32> {
        Some(u32::from_le_bytes(
            cache.get(at..at.checked_add(4)?)?.try_into().ok()?,
        ))
    };
    let text = |at: u32| -> Option<&str> {
        let tail = cache.get(at as usize..)?;
        std::str::from_utf8(&tail[..memchr::memchr(0, tail)?]).ok()
    };
    let count = word(MAGIC.len()).unwrap_or(0) as usize;
    let entries = cache.len().saturating_sub(HEADER) / ENTRY;
    (0..count.min(entries))
        .filter_map(|index| {
            let at = HEADER + index * ENTRY;
            let ours = word(at)? & KIND_MASK == X86_64;
            let found = (text(word(at + 4)?)?, text(word(at + 8)?)?);
            ours.then_some(found)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::mutation::mutated;
    use proptest::prelude::*;

    fn cache(flags: u32) -> Vec<u8> {
        let strings = HEADER + ENTRY;
        let mut bytes = MAGIC.to_vec();
        bytes.extend(1u32.to_le_bytes());
        bytes.resize(HEADER, 0);
        for word in [flags, strings as u32, strings as u32 + 8, 0, 0, 0] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(b"libx.so\0/usr/lib/libx.so\0");
        bytes
    }

    #[test]
    fn libraries_of_this_machine_are_listed() {
        assert_eq!(libraries(&cache(0x0303)), [("libx.so", "/usr/lib/libx.so")]);
        assert_eq!(libraries(&cache(0x0003)), []);
        let old = [b"ld.so-1.7.0\0\0\0\0\0".as_slice(), &cache(0x0303)].concat();
        assert_eq!(libraries(&old).len(), 1);
    }

    #[test]
    fn a_damaged_cache_has_what_is_left() {
        let whole = cache(0x0303);
        for length in 0..whole.len() {
            assert_eq!(libraries(&whole[..length]), []);
        }
    }

    proptest! {
        #[test]
        fn a_cache_of_any_bytes_is_read(bytes in mutated(cache(0x0303), std::iter::once(0..HEADER + ENTRY), 8)) {
            prop_assert!(libraries(&bytes).len() <= bytes.len() / ENTRY);
        }
    }
}
