//! An ELF file's functions.

use crate::report::{self, Report};
use object::read::{ReadCache, ReadRef};
use object::{Object, ObjectSection, ObjectSegment, ObjectSymbol, SymbolFlags, elf};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// What can be probed in a program or library.
#[derive(Clone, Debug)]
pub struct Binary {
    pub path: PathBuf,
    /// By name, each once.
    symbols: Vec<Symbol>,
    /// (address, bytes, offset in the file) of what is loaded and may be executed.
    code: Vec<(u64, u64, u64)>,
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
        let shown = path.display();
        let unreadable = |error| Report::new(format!("{shown} can't be read: {error}"));
        let mut file = File::open(path).map_err(unreadable)?;
        let mut magic = [0; 4];
        let is_elf = file.read_exact(&mut magic).is_ok() && magic == elf::ELFMAG;
        if !is_elf {
            let mut report = Report::new(format!("{shown} is no program: it is not an ELF file"));
            if magic.starts_with(b"#!") {
                report =
                    report.help("it is a script: probe the interpreter that its first line names");
            }
            return Err(report);
        }
        let cache = ReadCache::new(BufReader::new(file));
        let broken = |error| Report::new(format!("{shown} is damaged: {error}"));
        let object = object::File::parse(&cache).map_err(broken)?;
        if object.architecture() != object::Architecture::X86_64 {
            return Err(Report::new(format!(
                "{shown} is not a program of this machine (x86_64)"
            )));
        }
        Ok(Self::read(path, &object))
    }

    fn read<'data, R: ReadRef<'data>>(path: &Path, object: &object::File<'data, R>) -> Self {
        let code: Vec<_> = object
            .segments()
            .filter(is_code)
            .map(|segment| {
                let (offset, size) = segment.file_range();
                (segment.address(), size, offset)
            })
            .collect();
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
                    offset: file_offset(&code, symbol.address())?,
                    size: symbol.size(),
                })
            })
            .collect();
        symbols.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        symbols.dedup_by(|a, b| a.name == b.name);
        let is_go = object
            .sections()
            .filter_map(|section| section.name().ok().map(str::to_owned))
            .any(|name| name == ".note.go.buildid" || name == ".gopclntab");
        Self {
            path: path.to_owned(),
            symbols,
            code,
            is_go,
        }
    }

    /// Sorted by name.
    pub fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }

    pub fn symbol(&self, name: &str) -> Option<&Symbol> {
        let at = self
            .symbols
            .binary_search_by(|symbol| symbol.name.as_str().cmp(name))
            .ok()?;
        self.symbols.get(at)
    }

    /// Where `FN`, `FN+OFFSET` or an address (`0x…`, as the file is linked) stands: bytes from the start of the file.
    ///
    /// # Errors
    /// When there is no such function, with the nearest ones, or nothing executable is there.
    pub fn offset_of(&self, place: &str) -> Result<u64, Report> {
        let shown = self.path.display();
        if let Some(address) = number(place) {
            return file_offset(&self.code, address)
                .ok_or_else(|| Report::new(format!("{shown} has no code at {place}")));
        }
        let (name, more) = match place.rsplit_once('+') {
            Some((name, more)) => (name, number(more).or_else(|| more.parse().ok())),
            None => (place, Some(0)),
        };
        let Some(more) = more else {
            return Err(Report::new(format!(
                "'{place}': an offset is a number of bytes"
            )));
        };
        let Some(symbol) = self.symbol(name) else {
            return Err(self.unknown(name));
        };
        if more > 0 && more >= symbol.size {
            return Err(Report::new(format!(
                "{name} of {shown} has {} bytes only",
                symbol.size
            )));
        }
        Ok(symbol.offset.saturating_add(more))
    }

    fn unknown(&self, name: &str) -> Report {
        let shown = self.path.display();
        if self.symbols.is_empty() {
            return Report::new(format!(
                "{shown} names no functions, so there is no '{name}'"
            ))
            .help("it is stripped: give an address (0x…), or take a build with symbols");
        }
        let report = Report::new(format!("no function '{name}' in {shown}"));
        match report::did_you_mean(name, self.symbols.iter().map(|symbol| symbol.name.as_str())) {
            Some(help) => report.help(help),
            None => report,
        }
    }
}

fn is_code<'data>(segment: &impl ObjectSegment<'data>) -> bool {
    matches!(segment.flags(), object::SegmentFlags::Elf { p_flags } if p_flags & elf::PF_X != 0)
}

/// Functions alone: an indirect one (`memcpy` of libc) is a resolver that runs once, and not what its name says.
fn is_function<S, I>(flags: SymbolFlags<S, I>) -> bool {
    matches!(flags, SymbolFlags::Elf { st_info, .. } if st_info & 0xf == elf::STT_FUNC)
}

fn file_offset(code: &[(u64, u64, u64)], address: u64) -> Option<u64> {
    code.iter().find_map(|(start, size, offset)| {
        let inside = address.checked_sub(*start).filter(|inside| inside < size)?;
        offset.checked_add(inside)
    })
}

fn number(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test's own binary has symbols.
    fn own() -> Binary {
        Binary::open(&std::env::current_exe().unwrap()).unwrap()
    }

    #[unsafe(no_mangle)]
    extern "C" fn moontrace_a_function_to_find() -> u32 {
        std::hint::black_box(41) + 1
    }

    #[test]
    fn a_functions_offset_leads_to_its_bytes() {
        assert_eq!(moontrace_a_function_to_find(), 42);
        let own = own();
        let offset = own.offset_of("moontrace_a_function_to_find").unwrap() as usize;
        let file = std::fs::read(&own.path).unwrap();
        let address = moontrace_a_function_to_find as *const u8;
        // SAFETY: the function has more than these bytes, and code is readable.
        let code = unsafe { std::slice::from_raw_parts(address, 8) };
        assert_eq!(&file[offset..offset + 8], code);
        let next = own.offset_of("moontrace_a_function_to_find+0x1").unwrap() as usize;
        assert_eq!(next, offset + 1);
    }

    #[test]
    fn mistakes_are_named() {
        let own = own();
        let wrong = own.offset_of("moontrace_a_function_to_fnd").unwrap_err();
        assert!(wrong.help.unwrap().contains("moontrace_a_function_to_find"));
        assert!(
            own.offset_of("moontrace_a_function_to_find+0xfffff")
                .is_err()
        );
        assert!(
            own.offset_of("main+x")
                .unwrap_err()
                .message
                .contains("offset")
        );
        assert!(
            own.offset_of("0xfffffffffffffff0")
                .unwrap_err()
                .message
                .contains("no code")
        );
    }

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
