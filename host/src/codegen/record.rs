//! Records: each field's value, written where the layout has it.

use super::function::{Done, Failure, Function, Rare};
use super::instruction::{Alu, FP, R0, R1, R2, R3, R4, R7, R8, When};
use super::text::{Place, Purpose};
use super::weights::Root;
use super::{Code, MapRef, Target};
use crate::expr::Origin;
use crate::expr::tree::{Node, Stack, Symbol, Text};
use crate::expr::types::Space;
use crate::layout::{Content, Field, Layout};
use crate::report::Report;
use moontrace_abi::Header;
use moontrace_abi::limits::VARIABLE_STRING;

/// What a field of a record holds.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldValue {
    Int(Node),
    /// An integer that is this word, or its low bits: all of it is stored.
    Word(Node),
    Bool(Node),
    Text(Text),
    /// Bytes as they lie.
    Copied(Origin),
    Stack(Stack),
    Symbol(Symbol),
    /// Nothing is stored: a constant, or a field of the header.
    Nothing,
}

/// The body of `record(ctx, state, out)`: the fields behind the header, and which of them could be read. A field that
/// can't be is missing; the record goes on. `values` stand in the order of the layout's fields.
pub fn record(layout: &Layout, values: &[FieldValue], target: &Target) -> Result<Code, Report> {
    let roots = values.iter().flat_map(|value| match value {
        FieldValue::Int(node) | FieldValue::Word(node) | FieldValue::Bool(node) => {
            vec![Root::Node(node)]
        }
        FieldValue::Text(text) => vec![Root::Text(text)],
        FieldValue::Copied(origin) => origin.nodes().into_iter().map(Root::Node).collect(),
        FieldValue::Stack(stack) => vec![Root::Node(&stack.word)],
        FieldValue::Symbol(symbol) => vec![Root::Node(&symbol.address)],
        FieldValue::Nothing => Vec::new(),
    });
    let mut function = Function::new(target, roots, true, Failure::Own)?;
    function
        .asm
        .store(8, R8, std::mem::offset_of!(Header, valid) as i16, -1);
    for (field, value) in layout.fields.iter().zip(values) {
        function.field(field, value)?;
    }
    function.asm.exit(0);
    function.finish()
}

impl Function<'_> {
    fn field(&mut self, field: &Field, value: &FieldValue) -> Done {
        self.fault = self.asm.label();
        let (offset, bytes) = match (&field.content, value) {
            (Content::Int { offset, int }, FieldValue::Int(node)) => {
                self.value(node)?;
                self.asm.store(int.bytes(), R8, *offset as i16, R0);
                (*offset, int.bytes())
            }
            (Content::Int { offset, .. }, FieldValue::Word(node)) => {
                self.value(node)?;
                self.asm.store(8, R8, *offset as i16, R0);
                (*offset, 8)
            }
            (Content::Bool { offset }, FieldValue::Bool(node)) => {
                self.truth(node, *offset as i16)?;
                (*offset, 1)
            }
            (Content::Text { offset, slot, .. }, FieldValue::Text(text)) => {
                match slot {
                    Some(slot) => self.text_in_slot(text, *slot)?,
                    None => self.text_behind(text)?,
                }
                self.asm.store(4, R8, *offset as i16, R0);
                (*offset, 4)
            }
            (Content::Copied { offset, slot, .. }, FieldValue::Copied(origin)) => {
                self.copied(origin, *slot)?;
                self.asm.store(4, R8, *offset as i16, R0);
                (*offset, 4)
            }
            (Content::Stack { offset, .. }, FieldValue::Stack(stack)) => {
                self.stack_behind(stack, *offset as i16)?;
                (*offset, 8)
            }
            (Content::Symbol { offset, .. }, FieldValue::Symbol(symbol)) => {
                self.symbol(symbol, R8, *offset as i16)?;
                (*offset, 8)
            }
            (_, FieldValue::Nothing) => return Ok(()),
            _ => {
                return Err(Report::new(format!(
                    "field '{}' has no place in its record",
                    field.name
                )));
            }
        };
        let what = Rare::MissingField {
            bit: field.bit,
            offset: offset as i16,
            bytes,
        };
        self.come_back(self.fault, what);
        Ok(())
    }

    /// Stored on either way: the verifier doesn't track what a record holds.
    fn truth(&mut self, node: &Node, offset: i16) -> Done {
        let (no, end) = (self.asm.label(), self.asm.label());
        self.condition(node, no, false)?;
        self.asm.store(1, R8, offset, 1);
        self.asm.jump(end);
        self.asm.bind(no);
        self.asm.store(1, R8, offset, 0);
        self.asm.bind(end);
        Ok(())
    }

    /// r0 = the span of a string that stands at `slot`.
    fn text_in_slot(&mut self, text: &Text, slot: u32) -> Done {
        self.write_text(text, R8, slot as i16, 0, Purpose::Record)?;
        self.asm.alu(Alu::Shl, R0, 16);
        self.asm.alu(Alu::Or, R0, slot as i32);
        Ok(())
    }

    /// r0 = the span of a string that is appended to a long record.
    fn text_behind(&mut self, text: &Text) -> Done {
        match text {
            Text::Read {
                space,
                address,
                capacity,
            } => {
                self.value(address)?;
                self.asm.mov(R4, R0);
                self.append(*space, *capacity);
            }
            Text::Variable(slot) => {
                self.asm.map(R4, MapRef::Variables { offset: slot.0 });
                self.append(Space::Kernel, VARIABLE_STRING as u16);
            }
            Text::Literal(_) | Text::Comm(_) => {
                let mark = self.mark();
                let place = self.place_text(text, text.capacity(), Purpose::Compare)?;
                if let Place::Stack(offset) = place {
                    self.point(R4, FP, offset);
                }
                self.append(Space::Kernel, text.capacity());
                self.release(mark);
            }
            Text::Select(condition, a, b) => {
                let (other, end) = (self.asm.label(), self.asm.label());
                self.condition(condition, other, false)?;
                self.text_behind(a)?;
                self.asm.jump(end);
                self.asm.bind(other);
                self.text_behind(b)?;
                self.asm.bind(end);
            }
        }
        Ok(())
    }

    /// Appends the string at r4.
    fn append(&mut self, space: Space, capacity: u16) {
        self.asm.mov(R1, R7);
        self.asm.mov(R2, R8);
        self.asm.mov(R3, i32::from(capacity.max(1)));
        self.asm.library(match space {
            Space::Kernel => "lib_tail_kernel",
            Space::User => "lib_tail_user",
        });
        self.asm.jump_if(When::SignedLt, R0, 0, self.fault);
    }
}
