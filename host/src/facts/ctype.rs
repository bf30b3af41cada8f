//! C's spelling of types, as tracepoint formats and people write them: `const char *`, `unsigned long`, `struct sock *`.

use crate::expr::types::{Int, Space, Type};
use crate::rows::Shown;

/// A type's words without qualifiers, and how many stars follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spelling {
    /// `char`, `unsigned long`, `struct sock`.
    pub base: String,
    pub stars: u8,
}

/// More stars than anyone writes.
const STARS: usize = 8;

impl Spelling {
    /// Takes a spelling apart. `None` when it isn't one: empty, or stars without end.
    pub fn parse(text: &str) -> Option<Self> {
        let spaced = text.replace('*', " * ");
        let mut stars = 0;
        let mut words = Vec::new();
        for word in spaced.split_whitespace() {
            match word {
                "*" => stars += 1,
                "const" | "volatile" | "restrict" | "__user" | "__kernel" => {}
                word => words.push(word),
            }
        }
        if words.is_empty() || stars > STARS {
            return None;
        }
        Some(Self {
            base: words.join(" "),
            stars: stars as u8,
        })
    }
}

/// What the numbers of one of the kernel's types stand for, where its name says so.
pub fn known(name: &str) -> Option<Shown> {
    match name {
        "dev_t" | "__kernel_dev_t" => Some(Shown::Device),
        "ktime_t" => Some(Shown::Time),
        "umode_t" => Some(Shown::Mode),
        _ => None,
    }
}

/// The types whose meaning needs no kernel: C's own, and the kernel's usual names for them (x86_64).
///
/// Widths are those of include/linux/types.h and include/uapi/asm-generic/posix_types.h.
pub fn plain(base: &str) -> Option<Type> {
    let int = |signed, bits| {
        let int = Int::new(signed, bits);
        Some(known(base).map_or(Type::Int(int), |shown| Type::Named(int, shown)))
    };
    match base {
        "void" => Some(Type::Void),
        "char" => Some(Type::Char),
        "bool" | "_Bool" => Some(Type::Bool),
        "signed char" | "s8" | "__s8" | "int8_t" => int(true, 8),
        "unsigned char" | "u8" | "__u8" | "uint8_t" | "u_char" => int(false, 8),
        "short" | "short int" | "signed short" | "s16" | "__s16" | "int16_t" => int(true, 16),
        "unsigned short" | "short unsigned int" | "unsigned short int" | "u16" | "__u16"
        | "uint16_t" | "umode_t" | "__be16" | "__le16" | "u_short" | "ushort" => int(false, 16),
        "int" | "signed" | "signed int" | "s32" | "__s32" | "int32_t" | "pid_t" | "clockid_t"
        | "key_t" | "timer_t" | "key_serial_t" | "mqd_t" | "rwf_t" => int(true, 32),
        "unsigned" | "unsigned int" | "u32" | "__u32" | "uint32_t" | "uint" | "uid_t" | "gid_t"
        | "qid_t" | "dev_t" | "gfp_t" | "fmode_t" | "__be32" | "__le32" | "u_int" | "__poll_t" => {
            int(false, 32)
        }
        "long" | "long int" | "signed long" | "long long" | "long long int"
        | "signed long long" | "s64" | "__s64" | "int64_t" | "ssize_t" | "off_t" | "loff_t"
        | "time_t" | "time64_t" | "ktime_t" => int(true, 64),
        "unsigned long"
        | "long unsigned int"
        | "unsigned long int"
        | "unsigned long long"
        | "long long unsigned int"
        | "unsigned long long int"
        | "u64"
        | "__u64"
        | "uint64_t"
        | "size_t"
        | "ino_t"
        | "sector_t"
        | "blkcnt_t"
        | "aio_context_t"
        | "ulong"
        | "u_long"
        | "uintptr_t"
        | "cap_user_header_t"
        | "cap_user_data_t"
        | "__be64"
        | "__le64" => int(false, 64),
        _ => None,
    }
}

/// A type whose meaning needs no kernel, as C writes it: `u32`, `const char *`.
pub fn spelled(text: &str) -> Option<Type> {
    let Spelling { base, stars } = Spelling::parse(text)?;
    plain(&base).map(|ty| pointers(ty, stars, Space::Kernel))
}

/// `stars` pointers upon a type.
pub fn pointers(ty: Type, stars: u8, space: Space) -> Type {
    (0..stars).fold(ty, |to, _| Type::Pointer {
        to: Box::new(to),
        space,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qualifiers_and_blanks_say_nothing() {
        let spelt = |text| Spelling::parse(text).map(|s| (s.base, s.stars));
        assert_eq!(spelt("const char *const *"), Some(("char".into(), 2)));
        assert_eq!(spelt(" struct  sock*"), Some(("struct sock".into(), 1)));
        assert_eq!(spelt("unsigned int"), Some(("unsigned int".into(), 0)));
        assert_eq!(spelt(" * "), None);
        assert_eq!(spelt(&format!("int{}", "*".repeat(300))), None);
    }
}
