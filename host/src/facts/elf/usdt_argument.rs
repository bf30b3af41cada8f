//! What a USDT note says of its arguments: `-4@-20(%rbp) 8@%rax 4@$5`, each a size, a sign and an operand as the
//! assembler writes it.

use crate::expr::types::Int;

/// What a program may claim; `sys/sdt.h` has 12.
const MOST: usize = 64;

/// One argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    pub int: Int,
    pub operand: Operand,
}

/// Where its value is when the probe is hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    Constant(i64),
    Register(Register),
    /// At `base + index * scale + displacement`.
    Memory {
        base: Option<Register>,
        /// With its scale: 1, 2, 4 or 8.
        index: Option<(Register, u8)>,
        displacement: i64,
    },
    /// At so many bytes from the probe's own instruction.
    Relative(i64),
    /// Why it can't be read.
    Unreadable(String),
}

/// A part of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register {
    /// In `struct pt_regs` of x86_64 (arch/x86/include/asm/ptrace.h), in bytes.
    pub offset: i16,
    pub bits: u8,
}

/// Reads a note's arguments. `pc` is where its probe stands, and `symbol` knows the addresses of data.
pub(super) fn read_arguments(
    text: &str,
    pc: u64,
    symbol: &dyn Fn(&str) -> Option<u64>,
) -> Vec<Argument> {
    let words = text.split_whitespace().take(MOST);
    words.map(|word| argument(word, pc, symbol)).collect()
}

fn argument(word: &str, pc: u64, symbol: &dyn Fn(&str) -> Option<u64>) -> Argument {
    let unreadable = |why: String| Argument {
        int: Int::U64,
        operand: Operand::Unreadable(why),
    };
    // Without a size it is a word of the machine.
    let (size, operand) = word.split_once('@').unwrap_or(("8", word));
    if size.ends_with('f') {
        return unreadable(format!("'{word}' is a floating-point number"));
    }
    let (signed, bytes) = match size.strip_prefix('-') {
        Some(bytes) => (true, bytes),
        None => (false, size),
    };
    let bits = match bytes {
        "1" => 8,
        "2" => 16,
        "4" => 32,
        "8" => 64,
        _ => return unreadable(format!("'{word}' has no size of an integer")),
    };
    Argument {
        int: Int::new(signed, bits),
        operand: operand_of(operand, pc, symbol).unwrap_or_else(|| {
            Operand::Unreadable(format!("'{word}' is no operand that is known"))
        }),
    }
}

fn operand_of(text: &str, pc: u64, symbol: &dyn Fn(&str) -> Option<u64>) -> Option<Operand> {
    if let Some(constant) = text.strip_prefix('$') {
        return number(constant).map(Operand::Constant);
    }
    if text.starts_with('%') {
        return register(text).map(Operand::Register);
    }
    let Some((before, inside)) = text.split_once('(') else {
        return relative(text, pc, symbol);
    };
    let inside = inside.strip_suffix(')')?;
    if inside == "%rip" {
        return relative(before, pc, symbol);
    }
    let displacement = if before.is_empty() {
        0
    } else {
        number(before)?
    };
    let mut parts = inside.split(',').map(str::trim);
    let base = match parts.next()? {
        "" => None,
        name => Some(address_register(name)?),
    };
    let index = match (parts.next(), parts.next()) {
        (None, _) => None,
        (Some(name), scale) => {
            let scale: u8 = scale.unwrap_or("1").parse().ok()?;
            [1, 2, 4, 8].contains(&scale).then_some(())?;
            Some((address_register(name)?, scale))
        }
    };
    let complete = parts.next().is_none() && (base.is_some() || index.is_some());
    complete.then_some(Operand::Memory {
        base,
        index,
        displacement,
    })
}

/// `symbol`, `symbol+8`, `4+symbol`: where data of the binary stands, however far it was moved when it was loaded.
fn relative(text: &str, pc: u64, symbol: &dyn Fn(&str) -> Option<u64>) -> Option<Operand> {
    let (name, more) = match text.rfind(['+', '-']).filter(|at| *at > 0) {
        Some(at) => {
            let (first, second) = text.split_at(at);
            match number(second.strip_prefix('+').unwrap_or(second)) {
                Some(more) => (first, more),
                None => (second.strip_prefix('+')?, number(first)?),
            }
        }
        None => (text, 0),
    };
    let address = symbol(name)?.wrapping_add(more.cast_unsigned());
    Some(Operand::Relative(address.wrapping_sub(pc).cast_signed()))
}

fn number(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let value = match digits.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?.cast_signed(),
        // Unsigned constants are written as they are: up to 2^64 - 1.
        None => digits.parse::<u64>().ok()?.cast_signed(),
    };
    Some(if negative {
        value.wrapping_neg()
    } else {
        value
    })
}

/// A whole register, as addresses are made of.
fn address_register(name: &str) -> Option<Register> {
    register(name).filter(|register| register.bits == 64)
}

