//! What names mean at a probe: one file a kind of probe; types and constants are the same for all.

mod fentry;
mod kprobe;
mod raw_tracepoint;
mod registers;
mod syscall;
mod timer;
mod tracepoint;
mod uprobe;
mod usdt;
mod value;

#[cfg(test)]
mod tests;

pub use registers::STACK as STACK_POINTER;
pub use syscall::syscall_number;

use super::dwarf::{self, Debug};
use super::elf::Argument;
use super::{Btf, Facts, constants, ctype, renamed};
use crate::expr::names::{Meaning, Member, Names};
use crate::expr::tree::Text;
use crate::expr::types::{Space, StructType, Type};
use crate::report;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A probe's place, as far as it decides where its arguments are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Site {
    /// The record that a tracepoint makes for perf.
    Tracepoint {
        category: String,
        event: String,
    },
    /// `tracepoint:syscalls:sys_{enter,exit}_NAME`, hung up at the raw tracepoint of all system calls.
    Syscall {
        name: String,
        exit: bool,
    },
    /// `tracepoint:raw_syscalls:sys_{enter,exit}`, hung up there, too.
    RawSyscalls {
        exit: bool,
    },
    RawTracepoint {
        name: String,
    },
    Kprobe {
        function: String,
        module: Option<String>,
        ret: bool,
    },
    /// `fentry` and `fexit`, and what they stand in for.
    Fentry {
        function: String,
        module: Option<String>,
        exit: bool,
    },
    /// `offset` in bytes from the file's start.
    Uprobe {
        path: PathBuf,
        offset: u64,
        ret: bool,
    },
    Usdt {
        arguments: Vec<Argument>,
    },
    /// `profile`, `interval`, `software` and `hardware`.
    Timer,
}

impl Facts {
    /// The names at a site; `probe` is what it calls itself (`kprobe:vfs_read`), and `func` the last part of that.
    pub fn names<'a>(&'a self, site: &Site, probe: &str) -> Box<dyn Names + 'a> {
        match site {
            Site::Tracepoint { category, event } => {
                self.named(probe, tracepoint::Record::new(self, category, event))
            }
            Site::Syscall { name, exit } => {
                self.named(probe, syscall::Syscall::new(self, name, *exit))
            }
            Site::RawSyscalls { exit } => self.named(probe, syscall::Any { exit: *exit }),
            Site::RawTracepoint { name } => {
                self.named(probe, raw_tracepoint::RawTracepoint::new(self, name))
            }
            Site::Kprobe {
                function,
                module,
                ret,
            } => self.named(
                probe,
                kprobe::Kprobe::new(self, function, module.as_deref(), *ret),
            ),
            Site::Fentry {
                function,
                module,
                exit,
            } => self.named(
                probe,
                fentry::Fentry::new(self, function, module.as_deref(), *exit),
            ),
            Site::Uprobe { path, offset, ret } => {
                self.named(probe, uprobe::Uprobe::new(self, path, *offset, *ret))
            }
            Site::Usdt { arguments } => {
                let arguments = arguments.clone();
                self.named(probe, usdt::Usdt { arguments })
            }
            Site::Timer => self.named(probe, timer::Timer),
        }
    }

    fn named<'a>(&'a self, probe: &str, offered: impl Offered + 'a) -> Box<dyn Names + 'a> {
        Box::new(SiteNames {
            facts: self,
            probe: probe.to_owned(),
            offered,
            moved: RefCell::default(),
        })
    }
}

/// What one kind of probe offers beyond what all do.
trait Offered {
    /// `args.NAME`
    fn argument(&self, name: &str) -> Option<Meaning>;
    fn arguments(&self) -> Vec<String>;
    /// `retval`, `arg0` and the like.
    fn word(&self, name: &str) -> Option<Meaning>;
    fn words(&self) -> Vec<String>;
    /// Why another kind's name means nothing here; `name` without `args.`.
    fn absent(&self, name: &str) -> Option<String>;
    /// The types at this site, where they are not the kernel's alone.
    fn btf(&self) -> Option<&Btf> {
        None
    }
    /// Where a number leads that is taken for a pointer.
    fn space(&self) -> Space {
        Space::Kernel
    }
    /// A type or a constant of the program's.
    fn type_named(&self, _name: &str) -> Option<Type> {
        None
    }
    fn struct_names(&self) -> Vec<String> {
        Vec::new()
    }
    fn constant(&self, _name: &str) -> Option<i128> {
        None
    }
    /// The debug information that its structs are in, where they are none of the kernel's.
    fn debug(&self) -> Option<&Debug> {
        None
    }
}

struct SiteNames<'a, O> {
    facts: &'a Facts,
    probe: String,
    offered: O,
    /// Members that were found elsewhere, in words.
    moved: RefCell<BTreeSet<String>>,
}

