//! Random typed trees: every kind of node, over the world that the tests know both sides of.

use crate::world::{self, World};
use moontrace::expr::tree::{
    Current, Glob, GlobElement, Node, Op, Part, Relation, SetId, Slot, TARGET, Text,
};
use moontrace::expr::types::{Int, Space};

/// A generator whose seed gives the same trees again.
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 11) % limit
    }

    pub(crate) fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// Small numbers, powers of two and their neighbours, the ends of types.
    pub(crate) fn edge(&mut self) -> i128 {
        const ENDS: [i128; 8] = [
            0,
            i64::MAX as i128,
            i64::MIN as i128,
            u64::MAX as i128,
            i32::MAX as i128,
            i32::MIN as i128,
            u32::MAX as i128,
            1 << 63,
        ];
        match self.below(8) {
            0..3 => self.below(10).into(),
            3 => -i128::from(self.below(10)),
            4 => (1i128 << self.below(64)) - i128::from(self.below(3)),
            5 => -(1i128 << self.below(63)),
            6 => (self.next() as i64).into(),
            _ => self.pick(&ENDS),
        }
    }

    /// A string of few different letters, so that comparisons hold now and then.
    pub(crate) fn letters(&mut self, most: u64) -> Vec<u8> {
        let length = if self.one_in(3) {
            self.below(most + 1)
        } else {
            self.below(4.min(most + 1))
        };
        (0..length).map(|_| b"ab"[self.below(2) as usize]).collect()
    }
}

pub(crate) const INTS: [Int; 8] = [
    Int::new(true, 8),
    Int::U8,
    Int::new(true, 16),
    Int::new(false, 16),
    Int::I32,
    Int::U32,
    Int::I64,
    Int::U64,
];
const RELATIONS: [Relation; 6] = [
    Relation::Eq,
    Relation::Ne,
    Relation::Lt,
    Relation::Le,
    Relation::Gt,
    Relation::Ge,
];
const OPS: [Op; 11] = [
    Op::Add,
    Op::Sub,
    Op::Mul,
    Op::Div,
    Op::FloorDiv,
    Op::Mod,
    Op::And,
    Op::Or,
    Op::Xor,
    Op::Shl,
    Op::Shr,
];
const CURRENTS: [Current; 7] = [
    Current::Pid,
    Current::Tid,
    Current::Uid,
    Current::Gid,
    Current::Cpu,
    Current::Task,
    Current::Cgroup,
];

/// Makes trees over the memory of a [`World`].
pub(crate) struct Maker<'a> {
    pub(crate) rng: &'a mut Rng,
    pub(crate) world: &'a World,
    /// What steps have bound of spans before.
    pub(crate) bound: &'a [Part],
}

