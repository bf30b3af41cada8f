//! Functions of the kernel and its modules: what BTF says of them, and whether BPF's trampolines reach them.

use super::{Btf, Facts};
use crate::expr::types::Type;
use crate::facts::btf::Prototype;
use crate::sys::trampoline::object_of;
use crate::sys::trampoline::{Function, attempt, load_nothing};
use std::io;

/// What BTF says of a function.
#[derive(Clone)]
pub struct Known {
    /// The types to read it by, where they are a module's.
    pub module: Option<Btf>,
    /// The module's name.
    pub module_name: Option<String>,
    /// Its number among those types.
    pub id: u32,
    pub prototype: Prototype,
}

/// Functions that run within a trampoline, or that programs need to be taken down safely: a program there would meet
/// itself. Newer kernels refuse them themselves (`btf_id_deny` in kernel/bpf/verifier.c), older ones hang.
const NEVER: [&str; 16] = [
    "migrate_disable",
    "migrate_enable",
    "rcu_read_unlock_strict",
    "preempt_count_add",
    "preempt_count_sub",
    "__rcu_read_lock",
    "__rcu_read_unlock",
    "_raw_spin_lock",
    "_raw_spin_lock_irqsave",
    "_raw_spin_lock_bh",
    "_raw_spin_unlock",
    "_raw_spin_unlock_irqrestore",
    "_raw_spin_unlock_bh",
    "ktime_get_mono_fast_ns",
    "__bpf_prog_enter",
    "__bpf_prog_exit",
];

/// A function that every kernel has, to ask about trampolines at all.
const USUAL: &str = "vfs_read";

impl Facts {
    /// What BTF says of a function: of the kernel's, else of that of the module that has it.
    pub fn known_function(&self, function: &str, module: Option<&str>) -> Option<Known> {
        let kernel = self.btf().ok()?;
        if module.is_none_or(|module| module == "vmlinux")
            && let Some(id) = kernel.function_id(function)
        {
            return Some(Known {
                module: None,
                module_name: None,
                id,
                prototype: kernel.prototype_of(id)?,
            });
        }
        let name = match module {
            Some(module) => module.to_owned(),
            None => self.symbols().function(function)?.module?,
        };
        let types = self.module_btf(&name)?;
        let id = types.own_function_id(function)?;
        let prototype = types.prototype_of(id)?;
        Some(Known {
            module: Some(types),
            module_name: Some(name),
            id,
            prototype,
        })
    }

    /// How a trampoline is put on a function.
    ///
    /// # Errors
    /// In words, why it can't be.
    pub fn trampoline(
        &self,
        function: &str,
        module: Option<&str>,
        exit: bool,
    ) -> Result<Function, String> {
        self.trampolines()?;
        if NEVER.contains(&function) {
            return Err("trampolines use this function themselves".into());
        }
        let known = self
            .known_function(function, module)
            .ok_or("BTF doesn't know this function")?;
        if known.prototype.is_variadic() {
            return Err("it takes any number of arguments".into());
        }
        if slots(&known.prototype, |ty| self.size_of(&known, ty)).is_none() {
            return Err("it takes an argument whose size BTF doesn't say".into());
        }
        let object = match &known.module_name {
            None => None,
            Some(module) => Some(object_of(module).map_err(
                |_| "types of modules can't be told to this kernel (it takes 5.11, and root)",
            )?),
        };
        let function = Function {
            id: known.id,
            object,
            exit,
        };
        if self.live && self.features().cap_perfmon() {
            let mut tried = self.trampolines.borrow_mut();
            let answer = tried.entry(function).or_insert_with(|| {
                attempt(function).map_err(|error| error.raw_os_error().unwrap_or(libc::EIO))
            });
            answer.map_err(|errno| format!("the kernel refuses one there ({})", plainly(errno)))?;
        }
        Ok(function)
    }

    /// Has this kernel trampolines at all?
    ///
    /// # Errors
    /// In words, what is missing.
    pub fn trampolines(&self) -> Result<(), String> {
        let answer = self.has_trampolines.get_or_init(|| {
            if !self.features().at_least(5, 5) {
                return Err("this kernel has no fentry: it takes Linux 5.5".into());
            }
            let kernel = self.btf().map_err(|report| report.message)?;
            let usual = kernel.function_id(USUAL);
            let Some(id) = usual.filter(|_| self.live && self.features().cap_perfmon()) else {
                return Ok(());
            };
            let function = Function {
                id,
                object: None,
                exit: false,
            };
            match load_nothing(function) {
                Ok(_) => Ok(()),
                Err(error) => Err(format!(
                    "this kernel takes no fentry programs ({})",
                    plainly(error.raw_os_error().unwrap_or(libc::EIO))
                )),
            }
        });
        answer.clone()
    }

    fn size_of(&self, known: &Known, ty: &Type) -> Option<u32> {
        known.module.as_ref().or(self.btf().ok())?.size(ty)
    }
}

/// Where each argument lies in the context of a trampoline, counted in words of 8 bytes, and behind them the place of
/// what is returned. What is larger than a word takes two. `None` when the size of one isn't known, or above 16 bytes:
/// no trampoline takes it.
pub(super) fn slots(of: &Prototype, size: impl Fn(&Type) -> Option<u32>) -> Option<Vec<usize>> {
    let mut places = vec![0];
    let mut next = 0;
    for (_, ty) in &of.parameters {
        let bytes = size(ty).filter(|bytes| (1..=16).contains(bytes))?;
        next += bytes.div_ceil(8) as usize;
        places.push(next);
    }
    Some(places)
}

fn plainly(errno: i32) -> String {
    let text = io::Error::from_raw_os_error(errno).to_string();
    let plain = text.split(" (os error").next().unwrap_or(&text);
    plain.to_lowercase()
}
