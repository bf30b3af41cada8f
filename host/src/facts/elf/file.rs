//! Opening an ELF file of this machine: what all readers of one have in common.

use crate::report::Report;
use object::elf;
use object::read::ReadCache;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// A file that is read where its parts are asked for. No part is longer than the file, whatever its headers say.
pub(in crate::facts) type Content = ReadCache<BufReader<File>>;
/// An ELF file whose headers are right.
pub(in crate::facts) type Object<'data> = object::File<'data, &'data Content>;

/// Hands the ELF file at `path` to `read`.
///
/// # Errors
/// When it can't be read, or is no ELF file of this machine's kind; or what `read` says.
pub(in crate::facts) fn with_object<T>(
    path: &Path,
    read: impl FnOnce(&Object<'_>) -> Result<T, Report>,
) -> Result<T, Report> {
    let shown = path.display();
    let unreadable = |error| Report::new(format!("{shown} can't be read: {error}"));
    let mut file = File::open(path).map_err(unreadable)?;
    let mut magic = [0; 4];
    let is_elf = file.read_exact(&mut magic).is_ok() && magic == elf::ELFMAG;
    if !is_elf {
        let report = Report::new(format!("{shown} is no program: it is not an ELF file"));
        return Err(if magic.starts_with(b"#!") {
            report.help("it is a script: probe the interpreter that its first line names")
        } else {
            report
        });
    }
    let content = ReadCache::new(BufReader::new(file));
    let object = object::File::parse(&content)
        .map_err(|error| Report::new(format!("{shown} is damaged: {error}")))?;
    if object::Object::architecture(&object) != object::Architecture::X86_64 {
        return Err(Report::new(format!(
            "{shown} is not a program of this machine (x86_64)"
        )));
    }
    read(&object)
}
