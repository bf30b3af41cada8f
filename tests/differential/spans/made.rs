//! Random spans, and random programs that start, mark, look for and finish things of them.

use crate::check::fields;
use crate::random::{INTS, Maker, Rng};
use crate::world::World;
use moontrace::codegen::{FieldValue, LookUp, Step, StoredPart, Then};
use moontrace::expr::tree::{Current, Keeper, Kept, Node, Op, Part, SpanId, Text};
use moontrace::expr::types::{Int, Space};
use moontrace::plan::{Content, Field, Layout};
use moontrace_abi::limits::SMALL_KEY;

/// The time, and the word that says which fields are there.
const HEAD: u32 = 16;

/// A span, as its programs agree on it.
pub(crate) struct Shape {
    /// The parts of its key, with the lengths of strings; `None` is an integer.
    pub(crate) key: Vec<Option<u16>>,
    pub(crate) fields: Vec<Stored>,
    /// How many things may be open at once.
    pub(crate) room: u32,
    /// Keys that its programs use, so that they meet.
    keys: Vec<Vec<Part>>,
}

#[derive(Clone, Copy)]
pub(crate) struct Stored {
    offset: u32,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Int(Int),
    Text(u16),
}

/// A program before it is code.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) steps: Vec<Step>,
    /// Bytes of what they bind.
    pub(crate) bound: u32,
    pub(crate) ending: Ending,
}

#[derive(Debug)]
pub(crate) enum Ending {
    Begin {
        span: usize,
        marks: bool,
        key: Vec<Part>,
        stored: Vec<StoredPart>,
    },
    Emit {
        layout: Layout,
        values: Vec<FieldValue>,
    },
    Tally {
        key: Vec<Part>,
        arguments: Vec<Node>,
    },
    Nothing,
}

impl Kind {
    fn bytes(self) -> u32 {
        match self {
            Self::Int(_) => 8,
            Self::Text(capacity) => capacity.into(),
        }
    }
}

impl Shape {
    pub(crate) fn random(rng: &mut Rng, world: &World) -> Self {
        let parts = rng.pick(&[1, 1, 2, 3]);
        let key: Vec<Option<u16>> = (0..parts)
            .map(|_| rng.pick(&[None, None, None, Some(8), Some(16), Some(64)]))
            .collect();
        let mut offset = HEAD;
        let fields = (0..rng.below(7))
            .map(|_| {
                let kind = match rng.below(3) {
                    0 => Kind::Text(rng.pick(&[8, 16, 24, 64])),
                    _ => Kind::Int(rng.pick(&[Int::I64, Int::U64])),
                };
                let stored = Stored { offset, kind };
                offset += kind.bytes();
                stored
            })
            .collect();
        let mut shape = Self {
            key,
            fields,
            room: rng.pick(&[3, 64, 64]),
            keys: Vec::new(),
        };
        let bound = &[];
        let mut maker = Maker { rng, world, bound };
        shape.keys = (0..2).map(|_| shape.new_key(&mut maker)).collect();
        shape
    }

    pub(crate) fn key_size(&self) -> u32 {
        let parts = self.key.iter();
        parts.map(|part| u32::from(part.unwrap_or(8))).sum()
    }

    pub(crate) fn value_size(&self) -> u32 {
        HEAD + self
            .fields
            .iter()
            .map(|field| field.kind.bytes())
            .sum::<u32>()
    }

    fn key(&self, maker: &mut Maker<'_>) -> Vec<Part> {
        match maker.rng.below(7) {
            0 => self.new_key(maker),
            number => self.keys[number as usize % 2].clone(),
        }
    }

    /// Few values, so that they meet; now and then any, or none.
    fn new_key(&self, maker: &mut Maker<'_>) -> Vec<Part> {
        let part = |part: &Option<u16>| match part {
            Some(capacity) => Part::Text(maker.text_of(*capacity, 1)),
            None if maker.rng.one_in(10) => Part::Int(maker.value(2)),
            None => {
                let low = Box::new(maker.low());
                let less = Node::Const(maker.rng.below(2).into());
                Part::Int(Node::Binary(Op::Sub, low, Box::new(less)))
            }
        };
        let parts: Vec<Part> = self.key.iter().map(part).collect();
        // A literal is as long as it is.
        let size: u32 = parts.iter().map(Part::size).sum();
        if size == self.key_size() {
            parts
        } else {
            self.new_key(maker)
        }
    }

    /// What a start or a mark stores: all, some or none of it.
    fn stored(&self, maker: &mut Maker<'_>, depth: u32) -> Vec<StoredPart> {
        let most = maker.rng.below(3);
        let mut stored = Vec::new();
        for (bit, field) in self.fields.iter().enumerate() {
            if most < 2 && maker.rng.below(2) >= most {
                continue;
            }
            let part = match field.kind {
                Kind::Text(capacity) => Part::Text(text_of(maker, capacity)),
                Kind::Int(_) if maker.rng.one_in(3) => {
                    let int = maker.rng.pick(&INTS);
                    Part::Int(Node::Cast(int, Box::new(maker.value(depth))))
                }
                Kind::Int(_) => Part::Int(maker.value(depth)),
            };
            stored.push(StoredPart {
                part,
                offset: field.offset,
                bit: bit as u8,
            });
        }
        // They are stored in another order than they stand in.
        for last in (1..stored.len()).rev() {
            stored.swap(last, maker.rng.below(last as u64 + 1) as usize);
        }
        stored
    }

