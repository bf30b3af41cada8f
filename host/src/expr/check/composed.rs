//! What the kernel half composes of several reads (paths, command lines), and buffers: bytes whose number is computed.

use super::checker::Checker;
use super::term::{Term, compare, plus};
use super::{Refusal, Result};
use crate::expr::names::Names;
use crate::expr::syntax::Syntax;
use crate::expr::touched::Touch;
use crate::expr::tree::{Composition, Node, Op, Relation, Text};
use crate::expr::types::{Int, Space, StructType, Type};
use moontrace_abi::limits::{BUFFER, LONGEST_STRING};
use std::ops::Range;

/// The fewest bytes of a composed string: what marks that it was cut takes some.
const FEWEST: u16 = 16;

impl Checker<'_> {
    /// `path(p[, n])`: of a `struct path` or `struct file` of the kernel's.
    pub(super) fn path_of(
        &self,
        of: &Syntax,
        length: Option<&Syntax>,
        span: &Range<usize>,
    ) -> Result<Term> {
        let term = self.term(of)?.decayed();
        let term = match struct_in_kernel(&term).as_deref() {
            Some("struct file") => self.member(term, "f_path", &of.span, &of.span)?,
            _ => term,
        };
        let name = struct_in_kernel(&term);
        let address = match (name.as_deref(), term) {
            (Some("struct path"), Term::Memory { base, offset, .. }) => plus(base, offset.into()),
            (Some("struct path"), Term::Int(address, _)) => address,
            (_, other) => {
                let message = format!(
                    "a struct path or struct file of the kernel's is wanted, and this is {}",
                    other.describe()
                );
                return Err(self.refuse(&of.span, message).into());
            }
        };
        let offsets = offsets(self.scope.names).ok_or_else(|| {
            let message = "this kernel's types don't say how a path is found";
            Refusal::from(self.refuse(span, message))
        })?;
        self.composed(Composition::Path(offsets), address, length)
    }

    /// `argv(p[, n])`: strings of the process, to which an array of pointers leads.
    pub(super) fn arguments_at(&self, of: &Syntax, length: Option<&Syntax>) -> Result<Term> {
        let address = match self.term(of)?.decayed() {
            Term::Int(address, _) => address,
            Term::Memory { base, offset, .. } => plus(base, offset.into()),
            other => {
                let message = format!(
                    "the address of an array of strings is wanted, and this is {}",
                    other.describe()
                );
                return Err(self.refuse(&of.span, message).into());
            }
        };
        self.composed(Composition::Arguments, address, length)
    }

    /// `ntop(x)`: of an IP address, which is a struct, its bytes, or the number that IPv4's is to the kernel.
    pub(super) fn address_text(&self, of: &Syntax) -> Result<Term> {
        let term = self.term(of)?.decayed();
        let described = term.describe();
        let (space, base, offset, ty) = match term {
            Term::Int(base, Type::Pointer { to, space }) => (space, base, 0, *to),
            Term::Int(number, _) => return self.composed(Composition::Ipv4, number, None),
            Term::Elements(bytes, ty) if bytes.len() == 4 && is_byte(&ty) => {
                let number = bytes.into_iter().rev().reduce(|number, byte| {
                    let higher = Node::Binary(Op::Shl, Box::new(number), Box::new(Node::Const(8)));
                    Node::Binary(Op::Or, Box::new(higher), Box::new(byte))
                });
                let number = number.unwrap_or(Node::Const(0));
                return self.composed(Composition::Ipv4, number, None);
            }
            Term::Memory {
                base,
                offset,
                space,
                ty,
            } => (space, base, offset, ty),
            _ => return Err(self.no_address(of, &described)),
        };
        match bytes_of_address(&ty) {
            Some(4) => {
                let number = Node::Read {
                    space,
                    base: Box::new(base),
                    offset,
                    int: Int::U32,
                };
                self.composed(Composition::Ipv4, number, None)
            }
            Some(_) => {
                let address = plus(base, offset.into());
                self.composed(Composition::Ipv6(space), address, None)
            }
            None => Err(self.no_address(of, &described)),
        }
    }

    fn no_address(&self, of: &Syntax, described: &str) -> Refusal {
        let message = format!("an IP address is wanted, and this is {described}");
        let help = "it is a number (__be32), a struct in_addr or in6_addr, or 4 or 16 bytes";
        self.refuse(&of.span, message).help(help).into()
    }

    /// A string that is composed of what is at an address, in so many bytes with its NUL.
    fn composed(&self, what: Composition, of: Node, length: Option<&Syntax>) -> Result<Term> {
        let room = match length {
            None => what.usual_room(),
            Some(length) => match self.length(length)? {
                room if room < FEWEST => {
                    let message = format!("{FEWEST} to {LONGEST_STRING} bytes are possible here");
                    return Err(self.refuse(&length.span, message).into());
                }
                room => room,
            },
        };
        let of = Box::new(of);
        Ok(Term::Text(Text::Read {
            space: Space::Kernel,
            address: Box::new(Node::Composed { what, of, room }),
            capacity: room,
        }))
    }

    /// `buf(p, n[, max])`: so many bytes, whatever they are.
    pub(super) fn buffer(
        &self,
        pointer: &Syntax,
        bytes: &Syntax,
        most: Option<&Syntax>,
    ) -> Result<Term> {
        let most = match most {
            None => BUFFER as u16,
            Some(most) => match self.number(most)?.0 {
                Node::Const(bytes) if (1..=BUFFER as i128).contains(&bytes) => bytes as u16,
                Node::Const(bytes) => {
                    let message = format!("a buffer has 1 to {BUFFER} bytes, not {bytes}");
                    return Err(self.refuse(&most.span, message).into());
                }
                _ => {
                    let message = "the most bytes of a buffer must be known beforehand";
                    return Err(self.refuse(&most.span, message).into());
                }
            },
        };
        let (space, address) = match self.term(pointer)?.decayed() {
            Term::Int(address, Type::Pointer { space, .. }) => (space, address),
            // As the address of a string.
            Term::Int(address, _) => (Space::User, address),
            Term::Memory {
                base,
                offset,
                space,
                ..
            } => (space, plus(base, offset.into())),
            Term::Text(Text::Read { space, address, .. }) if !address.is_composed() => {
                (space, *address)
            }
            other => {
                let message = format!("a pointer is wanted, and this is {}", other.describe());
                return Err(self.refuse(&pointer.span, message).into());
            }
        };
        if space == Space::Kernel {
            // How far the thing reaches that lies there is not known.
            self.touch(Touch::Memory, &pointer.span);
        }
        let bytes = match self.number(bytes)?.0 {
            Node::Const(bytes) => Node::Const(bytes.clamp(0, most.into())),
            // Less than none is none: many a function returns its error in place of a number of bytes.
            bytes if bytes.int().wide().signed => Node::Select(
                Box::new(compare(Relation::Lt, bytes.clone(), Node::Const(0))),
                Box::new(Node::Const(0)),
                Box::new(bytes),
            ),
            bytes => bytes,
        };
        Ok(Term::Bytes {
            space,
            address,
            bytes,
            most,
        })
    }
}

