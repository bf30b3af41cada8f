//! What has no single value, and goes into a record as the bytes that it is: structs, arrays, sockets' addresses, buffers.

use super::Result;
use super::checker::Checker;
use super::term::{Term, plus};
use crate::expr::names::Names;
use crate::expr::shape::{Shape, is_socket};
use crate::expr::tree::Node;
use crate::expr::types::{Space, Type};
use std::ops::Range;
use std::sync::Arc;

/// Bytes that are copied, and what they mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Copied {
    pub origin: Origin,
    pub shape: Arc<Shape>,
    /// What the text said, for those that go on from there.
    pub(super) term: Term,
}

/// Where copied bytes come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// An address. Of these lengths the first that can be read there is taken: they fall.
    At {
        space: Space,
        address: Node,
        sizes: Vec<u32>,
    },
    /// As many bytes as a value says, at most `most`.
    Counted {
        space: Space,
        address: Node,
        bytes: Node,
        most: u32,
    },
    /// Words, each computed for itself.
    Words(Vec<Node>),
}

/// The most bytes of a struct or array that a record takes.
const COPIED: u32 = 4096;
/// The most bytes of an array whose length is known when it is read.
const COUNTED: u32 = 256;

/// Bytes of a socket's address, which says its family and not its length: that of a UNIX socket (struct sockaddr_un of
/// include/uapi/linux/un.h), of an IPv6 and of an IPv4 one (include/uapi/linux/in6.h and in.h).
const SOCKETS: [u32; 3] = [110, 28, 16];

impl Origin {
    /// What is computed for it.
    pub fn nodes(&self) -> Vec<&Node> {
        match self {
            Self::At { address, .. } => vec![address],
            Self::Counted { address, bytes, .. } => vec![address, bytes],
            Self::Words(words) => words.iter().collect(),
        }
    }

    /// Hands every node within to `each`.
    pub fn visit<'a>(&'a self, each: &mut dyn FnMut(&'a Node)) {
        let nodes = self.nodes();
        nodes.into_iter().for_each(|node| node.visit(each));
    }

    /// The most bytes that it takes.
    pub fn capacity(&self) -> u32 {
        match self {
            Self::At { sizes, .. } => sizes.first().copied().unwrap_or(0),
            Self::Counted { most, .. } => *most,
            Self::Words(words) => 8 * words.len() as u32,
        }
    }
}

impl Copied {
    /// The bytes that a term stands for, where they make its value; `None` for what is a value itself or no value at all.
    fn of(term: &Term, names: &dyn Names) -> Option<Self> {
        let (origin, shape) = match term {
            Term::Int(address, Type::Pointer { to, space }) => {
                let Type::Struct(of) = &**to else { return None };
                if !is_socket(of) {
                    return None;
                }
                let (space, address, sizes) = (*space, address.clone(), SOCKETS.to_vec());
                (
                    Origin::At {
                        space,
                        address,
                        sizes,
                    },
                    Shape::Socket,
                )
            }
            Term::Memory {
                base,
                offset,
                space,
                ty,
            } => {
                let size = names.size(ty).filter(|size| *size > 0)?;
                let (space, address) = (*space, plus(base.clone(), (*offset).into()));
                let sizes = vec![size];
                (
                    Origin::At {
                        space,
                        address,
                        sizes,
                    },
                    Shape::of(ty, names)?,
                )
            }
            Term::Elements(nodes, of) => {
                let each = Shape::of(of, names)?;
                (Origin::Words(nodes.clone()), array(each, 8, nodes.len()))
            }
            Term::Counted { start, bytes, of } => {
                let each = names.size(of).filter(|size| (1..=COUNTED).contains(size))?;
                let most = COUNTED / each * each;
                let (address, bytes) = (start.clone(), bytes.clone());
                let shape = array(Shape::of(of, names)?, each, (most / each) as usize);
                (
                    Origin::Counted {
                        space: Space::Kernel,
                        address,
                        bytes,
                        most,
                    },
                    shape,
                )
            }
            Term::Bytes {
                space,
                address,
                bytes,
                most,
            } => (
                Origin::Counted {
                    space: *space,
                    address: address.clone(),
                    bytes: bytes.clone(),
                    most: (*most).into(),
                },
                Shape::Bytes,
            ),
            _ => return None,
        };
        Some(Self {
            origin,
            shape: Arc::new(shape),
            term: term.clone(),
        })
    }
}

fn array(of: Shape, each: u32, length: usize) -> Shape {
    Shape::Array {
        of: Box::new(of),
        each,
        length: length as u32,
    }
}

impl Checker<'_> {
    /// A term as bytes to copy, where that is what it is.
    pub(super) fn copied(&self, term: &Term, span: &Range<usize>) -> Result<Option<Copied>> {
        if term.is_string() {
            return Ok(None);
        }
        let Some(copied) = Copied::of(term, self.scope.names) else {
            return Ok(None);
        };
        let bytes = copied.origin.capacity();
        if bytes > COPIED {
            let message = format!(
                "'{}' has {bytes} bytes, and {COPIED} can be copied",
                self.quote(span)
            );
            return Err(self.with_members(term, self.refuse(span, message), span));
        }
        Ok(Some(copied))
    }
}
