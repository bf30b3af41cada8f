//! The kernel's functions by name, from `/proc/kallsyms`: some 10 MB of text, so it is read line by line and not kept.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Where functions are looked up.
#[derive(Debug)]
pub struct Symbols {
    path: PathBuf,
    /// What look-ups of names have found: a script's texts ask the same again.
    found: RefCell<HashMap<String, Option<Function>>>,
}

/// A function of the kernel or of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    /// 0 where this user may not know it.
    pub address: u64,
    pub module: Option<String>,
}

/// What a line of kallsyms says.
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
                found = Some(Function {
                    name: name.to_owned(),
                    address: line.address,
                    module: line.module.map(str::to_owned),
                });
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

    /// How many functions of a name there are.
    pub fn count(&self, name: &str) -> usize {
        let mut count = 0;
        self.each(|line| {
            count += usize::from(line.name == name);
            true
        });
        count
    }

    /// The modules that have a function of a name, each once; `None` stands for the kernel itself.
    pub fn modules_with(&self, name: &str) -> Vec<Option<String>> {
        let mut modules = Vec::new();
        self.each(|line| {
            let module = line.module.map(str::to_owned);
            if line.name == name && !modules.contains(&module) {
                modules.push(module);
            }
            true
        });
        modules
    }

    /// Where a function begins (in a module, where one is named), and how many bytes later the next one does. `None` where
    /// addresses may not be known.
    pub fn extent(&self, name: &str, module: Option<&str>) -> Option<(u64, u64)> {
        let (mut start, mut next) = (0, None);
        self.each(|line| {
            if line.name == name && (module.is_none() || line.module == module) {
                start = line.address;
            }
            start == 0
        });
        if start == 0 {
            return None;
        }
        self.each(|line| {
            if line.address > start {
                next = Some(next.map_or(line.address, |next: u64| next.min(line.address)));
            }
            true
        });
        Some((start, next? - start))
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
        assert_eq!(symbols.count("vfs_read"), 2);
        assert_eq!(
            symbols.extent("vfs_read", None),
            Some((0xffff_ffff_8100_0000, 0x20))
        );
        assert_eq!(symbols.extent("ext4_sync_file", Some("ext4")), None);
        assert_eq!(symbols.extent("vfs_read", Some("ext4")), None);
        assert_eq!(symbols.modules_with("vfs_read"), [None]);
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
