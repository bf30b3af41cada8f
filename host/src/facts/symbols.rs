//! The kernel's functions by name, from `/proc/kallsyms`: some 10 MB of text, so it is read line by line and not kept.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Where functions are looked up.
#[derive(Debug)]
pub struct Symbols {
    path: PathBuf,
    /// What look-ups of names have found: a script's texts ask the same again.
    found: RefCell<HashMap<String, Option<Function>>>,
    shared: OnceCell<HashMap<String, Vec<Namesake>>>,
}

/// A function of the kernel or of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    /// 0 where this user may not know it.
    pub address: u64,
    pub module: Option<String>,
}

/// One of several functions that have one name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Namesake {
    /// 0 where this user may not know it.
    pub address: u64,
    pub module: Option<String>,
    /// The kernel, or the module that it is in, has no other one.
    pub is_only_one: bool,
}

/// What a line of kallsyms says.
#[derive(Clone, Copy)]
struct Line<'a> {
    address: u64,
    name: &'a str,
    module: Option<&'a str>,
}

impl Symbols {
    pub(super) fn new(root: &Path) -> Self {
        Self {
            path: root.join("proc/kallsyms"),
            found: RefCell::default(),
            shared: OnceCell::new(),
        }
    }

    /// The function of a name: reads until it is found (up to 60 ms when it is not).
    pub fn function(&self, name: &str) -> Option<Function> {
        if let Some(known) = self.found.borrow().get(name) {
            return known.clone();
        }
        let found = self.look_for(name);
        let mut all = self.found.borrow_mut();
        all.insert(name.to_owned(), found.clone());
        found
    }

    fn look_for(&self, name: &str) -> Option<Function> {
        let mut found = None;
        self.each(|line| {
            if line.name == name {
                found = Some(line.owned());
            }
            found.is_none()
        });
        found
    }

    /// Where a function begins.
    pub fn address_of(&self, name: &str) -> Option<u64> {
        self.function(name)
            .map(|function| function.address)
            .filter(|address| *address != 0)
    }

    /// The functions of a name that is not of one alone, in the order of their addresses; none of a name that is. What the
    /// kernel ran at its start is left out: its memory holds other things since.
    pub fn sharing(&self, name: &str) -> &[Namesake] {
        let all = self.shared.get_or_init(|| {
            let text = std::fs::read(&self.path).unwrap_or_default();
            shared(&String::from_utf8_lossy(&text))
        });
        all.get(name).map_or(&[], Vec::as_slice)
    }

    /// How many bytes behind the beginning of a function the next one begins.
    pub fn size_at(&self, start: u64) -> Option<u64> {
        let mut next = None;
        self.each(|line| {
            if line.address > start {
                next = Some(next.map_or(line.address, |next: u64| next.min(line.address)));
            }
            true
        });
        Some(next? - start)
    }

    /// Names of all functions with their modules, sorted, each once in a module.
    pub fn functions(&self) -> Vec<(String, Option<String>)> {
        let mut all = Vec::new();
        self.each(|line| {
            all.push((line.name.to_owned(), line.module.map(str::to_owned)));
            true
        });
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Shows each function to `visit`, until that says `false`.
    fn each(&self, mut visit: impl FnMut(Line<'_>) -> bool) {
        let Ok(file) = File::open(&self.path) else {
            return;
        };
        let mut reader = BufReader::with_capacity(1 << 16, file);
        let mut text = String::new();
        while matches!(reader.read_line(&mut text), Ok(1..)) {
            if let Some(line) = function(text.trim_end())
                && !visit(line)
            {
                return;
            }
            text.clear();
        }
    }
}

/// Names that several functions have, with those that are still there.
fn shared(text: &str) -> HashMap<String, Vec<Namesake>> {
    let mut gone = 0..0;
    for line in text.lines() {
        let address = || u64::from_str_radix(line.split(' ').next()?, 16).ok();
        match line.rsplit(' ').next() {
            Some("__init_begin") => gone.start = address().unwrap_or(0),
            Some("__init_end") => gone.end = address().unwrap_or(0),
            _ => {}
        }
    }
    let (mut first, mut shared) = (HashMap::new(), HashMap::new());
    for line in text.lines().filter_map(function) {
        match first.entry(line.name) {
            Entry::Vacant(place) => {
                place.insert(line);
            }
            Entry::Occupied(known) => {
                let all = shared.entry(line.name);
                all.or_insert_with(|| vec![*known.get()]).push(line);
            }
        }
    }
    let namesakes = |(name, mut lines): (&str, Vec<Line<'_>>)| {
        lines.sort_by_key(|line| line.address);
        // Those of an address that may not be known are several.
        lines.dedup_by(|a, b| a.address == b.address && a.address != 0);
        let living = lines.iter().filter(|line| !gone.contains(&line.address));
        let all = living.map(|line| Namesake {
            address: line.address,
            module: line.module.map(str::to_owned),
            is_only_one: lines.iter().filter(|of| of.module == line.module).count() == 1,
        });
        (name.to_owned(), all.collect())
    };
    shared.into_iter().map(namesakes).collect()
}

impl Line<'_> {
    fn owned(&self) -> Function {
        Function {
            name: self.name.to_owned(),
            address: self.address,
            module: self.module.map(str::to_owned),
        }
    }
}

/// `ffffffff81000000 T _text` or `… t name [module]`; `None` of what is no function, or one that no probe may sit on.
fn function(line: &str) -> Option<Line<'_>> {
    let (address, rest) = line.split_once(' ')?;
    let (kind, rest) = rest.split_once(' ')?;
    if !matches!(kind, "t" | "T" | "w" | "W") {
        return None;
    }
    let (name, module) = match rest.split_once('\t') {
        Some((name, module)) => (name, Some(module.trim_matches(['[', ']']))),
        None => (rest, None),
    };
    // Programs that the JIT compiled show up as functions, and what the compiler made for itself.
    let callable = module != Some("bpf")
        && !name.starts_with("__pfx_")
        && !name.starts_with("__cfi_")
        && !name.starts_with("__SCT__")
        && !name.starts_with("__SCK__");
    callable.then_some(Line {
        address: u64::from_str_radix(address, 16).ok()?,
        name,
        module,
    })
}

