//! USDT probes: the notes that `sys/sdt.h` leaves in a binary (.note.stapsdt, systemtap's
//! UserSpaceProbeImplementation).

use super::file::{Object, with_object};
use super::segments::Segments;
use super::usdt_argument::{Argument, read_arguments};
use crate::report::Report;
use object::{Object as _, ObjectSection, ObjectSymbol};
use std::path::Path;

/// The note's type, and the name of who defines it.
const TYPE: u32 = 3;
const OWNER: &[u8] = b"stapsdt\0";
/// More than any program has; what a damaged one claims beyond is left out.
const MOST: usize = 100_000;

/// One place of a probe; several may have one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usdt {
    pub provider: String,
    pub name: String,
    /// Bytes from the start of the file: where the `nop` stands.
    pub offset: u64,
    /// Where the 16-bit counter stands that tells the program that it is probed; bytes from the start of the file.
    pub semaphore: Option<u64>,
    pub arguments: Vec<Argument>,
}

/// The USDT probes of a binary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probes {
    /// In the order of the file.
    pub places: Vec<Usdt>,
    /// What is wrong with notes that were left out.
    pub damage: Option<String>,
}

/// Reads the USDT probes of the ELF file at `path`.
///
/// # Errors
/// When it can't be read, or is no ELF file of this machine's kind.
pub fn usdt(path: &Path) -> Result<Probes, Report> {
    with_object(path, |object| Ok(probes(object)))
}

fn probes(object: &Object<'_>) -> Probes {
    let Some(section) = object.section_by_name(".note.stapsdt") else {
        return Probes::default();
    };
    let Ok(bytes) = section.data() else {
        return Probes {
            damage: Some("the section .note.stapsdt reaches behind the file's end".into()),
            ..Probes::default()
        };
    };
    let base = object
        .section_by_name(".stapsdt.base")
        .map(|section| section.address());
    let segments = Segments::of(object);
    let symbol = |name: &str| {
        let mut all = object.symbols().chain(object.dynamic_symbols());
        all.find(|symbol| symbol.is_definition() && symbol.name() == Ok(name))
            .map(|symbol| symbol.address())
    };
    let (notes, mut damage) = notes(bytes);
    let mut places = Vec::new();
    for note in notes {
        match note.place(base, &segments, &symbol) {
            Ok(place) => places.push(place),
            Err(wrong) => damage = damage.or(Some(wrong)),
        }
    }
    Probes { places, damage }
}

/// A note as it stands in the file.
#[derive(Debug, PartialEq, Eq)]
struct Note<'a> {
    pc: u64,
    base: u64,
    semaphore: u64,
    provider: &'a str,
    name: &'a str,
    arguments: &'a str,
}

/// All notes, and what is wrong with the first that is damaged.
fn notes(bytes: &[u8]) -> (Vec<Note<'_>>, Option<String>) {
    let (mut found, mut damage, mut at) = (Vec::new(), None, 0);
    while at < bytes.len() && found.len() < MOST {
        let Some((owner, kind, body, next)) = raw_note(bytes, at) else {
            damage.get_or_insert(format!(
                "the USDT note at byte {at} of .note.stapsdt is cut off"
            ));
            break;
        };
        if owner == OWNER && kind == TYPE {
            match Note::read(body) {
                Some(note) => found.push(note),
                None => {
                    damage.get_or_insert(format!(
                        "the USDT note at byte {at} of .note.stapsdt has no addresses, provider and name"
                    ));
                }
            }
        }
        at = next;
    }
    (found, damage)
}

/// Owner, type and content of the note at `at`, and where the next begins (`Elf64_Nhdr`, padded to 4 bytes).
fn raw_note(bytes: &[u8], at: usize) -> Option<(&[u8], u32, &[u8], usize)> {
    let word = |at: usize| -> Option<u32> {
        let bytes = bytes.get(at..at.checked_add(4)?)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    };
    let (owner_size, body_size, kind) = (word(at)?, word(at + 4)?, word(at + 8)?);
    let owner = at.checked_add(12)?;
    let owner_end = owner.checked_add(owner_size as usize)?;
    let body = owner_end.checked_next_multiple_of(4)?;
    let body_end = body.checked_add(body_size as usize)?;
    let next = body_end.checked_next_multiple_of(4)?;
    Some((
        bytes.get(owner..owner_end)?,
        kind,
        bytes.get(body..body_end)?,
        next,
    ))
}

