//! What a tree means, said once more in plain Rust.

use crate::world::World;
use moontrace::expr::tree::{Current, Glob, Node, Op, Part, Relation, SetId, TARGET, Text, common};
use moontrace::expr::types::{Int, Space};
use moontrace_abi::limits::COMPARED_STRING;
use std::cell::Cell;

/// Memory could not be read: the expression has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault;

type Result<T = u64> = std::result::Result<T, Fault>;

/// Stands for the address of the kernel's copy of the context, which is not known here.
const CONTEXT: u64 = 0xffff_0123_0000_0000;

/// One run, as it should be.
pub struct Oracle<'a> {
    pub world: &'a World,
    context: Vec<u8>,
    pub pid: u32,
    pub tid: u32,
    pub uid: u32,
    pub gid: u32,
    pub cpu: u32,
    /// Measured: nothing outside of the kernel tells them.
    pub task: u64,
    pub cgroup: u64,
    pub divisions: Cell<u64>,
    pub truncations: Cell<u64>,
}

impl<'a> Oracle<'a> {
    pub fn new(world: &'a World, identity: &Identity) -> Self {
        Self {
            world,
            context: world.context_bytes(),
            pid: identity.pid,
            tid: identity.tid,
            uid: identity.uid,
            gid: identity.gid,
            cpu: identity.cpu,
            task: identity.task,
            cgroup: identity.cgroup,
            divisions: Cell::new(0),
            truncations: Cell::new(0),
        }
    }

    /// The 64-bit pattern of a value; 0 or 1 for a truth value.
    pub fn value(&self, node: &Node) -> Result {
        Ok(match node {
            Node::Const(value) => *value as u64,
            Node::Context { offset, int } => int.fit(word(&self.context[*offset as usize..][..bytes(*int)])),
            Node::ContextAddress => CONTEXT,
            Node::Read { space, base, offset, int } => {
                let address = self.value(base)?.wrapping_add(*offset as i64 as u64);
                let mut out = [0; 8];
                self.memory(*space, address, &mut out[..bytes(*int)])?;
                int.fit(u64::from_le_bytes(out))
            }
            Node::Current(current) => match current {
                Current::Pid => self.pid.into(),
                Current::Tid => self.tid.into(),
                Current::Uid => self.uid.into(),
                Current::Gid => self.gid.into(),
                Current::Cpu => self.cpu.into(),
                Current::Task => self.task,
                Current::Cgroup => self.cgroup,
                Current::Time => panic!("the time of a run is not known before it"),
            },
            Node::Elapsed => 0,
            Node::Variable { slot, int } => {
                int.fit(word(&self.world.variables[slot.0 as usize..][..bytes(*int)]))
            }
            Node::Bits { of, shift, width, signed } => Int::new(*signed, *width).fit(self.value(of)? >> shift),
            Node::Cast(int, of) => int.fit(self.value(of)?),
            Node::Neg(of) => self.value(of)?.wrapping_neg(),
            Node::Invert(of) => !self.value(of)?,
            Node::Binary(op, a, b) => self.binary(*op, a, b)?,
            Node::Compare(relation, a, b) => {
                let (left, right) = (a.int().value(self.value(a)?), b.int().value(self.value(b)?));
                u64::from(match relation {
                    Relation::Eq => left == right,
                    Relation::Ne => left != right,
                    Relation::Lt => left < right,
                    Relation::Le => left <= right,
                    Relation::Gt => left > right,
                    Relation::Ge => left >= right,
                })
            }
            Node::Not(of) => u64::from(self.value(of)? == 0),
            Node::And(a, b) => u64::from(self.value(a)? != 0 && self.value(b)? != 0),
            Node::Or(a, b) => u64::from(self.value(a)? != 0 || self.value(b)? != 0),
            Node::Select(condition, a, b) => self.value(if self.value(condition)? != 0 { a } else { b })?,
            Node::In(of, values) => u64::from(values.contains(&of.int().value(self.value(of)?))),
            Node::InSet(set, parts) => u64::from(self.is_member(*set, &self.key(parts)?)),
            Node::Same(a, b) => {
                // Two computed strings are compared by their first bytes.
                let computed = !matches!(**a, Text::Literal(_)) && !matches!(**b, Text::Literal(_));
                let most = if computed { COMPARED_STRING - 1 } else { usize::MAX };
                let (left, right) = (self.text(a)?, self.text(b)?);
                u64::from(left[..left.len().min(most)] == right[..right.len().min(most)])
            }
            Node::StartsWith(text, start) => u64::from(self.text(text)?.starts_with(start)),
            Node::Like(text, glob) => u64::from(matches(glob, &self.noted_text(text)?)),
            Node::Swap { bits, of } => self.value(of)?.swap_bytes() >> (64 - bits),
            Node::Log2(of) => {
                let value = of.int().value(self.value(of)?);
                if value <= 0 { 0 } else { value.ilog2().into() }
            }
        })
    }

