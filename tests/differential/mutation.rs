//! Mistakes as a code generator may make them, planted in what it generates: does the test see them?

use moontrace::codegen::{Code, MapRef};

/// A wrong entry in one of the generator's tables.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mutation {
    /// One opcode in the place of another.
    Opcode { from: u8, to: u8 },
    /// One helper function in the place of another.
    Helper { from: i32, to: i32 },
    /// One function of the library in the place of another.
    Library {
        from: &'static str,
        to: &'static str,
    },
    /// An immediate that is off by this.
    Immediate { opcode: u8, by: i32 },
    /// An address that is off by this, where the base is that register.
    Offset { opcode: u8, base: u8, by: i16 },
    /// The wrong variable.
    Variable { by: u32 },
    /// The wrong set.
    Set { by: u32 },
    /// The wrong one of two spans.
    Span,
    /// A constant argument of a function that is off by this.
    Argument { register: u8, by: i32 },
    /// A word of each pattern's table with this bit turned.
    Pattern { word: usize, bit: u32 },
}

use Mutation::{
    Argument, Helper, Immediate, Library, Offset, Opcode, Pattern, Set, Span, Variable,
};

const fn opcode(from: u8, to: u8) -> Mutation {
    Opcode { from, to }
}

pub(crate) const ALL: [Mutation; 76] = [
    // Arithmetic on registers: + - * / | & << >> % ^, and the shift with sign.
    opcode(0x0f, 0x1f),
    opcode(0x1f, 0x0f),
    opcode(0x2f, 0x0f),
    opcode(0x3f, 0x9f),
    opcode(0x4f, 0x5f),
    opcode(0x5f, 0x4f),
    opcode(0x6f, 0x7f),
    opcode(0x7f, 0xcf),
    opcode(0x9f, 0x3f),
    opcode(0xaf, 0x4f),
    // The same with immediates.
    opcode(0x07, 0x17),
    opcode(0x17, 0x07),
    opcode(0x27, 0x07),
    opcode(0x37, 0x97),
    opcode(0x47, 0x57),
    opcode(0x57, 0x47),
    opcode(0x67, 0x77),
    opcode(0x77, 0xc7),
    opcode(0x97, 0x37),
    opcode(0xa7, 0x47),
    opcode(0xc7, 0x77),
    // Negation, the lower half, the order of bytes.
    opcode(0x87, 0xbf),
    opcode(0xbc, 0xbf),
    opcode(0xdc, 0xd4),
    // Jumps on immediates.
    opcode(0x15, 0x55),
    opcode(0x55, 0x15),
    opcode(0x25, 0x35),
    opcode(0x35, 0x25),
    opcode(0xa5, 0xb5),
    opcode(0xb5, 0xa5),
    opcode(0x65, 0x75),
    opcode(0x75, 0x65),
    opcode(0xc5, 0xd5),
    opcode(0xd5, 0xc5),
    opcode(0x25, 0x65),
    opcode(0xa5, 0xc5),
    opcode(0x65, 0x25),
    opcode(0xc5, 0xa5),
    // Jumps on registers.
    opcode(0x1d, 0x5d),
    opcode(0x5d, 0x1d),
    opcode(0x2d, 0x3d),
    opcode(0xad, 0xbd),
    opcode(0x6d, 0x7d),
    opcode(0xcd, 0xdd),
    opcode(0x6d, 0x2d),
    opcode(0xcd, 0xad),
    opcode(0x2d, 0x6d),
    opcode(0xad, 0xcd),
    // Loads and stores of other widths.
    opcode(0x71, 0x69),
    opcode(0x69, 0x61),
    opcode(0x61, 0x79),
    opcode(0x79, 0x61),
    opcode(0x73, 0x6b),
    opcode(0x6b, 0x73),
    opcode(0x63, 0x6b),
    opcode(0x7b, 0x63),
    opcode(0x7a, 0x62),
    // User and kernel memory; pid and uid; both kinds of strings.
    Helper { from: 112, to: 113 },
    Helper { from: 113, to: 112 },
    Helper { from: 114, to: 115 },
    Helper { from: 115, to: 114 },
    Helper { from: 14, to: 15 },
    Helper { from: 15, to: 14 },
    Library {
        from: "lib_string_user",
        to: "lib_string_kernel",
    },
    Library {
        from: "lib_string_kernel",
        to: "lib_string_user",
    },
    Library {
        from: "lib_tail_user",
        to: "lib_tail_kernel",
    },
    // Off by one.
    Immediate {
        opcode: 0xb7,
        by: 1,
    },
    Immediate {
        opcode: 0x77,
        by: -1,
    },
    Immediate {
        opcode: 0xc7,
        by: 1,
    },
    Immediate {
        opcode: 0xa5,
        by: 1,
    },
    Offset {
        opcode: 0x79,
        base: 6,
        by: -8,
    },
    Offset {
        opcode: 0x63,
        base: 8,
        by: 4,
    },
    Variable { by: 8 },
    Set { by: 1 },
    // A byte that matches where it must not, and a star too many or too few.
    Pattern {
        word: b'a' as usize,
        bit: 0,
    },
    Pattern { word: 256, bit: 0 },
];

