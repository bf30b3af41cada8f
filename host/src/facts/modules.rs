//! The types of modules that are loaded: those that the kernel's own do not have.

use super::{Btf, Facts};

impl Facts {
    /// Modules that bring types of their own, by name, in their order.
    fn modules_with_types(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.root.join("sys/kernel/btf")) else {
            return Vec::new();
        };
        let name =
            |entry: std::io::Result<std::fs::DirEntry>| entry.ok()?.file_name().into_string().ok();
        let mut names: Vec<String> = entries.filter_map(name).collect();
        names.retain(|name| name != "vmlinux");
        names.sort_unstable();
        names
    }

    /// The first of the modules whose types have what is looked for, with the kernel's.
    pub(super) fn module_btf_with(&self, has: impl Fn(&Btf) -> bool) -> Option<Btf> {
        let modules = self.modules_with_types().into_iter();
        let mut types = modules.filter_map(|module| self.module_btf(&module));
        types.find(|btf| has(btf))
    }
}

#[cfg(test)]
mod tests {
    use crate::facts::Site;
    use crate::facts::btf::sample;
    use crate::facts::fixture::Machine;

    #[test]
    fn a_modules_types_are_found_where_the_kernel_has_none() {
        let machine = Machine::new();
        machine.write("sys/kernel/btf/quiet", b"no BTF");
        machine.write("sys/kernel/btf/loud", &sample::module().bytes());
        let facts = machine.facts();
        let mine = facts.describe_type("struct mine").unwrap();
        assert_eq!((mine.size, mine.members.len()), (Some(16), 2));
        assert_eq!(facts.describe_type("struct task").unwrap().size, Some(40));
        assert!(facts.describe_type("struct yours").is_err());
        let site = Site::RawTracepoint {
            name: "fired".into(),
        };
        let names = facts.describe(&site, "rawtracepoint:fired");
        let [of] = names.arguments.as_slice() else {
            panic!("{names:?}")
        };
        assert_eq!((of.name.as_str(), of.ty.as_str()), ("of", "struct mine *"));
    }
}