impl<'a> Note<'a> {
    fn read(body: &'a [u8]) -> Option<Self> {
        let (addresses, texts) = body.split_at_checked(24)?;
        let mut words = addresses.chunks_exact(8);
        let mut word = || Some(u64::from_le_bytes(words.next()?.try_into().ok()?));
        let mut texts = texts.split(|byte| *byte == 0);
        let mut text = || std::str::from_utf8(texts.next()?).ok();
        let note = Self {
            pc: word()?,
            base: word()?,
            semaphore: word()?,
            provider: text()?,
            name: text()?,
            // Without arguments some writers leave out the text.
            arguments: text().unwrap_or_default(),
        };
        let named =
            |text: &str| !text.is_empty() && !text.contains(|c: char| c == ':' || c.is_control());
        (named(note.provider) && named(note.name)).then_some(note)
    }

    /// Where it is in the file, once moved as far as its section was since it was written (prelink does that).
    fn place(
        &self,
        base: Option<u64>,
        segments: &Segments,
        symbol: &dyn Fn(&str) -> Option<u64>,
    ) -> Result<Usdt, String> {
        let moved = match base {
            Some(base) if self.base != 0 => base.wrapping_sub(self.base),
            _ => 0,
        };
        let named = format!("USDT probe {}:{}", self.provider, self.name);
        let pc = self.pc.wrapping_add(moved);
        let offset = segments
            .code(pc)
            .ok_or_else(|| format!("{named} stands at {pc:#x}, where there is no code"))?;
        let semaphore = match self.semaphore {
            0 => None,
            address => {
                let address = address.wrapping_add(moved);
                let offset = segments.any(address);
                Some(offset.ok_or_else(|| {
                    format!("the counter of {named} stands at {address:#x}, where there is no data")
                })?)
            }
        };
        Ok(Usdt {
            provider: self.provider.to_owned(),
            name: self.name.to_owned(),
            offset,
            semaphore,
            arguments: read_arguments(self.arguments, pc, symbol),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::elf::sample::Sample;
    use crate::facts::elf::usdt_argument::Operand;

    #[test]
    fn notes_of_a_compiled_program_are_read() {
        for options in [&["-fno-pie", "-no-pie"][..], &["-fpie", "-pie"]] {
            let sample = Sample::compile(options);
            let found = usdt(&sample.path).unwrap();
            assert_eq!(found.damage, None);
            let names: Vec<_> = found.places.iter().map(|of| of.name.as_str()).collect();
            assert_eq!(names.iter().filter(|name| **name == "twice").count(), 2);
            let file = std::fs::read(&sample.path).unwrap();
            for place in &found.places {
                assert_eq!(place.provider, "sample");
                assert_eq!(file[place.offset as usize], 0x90, "a nop stands there");
                assert_eq!(place.semaphore.is_some(), place.name == "twice");
            }
            let enter = found.places.iter().find(|of| of.name == "enter").unwrap();
            assert_eq!(enter.arguments.len(), 5);
            assert_eq!(enter.arguments[2].operand, Operand::Constant(5));
            assert!(matches!(enter.arguments[4].operand, Operand::Unreadable(_)));
        }
    }

    #[test]
    fn damaged_notes_are_told_and_the_others_stay() {
        let mut bytes = Vec::new();
        for (provider, pc) in [("app\0go\0", 1u64), ("broken", 2), ("app\0end\0", 3)] {
            let mut body = Vec::new();
            for word in [pc, 0, 0] {
                body.extend(word.to_le_bytes());
            }
            body.extend(provider.as_bytes());
            for word in [8, body.len() as u32, TYPE] {
                bytes.extend(word.to_le_bytes());
            }
            bytes.extend(OWNER);
            bytes.extend(&body);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        let (found, damage) = notes(&bytes);
        assert_eq!(found.iter().map(|note| note.pc).collect::<Vec<_>>(), [1, 3]);
        assert!(damage.unwrap().contains("at byte"));
        for length in 0..bytes.len() {
            let (found, damage) = notes(&bytes[..length]);
            assert!(found.len() <= 2);
            assert!(damage.is_some() || found.len() < 2);
        }
    }
}
