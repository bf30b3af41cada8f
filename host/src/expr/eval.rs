//! The plain evaluator: what a typed tree means, written to be obviously right. The oracle of the random test.

use super::tree::{Current, Glob, Kept, Node, Op, Part, Relation, SetId, Text, common};
use super::types::{Int, Space};
use moontrace_abi::limits::{COMPARED_STRING, VARIABLE_STRING};
use std::cell::Cell;

/// A read that failed: the whole expression has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault;

/// Memory as a program may read it.
pub trait Memory {
    /// Fills `out` from an address; `false` when any of it can't be read.
    fn read(&self, space: Space, address: u64, out: &mut [u8]) -> bool;

    /// Where in the kernel's memory stands what an earlier run has kept; `None` when it is not there.
    fn kept(&self, _: Kept) -> Option<u64> {
        None
    }
}

/// A part of a member that is looked for in a set.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PartValue {
    Int(u64),
    Text(Vec<u8>),
}

/// What a program run sees.
pub struct Input<'a> {
    pub context: &'a [u8],
    pub context_address: u64,
    pub comm: &'a [u8],
    pub pid: u32,
    pub tid: u32,
    pub uid: u32,
    pub gid: u32,
    pub cpu: u32,
    pub time: u64,
    pub task: u64,
    pub cgroup: u64,
    pub variables: &'a [u8],
    pub sets: &'a dyn Fn(SetId, &[PartValue]) -> bool,
    pub memory: &'a dyn Memory,
    /// Divisions by zero and strings that were cut, counted.
    pub divisions: Cell<u64>,
    pub truncated: Cell<u64>,
}

/// The value of an operator on two 64-bit patterns; `None` for a division by zero.
pub fn binary(op: Op, signed: bool, x: u64, y: u64) -> Option<u64> {
    let (i, j) = (x as i64, y as i64);
    Some(match op {
        Op::Add => x.wrapping_add(y),
        Op::Sub => x.wrapping_sub(y),
        Op::Mul => x.wrapping_mul(y),
        Op::And => x & y,
        Op::Or => x | y,
        Op::Xor => x ^ y,
        Op::Shl => {
            if y > 63 {
                0
            } else {
                x << y
            }
        }
        Op::Shr => {
            if y > 63 {
                0
            } else {
                x >> y
            }
        }
        Op::Div | Op::FloorDiv | Op::Mod if y == 0 => return None,
        Op::Div if signed => i.wrapping_div(j) as u64,
        Op::FloorDiv if signed => {
            let (quotient, rest) = (i.wrapping_div(j), i.wrapping_rem(j));
            (if rest != 0 && (rest < 0) != (j < 0) {
                quotient - 1
            } else {
                quotient
            }) as u64
        }
        Op::Mod if signed => {
            let rest = i.wrapping_rem(j);
            (if rest != 0 && (rest < 0) != (j < 0) {
                rest + j
            } else {
                rest
            }) as u64
        }
        Op::Div | Op::FloorDiv => x / y,
        Op::Mod => x % y,
    })
}

/// Do two values stand in a relation?
pub fn holds(relation: Relation, a: i128, b: i128) -> bool {
    match relation {
        Relation::Eq => a == b,
        Relation::Ne => a != b,
        Relation::Lt => a < b,
        Relation::Le => a <= b,
        Relation::Gt => a > b,
        Relation::Ge => a >= b,
    }
}

