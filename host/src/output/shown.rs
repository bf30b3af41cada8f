//! What integers stand for, as people read it.

use crate::rows::Shown;
use crate::rows::shown::Flags;
use std::fmt::Write;

/// An integer as its type says. One that the names don't know is a number.
pub(super) fn named(value: i128, shown: &Shown) -> String {
    match shown {
        Shown::Address => format!("{:#x}", value as u64),
        Shown::Enum(of) => match of.name_of(value) {
            Some(name) => name.to_owned(),
            None => value.to_string(),
        },
        Shown::Flags(of) => flags(value as u64, of),
        Shown::Device => device(value as u64),
        Shown::Time => seconds(value),
        Shown::Mode => format!("0{:03o}", value as u64),
        Shown::Byte(_) => value.to_string(),
    }
}

fn flags(value: u64, of: &Flags) -> String {
    let mut out = String::new();
    let mut add = |name: &str| {
        if !out.is_empty() {
            out.push('|');
        }
        out.push_str(name);
    };
    let mut left = value;
    for (bits, _) in &of.marks {
        left &= !bits;
    }
    if let Some((mask, names)) = &of.field
        && let Some((_, name)) = names.iter().find(|(known, _)| *known == left & mask)
    {
        add(name);
        left &= !mask;
    }
    for (bits, name) in &of.names {
        if *bits != 0 && left & bits == *bits {
            add(name);
            left &= !bits;
        }
    }
    if left != 0 {
        add(&format!("{left:#x}"));
    }
    if out.is_empty() {
        out.push_str(of.none.as_deref().unwrap_or("0"));
    }
    for (bits, mark) in &of.marks {
        if value & bits != 0 {
            out.push_str(mark);
        }
    }
    out
}

fn device(value: u64) -> String {
    format!("{}:{}", value >> 20 & 0xfff, value & 0xf_ffff)
}

fn seconds(ns: i128) -> String {
    const SECOND: u128 = 1_000_000_000;
    let mut out = String::new();
    let (sign, ns) = (if ns < 0 { "-" } else { "" }, ns.unsigned_abs());
    // Writing to a String can't fail.
    let _ = write!(out, "{sign}{}.{:09}s", ns / SECOND, ns % SECOND);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::shown::Enumeration;
    use std::sync::Arc;

    fn names<T: From<u8>>(all: &[(u8, &str)]) -> Vec<(T, String)> {
        let one = |(value, name): &(u8, &str)| (T::from(*value), (*name).to_owned());
        all.iter().map(one).collect()
    }

    #[test]
    fn numbers_have_the_names_of_their_types() {
        let of = Enumeration {
            name: "enum pid_type".into(),
            values: names(&[(0, "PIDTYPE_PID"), (1, "PIDTYPE_TGID")]),
        };
        let shown = Shown::Enum(Arc::new(of));
        assert_eq!(named(1, &shown), "PIDTYPE_TGID");
        assert_eq!(named(-7, &shown), "-7");
        assert_eq!(named(0x80_0001, &Shown::Device), "8:1");
        assert_eq!(named(1_500_000_000, &Shown::Time), "1.500000000s");
        assert_eq!(named(-1, &Shown::Time), "-0.000000001s");
        assert_eq!(named(0o100_644, &Shown::Mode), "0100644");
        assert_eq!(named(-1, &Shown::Address), "0xffffffffffffffff");
    }

    #[test]
    fn flags_are_joined_and_what_is_unknown_is_a_number() {
        let of = Flags {
            names: names(&[(0b110, "BOTH"), (0b10, "A"), (0b100, "B")]),
            field: None,
            none: Some("R".into()),
            marks: names(&[(0x80, "+")]),
        };
        let shown = Shown::Flags(Arc::new(of));
        let text = |value| named(value, &shown);
        assert_eq!(text(0), "R");
        assert_eq!(text(0x80), "R+");
        assert_eq!(text(0b110), "BOTH");
        assert_eq!(text(0b1100_0100), "B|0x40+");
    }

    #[test]
    fn a_number_within_flags_has_its_name_in_front() {
        let access = names(&[(0, "O_RDONLY"), (1, "O_WRONLY"), (2, "O_RDWR")]);
        let of = Flags {
            names: names(&[(64, "O_CREAT")]),
            field: Some((3, access)),
            ..Flags::default()
        };
        let shown = Shown::Flags(Arc::new(of));
        let text = |value| named(value, &shown);
        assert_eq!(text(0), "O_RDONLY");
        assert_eq!(text(65), "O_WRONLY|O_CREAT");
        assert_eq!(text(3), "0x3");
    }
}