    fn binary(&self, op: Op, a: &Node, b: &Node) -> Result {
        let (x, y) = (self.value(a)?, self.value(b)?);
        let int = common(a, b);
        // Wide enough for every quotient of both types.
        let (left, right) = (int.value(x), int.value(y));
        if matches!(op, Op::Div | Op::FloorDiv | Op::Mod) && y == 0 {
            self.divisions.set(self.divisions.get() + 1);
            return Ok(0);
        }
        Ok(match op {
            Op::Add => x.wrapping_add(y),
            Op::Sub => x.wrapping_sub(y),
            Op::Mul => x.wrapping_mul(y),
            Op::Div => (left / right) as u64,
            Op::FloorDiv => (left - floor_mod(left, right)).wrapping_div(right) as u64,
            Op::Mod => floor_mod(left, right) as u64,
            Op::And => x & y,
            Op::Or => x | y,
            Op::Xor => x ^ y,
            Op::Shl => x.checked_shl(y.try_into().unwrap_or(64)).unwrap_or(0),
            Op::Shr => x.checked_shr(y.try_into().unwrap_or(64)).unwrap_or(0),
        })
    }

    fn is_member(&self, set: SetId, key: &[u8]) -> bool {
        if set == TARGET {
            return key == u64::from(self.pid).to_le_bytes();
        }
        self.world.sets[set.0 as usize].members.contains(key)
    }

    /// Parts one behind the other, as they stand in a map's key. What is cut of a string is noted.
    pub fn key(&self, parts: &[Part]) -> Result<Vec<u8>> {
        let mut key = Vec::new();
        for part in parts {
            match part {
                Part::Int(node) => key.extend(self.value(node)?.to_le_bytes()),
                Part::Text(text) => {
                    let end = key.len() + part.size() as usize;
                    key.extend(self.noted_text(text)?);
                    key.resize(end, 0);
                }
            }
        }
        Ok(key)
    }

    /// A string without its NUL.
    pub fn text(&self, text: &Text) -> Result<Vec<u8>> {
        match text {
            Text::Select(condition, a, b) => self.text(if self.value(condition)? != 0 { a } else { b }),
            _ => self.leaf_text(text).map(|(bytes, _)| bytes),
        }
    }

    /// The same, where it is noted when it is cut.
    pub fn noted_text(&self, text: &Text) -> Result<Vec<u8>> {
        match text {
            Text::Select(condition, a, b) => self.noted_text(if self.value(condition)? != 0 { a } else { b }),
            _ => {
                let (bytes, cut) = self.leaf_text(text)?;
                self.truncations.set(self.truncations.get() + u64::from(cut));
                Ok(bytes)
            }
        }
    }

    fn leaf_text(&self, text: &Text) -> Result<(Vec<u8>, bool)> {
        Ok(match text {
            Text::Literal(bytes) => (bytes.clone(), false),
            Text::Comm => (self.world.comm.clone(), false),
            Text::Variable(slot) => (until_nul(&self.world.variables[slot.0 as usize..][..64]), false),
            Text::Read { space, address, capacity } => {
                let address = self.value(address)?;
                let mut bytes = Vec::new();
                loop {
                    let mut byte = [0];
                    self.memory(*space, address.wrapping_add(bytes.len() as u64), &mut byte)?;
                    if byte == [0] {
                        break (bytes, false);
                    }
                    if bytes.len() + 1 == usize::from(*capacity) {
                        break (bytes, true);
                    }
                    bytes.extend(byte);
                }
            }
            Text::Select(..) => unreachable!("picked by the callers"),
        })
    }

    fn memory(&self, space: Space, address: u64, out: &mut [u8]) -> Result<()> {
        if space == Space::User {
            return self.world.read_user(address, out).ok_or(Fault);
        }
        let mut task = [0u8; 16];
        let fields = self.world.task_fields.iter().zip([self.tid, self.pid]);
        let known: [(u64, &[u8]); 2] = {
            task[..self.world.comm.len()].copy_from_slice(&self.world.comm);
            [(CONTEXT, &self.context), (self.task.wrapping_add(self.world.task_comm.into()), &task)]
        };
        for ((offset, _), value) in fields {
            if address == self.task.wrapping_add((*offset).into()) {
                out.copy_from_slice(&value.to_le_bytes()[..out.len()]);
                return Ok(());
            }
        }
        for (start, bytes) in known {
            let at = address.wrapping_sub(start) as usize;
            if let Some(bytes) = bytes.get(at..at.saturating_add(out.len())) {
                out.copy_from_slice(bytes);
                return Ok(());
            }
        }
        Err(Fault)
    }
}

/// Who runs the program, and where.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    pub pid: u32,
    pub tid: u32,
    pub uid: u32,
    pub gid: u32,
    pub cpu: u32,
    pub task: u64,
    pub cgroup: u64,
}

fn floor_mod(a: i128, b: i128) -> i128 {
    let rest = a % b;
    if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }
}

/// By trying every way.
fn matches(glob: &Glob, text: &[u8]) -> bool {
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for element in &glob.elements {
        let mut next = vec![false; text.len() + 1];
        for at in 0..=text.len() {
            if element.star {
                next[at] = reached[at] || (at > 0 && next[at - 1]);
            } else if at > 0 {
                let byte = usize::from(text[at - 1]);
                next[at] = reached[at - 1] && element.bytes[byte / 64] >> (byte % 64) & 1 == 1;
            }
        }
        reached = next;
    }
    reached[text.len()]
}

fn bytes(int: Int) -> usize {
    int.bytes().into()
}

fn word(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

pub fn until_nul(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().take_while(|byte| *byte != 0).collect()
}