impl Maker<'_> {
    /// An integer; one in a few is a truth value that is computed with.
    pub(crate) fn value(&mut self, depth: u32) -> Node {
        if depth == 0 {
            return self.leaf();
        }
        match self.rng.below(28) {
            0 => Node::Neg(self.inner(depth)),
            1 => Node::Invert(self.inner(depth)),
            2 | 3 => Node::Cast(self.rng.pick(&INTS), self.inner(depth)),
            4 => {
                let width = 1 + self.rng.below(64) as u8;
                let shift = self.rng.below(65 - u64::from(width)) as u8;
                Node::Bits {
                    of: self.inner(depth),
                    shift,
                    width,
                    signed: self.rng.one_in(2),
                }
            }
            5 => Node::Log2(self.inner(depth)),
            6 => Node::Swap {
                bits: self.rng.pick(&[16, 32, 64]),
                of: self.inner(depth),
            },
            7 => Node::Select(
                Box::new(self.condition(depth - 1)),
                self.inner(depth),
                self.inner(depth),
            ),
            8 => self.condition(depth - 1),
            9..12 => self.read(depth),
            12 => {
                let constant = Node::Const(1 + i128::from(self.rng.below(100)));
                Node::Binary(
                    self.rng.pick(&OPS),
                    Box::new(self.context()),
                    Box::new(constant),
                )
            }
            _ => Node::Binary(self.rng.pick(&OPS), self.inner(depth), self.inner(depth)),
        }
    }

    fn inner(&mut self, depth: u32) -> Box<Node> {
        let depth = if self.rng.one_in(4) { 0 } else { depth - 1 };
        Box::new(self.value(depth))
    }

    fn leaf(&mut self) -> Node {
        if let Some(Part::Int(node)) = self.bound_part() {
            return node;
        }
        match self.rng.below(12) {
            0..4 => Node::Const(self.rng.edge()),
            4 => Node::Current(self.rng.pick(&CURRENTS)),
            5 => Node::Variable {
                slot: Slot(self.rng.below(world::INT_VARIABLES as u64) as u32 * 8),
                int: self.rng.pick(&INTS),
            },
            _ => self.context(),
        }
    }

    /// One of what is bound, now and then.
    fn bound_part(&mut self) -> Option<Part> {
        if self.bound.is_empty() || self.rng.one_in(2) {
            return None;
        }
        let number = self.rng.below(self.bound.len() as u64) as usize;
        Some(self.bound[number].clone())
    }

    /// A number from 0 to 3.
    pub(crate) fn low(&mut self) -> Node {
        Node::Binary(Op::And, Box::new(self.context()), Box::new(Node::Const(3)))
    }

    fn context(&mut self) -> Node {
        let int = if self.rng.one_in(3) {
            Int::U64
        } else {
            self.rng.pick(&INTS)
        };
        let bytes = u64::from(int.bytes());
        Node::Context {
            offset: (self.rng.below(88 / bytes) * bytes) as i16,
            int,
        }
    }

    fn buffer(&mut self) -> Node {
        Node::Context {
            offset: 88,
            int: Int::U64,
        }
    }

    /// An integer out of memory: of this process, of the kernel's copy of the context, of the running task; or from nowhere.
    fn read(&mut self, depth: u32) -> Node {
        let int = self.rng.pick(&INTS);
        let bytes = u64::from(int.bytes());
        match self.rng.below(8) {
            0 => {
                let space = self.rng.pick(&[Space::Kernel, Space::User]);
                // The lowest pages are nobody's.
                let base = Box::new(Node::Cast(Int::new(false, 15), self.inner(depth)));
                Node::Read {
                    space,
                    base,
                    offset: self.rng.below(64) as i32,
                    int,
                }
            }
            1 | 2 => {
                let offset = self.rng.below(96 / bytes) * bytes;
                Node::Read {
                    space: Space::Kernel,
                    base: Box::new(Node::ContextAddress),
                    offset: offset as i32,
                    int,
                }
            }
            3 => {
                let (offset, int) = self.rng.pick(&self.world.task_fields);
                Node::Read {
                    space: Space::Kernel,
                    base: Box::new(Node::Current(Current::Task)),
                    offset: offset as i32,
                    int,
                }
            }
            // Over the end of the buffer, now and then.
            4 => {
                let base = Box::new(self.buffer());
                let offset = world::BUFFER as i32 - 12 + self.rng.below(16) as i32;
                Node::Read {
                    space: Space::User,
                    base,
                    offset,
                    int,
                }
            }
            _ => {
                let near = Node::Binary(
                    Op::And,
                    self.inner(depth),
                    Box::new(Node::Const(world::BUFFER as i128 / 2 - 1)),
                );
                let base = Node::Binary(Op::Add, Box::new(self.buffer()), Box::new(near));
                let offset = self.rng.below(world::BUFFER as u64 / 2 - 8) as i32;
                Node::Read {
                    space: Space::User,
                    base: Box::new(base),
                    offset,
                    int,
                }
            }
        }
    }

    pub(crate) fn condition(&mut self, depth: u32) -> Node {
        let under = depth.saturating_sub(1);
        match self.rng.below(if depth == 0 { 9 } else { 15 }) {
            0 | 1 => {
                let relation = self.rng.pick(&RELATIONS);
                Node::Compare(
                    relation,
                    Box::new(self.value(under)),
                    Box::new(self.value(under)),
                )
            }
            2 => {
                let count = self.rng.pick(&[0, 1, 3, 12, 60]);
                let base = self.rng.edge();
                let values = (0..count).map(|_| match self.rng.below(3) {
                    0 => self.rng.edge(),
                    _ => base + i128::from(self.rng.below(40)),
                });
                let fits =
                    |value: &i128| (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(value);
                let values = values.filter(fits).collect();
                Node::In(Box::new(self.value(under)), values)
            }
            3 => self.in_set(under),
            4 | 5 => {
                let (a, b) = (self.text(under), self.text(under));
                Node::Same(Box::new(a), Box::new(b))
            }
            6 => {
                let start = self.literal();
                Node::StartsWith(Box::new(self.text(under)), start)
            }
            7 => {
                let glob = self.glob();
                Node::Like(Box::new(self.text(under)), glob)
            }
            8 => {
                // Near enough that the ends of ranges are met.
                let relation = self.rng.pick(&RELATIONS);
                let value = if self.rng.one_in(3) {
                    self.value(under)
                } else {
                    self.low()
                };
                let other = if self.rng.one_in(2) {
                    self.low()
                } else {
                    Node::Const(self.rng.below(4).into())
                };
                Node::Compare(relation, Box::new(value), Box::new(other))
            }
            9 => Node::Not(Box::new(self.condition(under))),
            10 => Node::Select(
                Box::new(self.condition(under)),
                Box::new(self.condition(under)),
                Box::new(self.condition(under)),
            ),
            11 | 12 => Node::And(
                Box::new(self.condition(under)),
                Box::new(self.condition(under)),
            ),
            _ => Node::Or(
                Box::new(self.condition(under)),
                Box::new(self.condition(under)),
            ),
        }
    }

    fn in_set(&mut self, depth: u32) -> Node {
        if self.rng.one_in(6) {
            return Node::InSet(TARGET, vec![Part::Int(Node::Current(Current::Pid))]);
        }
        let id = self.rng.below(self.world.sets.len() as u64) as usize;
        let parts = self.world.sets[id].parts.clone();
        let parts = parts.iter().map(|part| match part {
            // Strings of a member take the set's length: a tree never has another.
            Some(capacity) => Part::Text(self.text_of(*capacity, depth)),
            None => {
                let value = self.value(depth);
                Part::Int(match self.rng.below(3) {
                    0 => value,
                    _ => Node::Binary(Op::Mod, Box::new(value), Box::new(Node::Const(4))),
                })
            }
        });
        Node::InSet(SetId(id as u32), parts.collect())
    }

    pub(crate) fn literal(&mut self) -> Vec<u8> {
        match self.rng.below(8) {
            0 => self.rng.pick(&self.world.long_strings).to_vec(),
            1 => self.rng.letters(200),
            _ => self.rng.letters(12),
        }
    }

    pub(crate) fn text(&mut self, depth: u32) -> Text {
        if let Some(Part::Text(text)) = self.bound_part() {
            return text;
        }
        match self.rng.below(if depth == 0 { 9 } else { 10 }) {
            0 => Text::Literal(self.literal()),
            1 => Text::Comm(None),
            2 => Text::Comm(self.world.padded_comm),
            3 => Text::Variable(self.string_variable()),
            9 => Text::Select(
                Box::new(self.condition(depth - 1)),
                Box::new(self.text(depth - 1)),
                Box::new(self.text(depth - 1)),
            ),
            _ => {
                let capacity = self.rng.pick(&[1, 2, 3, 8, 16, 17, 64, 100]);
                self.read_text(capacity, depth)
            }
        }
    }

    /// A string of that capacity at most.
    pub(crate) fn text_of(&mut self, capacity: u16, depth: u32) -> Text {
        loop {
            let text = match self.rng.below(4) {
                0 => Text::Literal(self.rng.letters(u64::from(capacity) - 1)),
                1 if capacity >= 16 => Text::Comm(None),
                2 if capacity >= 16 => Text::Comm(self.world.padded_comm),
                _ => self.read_text(capacity, depth),
            };
            if text.capacity().next_multiple_of(8) == capacity.next_multiple_of(8) {
                return text;
            }
            if self.rng.one_in(2) {
                return self.read_text(capacity, depth);
            }
        }
    }

    fn string_variable(&mut self) -> Slot {
        Slot(
            (world::INT_VARIABLES * 8) as u32
                + 64 * self.rng.below(world::STRING_VARIABLES as u64) as u32,
        )
    }

    fn read_text(&mut self, capacity: u16, depth: u32) -> Text {
        match self.rng.below(8) {
            0 => {
                let address = Box::new(Node::Cast(
                    Int::new(false, 15),
                    Box::new(self.value(depth.min(1))),
                ));
                Text::Read {
                    space: self.rng.pick(&[Space::Kernel, Space::User]),
                    address,
                    capacity,
                }
            }
            1 => {
                // Its last word ends with NULs.
                let offset = Node::Const(self.rng.below(96).into());
                let address =
                    Node::Binary(Op::Add, Box::new(Node::ContextAddress), Box::new(offset));
                Text::Read {
                    space: Space::Kernel,
                    address: Box::new(address),
                    capacity,
                }
            }
            2 => {
                let offset = Node::Const(self.world.task_comm.into());
                let address = Node::Binary(
                    Op::Add,
                    Box::new(Node::Current(Current::Task)),
                    Box::new(offset),
                );
                Text::Read {
                    space: Space::Kernel,
                    address: Box::new(address),
                    capacity,
                }
            }
            _ => {
                let at = self.rng.pick(&self.world.strings);
                let offset = Node::Const(at as i128 + i128::from(self.rng.below(2)));
                let address = Node::Binary(Op::Add, Box::new(self.buffer()), Box::new(offset));
                Text::Read {
                    space: Space::User,
                    address: Box::new(address),
                    capacity,
                }
            }
        }
    }

    fn glob(&mut self) -> Glob {
        let count = self.rng.pick(&[0, 1, 2, 3, 5, 8, 20]);
        let star = GlobElement {
            bytes: [0; 4],
            star: true,
        };
        let elements = (0..count).map(|_| match self.rng.below(6) {
            0 | 1 => star.clone(),
            2 => GlobElement {
                bytes: [u64::MAX; 4],
                star: false,
            },
            3 => GlobElement {
                bytes: [0, 0b110 << (b'a' - 65), 0, 0],
                star: false,
            },
            letter => {
                let byte = if letter == 4 { b'a' } else { b'b' };
                let mut bytes = [0; 4];
                bytes[usize::from(byte) / 64] = 1 << (byte % 64);
                GlobElement { bytes, star: false }
            }
        });
        Glob {
            source: b"random".to_vec(),
            elements: elements.collect(),
        }
    }

    /// A part of a key: strings have the capacities that keys have.
    pub(crate) fn part(&mut self, depth: u32) -> Part {
        if self.rng.one_in(2) {
            Part::Int(self.value(depth))
        } else {
            Part::Text(self.text(depth.min(2)))
        }
    }
}