impl<O: Offered> SiteNames<'_, O> {
    fn btf(&self) -> Option<&Btf> {
        self.offered.btf().or_else(|| self.facts.btf().ok())
    }

    fn func(&self) -> &str {
        self.probe.rsplit(':').next().unwrap_or_default()
    }
}

impl<O: Offered> Names for SiteNames<'_, O> {
    fn argument(&self, name: &str) -> Option<Meaning> {
        self.offered.argument(name)
    }

    fn arguments(&self) -> Vec<String> {
        self.offered.arguments()
    }

    fn builtin(&self, name: &str) -> Option<Meaning> {
        let literal = |text: &str| Some(Meaning::String(Text::Literal(text.as_bytes().to_vec())));
        match name {
            "probe" => literal(&self.probe),
            "func" => literal(self.func()),
            name => self.offered.word(name),
        }
    }

    fn builtins(&self) -> Vec<String> {
        let mut names = vec!["probe".to_owned(), "func".to_owned()];
        names.extend(self.offered.words());
        names
    }

    fn absent(&self, name: &str) -> Option<String> {
        self.offered
            .absent(name.strip_prefix("args.").unwrap_or(name))
    }

    fn member(&self, of: &StructType, name: &str) -> Option<Member> {
        if dwarf::is_ours(of) {
            return self.offered.debug()?.member(of, name);
        }
        self.btf()?.member(of, name)
    }

    fn members(&self, of: &StructType) -> Vec<String> {
        if dwarf::is_ours(of) {
            let debug = self.offered.debug();
            return debug
                .map(|debug| debug.member_names(of))
                .unwrap_or_default();
        }
        let listed = self.btf().map(|btf| btf.members(of)).unwrap_or_default();
        listed.into_iter().map(|listed| listed.name).collect()
    }

    fn typed_members(&self, of: &StructType) -> Vec<(String, Member)> {
        if dwarf::is_ours(of) {
            let debug = self.offered.debug();
            return debug.map(|debug| debug.members(of)).unwrap_or_default();
        }
        let listed = self.btf().map(|btf| btf.members(of)).unwrap_or_default();
        listed
            .into_iter()
            .map(|listed| (listed.name, listed.member))
            .collect()
    }

    fn moved(&self, of: &StructType, name: &str) -> Option<&'static str> {
        let path = renamed::member(of.name.strip_prefix("struct ")?, name)?;
        self.member(of, path.split('.').next()?)?;
        let words = format!("{} has {path} for {name} on this kernel", of.name);
        self.moved.borrow_mut().insert(words);
        Some(path)
    }

    fn moved_members(&self) -> Vec<String> {
        self.moved.borrow().iter().cloned().collect()
    }

    fn size(&self, ty: &Type) -> Option<u32> {
        match ty {
            Type::Struct(_) | Type::Array { .. } if dwarf::has_ours(ty) => {
                self.offered.debug()?.size(ty)
            }
            Type::Struct(_) | Type::Array { .. } => self.btf()?.size(ty),
            Type::Int(int) | Type::Named(int, _) => Some(u32::from(int.bytes())),
            Type::Char | Type::Bool => Some(1),
            Type::Pointer { .. } => Some(8),
            Type::Str | Type::Void => None,
        }
    }

    fn type_named(&self, name: &str) -> Option<Type> {
        ctype::spelled(name)
            .or_else(|| self.offered.type_named(name))
            .or_else(|| self.btf()?.named(name))
    }

    fn space(&self) -> Space {
        self.offered.space()
    }

    fn types_like(&self, name: &str) -> Vec<String> {
        let words: Vec<&str> = name
            .split([' ', '*'])
            .filter(|word| !word.is_empty())
            .collect();
        let Some(wrong) = words.last() else {
            return Vec::new();
        };
        let own = self.offered.struct_names();
        let mut near = report::nearest(wrong, own.iter().map(String::as_str));
        if let (true, Some(btf)) = (near.is_empty(), self.btf()) {
            near = report::nearest(wrong, btf.struct_names());
        }
        near.into_iter()
            .map(|name| format!("struct {name}"))
            .collect()
    }

    fn constant(&self, name: &str) -> Option<i128> {
        constants::usual(name)
            .or_else(|| self.offered.constant(name))
            .or_else(|| self.btf()?.enumerator(name))
    }

    fn task(&self) -> Option<Type> {
        self.btf()?.named("struct task_struct *")
    }

    fn padded_comm(&self) -> Option<i16> {
        self.facts.padded_comm()
    }

    fn site(&self) -> &str {
        &self.probe
    }
}

/// `arg3` → 3
fn argument_number(name: &str) -> Option<usize> {
    let digits = name.strip_prefix("arg")?;
    let plain = digits == "0" || !digits.starts_with(['0', '+']);
    digits.parse().ok().filter(|_| plain)
}

/// `arg0` … of so many.
fn numbered(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("arg{number}"))
}

/// The message where a return value is asked for before there is one.
fn no_return_value_yet(there: &str) -> String {
    format!("a return value is known when the call returns: use {there}")
}
