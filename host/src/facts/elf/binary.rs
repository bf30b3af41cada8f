//! An ELF file's functions.

use super::file::{Object, with_object};
use super::segments::Segments;
use crate::report::Report;
use object::{ObjectSection, ObjectSymbol, SymbolFlags, elf};
use std::path::{Path, PathBuf};

/// What Go's linker leaves in its programs, stripped ones too (cmd/link/internal/ld of Go).
const GO_SECTIONS: [&str; 3] = [".go.buildinfo", ".gopclntab", ".note.go.buildid"];

/// What can be probed in a program or library.
#[derive(Clone, Debug)]
pub struct Binary {
    pub path: PathBuf,
    /// By name, then by place: several functions may have one name, static ones or versions of a library's.
    symbols: Vec<Symbol>,
    pub(super) segments: Segments,
    /// It has lost the table of all its functions, and names those that it exports only.
    pub is_stripped: bool,
    /// A Go program: its stacks move, and a return probe would break it.
    pub is_go: bool,
}

/// A function of a binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    pub name: String,
    /// Bytes from the start of the file.
    pub offset: u64,
    /// Bytes of the function; 0 where the file doesn't say.
    pub size: u64,
}

impl Binary {
    /// Reads the functions of an ELF file: those of its symbol table and those it exports.
    ///
    /// # Errors
    /// When it can't be read, or is no ELF file of this machine's kind.
    pub fn open(path: &Path) -> Result<Self, Report> {
        with_object(path, |object| Ok(Self::read(path, object)))
    }

    fn read(path: &Path, object: &Object<'_>) -> Self {
        use object::Object;
        let segments = Segments::of(object);
        let mut symbols: Vec<Symbol> = object
            .symbols()
            .chain(object.dynamic_symbols())
            .filter(|symbol| symbol.is_definition() && is_function(symbol.flags()))
            .filter_map(|symbol| {
                let name = symbol
                    .name()
                    .ok()
                    .filter(|name| !name.is_empty())?
                    .to_owned();
                Some(Symbol {
                    name,
                    offset: segments.code(symbol.address())?,
                    size: symbol.size(),
                })
            })
            .collect();
        symbols.sort_unstable_by(|a, b| (&a.name, a.offset).cmp(&(&b.name, b.offset)));
        symbols.dedup_by(|a, b| (&a.name, a.offset) == (&b.name, b.offset));
        let is_go = object
            .sections()
            .any(|section| section.name().is_ok_and(|name| GO_SECTIONS.contains(&name)));
        Self {
            path: path.to_owned(),
            symbols,
            segments,
            is_stripped: object.symbol_table().is_none(),
            is_go,
        }
    }

    /// Sorted by name.
    pub fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }

    /// The first function of that name.
    pub fn symbol(&self, name: &str) -> Option<&Symbol> {
        self.called(name).first()
    }

    /// All functions of that name.
    pub fn called(&self, name: &str) -> &[Symbol] {
        let first = self.symbols.partition_point(|symbol| *symbol.name < *name);
        let rest = self.symbols.get(first..).unwrap_or_default();
        let count = rest.partition_point(|symbol| symbol.name == name);
        rest.get(..count).unwrap_or_default()
    }
}

/// Functions alone: an indirect one (`memcpy` of libc) is a resolver that runs once, and not what its name says.
fn is_function<S, I>(flags: SymbolFlags<S, I>) -> bool {
    matches!(flags, SymbolFlags::Elf { st_info, .. } if st_info & 0xf == elf::STT_FUNC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_program_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let script = directory.path().join("script");
        std::fs::write(&script, "#!/bin/sh\n").unwrap();
        assert!(
            Binary::open(&script)
                .unwrap_err()
                .help
                .unwrap()
                .contains("interpreter")
        );
        let cut = directory.path().join("cut");
        std::fs::write(&cut, b"\x7fELF\x02\x01\x01").unwrap();
        assert!(Binary::open(&cut).unwrap_err().message.contains("damaged"));
        assert!(
            Binary::open(Path::new("/nonexistent"))
                .unwrap_err()
                .message
                .contains("/nonexistent")
        );
    }

    #[test]
    fn truncated_programs_do_not_panic() {
        let whole = std::fs::read("/proc/self/exe").unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cut");
        for length in [64, 100, 1000, 5000, whole.len() / 2] {
            std::fs::write(&path, &whole[..length.min(whole.len())]).unwrap();
            let _ = Binary::open(&path);
        }
    }
}