fn register(text: &str) -> Option<Register> {
    let name = text.strip_prefix('%')?;
    let at = |offset, bits| Some(Register { offset, bits });
    // The eight with numbers: r8, r8d, r8w, r8b.
    if let Some(numbered) = name.strip_prefix('r')
        && numbered.starts_with(|c: char| c.is_ascii_digit())
    {
        let digits = numbered.trim_end_matches(['d', 'w', 'b']);
        let bits = match &numbered[digits.len()..] {
            "" => 64,
            "d" => 32,
            "w" => 16,
            "b" => 8,
            _ => return None,
        };
        let offset = match digits {
            "8" => 72,
            "9" => 64,
            "10" => 56,
            "11" => 48,
            "12" => 24,
            "13" => 16,
            "14" => 8,
            "15" => 0,
            _ => return None,
        };
        return at(offset, bits);
    }
    const NAMED: [(i16, [&str; 4]); 8] = [
        (80, ["rax", "eax", "ax", "al"]),
        (40, ["rbx", "ebx", "bx", "bl"]),
        (88, ["rcx", "ecx", "cx", "cl"]),
        (96, ["rdx", "edx", "dx", "dl"]),
        (104, ["rsi", "esi", "si", "sil"]),
        (112, ["rdi", "edi", "di", "dil"]),
        (32, ["rbp", "ebp", "bp", "bpl"]),
        (152, ["rsp", "esp", "sp", "spl"]),
    ];
    for (offset, names) in NAMED {
        if let Some(which) = names.iter().position(|known| *known == name) {
            return at(offset, 64 >> which);
        }
    }
    match name {
        "ah" => at(81, 8),
        "bh" => at(41, 8),
        "ch" => at(89, 8),
        "dh" => at(97, 8),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Vec<Argument> {
        read_arguments(text, 0x1000, &|name| (name == "counter").then_some(0x4000))
    }

    fn operand(text: &str) -> Operand {
        read(text).remove(0).operand
    }

    #[test]
    fn operands_are_those_of_the_assembler() {
        let whole = |offset| Register { offset, bits: 64 };
        let memory = |base, index, displacement| Operand::Memory {
            base,
            index,
            displacement,
        };
        assert_eq!(operand("-4@-20(%rbp)"), memory(Some(whole(32)), None, -20));
        assert_eq!(
            operand("-1@8(%rdx,%rcx,4)"),
            memory(Some(whole(96)), Some((whole(88), 4)), 8)
        );
        assert_eq!(operand("8@(,%r9,8)"), memory(None, Some((whole(64), 8)), 0));
        assert_eq!(operand("8@%rax"), Operand::Register(whole(80)));
        let part = |offset, bits| Operand::Register(Register { offset, bits });
        assert_eq!(operand("1@%ah"), part(81, 8));
        assert_eq!(operand("2@%r10w"), part(56, 16));
        assert_eq!(operand("4@%esi"), part(104, 32));
        assert_eq!(operand("4@$-5"), Operand::Constant(-5));
        assert_eq!(operand("8@$18446744073709551615"), Operand::Constant(-1));
        assert_eq!(operand("4@counter(%rip)"), Operand::Relative(0x3000));
        assert_eq!(operand("4@counter+8(%rip)"), Operand::Relative(0x3008));
        assert_eq!(operand("4@8+counter(%rip)"), Operand::Relative(0x3008));
    }

    #[test]
    fn size_and_sign_come_from_the_note() {
        let ints: Vec<Int> = read("-4@%eax 1@%al %rdi").iter().map(|of| of.int).collect();
        assert_eq!(ints, [Int::I32, Int::U8, Int::U64]);
    }

    #[test]
    fn what_is_not_understood_stays_in_its_place() {
        for wrong in [
            "8f@%xmm0",
            "3@%eax",
            "@",
            "4@",
            "4@%",
            "4@%r16",
            "4@%r8x",
            "4@8(%rax",
            "4@(%eax)",
            "4@()",
            "4@(%rax,%rbx,3)",
            "4@(%rax,%rbx,1,2)",
            "4@nowhere(%rip)",
            "4@$",
            "4@$--1",
            "4@%fs:8",
            "4@+",
            "4@-",
            "99999999999@%rax",
            "4@99999999999999999999(%rax)",
            "4@é(",
        ] {
            let read = read(wrong);
            assert_eq!(read.len(), 1, "{wrong}");
            assert!(
                matches!(read[0].operand, Operand::Unreadable(_)),
                "{wrong}: {read:?}"
            );
        }
        assert_eq!(read("4@$1 nonsense@x 4@$2").len(), 3);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(5000) })]

        #[test]
        fn arguments_of_any_text_are_read(
            text in "(-?[1248]@|[@$,+() -]|%r(ax|ip|sp|8d)|[0-9]{1,20}|0x[0-9a-f]{1,18}|[a-z_]{1,4}|\\PC){0,24}",
            pc in any::<u64>(),
            address in any::<u64>(),
        ) {
            let read = read_arguments(&text, pc, &|name| (!name.is_empty()).then_some(address));
            prop_assert!(read.len() <= MOST);
            for argument in read {
                if let Operand::Memory { index: Some((_, scale)), .. } = argument.operand {
                    prop_assert!(scale.is_power_of_two() && scale <= 8);
                }
            }
        }
    }
}
