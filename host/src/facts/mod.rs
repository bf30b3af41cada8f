//! What this machine offers: BTF, tracefs, symbols, ELF files, features. Everything is read when it is asked for.
//!
//! All of it is found below one root directory, so that tests put a small machine into a temporary directory.

pub mod btf;
pub mod constants;
pub mod counters;
pub mod ctype;
pub mod describe;
pub mod dwarf;
pub mod elf;
pub mod features;
#[cfg(test)]
pub(crate) mod fixture;
pub mod format;
pub mod functions;
mod kernel_code;
mod links;
pub mod matching;
mod modules;
#[cfg(test)]
mod mutation;
pub mod names;
pub mod notrace;
mod print_format;
mod renamed;
pub mod stacks;
pub mod symbols;
pub mod syscall_values;
pub mod syscalls;
pub mod tracefs;
mod trampolines;

pub use btf::Btf;
pub use describe::{Description, TypeDescription};
pub use features::{Features, PidNamespace};
pub use format::{FieldKind, Format, FormatField};
pub use links::Session;
pub use matching::{Found, Location, Match};
pub use names::{Site, syscall_number};
pub use tracefs::{Tracefs, mount_ahead};

use crate::expr::types::Type;
use crate::report::Report;
use crate::sys::trampoline::Function;
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
pub use symbols::Namesake;
use symbols::Symbols;

/// What this machine offers. Making one reads nothing.
pub struct Facts {
    root: PathBuf,
    /// Our own mount may stand in for a missing one.
    live: bool,
    /// The kernel may be asked by trying, which loads programs into it.
    asks: bool,
    tracefs: OnceCell<Result<Tracefs, Report>>,
    btf: OnceCell<Result<Btf, Report>>,
    modules: RefCell<BTreeMap<String, Option<Btf>>>,
    symbols: OnceCell<Symbols>,
    tells_shared_names: OnceCell<bool>,
    debug: dwarf::Opened,
    binaries: elf::Kept,
    features: OnceCell<Features>,
    version: OnceCell<(u32, u32)>,
    pid_namespace: OnceCell<Option<PidNamespace>>,
    has_trampolines: OnceCell<Result<(), String>>,
    /// The kernel's answers, by function: an error's number where it refused.
    trampolines: RefCell<HashMap<Function, Result<(), i32>>>,
    /// Names of the functions that the kernel's tracer reaches; `None` where they can't be had.
    traceable: OnceCell<Option<HashSet<String>>>,
}

impl Facts {
    /// This machine's.
    pub fn live() -> Self {
        Self {
            live: true,
            ..Self::at("/")
        }
    }

    /// This machine's, for a run: what only trying tells is tried.
    pub fn for_a_run() -> Self {
        Self {
            asks: true,
            ..Self::live()
        }
    }

    /// Those of a directory that is laid out as a machine's root is (`sys/kernel/tracing/events`,
    /// `sys/kernel/btf/vmlinux`, `proc/kallsyms`, …): for tests.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            live: false,
            asks: false,
            tracefs: OnceCell::new(),
            btf: OnceCell::new(),
            modules: RefCell::default(),
            symbols: OnceCell::new(),
            tells_shared_names: OnceCell::new(),
            debug: dwarf::Opened::default(),
            binaries: elf::Kept::default(),
            features: OnceCell::new(),
            version: OnceCell::new(),
            pid_namespace: OnceCell::new(),
            has_trampolines: OnceCell::new(),
            trampolines: RefCell::default(),
            traceable: OnceCell::new(),
        }
    }

    /// The tracepoints' directory, mounted or not.
    ///
    /// # Errors
    /// When there is none, or this user may not read it: says which, and what helps.
    pub fn tracefs(&self) -> Result<&Tracefs, Report> {
        let open = || {
            if self.live {
                Tracefs::open_or_mount(&self.root)
            } else {
                Tracefs::open(&self.root)
            }
        };
        self.tracefs
            .get_or_init(open)
            .as_ref()
            .map_err(Report::clone)
    }

    /// The kernel's types.
    ///
    /// # Errors
    /// When the kernel has none.
    pub fn btf(&self) -> Result<&Btf, Report> {
        self.btf
            .get_or_init(|| Btf::of_kernel(&self.root))
            .as_ref()
            .map_err(Report::clone)
    }

    /// The kernel's types with those of a module; `None` where either is missing.
    pub fn module_btf(&self, module: &str) -> Option<Btf> {
        let kernel = self.btf().ok()?;
        let mut modules = self.modules.borrow_mut();
        modules
            .entry(module.to_owned())
            .or_insert_with(|| kernel.with_module(&self.root, module))
            .clone()
    }

    /// The root directory that a process sees; with none, this machine's.
    fn root_of(&self, pid: Option<u32>) -> PathBuf {
        match pid {
            Some(pid) => self.root.join(format!("proc/{pid}/root")),
            None => self.root.clone(),
        }
    }

    /// The kernel's functions.
    pub fn symbols(&self) -> &Symbols {
        self.symbols.get_or_init(|| Symbols::new(&self.root))
    }

    /// The pid namespace of moontrace itself: a part of [`Self::features`] that every start asks for, and that is read by
    /// itself.
    pub fn pid_namespace(&self) -> Option<PidNamespace> {
        *self
            .pid_namespace
            .get_or_init(|| PidNamespace::of_this_process(&self.root))
    }

    /// Where a thread's name lies within its `task_struct`, in bytes, where the kernel keeps it zeroed behind its NUL (5.17;
    /// fs/exec.c, `__set_task_comm`).
    pub fn padded_comm(&self) -> Option<i16> {
        let is_padded = self.version() >= (5, 17);
        let offset = is_padded.then(|| self.offset_of("struct task_struct", "comm"))??;
        i16::try_from(offset).ok()
    }

    /// Where a member of one of the kernel's structs lies, in bytes.
    fn offset_of(&self, of: &str, name: &str) -> Option<i32> {
        let btf = self.btf().ok()?;
        let Type::Struct(of) = btf.named(of)? else {
            return None;
        };
        i32::try_from(btf.member(&of, name)?.bit_offset / 8).ok()
    }

    /// The kernel's version, its first two numbers: what every run asks for.
    pub fn version(&self) -> (u32, u32) {
        *self
            .version
            .get_or_init(|| features::running_version(&self.root))
    }

    /// What the kernel and this user can do.
    pub fn features(&self) -> &Features {
        self.features.get_or_init(|| Features::read(&self.root))
    }
}
