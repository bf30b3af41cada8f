//! The sections of debug information in a file: read in the parts that are asked for, as most of them are large.

use super::Damage;
use crate::facts::elf::with_object;
use crate::report::Report;
use gimli::{EndianRcSlice, LittleEndian};
use object::read::CompressionFormat;
use object::{Object, ObjectSection};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Bytes of DWARF, shared by all who read them.
pub(super) type Bytes = EndianRcSlice<LittleEndian>;

/// The most bytes that are read as one: a section that is needed whole, a unit, what was compressed. Larger than that
/// are units of browsers with all optimisation of their link.
const MOST: u64 = 256 << 20;
/// The longest name that is read.
const LONGEST_NAME: usize = 4096;

/// A file with debug information.
pub(super) struct Sections {
    pub(super) path: PathBuf,
    file: File,
    sections: BTreeMap<String, Section>,
    /// What stands for a section that the file doesn't have.
    none: Bytes,
}

struct Section {
    offset: u64,
    /// Bytes in the file.
    size: u64,
    compression: CompressionFormat,
    /// Bytes of the content.
    content_size: u64,
    whole: OnceCell<Result<Bytes, Damage>>,
}

impl Sections {
    /// Finds the sections; reads none.
    ///
    /// # Errors
    /// When the file can't be read, or is no ELF file of this machine's kind.
    pub(super) fn open(path: &Path) -> Result<Self, Report> {
        let sections = with_object(path, |object| {
            let named = object.sections().filter_map(|section| {
                let name = section.name().ok()?;
                let place = section.compressed_file_range().ok()?;
                name.starts_with(".debug_").then(|| {
                    let section = Section {
                        offset: place.offset,
                        size: place.compressed_size,
                        compression: place.format,
                        content_size: place.uncompressed_size,
                        whole: OnceCell::new(),
                    };
                    (name.to_owned(), section)
                })
            });
            Ok(named.collect())
        })?;
        let file = File::open(path)
            .map_err(|error| Report::new(format!("{} can't be read: {error}", path.display())))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            sections,
            none: shared(Vec::new()),
        })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.size(name) > 0
    }

    /// Bytes of a section's content; 0 where there is none.
    pub(super) fn size(&self, name: &str) -> u64 {
        self.sections
            .get(name)
            .map_or(0, |section| section.content_size)
    }

    /// A whole section, empty where there is none; kept for the next time.
    pub(super) fn whole(&self, name: &str) -> Result<Bytes, Damage> {
        let Some(section) = self.sections.get(name) else {
            return Ok(self.none.clone());
        };
        let read = || self.read_whole(name, section).map(shared);
        section.whole.get_or_init(read).clone()
    }

    fn read_whole(&self, name: &str, section: &Section) -> Result<Vec<u8>, Damage> {
        if section.size > MOST || section.content_size > MOST {
            return Err(Damage::new(format!("{name} is larger than {MOST} bytes")));
        }
        let bytes = self.read(section.offset, section.size)?;
        match section.compression {
            CompressionFormat::None => Ok(bytes),
            CompressionFormat::Zlib => {
                let most = usize::try_from(section.content_size).unwrap_or(0);
                miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(&bytes, most)
                    .map_err(|error| Damage::new(format!("{name} can't be unpacked: {error}")))
            }
            _ => Err(Damage::new(format!(
                "{name} is compressed in a way that moontrace can't unpack: objcopy --decompress-debug-sections does"
            ))),
        }
    }

    /// So many bytes of a section, fewer at its end.
    pub(super) fn part(&self, name: &str, offset: u64, length: u64) -> Result<Vec<u8>, Damage> {
        let Some(section) = self.sections.get(name) else {
            return Ok(Vec::new());
        };
        if section.compression != CompressionFormat::None {
            let whole = self.whole(name)?;
            let tail = usize::try_from(offset)
                .ok()
                .and_then(|offset| whole.bytes().get(offset..))
                .unwrap_or_default();
            let length = tail
                .len()
                .min(usize::try_from(length).unwrap_or(usize::MAX));
            return Ok(tail.get(..length).unwrap_or_default().to_vec());
        }
        let length = length.min(section.size.saturating_sub(offset));
        if length > MOST {
            return Err(Damage::new(format!(
                "{length} bytes of {name} belong together, which is more than {MOST}"
            )));
        }
        self.read(section.offset.saturating_add(offset), length)
    }

    /// The text at an offset of a section, up to its NUL.
    pub(super) fn text(&self, name: &str, offset: u64) -> Option<String> {
        // Most names are short.
        for length in [128, LONGEST_NAME] {
            let bytes = self.part(name, offset, length as u64).ok()?;
            if let Some(end) = memchr::memchr(0, &bytes) {
                return bytes
                    .get(..end)
                    .map(|text| String::from_utf8_lossy(text).into_owned());
            }
        }
        None
    }

    fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>, Damage> {
        let left = self
            .file
            .metadata()
            .map_or(0, |of| of.len())
            .saturating_sub(offset);
        if length > left {
            return Err(Damage::new("it reaches behind the file's end"));
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        self.file
            .read_exact_at(&mut bytes, offset)
            .map_err(|error| Damage::new(error.to_string()))?;
        Ok(bytes)
    }
}

pub(super) fn shared(bytes: Vec<u8>) -> Bytes {
    Bytes::new(Rc::from(bytes), LittleEndian)
}
