//! From a place as people write it (`FN`, `FN+OFFSET`, `0xADDRESS`) to the bytes where a breakpoint may stand.

use super::Binary;
use super::binary::Symbol;
use super::boundaries::{LONGEST, Misplaced, is_boundary};
use crate::report::{self, Report};
use std::fs::File;
use std::os::unix::fs::FileExt;

impl Binary {
    /// Is it `FN+OFFSET` or an address, and no function's name?
    pub fn is_offset(place: &str) -> bool {
        place.contains('+') || address(place).is_some()
    }

    /// Where `FN`, `FN+OFFSET` or an address (`0x…`, as the file is linked) stands: bytes from the start of the file.
    ///
    /// # Errors
    /// When there is no such function, with the nearest ones; when nothing executable is there; and when what is there is
    /// no instruction's begin, as far as a function's begin tells.
    pub fn offset_of(&self, place: &str) -> Result<u64, Report> {
        if let Some(address) = address(place) {
            return self.at_address(place, address);
        }
        let (name, more) = match place.rsplit_once('+') {
            Some((name, more)) => (name, address(more).or_else(|| more.parse().ok())),
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
        if more > 0 {
            self.check_inside(symbol, more)?;
        }
        Ok(symbol.offset.saturating_add(more))
    }

    fn at_address(&self, place: &str, address: u64) -> Result<u64, Report> {
        let shown = self.path.display();
        let Some(offset) = self.segments.code(address) else {
            let report = Report::new(format!("{shown} has no code at {place}"));
            return Err(if self.segments.any(address).is_some() {
                report.help("what is loaded there is data: it may not be executed")
            } else {
                report.help(
                    "addresses are those that the file is linked for, as nm and objdump show them",
                )
            });
        };
        // Of a stripped program nothing tells where its functions begin.
        let covering = self.symbols().iter().find(|symbol| {
            let inside = offset.checked_sub(symbol.offset);
            inside.is_some_and(|inside| inside < symbol.size)
        });
        if let Some(symbol) = covering {
            self.check_inside(symbol, offset - symbol.offset)?;
        }
        Ok(offset)
    }

    /// Is there an instruction `more` bytes into the function?
    fn check_inside(&self, symbol: &Symbol, more: u64) -> Result<(), Report> {
        let (name, shown) = (&symbol.name, self.path.display());
        if symbol.size == 0 {
            return Err(Report::new(format!(
                "{shown} doesn't say how long {name} is, so no offset in it can be checked"
            ))
            .help(format!("probe its first instruction: {name}")));
        }
        if more >= symbol.size {
            return Err(Report::new(format!(
                "{name} of {shown} has {} bytes only",
                symbol.size
            )));
        }
        let length = symbol.size.min(more.saturating_add(LONGEST));
        let code = self.bytes(symbol.offset, length)?;
        is_boundary(&code, more).map_err(|misplaced| match misplaced {
            Misplaced::Inside { start, next } => {
                let right = |offset: u64| match offset {
                    0 => format!("'{name}'"),
                    offset if offset < symbol.size => format!("'{name}+{offset}'"),
                    _ => String::new(),
                };
                let near: Vec<String> = [start, next]
                    .map(right)
                    .into_iter()
                    .filter(|text| !text.is_empty())
                    .collect();
                Report::new(format!(
                    "{name}+{more} is inside of an instruction: a breakpoint there would crash the program"
                ))
                .help(format!("instructions begin at {}", near.join(" and ")))
            }
            Misplaced::NoInstruction { at } => Report::new(format!(
                "{name}+{more} can't be probed: what stands at {name}+{at} is no instruction"
            )),
        })
    }

    fn bytes(&self, offset: u64, length: u64) -> Result<Vec<u8>, Report> {
        let unreadable =
            |error| Report::new(format!("{} can't be read: {error}", self.path.display()));
        let file = File::open(&self.path).map_err(unreadable)?;
        let left = file
            .metadata()
            .map_err(unreadable)?
            .len()
            .saturating_sub(offset);
        let mut code = vec![0; usize::try_from(length.min(left)).unwrap_or(0)];
        file.read_exact_at(&mut code, offset).map_err(unreadable)?;
        Ok(code)
    }

    /// Why no function of that name, or that matches it, can be found.
    pub fn unknown(&self, name: &str) -> Report {
        let shown = self.path.display();
        let stripped = match (self.is_stripped, self.symbols().len()) {
            (false, _) => None,
            (true, 0) => Some("it is stripped and names no functions".to_owned()),
            (true, count) => Some(format!(
                "it is stripped and names only the {count} that it exports"
            )),
        };
        let message = format!("no function '{name}' in {shown}");
        let report = Report::new(match &stripped {
            Some(stripped) => format!("{message}: {stripped}"),
            None => message,
        });
        let names = self.symbols().iter().map(|symbol| symbol.name.as_str());
        match (report::did_you_mean(name, names), stripped) {
            (Some(help), _) => report.help(help),
            (None, Some(_)) => report.help("give an address (0x…), or take a build with symbols"),
            (None, None) => report,
        }
    }
}

fn address(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::elf::sample::Sample;

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
    fn an_offset_stands_where_an_instruction_begins() {
        let sample = Sample::compile(&["-fno-pie", "-no-pie"]);
        let binary = Binary::open(&sample.path).unwrap();
        let symbol = binary.symbol("sample_named").unwrap().clone();
        let file = std::fs::read(&sample.path).unwrap();
        let code = &file[symbol.offset as usize..][..symbol.size as usize];
        let address = binary.segments.address(symbol.offset).unwrap();
        for more in 0..symbol.size + 2 {
            let right = more < symbol.size && is_boundary(code, more).is_ok();
            let by_name = binary.offset_of(&format!("sample_named+{more}"));
            assert_eq!(by_name.is_ok(), right, "{more}: {by_name:?}");
            if more < symbol.size {
                let by_address = binary.offset_of(&format!("{:#x}", address + more));
                assert_eq!(by_address.ok(), by_name.ok());
            }
        }
        let wrong = (1..symbol.size).find_map(|more| {
            let refused = binary.offset_of(&format!("sample_named+{more}"));
            refused.err().map(|report| report.to_string())
        });
        let wrong = wrong.unwrap();
        assert!(wrong.contains("inside of an instruction"), "{wrong}");
        assert!(wrong.contains("begin at 'sample_named+"), "{wrong}");
    }

    #[test]
    fn data_is_no_place() {
        let sample = Sample::compile(&["-fno-pie", "-no-pie"]);
        let nm = std::process::Command::new("nm")
            .arg(&sample.path)
            .output()
            .unwrap();
        let listed = String::from_utf8(nm.stdout).unwrap();
        let line = listed.lines().find(|line| line.ends_with("sample_global"));
        let address = line.unwrap().split(' ').next().unwrap();
        let binary = Binary::open(&sample.path).unwrap();
        let refused = binary.offset_of(&format!("0x{address}")).unwrap_err();
        assert!(refused.to_string().contains("is data"), "{refused}");
    }

    #[test]
    fn a_stripped_program_says_so() {
        let sample = Sample::compile(&["-s"]);
        let binary = Binary::open(&sample.path).unwrap();
        let refused = binary.offset_of("sample_named").unwrap_err().to_string();
        assert!(refused.contains("stripped"), "{refused}");
        assert!(refused.contains("0x…"), "{refused}");
    }
}
