//! What a run should do: the plain evaluator, over what the tests know of the machine.

use crate::world::World;
use moontrace::expr::eval::{self, Fault, Input, Memory, PartValue};
use moontrace::expr::tree::{Keeper, Kept, Node, Part, SetId, TARGET, Text};
use moontrace::expr::types::Space;
use std::cell::Cell;

/// Stands for the address of the kernel's copy of the context, which is not known here.
const CONTEXT: u64 = 0xffff_0123_0000_0000;
/// The same for the run's room for what its steps bind of spans.
const BOUND: u64 = 0xffff_0124_0000_0000;

/// Who runs the program, and where.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identity {
    pub(crate) pid: u32,
    pub(crate) tid: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) cpu: u32,
    /// Measured, as the cgroup: nothing outside of the kernel tells them.
    pub(crate) task: u64,
    pub(crate) cgroup: u64,
}

/// One run, as it should be.
pub(crate) struct Oracle<'a> {
    world: &'a World,
    identity: &'a Identity,
    context: Vec<u8>,
    /// What steps have bound of spans.
    bound: Vec<u8>,
    /// Of the run; only what looks at spans asks for it.
    time: u64,
    divisions: Cell<u64>,
    truncations: Cell<u64>,
}

impl<'a> Oracle<'a> {
    pub(crate) fn new(world: &'a World, identity: &'a Identity) -> Self {
        let context = world.context_bytes();
        Self {
            world,
            identity,
            context,
            bound: Vec::new(),
            time: 0,
            divisions: Cell::new(0),
            truncations: Cell::new(0),
        }
    }

    /// The time of the run, which its record has told.
    pub(crate) fn set_time(&mut self, time: u64) {
        self.time = time;
    }

    /// A step has found that.
    pub(crate) fn bind(&mut self, area: u32, value: &[u8]) {
        let end = area as usize + value.len();
        self.bound.resize(self.bound.len().max(end), 0);
        self.bound[area as usize..end].copy_from_slice(value);
    }

    /// The 64-bit pattern of a value; 0 or 1 for a truth value.
    pub(crate) fn value(&self, node: &Node) -> Result<u64, Fault> {
        self.with_input(|input| eval::node(node, input))
    }

    /// A string without its NUL.
    pub(crate) fn text(&self, text: &Text) -> Result<Vec<u8>, Fault> {
        self.with_input(|input| eval::text(text, input))
    }

    /// Parts one behind the other, as they stand in a map's key.
    pub(crate) fn key(&self, parts: &[Part]) -> Result<Vec<u8>, Fault> {
        let mut key = Vec::new();
        for part in parts {
            let end = key.len() + part.size() as usize;
            match part {
                Part::Int(node) => key.extend(self.value(node)?.to_le_bytes()),
                Part::Text(text) => key.extend(self.text(text)?),
                // No program that is tried alone has a stack.
                Part::Stack(_) | Part::Symbol(_) => return Err(Fault),
            }
            key.resize(end, 0);
        }
        Ok(key)
    }

    pub(crate) fn divisions(&self) -> u64 {
        self.divisions.get()
    }

    pub(crate) fn truncations(&self) -> u64 {
        self.truncations.get()
    }

    fn with_input<T>(&self, evaluate: impl FnOnce(&Input<'_>) -> T) -> T {
        let Identity {
            pid,
            tid,
            uid,
            gid,
            cpu,
            task,
            cgroup,
        } = *self.identity;
        let input = Input {
            context: &self.context,
            context_address: CONTEXT,
            comm: &self.world.comm,
            pid,
            tid,
            uid,
            gid,
            cpu,
            time: self.time,
            task,
            cgroup,
            variables: &self.world.variables,
            sets: &|set, parts| self.is_member(set, parts),
            memory: self,
            divisions: Cell::new(0),
            truncated: Cell::new(0),
        };
        let result = evaluate(&input);
        self.divisions
            .set(self.divisions.get() + input.divisions.get());
        self.truncations
            .set(self.truncations.get() + input.truncated.get());
        result
    }

    fn is_member(&self, set: SetId, parts: &[PartValue]) -> bool {
        if set == TARGET {
            return parts == [PartValue::Int(self.identity.pid.into())];
        }
        self.world.sets[set.0 as usize].members.contains(parts)
    }
}

impl Memory for Oracle<'_> {
    fn read(&self, space: Space, address: u64, out: &mut [u8]) -> bool {
        if space == Space::User {
            return self.world.read_user(address, out).is_some();
        }
        let (world, Identity { pid, tid, task, .. }) = (self.world, self.identity);
        let mut comm = [0u8; 16];
        comm[..world.comm.len()].copy_from_slice(&world.comm);
        let field = |offset: u32| task.wrapping_add(offset.into());
        let known: [(u64, &[u8]); 5] = [
            (CONTEXT, &self.context),
            (BOUND, &self.bound),
            (field(world.task_comm), &comm),
            (field(world.task_fields[0].0), &tid.to_le_bytes()),
            (field(world.task_fields[1].0), &pid.to_le_bytes()),
        ];
        for (start, bytes) in known {
            let at = address.wrapping_sub(start) as usize;
            if let Some(bytes) = at.checked_add(out.len()).and_then(|end| bytes.get(at..end)) {
                out.copy_from_slice(bytes);
                return true;
            }
        }
        false
    }

    fn kept(&self, kept: Kept) -> Option<u64> {
        let Keeper::Span(area) = kept.by else {
            return None;
        };
        let value = self.bound.get(area as usize..)?;
        if let Some(bit) = kept.bit {
            let there = u64::from_le_bytes(value.get(8..16)?.try_into().ok()?);
            (there >> bit & 1 == 1).then_some(())?;
        }
        Some(BOUND + u64::from(area) + u64::from(kept.offset))
    }
}