/// Names and modules of a text that has a function a line: `available_filter_functions`.
pub(super) fn traceable(text: &str) -> Vec<(String, Option<String>)> {
    let function = |line: &str| {
        let mut words = line.split_whitespace();
        let name = words.next()?.to_owned();
        let module = words
            .next()
            .map(|module| module.trim_matches(['[', ']']).to_owned());
        // Places of functions that the linker took out again.
        (!name.starts_with("__ftrace_invalid_address__")).then_some((name, module))
    };
    let mut all: Vec<_> = text.lines().filter_map(function).collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbols(text: &str) -> (tempfile::TempDir, Symbols) {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("proc")).unwrap();
        std::fs::write(root.path().join("proc/kallsyms"), text).unwrap();
        let symbols = Symbols::new(root.path());
        (root, symbols)
    }

    #[test]
    fn functions_alone_are_listed_with_their_modules() {
        let (_root, symbols) = symbols(
            "ffffffff81000000 T vfs_read\nffffffff81000010 d a_datum\n\
             ffffffff81000020 t vfs_read\nffffffffc0000000 t ext4_sync_file\t[ext4]\n\
             ffffffffc0001000 t bpf_prog_6deef7357e7b4530\t[bpf]\nffffffff81000030 t __pfx_vfs_read\n",
        );
        let expected = [("ext4_sync_file", Some("ext4")), ("vfs_read", None)]
            .map(|(name, module)| (name.to_owned(), module.map(str::to_owned)));
        assert_eq!(symbols.functions(), expected);
        assert_eq!(symbols.address_of("vfs_read"), Some(0xffff_ffff_8100_0000));
        assert_eq!(
            symbols
                .function("ext4_sync_file")
                .unwrap()
                .module
                .as_deref(),
            Some("ext4")
        );
        assert_eq!(symbols.function("a_datum"), None);
        assert_eq!(symbols.size_at(0xffff_ffff_8100_0000), Some(0x20));
        assert_eq!(symbols.size_at(0xffff_ffff_c000_0000), None);
    }

    #[test]
    fn functions_that_share_a_name_are_told_apart() {
        let (_root, symbols) = symbols(
            "ffffffff81000040 t show\nffffffff81000010 t show\nffffffff81000010 t show\n\
             ffffffff81000020 T vfs_read\nffffffff81000030 d show\nffffffff82000000 D __init_begin\n\
             ffffffff82000010 t show\nffffffff82000020 t late\nffffffff82001000 R __init_end\n\
             ffffffffc0000000 t show\t[ext4]\nffffffffc0000010 t late\t[ext4]\n",
        );
        let of = |address, module: Option<&str>, is_only_one| Namesake {
            address,
            module: module.map(str::to_owned),
            is_only_one,
        };
        let kernel = |at: u64| of(0xffff_ffff_8100_0000 + at, None, false);
        let ext4 = |at: u64| of(0xffff_ffff_c000_0000 + at, Some("ext4"), true);
        assert_eq!(
            symbols.sharing("show"),
            [kernel(0x10), kernel(0x40), ext4(0)]
        );
        assert!(symbols.sharing("vfs_read").is_empty());
        // The kernel still knows the other by that name.
        assert_eq!(symbols.sharing("late"), [ext4(0x10)]);
    }

    #[test]
    fn functions_are_counted_where_their_addresses_may_not_be_known() {
        let zero = "0000000000000000";
        let (_root, symbols) = symbols(&format!("{zero} t show\n{zero} t show\n{zero} T once\n"));
        assert_eq!(symbols.sharing("show").len(), 2);
        assert!(symbols.sharing("once").is_empty());
    }

    #[test]
    fn the_tracers_own_list_is_understood() {
        let listed = traceable("vfs_read\next4_sync_file [ext4]\n__ftrace_invalid_address___0\n");
        assert_eq!(listed.len(), 2);
        assert_eq!(
            listed[0],
            ("ext4_sync_file".to_owned(), Some("ext4".to_owned()))
        );
    }
}