/// The 64-bit pattern of a value.
pub fn node(node: &Node, input: &Input<'_>) -> Result<u64, Fault> {
    let value = |of: &Node| self::node(of, input);
    let truth = |of: &Node| Ok(self::node(of, input)? != 0);
    Ok(match node {
        Node::Const(constant) => *constant as u64,
        Node::Context { offset, int } => {
            let start = usize::try_from(*offset).map_err(|_| Fault)?;
            let bytes = input
                .context
                .get(start..start + usize::from(int.bytes()))
                .ok_or(Fault)?;
            int.fit(little_endian(bytes))
        }
        Node::ContextAddress => input.context_address,
        Node::Read {
            space,
            base,
            offset,
            int,
        } => {
            let address = value(base)?.wrapping_add(i64::from(*offset) as u64);
            let mut bytes = [0; 8];
            let bytes = &mut bytes[..usize::from(int.bytes())];
            if !input.memory.read(*space, address, bytes) {
                return Err(Fault);
            }
            int.fit(little_endian(bytes))
        }
        Node::Current(current) => match current {
            Current::Pid => input.pid.into(),
            Current::Tid => input.tid.into(),
            Current::Uid => input.uid.into(),
            Current::Gid => input.gid.into(),
            Current::Cpu => input.cpu.into(),
            Current::Time => input.time,
            Current::Task => input.task,
            Current::Cgroup => input.cgroup,
            Current::TaskWord(offset) => {
                let mut bytes = [0; 4];
                let address = input.task.wrapping_add_signed(i64::from(*offset));
                if !input.memory.read(Space::Kernel, address, &mut bytes) {
                    return Err(Fault);
                }
                u32::from_le_bytes(bytes).into()
            }
        },
        Node::Kept(kept, int) => {
            let address = input.memory.kept(*kept).ok_or(Fault)?;
            let mut bytes = [0; 8];
            if !input.memory.read(Space::Kernel, address, &mut bytes) {
                return Err(Fault);
            }
            int.fit(little_endian(&bytes))
        }
        Node::KeptAddress(kept) => input.memory.kept(*kept).ok_or(Fault)?,
        Node::Cookie => 0,
        Node::Entry(table, at) => usize::try_from(value(at)?)
            .ok()
            .and_then(|at| table.get(at).copied())
            .unwrap_or(0),
        Node::Variable { slot, int } => {
            let start = slot.0 as usize;
            int.fit(little_endian(
                input
                    .variables
                    .get(start..start + usize::from(int.bytes()))
                    .ok_or(Fault)?,
            ))
        }
        Node::Bits {
            of,
            shift,
            width,
            signed,
        } => Int::new(*signed, *width).fit(value(of)?.checked_shr(u32::from(*shift)).unwrap_or(0)),
        // Where the library puts it is nobody's business; `text` knows what it says.
        Node::Composed { .. } => return Err(Fault),
        Node::Cast(int, of) => int.fit(value(of)?),
        Node::Neg(of) => value(of)?.wrapping_neg(),
        Node::Invert(of) => !value(of)?,
        Node::Binary(op, a, b) => {
            let signed = common(a, b) == Int::I64;
            binary(*op, signed, value(a)?, value(b)?).unwrap_or_else(|| {
                input.divisions.set(input.divisions.get() + 1);
                0
            })
        }
        Node::Compare(relation, a, b) => {
            let (x, y) = (value(a)?, value(b)?);
            holds(*relation, a.int().value(x), b.int().value(y)).into()
        }
        Node::Not(of) => (!truth(of)?).into(),
        Node::And(a, b) => (truth(a)? && truth(b)?).into(),
        Node::Or(a, b) => (truth(a)? || truth(b)?).into(),
        Node::Select(condition, a, b) => {
            if truth(condition)? {
                value(a)?
            } else {
                value(b)?
            }
        }
        Node::In(of, list) => {
            let found = of.int().value(value(of)?);
            list.contains(&found).into()
        }
        Node::InSet(set, parts) => {
            let parts = parts
                .iter()
                .map(|part| self::part(part, input))
                .collect::<Result<Vec<_>, _>>()?;
            (input.sets)(*set, &parts).into()
        }
        Node::Same(a, b) => same(a, b, input)?.into(),
        Node::StartsWith(of, prefix) => beginning(of, prefix.len(), input)?
            .starts_with(prefix)
            .into(),
        Node::Like(of, glob) => matches(glob, &text(of, input)?).into(),
        Node::Swap { bits, of } => value(of)?.swap_bytes() >> (64 - u32::from(*bits)),
        Node::Log2(of) => {
            let found = value(of)?;
            let below_one = of.int().value(found) <= 0;
            if below_one {
                0
            } else {
                u64::from(found.ilog2())
            }
        }
    })
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// A string, without its NUL, cut to its capacity.
pub fn text(text: &Text, input: &Input<'_>) -> Result<Vec<u8>, Fault> {
    Ok(match text {
        Text::Literal(bytes) => until_nul(bytes).to_vec(),
        Text::Comm(_) => until_nul(input.comm).to_vec(),
        Text::Variable(slot) => {
            let start = slot.0 as usize;
            until_nul(
                input
                    .variables
                    .get(start..start + VARIABLE_STRING)
                    .ok_or(Fault)?,
            )
            .to_vec()
        }
        Text::Read {
            space,
            address,
            capacity,
        } => {
            let (bytes, cut) = read(*space, node(address, input)?, usize::from(*capacity), input)?;
            input.truncated.set(input.truncated.get() + u64::from(cut));
            bytes
        }
        Text::Select(condition, a, b) => {
            if node(condition, input)? != 0 {
                self::text(a, input)?
            } else {
                self::text(b, input)?
            }
        }
    })
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or(bytes)
}

/// At most `capacity - 1` bytes of the string at an address, and whether it goes on behind them.
fn read(
    space: Space,
    address: u64,
    capacity: usize,
    input: &Input<'_>,
) -> Result<(Vec<u8>, bool), Fault> {
    let mut out = Vec::new();
    loop {
        let mut byte = [0];
        let there = input
            .memory
            .read(space, address.wrapping_add(out.len() as u64), &mut byte);
        let last = out.len() + 1 == capacity;
        match (there, last) {
            // The kernel's helpers read the byte that the NUL then stands on.
            (false, _) => return Err(Fault),
            (true, true) => return Ok((out, byte[0] != 0)),
            (true, false) if byte[0] == 0 => return Ok((out, false)),
            (true, false) => out.push(byte[0]),
        }
    }
}

/// The first bytes of a string, as many as are asked for: what follows is not looked at, and can't be cut.
fn beginning(of: &Text, length: usize, input: &Input<'_>) -> Result<Vec<u8>, Fault> {
    match of {
        Text::Read {
            space,
            address,
            capacity,
        } => {
            let wanted = (length + 1).min(usize::from(*capacity));
            read(*space, node(address, input)?, wanted, input).map(|(bytes, _)| bytes)
        }
        Text::Select(condition, a, b) => beginning(
            if node(condition, input)? != 0 { a } else { b },
            length,
            input,
        ),
        other => text(other, input),
    }
}

/// Equality with a literal looks at one byte more than it has: what is longer is not equal, however long.
fn same(a: &Text, b: &Text, input: &Input<'_>) -> Result<bool, Fault> {
    match (a, b) {
        (of, Text::Literal(bytes)) | (Text::Literal(bytes), of) => {
            let bytes = until_nul(bytes);
            Ok(beginning(of, bytes.len() + 1, input)? == bytes)
        }
        _ => {
            let (a, b) = (text(a, input)?, text(b, input)?);
            Ok(compared(&a) == compared(&b))
        }
    }
}

/// What of a computed string is compared with another computed one.
fn compared(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(COMPARED_STRING - 1)]
}

fn part(part: &Part, input: &Input<'_>) -> Result<PartValue, Fault> {
    match part {
        Part::Int(of) => node(of, input).map(PartValue::Int),
        Part::Text(of) => text(of, input).map(PartValue::Text),
        Part::Stack(_) | Part::Symbol(_) => Err(Fault),
    }
}

/// Does the pattern match all of the bytes?
pub fn matches(glob: &Glob, bytes: &[u8]) -> bool {
    // Where the elements so far can have brought us, one row of positions an element.
    let mut reached = vec![false; bytes.len() + 1];
    reached[0] = true;
    for element in &glob.elements {
        let mut next = vec![false; bytes.len() + 1];
        for at in 0..=bytes.len() {
            if element.star {
                next[at] = reached[at] || at > 0 && next[at - 1];
            } else if at > 0 && reached[at - 1] {
                let byte = bytes[at - 1];
                next[at] = element.bytes[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1;
            }
        }
        reached = next;
    }
    reached[bytes.len()]
}