/// Where spans are used.
pub(crate) const SPANS: [Mutation; 18] = [
    Span,
    Library {
        from: "lib_within",
        to: "lib_finish",
    },
    Library {
        from: "lib_finish",
        to: "lib_within",
    },
    // Where what is found is copied to, and how much of it.
    Argument { register: 4, by: 8 },
    Argument {
        register: 5,
        by: -8,
    },
    // What is there: set and taken back.
    opcode(0x47, 0x57),
    opcode(0x57, 0x47),
    opcode(0x4f, 0x5f),
    opcode(0x5f, 0x4f),
    Immediate {
        opcode: 0x47,
        by: 1,
    },
    Immediate {
        opcode: 0x57,
        by: 1,
    },
    // The key, the time, the fields: one word off, or of another width.
    Offset {
        opcode: 0x7b,
        base: 10,
        by: 8,
    },
    Offset {
        opcode: 0x7b,
        base: 8,
        by: 8,
    },
    Offset {
        opcode: 0x7a,
        base: 8,
        by: 8,
    },
    opcode(0x7b, 0x63),
    opcode(0x7a, 0x62),
    // Found is not found.
    opcode(0x15, 0x55),
    opcode(0x55, 0x15),
];

impl Mutation {
    /// Plants the mistake everywhere; `true` when there was a place for it.
    pub(crate) fn plant(&self, code: &mut Code) -> bool {
        let mut planted = false;
        let mut halves = 0;
        for insn in &mut code.insns {
            // The second half of a wide load is no instruction.
            if halves > 0 {
                halves = 0;
                continue;
            }
            halves = i32::from(insn.code == 0x18);
            let base = if insn.code & 7 == 1 {
                insn.src_reg()
            } else {
                insn.dst_reg()
            };
            match *self {
                Opcode { from, to } if insn.code == from => insn.code = to,
                Helper { from, to }
                    if insn.code == 0x85 && insn.src_reg() == 0 && insn.imm == from =>
                {
                    insn.imm = to
                }
                Argument { register, by } if insn.code == 0xb7 && insn.dst_reg() == register => {
                    insn.imm += by
                }
                Immediate { opcode, by } if insn.code == opcode => {
                    insn.imm = insn.imm.wrapping_add(by)
                }
                Offset {
                    opcode,
                    base: of,
                    by,
                } if insn.code == opcode && base == of => insn.off = insn.off.wrapping_add(by),
                _ => continue,
            }
            planted = true;
        }
        for (_, name) in &mut code.calls {
            if let Library { from, to } = *self
                && *name == from
            {
                (*name, planted) = (to, true);
            }
        }
        for (_, map) in &mut code.maps {
            match (self, map) {
                (Variable { by }, MapRef::Variables { offset }) => *offset += by,
                (Set { by }, MapRef::Set(id)) => id.0 = (id.0 + by) % 4,
                (Span, MapRef::Span(id)) => id.0 ^= 1,
                _ => continue,
            }
            planted = true;
        }
        if let Pattern { word, bit } = *self {
            for table in code.patterns.chunks_exact_mut(258) {
                table[word] ^= 1 << bit;
                planted = true;
            }
        }
        planted
    }
}