/// The struct that lies there in the kernel's memory, or that is pointed to.
fn struct_in_kernel(term: &Term) -> Option<String> {
    let ty = match term {
        Term::Memory {
            space: Space::Kernel,
            ty,
            ..
        } => ty,
        Term::Int(
            _,
            Type::Pointer {
                to,
                space: Space::Kernel,
            },
        ) => to,
        _ => return None,
    };
    match ty {
        Type::Struct(of) => Some(of.name.clone()),
        _ => None,
    }
}

/// How long an IP address of the type is: 4 bytes or 16.
fn bytes_of_address(ty: &Type) -> Option<u32> {
    match ty {
        Type::Struct(of) if of.name == "struct in_addr" => Some(4),
        Type::Struct(of) if of.name == "struct in6_addr" => Some(16),
        Type::Array { of, length } if is_byte(of) => Some(*length).filter(|n| matches!(n, 4 | 16)),
        _ => None,
    }
}

fn is_byte(ty: &Type) -> bool {
    ty.integer().is_some_and(|int| int.bits == 8)
}

/// Where a member is, in bytes, and what it leads to.
fn step(names: &dyn Names, of: &StructType, member: &str) -> Option<(u64, Type)> {
    let member = names.member(of, member)?;
    let ty = match member.ty {
        Type::Pointer { to, .. } => *to,
        ty => ty,
    };
    Some((u64::from(member.bit_offset / 8), ty))
}

/// The same for one that leads to a struct.
fn into(names: &dyn Names, of: &StructType, member: &str) -> Option<(u64, StructType)> {
    match step(names, of, member)? {
        (offset, Type::Struct(to)) => Some((offset, to)),
        _ => None,
    }
}

/// Where things stand in this kernel's structs: `Offsets` of ebpf/src/path.rs. All of them are found from the task, whose
/// type every kind of probe knows.
fn offsets(names: &dyn Names) -> Option<Vec<u64>> {
    let Some(Type::Pointer { to, .. }) = names.task() else {
        return None;
    };
    let Type::Struct(task) = *to else {
        return None;
    };
    let at = |of: &StructType, member: &str| step(names, of, member).map(|(offset, _)| offset);
    let (fs, fs_struct) = into(names, &task, "fs")?;
    let (root, path) = into(names, &fs_struct, "root")?;
    let (mount, vfsmount) = into(names, &path, "mnt")?;
    let (entry, dentry) = into(names, &path, "dentry")?;
    let (name, qstr) = into(names, &dentry, "d_name")?;
    let (hash, node) = into(names, &dentry, "d_hash")?;
    let (inode, of_inode) = into(names, &dentry, "d_inode")?;
    let (superblock, of_superblock) = into(names, &dentry, "d_sb")?;
    let (_, nsproxy) = into(names, &task, "nsproxy")?;
    let (_, namespace) = into(names, &nsproxy, "mnt_ns")?;
    let (_, mounted) = into(names, &namespace, "root")?;
    Some(vec![
        mount,
        entry,
        at(&dentry, "d_parent")?,
        name + at(&qstr, "len")?,
        name + at(&qstr, "name")?,
        hash + at(&node, "pprev")?,
        inode,
        superblock,
        at(&vfsmount, "mnt_root")?,
        at(&mounted, "mnt")?,
        at(&mounted, "mnt_parent")?,
        at(&mounted, "mnt_mountpoint")?,
        fs,
        root,
        at(&of_inode, "i_ino")?,
        at(&of_superblock, "s_magic")?,
    ])
}
