//! Damaged programs: whatever their bytes are, what reads them gives an answer.

use super::sample::Sample;
use super::{Binary, locate, usdt};
use crate::expr::types::Type;
use crate::facts::dwarf::{Debug, Place};
use crate::facts::mutation::{mutated, soon};
use object::{Object, ObjectSection};
use proptest::prelude::*;
use std::ops::Range;
use std::path::Path;
use std::sync::LazyLock;

/// A program's bytes, and where in it is what our readers look at.
struct Program {
    bytes: Vec<u8>,
    regions: Vec<Range<usize>>,
}

/// Bytes of the header of an ELF file (`Elf64_Ehdr`).
const HEADER: usize = 64;

fn program(options: &[&str], read: impl Fn(&str) -> bool) -> Program {
    let sample = Sample::compile(options);
    let bytes = std::fs::read(&sample.path).unwrap();
    let object = object::File::parse(&*bytes).unwrap();
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    // Headers of segments and of sections.
    let mut regions = vec![
        0..HEADER,
        word(32)..word(32) + 56 * 12,
        word(40)..bytes.len(),
    ];
    let sections = object
        .sections()
        .filter(|section| section.name().is_ok_and(&read));
    regions.extend(sections.filter_map(|section| {
        let (start, size) = section.file_range()?;
        (size > 0).then(|| start as usize..(start + size) as usize)
    }));
    Program { bytes, regions }
}

/// Each readers' sections are hit as often as another's.
fn damaged(programs: &'static LazyLock<Vec<Program>>) -> impl Strategy<Value = Vec<u8>> {
    let each = programs
        .iter()
        .map(|of| mutated(of.bytes.clone(), of.regions.clone(), 6).boxed());
    proptest::strategy::Union::new(each)
}

static TABLES: LazyLock<Vec<Program>> = LazyLock::new(|| {
    let tables = |name: &str| {
        matches!(
            name,
            ".symtab" | ".strtab" | ".dynsym" | ".dynstr" | ".note.stapsdt" | ".shstrtab"
        ) || name == ".note.gnu.build-id"
    };
    vec![
        program(&["-fpie", "-pie"], tables),
        program(&["-Wl,--build-id"], |name| name.starts_with(".note")),
    ]
});

static DESCRIBED: LazyLock<Vec<Program>> = LazyLock::new(|| {
    let debug = |name: &str| name.starts_with(".debug_");
    let info = |name: &str| name == ".debug_info" || name == ".debug_abbrev";
    vec![
        program(&["-gdwarf-2"], debug),
        program(&["-gdwarf-4", "-O2"], info),
        program(&["-gdwarf-5", "-O2"], debug),
        program(&["-gdwarf-5"], info),
        program(&["-gz"], debug),
    ]
});

/// Everything that is asked of debug information.
fn read_debug(path: &Path, binary: &Binary) {
    let Ok(debug) = Debug::of(path, &[]) else {
        return;
    };
    for symbol in binary.symbols() {
        let Ok(Some(function)) = debug.function_at(symbol.offset) else {
            continue;
        };
        for parameter in &function.parameters {
            if let Place::Register(number) = parameter.place {
                assert!(number < 6);
            }
            let mut ty = &parameter.ty;
            while let Type::Pointer { to, .. } | Type::Array { of: to, .. } = ty {
                ty = to;
            }
            debug.size(ty);
            if let Type::Struct(of) = ty {
                for name in debug.member_names(of) {
                    debug.member(of, &name);
                    debug.type_named(&function, &of.name);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn damaged_tables_and_notes_are_read(bytes in damaged(&TABLES)) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("program");
        std::fs::write(&path, bytes).unwrap();
        soon(|| {
            if let Ok(binary) = Binary::open(&path) {
                for symbol in binary.symbols() {
                    let _ = binary.offset_of(&symbol.name);
                    let _ = binary.offset_of(&format!("{}+1", symbol.name));
                }
                let _ = binary.offset_of("0x401000");
                let _ = binary.offset_of("sample_nmed");
            }
            let _ = usdt(&path);
            let _ = locate(directory.path(), "program");
        });
    }

    #[test]
    fn damaged_debug_information_is_read(bytes in damaged(&DESCRIBED)) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("program");
        std::fs::write(&path, bytes).unwrap();
        soon(|| {
            if let Ok(binary) = Binary::open(&path) {
                read_debug(&path, &binary);
            }
        });
    }
}