    /// What texts may read of the first `size` bytes of a value that is bound at `area`.
    fn known(&self, area: u32, size: u32) -> Vec<Part> {
        let kept = |offset, bit| Kept {
            by: Keeper::Span(area),
            offset,
            bit,
        };
        let time = Part::Int(Node::Kept(kept(0, None), Int::U64));
        let fields = self.fields.iter().enumerate();
        let fields = fields.filter(|(_, field)| field.offset + field.kind.bytes() <= size);
        let part = |(bit, field): (usize, &Stored)| {
            let kept = kept(field.offset, Some(bit as u8));
            match field.kind {
                Kind::Int(int) => Part::Int(Node::Kept(kept, int)),
                Kind::Text(capacity) => Part::Text(Text::Read {
                    space: Space::Kernel,
                    address: Box::new(Node::KeptAddress(kept)),
                    capacity,
                }),
            }
        };
        [time].into_iter().chain(fields.map(part)).collect()
    }
}

/// A string that takes exactly so many bytes.
fn text_of(maker: &mut Maker<'_>, capacity: u16) -> Text {
    loop {
        let text = if maker.rng.one_in(2) {
            maker.text(1)
        } else {
            maker.text_of(capacity, 1)
        };
        if text.capacity().next_multiple_of(8) == capacity {
            return text;
        }
    }
}

impl Made {
    pub(crate) fn random(rng: &mut Rng, world: &World, shapes: &[Shape], depth: u32) -> Self {
        let (mut steps, mut bound, mut known) = (Vec::new(), 0, Vec::new());
        for _ in 0..rng.pick(&[0, 0, 1, 1, 2, 3]) {
            let mut maker = Maker {
                rng,
                world,
                bound: &known,
            };
            if maker.rng.one_in(4) {
                steps.push(Step::If(maker.condition(depth)));
                continue;
            }
            let span = maker.rng.below(shapes.len() as u64) as usize;
            let shape = &shapes[span];
            let key = shape.key(&mut maker);
            // As far as something is read of it.
            let ends = shape
                .fields
                .iter()
                .map(|field| field.offset + field.kind.bytes());
            let ends: Vec<u32> = [8].into_iter().chain(ends).collect();
            let size = rng.pick(&ends);
            let area = bound;
            let then = match rng.below(5) {
                0 => Then::Refuse,
                1 | 2 => Then::Bind { area, size },
                _ => Then::Take { area, size },
            };
            if then != Then::Refuse {
                known.extend(shape.known(area, size));
                bound += size;
            }
            steps.push(Step::Look(LookUp {
                span: SpanId(span as u32),
                key,
                key_at: None,
                then,
            }));
        }
        for step in &mut steps {
            if let Step::Look(look) = step
                && look.key.iter().map(Part::size).sum::<u32>() > SMALL_KEY as u32
            {
                look.key_at = Some(bound);
            }
        }
        let mut maker = Maker {
            rng,
            world,
            bound: &known,
        };
        let ending = Ending::random(&mut maker, shapes, depth);
        Self {
            steps,
            bound,
            ending,
        }
    }
}

impl Ending {
    fn random(maker: &mut Maker<'_>, shapes: &[Shape], depth: u32) -> Self {
        match maker.rng.below(8) {
            kind @ 0..4 => {
                let span = maker.rng.below(shapes.len() as u64) as usize;
                Self::Begin {
                    span,
                    marks: kind == 3,
                    key: shapes[span].key(maker),
                    stored: shapes[span].stored(maker, depth),
                }
            }
            4 | 5 => {
                let long = maker.rng.one_in(3);
                let (mut layout, mut values) = fields(maker, depth, long);
                if !maker.bound.is_empty() {
                    with_bound(&mut layout, &mut values, maker.bound);
                }
                Self::Emit { layout, values }
            }
            6 => Self::Tally {
                key: (0..maker.rng.below(3)).map(|_| maker.part(depth)).collect(),
                arguments: (0..1 + maker.rng.below(3))
                    .map(|_| maker.value(depth))
                    .collect(),
            },
            _ => Self::Nothing,
        }
    }
}

/// Adds what has passed since the first of what is bound began, and all that is known of it.
fn with_bound(layout: &mut Layout, values: &mut Vec<FieldValue>, known: &[Part]) {
    let began = Kept {
        by: Keeper::Span(0),
        offset: 0,
        bit: None,
    };
    let (now, began) = (Node::Current(Current::Time), Node::Kept(began, Int::U64));
    let elapsed = Part::Int(Node::Binary(Op::Sub, Box::new(now), Box::new(began)));
    for part in [elapsed].iter().chain(known) {
        let offset = layout.size;
        layout.size += 8;
        let (content, value) = match part {
            Part::Int(node) => (
                Content::Int {
                    offset,
                    int: Int::U64,
                },
                FieldValue::Int(node.clone()),
            ),
            Part::Text(text) => {
                let slot = Some(layout.size);
                let capacity = text.capacity();
                layout.size += part.size();
                (
                    Content::Text {
                        offset,
                        slot,
                        capacity,
                    },
                    FieldValue::Text(text.clone()),
                )
            }
            Part::Stack(_) | Part::Symbol(_) => panic!("no span of these tests keeps any"),
        };
        values.push(value);
        let bit = layout.fields.len() as u8;
        layout.fields.push(Field {
            name: format!("bound{bit}"),
            content,
            bit,
            shown: None,
            why: String::new(),
        });
    }
}
