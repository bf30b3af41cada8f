//! Functions of the kernel and its modules: what BTF says of them.

use super::{Btf, Facts};
use crate::expr::types::Type;
use crate::facts::btf::Prototype;
use crate::sys::perf;
use std::collections::HashSet;
use std::ffi::CString;

/// A name that several functions of every kernel have, among them those of fs/inode.c and net/socket.c.
const EVERYWHERE: &str = "init_once";

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

    /// May several functions have this name? A run asks the kernel, which spares it reading all symbols.
    pub(super) fn may_be_shared(&self, function: &str) -> bool {
        let asked = |name: &str| CString::new(name).is_ok_and(perf::is_ambiguous);
        if !self.asks || self.features().kprobe.is_none() {
            return true;
        }
        let tells = || {
            *self
                .tells_shared_names
                .get_or_init(|| self.features().at_least(6, 6) || asked(EVERYWHERE))
        };
        asked(function) || !tells()
    }

    /// Names of the functions that BTF knows, of the kernel or of a module.
    pub fn typed_functions(&self, module: Option<&str>) -> HashSet<String> {
        match module {
            None => self.btf().map(Btf::own_function_names),
            Some(module) => {
                let types = self.module_btf(module);
                Ok(types
                    .as_ref()
                    .map(Btf::own_function_names)
                    .unwrap_or_default())
            }
        }
        .unwrap_or_default()
    }

    pub(super) fn size_of(&self, known: &Known, ty: &Type) -> Option<u32> {
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
