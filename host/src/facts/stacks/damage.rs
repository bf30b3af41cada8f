//! Damaged programs: whatever their bytes are, a stack in them has frames.

use super::guarded::guarded;
use super::user::in_file;
use crate::facts::mutation::{mutated, soon};
use blazesym::symbolize::Symbolizer;
use moontrace_described::PROGRAM;
use object::{Object, ObjectSection};
use proptest::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// Where in the program's file is what readers of symbols and lines look at, its code left out.
fn regions() -> Vec<Range<usize>> {
    let object = object::File::parse(PROGRAM).unwrap();
    let word = |at: usize| u64::from_le_bytes(PROGRAM[at..at + 8].try_into().unwrap()) as usize;
    let mut regions = vec![0..64, word(32)..word(32) + 56 * 4, word(40)..PROGRAM.len()];
    let looked_at =
        |name: &str| name.starts_with(".debug_") || name.contains("str") || name == ".symtab";
    let sections = object
        .sections()
        .filter(|section| section.name().is_ok_and(looked_at));
    regions.extend(sections.filter_map(|section| {
        let (start, size) = section.file_range()?;
        (size > 0).then(|| start as usize..(start + size) as usize)
    }));
    regions
}

/// Offsets in the file of some code.
fn code() -> Range<u64> {
    let object = object::File::parse(PROGRAM).unwrap();
    let (start, size) = object
        .section_by_name(".text")
        .unwrap()
        .file_range()
        .unwrap();
    start..start + size
}

proptest! {
    #[test]
    fn damaged_files_are_read(bytes in mutated(PROGRAM.to_vec(), regions(), 6)) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("program");
        std::fs::write(&path, bytes).unwrap();
        soon(|| {
            let symbolizer = Symbolizer::new();
            let name = Arc::from("program");
            let read = |offset| guarded(|| in_file(&symbolizer, &path, offset, &name)).is_some();
            code().step_by(29).all(read)
        });
    }
}

#[test]
fn the_sound_file_has_symbols_at_all_of_these_places() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("program");
    std::fs::write(&path, PROGRAM).unwrap();
    let symbolizer = Symbolizer::new();
    for offset in code().step_by(29) {
        let frames = in_file(&symbolizer, &path, offset, &Arc::from("program")).unwrap();
        assert!(
            frames.last().is_some_and(|frame| frame.line.is_some()),
            "{frames:?}"
        );
    }
}
