//! Whether BPF's trampolines (fentry and fexit) reach a function.

use super::Facts;
use super::functions::slots;
use super::tracefs::Tracing;
use crate::report::plainly;
use crate::sys::trampoline::{Function, attempt, object_of};
use std::io;

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

impl Facts {
    /// How a trampoline is put on a function. A run asks the kernel, by putting an empty one there for a moment; what only
    /// looks goes by the kernel's own lists.
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
        let place = Function {
            id: known.id,
            object,
            exit,
        };
        if !self.asks {
            return match self.is_notrace(function) {
                Some(true) => Err("it is marked notrace".into()),
                Some(false) | None => Ok(place),
            };
        }
        if self.features().cap_perfmon() {
            let mut tried = self.trampolines.borrow_mut();
            let answer = tried.entry(place).or_insert_with(|| {
                attempt(place).map_err(|error| error.raw_os_error().unwrap_or(libc::EIO))
            });
            answer.map_err(|errno| match self.is_notrace(function) {
                Some(true) => "it is marked notrace".into(),
                Some(false) | None => {
                    let error = io::Error::from_raw_os_error(errno);
                    format!("the kernel refuses one there ({})", plainly(&error))
                }
            })?;
        }
        Ok(place)
    }

    /// Has this kernel trampolines at all, as far as can be told without trying?
    ///
    /// # Errors
    /// In words, what is missing.
    pub fn trampolines(&self) -> Result<(), String> {
        let answer = self.has_trampolines.get_or_init(|| {
            if !self.features().at_least(5, 5) {
                return Err("this kernel has no fentry: it takes Linux 5.5".into());
            }
            let kernel = self.btf().map_err(|report| {
                format!("fentry needs the kernel's types, and {}", report.message)
            })?;
            // A run is told so when it tries.
            if !self.asks && kernel.named("struct bpf_trampoline").is_none() {
                return Err("this kernel has no fentry: it needs CONFIG_BPF_JIT".into());
            }
            match self.tracefs().map(|tracefs| tracefs.tracing()) {
                Ok(Tracing::Missing) => Err(
                    "this kernel has no fentry: it needs CONFIG_FUNCTION_TRACER and CONFIG_DYNAMIC_FTRACE"
                        .into(),
                ),
                Ok(Tracing::Forbidden) if self.features().opens_any_file() => Err(
                    "this kernel lets nobody trace its functions by fentry: available_filter_functions is closed to root, too (lockdown)"
                        .into(),
                ),
                // Where tracefs may not be read, the kernel says so when it is asked.
                Ok(Tracing::Forbidden | Tracing::Allowed) | Err(_) => Ok(()),
            }
        });
        answer.clone()
    }
}

#[cfg(test)]
mod tests {
    use crate::facts::fixture::Machine;

    fn why(machine: &Machine, function: &str) -> String {
        let found = machine.facts().trampoline(function, None, false);
        found.err().unwrap_or_default()
    }

    #[test]
    fn a_kernel_says_what_it_lacks() {
        assert!(why(&Machine::new(), "vfs_read").contains("Linux 5.5"));
        let machine = Machine::with_trampolines();
        assert_eq!(why(&machine, "vfs_read"), "");
        machine.remove("sys/kernel/tracing/available_filter_functions");
        assert!(why(&machine, "vfs_read").contains("CONFIG_FUNCTION_TRACER"));
        machine.remove("sys/kernel/btf/vmlinux");
        assert!(why(&machine, "vfs_read").contains("no BTF"));
    }

    #[test]
    fn functions_are_left_out_for_a_reason() {
        let machine = Machine::with_trampolines();
        assert!(why(&machine, "migrate_disable").contains("themselves"));
        assert!(why(&machine, "vfs_write").contains("BTF doesn't know"));
        // It has types, and the tracer's list hasn't it.
        assert!(why(&machine, "wake").contains("notrace"));
    }
}
