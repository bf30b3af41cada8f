//! Types of the running kernel, read lazily: nothing is indexed by name, a lookup looks through the bytes.
//!
//! One look-up of a name is a search in the strings (2 MB) and one pass over the types' heads.

mod blob;
mod index;
mod members;
mod types;

#[cfg(test)]
pub(super) mod sample;
#[cfg(test)]
mod tests;

pub use members::Listed;
pub use types::Prototype;

use crate::report::Report;
use crate::sys::mapped_file::MappedFile;
use blob::{Blob, Raw, kind};
use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The types of a kernel, or of a kernel and one of its modules.
#[derive(Clone)]
pub struct Btf {
    blob: Rc<Blob>,
    /// What look-ups of names have found: a script's texts ask the same again.
    found: Rc<RefCell<HashMap<Lookup, Option<u32>>>>,
    signed_enums: OnceCell<bool>,
}

/// A name, and the kinds of types that it was looked for among.
type Lookup = (String, Vec<u8>);

/// More steps than any chain of typedefs, qualifiers, pointers or anonymous members has. What is deeper is cut.
const DEPTH: u32 = 32;

impl Btf {
    /// The kernel's types below a root directory.
    ///
    /// # Errors
    /// When the kernel has none, or they are damaged.
    pub(super) fn of_kernel(root: &Path) -> Result<Self, Report> {
        let path = directory(root).join("vmlinux");
        let bytes = MappedFile::open(&path).map_err(|error| {
            Report::new(format!(
                "this kernel has no BTF ({}: {error})",
                path.display()
            ))
            .help("types of kernel structs need a kernel with CONFIG_DEBUG_INFO_BTF")
        })?;
        Self::new(bytes, None).ok_or_else(|| {
            Report::new(format!("{} is no BTF that moontrace knows", path.display()))
        })
    }

    /// The kernel's types with those of a module; `None` when it has none of its own.
    pub(super) fn with_module(&self, root: &Path, module: &str) -> Option<Self> {
        if module.contains('/') || module == "vmlinux" {
            return None;
        }
        let bytes = MappedFile::open(&directory(root).join(module)).ok()?;
        Self::new(bytes, Some(self.blob.clone()))
    }

    fn new(bytes: MappedFile, base: Option<Rc<Blob>>) -> Option<Self> {
        Some(Self {
            blob: Rc::new(Blob::new(bytes, base)?),
            found: Rc::default(),
            signed_enums: OnceCell::new(),
        })
    }

    /// Does the kernel say which enums are signed? (Since Linux 6.0; before, all values are kept as signed ones.)
    fn marks_signed_enums(&self) -> bool {
        let signed = |raw: Raw<'_>| raw.kind == kind::ENUM && raw.flag || raw.kind == kind::ENUM64;
        *self
            .signed_enums
            .get_or_init(|| self.blob.each().any(|(_, raw)| signed(raw)))
    }

    /// The number of the first type of this name and one of these kinds.
    fn find(&self, name: &str, kinds: &[u8]) -> Option<u32> {
        let lookup = (name.to_owned(), kinds.to_vec());
        if let Some(known) = self.found.borrow().get(&lookup) {
            return *known;
        }
        let found = self.blob.find(name, &|raw| kinds.contains(&raw.kind));
        self.found.borrow_mut().insert(lookup, found);
        found
    }

    /// The number of the function of a name.
    pub fn function_id(&self, name: &str) -> Option<u32> {
        self.find(name, &[kind::FUNC])
    }

    /// The same among a module's own functions, those of the kernel left out.
    pub fn own_function_id(&self, name: &str) -> Option<u32> {
        self.blob.find_own(name, &|raw| raw.kind == kind::FUNC)
    }

    /// Names of all functions; of a module, its own.
    pub fn own_function_names(&self) -> HashSet<String> {
        let functions = self.blob.own().filter(|(_, raw)| raw.kind == kind::FUNC);
        functions
            .map(|(_, raw)| self.blob.string(raw.name).to_owned())
            .collect()
    }

    /// Is there a function of this name?
    pub fn has_function(&self, name: &str) -> bool {
        self.find(name, &[kind::FUNC]).is_some()
    }

    /// The value of an enumerator.
    pub fn enumerator(&self, name: &str) -> Option<i128> {
        let offsets = self.blob.offsets_of(name);
        if name.is_empty() || offsets == [None, None] {
            return None;
        }
        let marked = self.marks_signed_enums();
        self.blob.each().find_map(|(_, raw)| {
            types::enumerators(raw, marked)
                .find(|(at, _)| offsets.contains(&Some(*at)))
                .map(|(_, value)| value)
        })
    }

    /// Names of structs and unions that a wrong one may have meant.
    pub fn struct_names(&self) -> Vec<&str> {
        self.names_of(&[kind::STRUCT, kind::UNION])
    }

    /// The same of enums.
    pub fn enum_names(&self) -> Vec<&str> {
        self.names_of(&[kind::ENUM, kind::ENUM64])
    }

    fn names_of(&self, kinds: &[u8]) -> Vec<&str> {
        let named = |(_, raw): (u32, Raw<'_>)| {
            (kinds.contains(&raw.kind) && raw.name != 0).then(|| self.blob.string(raw.name))
        };
        self.blob.each().filter_map(named).collect()
    }

    /// Names of the raw tracepoints, in no order.
    pub fn raw_tracepoints(&self) -> Vec<&str> {
        const PREFIX: &str = "btf_trace_";
        self.blob
            .strings_with(PREFIX)
            .into_iter()
            .filter_map(|name| name.strip_prefix(PREFIX))
            .collect()
    }

    /// Is there a raw tracepoint of this name?
    pub fn has_raw_tracepoint(&self, name: &str) -> bool {
        self.find(&format!("btf_trace_{name}"), &[kind::TYPEDEF])
            .is_some()
    }
}

fn directory(root: &Path) -> PathBuf {
    root.join("sys/kernel/btf")
}
