//! What a probe offers and what a type is made of, as plain data: for `describe` and completion.

use super::{Facts, Site};
use crate::expr::names::{Meaning, Names};
use crate::expr::types::Type;
use crate::report::{self, Report};
use crate::rows::Shown;

/// What can be read at a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    pub probe: String,
    /// `args.NAME` by name and type.
    pub arguments: Vec<Named>,
    /// `retval`, `arg0`, …
    pub words: Vec<Named>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub name: String,
    pub ty: String,
    /// What its values or bits are called, where they have names.
    pub names: Vec<String>,
}

/// A type's size and, of a struct, its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeDescription {
    pub name: String,
    /// Bytes; `None` of what has no size.
    pub size: Option<u32>,
    pub members: Vec<MemberDescription>,
    /// Of an enum: its names and their values.
    pub values: Vec<(String, i128)>,
}

/// A member; those of anonymous members stand among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberDescription {
    pub name: String,
    /// Bytes from the struct's start.
    pub offset: u32,
    /// Of a bit-field: the bit of that byte where it begins, and how many it has.
    pub bits: Option<(u32, u8)>,
    pub ty: String,
}

impl Facts {
    /// What can be read at a site.
    pub fn describe(&self, site: &Site, probe: &str) -> Description {
        let names = self.names(site, probe);
        let named = |all: Vec<String>, meaning: &dyn Fn(&dyn Names, &str) -> Option<Meaning>| {
            let with_type = |name: String| match meaning(&*names, &name) {
                Some(of) => Named {
                    name,
                    ty: spelt(&of),
                    names: names_of(&of),
                },
                None => Named {
                    name,
                    ty: "(no value)".to_owned(),
                    names: Vec::new(),
                },
            };
            all.into_iter().map(with_type).collect()
        };
        let mut arguments = names.arguments();
        // A USDT probe's arguments are words, too.
        arguments.retain(|name| names.argument(name) != names.builtin(name));
        Description {
            probe: probe.to_owned(),
            arguments: named(arguments, &|names, name| names.argument(name)),
            words: named(names.builtins(), &|names, name| names.builtin(name)),
        }
    }

    /// A type as C writes it, `struct task_struct` or `task_struct`: of the kernel, else of a module that is loaded.
    ///
    /// # Errors
    /// When there is no BTF or no such type, with the nearest ones.
    pub fn describe_type(&self, name: &str) -> Result<TypeDescription, Report> {
        let kernel = self.btf()?;
        let in_module = match kernel.named(name) {
            Some(_) => None,
            None => self.module_btf_with(|btf| btf.named(name).is_some()),
        };
        let btf = in_module.as_ref().unwrap_or(kernel);
        let Some(ty) = btf.named(name) else {
            let report = Report::new(format!("no type '{name}' in this kernel"));
            let (known, wrong) = match name.strip_prefix("enum ") {
                Some(wrong) => (btf.enum_names(), wrong),
                None => {
                    let wrong = name.strip_prefix("union ").unwrap_or(name);
                    let wrong = wrong.strip_prefix("struct ").unwrap_or(wrong);
                    (btf.struct_names(), wrong)
                }
            };
            return Err(match report::did_you_mean(wrong, known) {
                Some(help) => report.help(help),
                None => report,
            });
        };
        let members = match &ty {
            Type::Struct(of) => btf.members(of),
            _ => Vec::new(),
        };
        let described = members.into_iter().map(|listed| {
            let member = listed.member;
            MemberDescription {
                name: listed.name,
                offset: member.bit_offset / 8,
                bits: member.width.map(|width| (member.bit_offset % 8, width)),
                ty: member.ty.to_string(),
            }
        });
        let members = described.collect();
        let values = match &ty {
            Type::Named(_, Shown::Enum(of)) => {
                let named = |(value, name): &(i128, String)| (name.clone(), *value);
                of.values.iter().map(named).collect()
            }
            _ => Vec::new(),
        };
        Ok(TypeDescription {
            name: ty.to_string(),
            size: btf.size(&ty),
            members,
            values,
        })
    }
}

fn spelt(meaning: &Meaning) -> String {
    match meaning {
        Meaning::Value(_, ty) | Meaning::Memory { ty, .. } => ty.to_string(),
        Meaning::String(_) => Type::Str.to_string(),
        Meaning::Elements(all, ty) => format!("{ty}[{}]", all.len()),
        Meaning::Counted { of, .. } => format!("{of}[]"),
        Meaning::Stack(_) => "a stack".to_owned(),
    }
}

fn names_of(meaning: &Meaning) -> Vec<String> {
    match meaning {
        Meaning::Value(_, ty) => value_names(ty),
        _ => Vec::new(),
    }
}

/// What the values of an integer are called.
pub fn value_names(ty: &Type) -> Vec<String> {
    let Type::Named(_, shown) = ty else {
        return Vec::new();
    };
    let names = |all: &[(u64, String)]| all.iter().map(|(_, name)| name.clone()).collect();
    match shown {
        Shown::Enum(of) => of.values.iter().map(|(_, name)| name.clone()).collect(),
        Shown::Flags(of) => {
            let numbers: Vec<String> = of.field.iter().flat_map(|(_, of)| names(of)).collect();
            [numbers, names(&of.names)].concat()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::fixture::Machine;

    #[test]
    fn arguments_and_members_come_with_their_types() {
        let machine = Machine::new();
        let facts = machine.facts();
        let site = Site::Syscall {
            name: "openat".into(),
            exit: true,
        };
        let described = facts.describe(&site, "tracepoint:syscalls:sys_exit_openat");
        let ty = |all: &[Named], name| {
            all.iter()
                .find(|named| named.name == name)
                .map(|named| named.ty.clone())
        };
        assert_eq!(
            ty(&described.arguments, "filename").as_deref(),
            Some("char * (user)")
        );
        assert_eq!(ty(&described.words, "retval").as_deref(), Some("i64"));
        let task = facts.describe_type("struct task").unwrap();
        assert_eq!((task.name.as_str(), task.size), ("struct task", Some(40)));
        let high = task
            .members
            .iter()
            .find(|member| member.name == "high")
            .unwrap();
        assert_eq!(
            (high.offset, high.bits, high.ty.as_str()),
            (8, Some((3, 29)), "i32")
        );
        let wrong = facts.describe_type("struct tsk").unwrap_err();
        assert!(wrong.to_string().contains("'task'"), "{wrong}");
        let wrong = facts.describe_type("enum stat").unwrap_err();
        assert!(wrong.to_string().contains("'state'"), "{wrong}");
    }
}
