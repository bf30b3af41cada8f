//! How the language learns what a name means: one small trait, which facts implements for every source of types.

use super::tree::{Node, Stack, Text};
use super::types::{Space, Type};

/// What a name stands for at a probe.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning {
    /// An integer, truth value or pointer.
    Value(Node, Type),
    /// A string that is one without being followed: a `char` array of a tracepoint, `comm`.
    String(Text),
    /// Memory at an address: a struct or an array in it, whose members are reached by paths.
    Memory {
        address: Node,
        space: Space,
        ty: Type,
    },
    /// An array whose elements do not stand side by side (registers): what a constant index picks, all of one type.
    Elements(Vec<Node>, Type),
    /// Elements side by side in the kernel's memory, as many as fit into `bytes` of it.
    Counted { start: Node, bytes: Node, of: Type },
    /// A stack that a span has stored.
    Stack(Stack),
}

/// A member of a struct. A bit-field has a `width`; its `bit_offset` counts from the struct's start, little-endian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub bit_offset: u32,
    /// Bits of a bit-field; `None` for a plain member.
    pub width: Option<u8>,
    pub ty: Type,
}

/// Names and types at one probe site of one kernel. Lookups are by exact name; lists are for messages and completion.
pub trait Names {
    /// `args.NAME`: an argument of the probe.
    fn argument(&self, name: &str) -> Option<Meaning>;
    /// The names that [`Self::argument`] knows.
    fn arguments(&self) -> Vec<String>;
    /// A word without dots: `retval`, `arg0`, `func`, `probe`, and what else the kind of probe offers.
    /// (`pid`, `comm` and the like are the language's own and not asked for.)
    fn builtin(&self, name: &str) -> Option<Meaning>;
    fn builtins(&self) -> Vec<String>;
    /// Why a name that other probes have means nothing here (`retval` at an entry), when there is more to say than "no such name".
    fn absent(&self, name: &str) -> Option<String>;
    /// A member of a struct, those of anonymous members included.
    fn member(&self, of: &super::types::StructType, name: &str) -> Option<Member>;
    fn members(&self, of: &super::types::StructType) -> Vec<String>;
    /// The members with what they are, in their order.
    fn typed_members(&self, of: &super::types::StructType) -> Vec<(String, Member)> {
        let names = self.members(of).into_iter();
        names
            .filter_map(|name| {
                let member = self.member(of, &name)?;
                Some((name, member))
            })
            .collect()
    }
    /// Where a member is that this kernel has elsewhere: a path (`q.disk`) whose first part [`Self::member`] knows.
    fn moved(&self, _of: &super::types::StructType, _name: &str) -> Option<&'static str> {
        None
    }
    /// What [`Self::moved`] has led to, in words.
    fn moved_members(&self) -> Vec<String> {
        Vec::new()
    }
    /// Bytes of a type: what indexing multiplies by. `None` where it has no size.
    fn size(&self, ty: &Type) -> Option<u32>;
    /// A type as C writes it: `struct sock`, `u32`, `unsigned char`, `struct sock *`.
    fn type_named(&self, name: &str) -> Option<Type>;
    /// Where a number leads that is taken for a pointer.
    fn space(&self) -> Space {
        Space::Kernel
    }
    /// Names of structs like a wrong one, for the message.
    fn types_like(&self, name: &str) -> Vec<String>;
    /// An enumerator or a usual constant: `TCP_CLOSE`, `O_CREAT`.
    fn constant(&self, name: &str) -> Option<i128>;
    /// `struct task_struct *`, the type of `curtask`.
    fn task(&self) -> Option<Type>;
    /// Where the name of a thread lies in its `task_struct`, in bytes, when the kernel keeps it zeroed behind its NUL.
    fn padded_comm(&self) -> Option<i16> {
        None
    }
    /// The probe as messages call it: `tracepoint:syscalls:sys_enter_openat`.
    fn site(&self) -> &str;
}
