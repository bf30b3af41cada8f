//! Debug information in a file of its own, found as gdb does: by the binary's build id, else by the name that it keeps.

use super::sections::Sections;
use crate::facts::elf::with_object;
use crate::report::Report;
use object::Object;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Where distributions put it.
const DIRECTORY: &str = "usr/lib/debug";

/// What a binary says of the file with its debug information.
#[derive(Default)]
struct Link {
    build_id: Option<Vec<u8>>,
    /// A file's name, and the CRC-32 of its content.
    name: Option<(String, u32)>,
}

/// The file that goes with the binary at `path`, below one of the roots.
///
/// # Errors
/// When there is none, with where it was looked for.
pub(super) fn find(path: &Path, roots: &[PathBuf]) -> Result<Sections, Report> {
    let link = link(path)?;
    let by_id = link
        .build_id
        .as_deref()
        .and_then(id_path)
        .map(|place| roots.iter().map(|root| root.join(&place)).collect());
    let by_id: Vec<PathBuf> = by_id.unwrap_or_default();
    for candidate in &by_id {
        if let Some(sections) = opened(candidate) {
            return Ok(sections);
        }
    }
    for candidate in named(path, &link, roots) {
        let belongs = candidate != path && belongs(&candidate, &link);
        if let Some(sections) = belongs.then(|| opened(&candidate)).flatten() {
            return Ok(sections);
        }
    }
    let shown = path.display();
    let report = Report::new(format!("{shown} has no debug information"));
    Err(match by_id.last() {
        Some(place) => report.help(format!("a file with it would be {}", place.display())),
        None => report.help("compilers write it with -g"),
    })
}

fn link(path: &Path) -> Result<Link, Report> {
    with_object(path, |object| {
        let name = object.gnu_debuglink().ok().flatten();
        let name = name.and_then(|(name, sum)| {
            let name = std::str::from_utf8(name).ok()?;
            // A file's name and no way out of its directory.
            let plain = !name.is_empty() && !name.contains('/') && name != "..";
            plain.then(|| (name.to_owned(), sum))
        });
        Ok(Link {
            build_id: object.build_id().ok().flatten().map(<[u8]>::to_vec),
            name,
        })
    })
}

/// `usr/lib/debug/.build-id/ab/cdef….debug`
fn id_path(id: &[u8]) -> Option<PathBuf> {
    let (first, rest) = id.split_first()?;
    let rest: String = rest.iter().map(|byte| format!("{byte:02x}")).collect();
    (!rest.is_empty())
        .then(|| Path::new(DIRECTORY).join(format!(".build-id/{first:02x}/{rest}.debug")))
}

/// Where a file of the kept name may be: beside the binary, in `.debug` there, and at the same place below the directory
/// of debug information.
fn named(path: &Path, link: &Link, roots: &[PathBuf]) -> Vec<PathBuf> {
    let path = real(path);
    let (Some((name, _)), Some(directory)) = (&link.name, path.parent()) else {
        return Vec::new();
    };
    let mut all = vec![directory.join(name), directory.join(".debug").join(name)];
    for root in roots {
        let inner = directory.strip_prefix(root).unwrap_or(directory);
        let inner = inner.strip_prefix("/").unwrap_or(inner);
        all.push(root.join(DIRECTORY).join(inner).join(name));
    }
    all
}

/// A file's own place, all links followed; not where those of another process's root lead here.
fn real(path: &Path) -> PathBuf {
    let same = |other: &PathBuf| {
        let (Ok(one), Ok(other)) = (path.metadata(), other.metadata()) else {
            return false;
        };
        (one.dev(), one.ino()) == (other.dev(), other.ino())
    };
    let followed = path.canonicalize().ok().filter(same);
    followed.unwrap_or_else(|| path.to_owned())
}

fn opened(path: &Path) -> Option<Sections> {
    Sections::open(path)
        .ok()
        .filter(|sections| sections.has(".debug_info"))
}

/// Was it made with the binary? The build ids say so, else the sum of its bytes.
fn belongs(path: &Path, link: &Link) -> bool {
    let Ok(other) = self::link(path) else {
        return false;
    };
    match (&link.build_id, &other.build_id, &link.name) {
        (Some(wanted), Some(id), _) => wanted == id,
        (_, _, Some((_, wanted))) => sum(path) == Some(*wanted),
        _ => false,
    }
}

/// The CRC-32 of a file's bytes, as objcopy writes it into `.gnu_debuglink` (that of IEEE 802.3).
fn sum(path: &Path) -> Option<u32> {
    let mut file = File::open(path).ok()?;
    let table: [u32; 256] = std::array::from_fn(|byte| {
        (0..8).fold(byte as u32, |sum, _| match sum & 1 {
            0 => sum >> 1,
            _ => sum >> 1 ^ 0xedb8_8320,
        })
    });
    let (mut sum, mut buffer) = (u32::MAX, vec![0; 1 << 16]);
    loop {
        let length = file.read(&mut buffer).ok()?;
        if length == 0 {
            return Some(!sum);
        }
        for byte in buffer.get(..length)? {
            let at = (sum ^ u32::from(*byte)) & 0xff;
            sum = sum >> 8 ^ table.get(at as usize)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_objcopy() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("nine");
        std::fs::write(&path, "123456789").unwrap();
        assert_eq!(sum(&path), Some(0xcbf4_3926));
    }

    #[test]
    fn build_ids_are_places() {
        let place = id_path(&[0xab, 0x01, 0xff]).unwrap();
        assert_eq!(place, Path::new("usr/lib/debug/.build-id/ab/01ff.debug"));
        assert_eq!(id_path(&[1]), None);
    }
}
