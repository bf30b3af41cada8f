//! What a site's program does with an event, as code.

use super::site::CompiledEnding;
use super::span::Spans;
use super::table::{self, Stored};
use super::{Action, BeginCode, TallyCode, TallyShape, spans};
use crate::codegen::{self, Code};
use crate::expr::tree::{Node, Part};
use crate::report::Report;
use crate::spec::{Declaration, TallyId};
use moontrace_abi::Control;
use moontrace_abi::limits::{SMALL_COLUMNS, SMALL_KEY, TALLIES};
use std::collections::BTreeMap;

/// What declarations share and actions write to.
pub(super) struct Tables<'a> {
    pub tallies: &'a mut BTreeMap<TallyId, TallyShape>,
    pub spans: &'a Spans,
}

/// The action of an ending. `number` is that of the site, for keys.
pub(super) fn action(
    declaration: &Declaration,
    ending: CompiledEnding,
    number: &Node,
    shared: Tables<'_>,
    target: &codegen::Target,
) -> Result<Action, Report> {
    Ok(match ending {
        CompiledEnding::Emit { layout, values } => {
            let record = labelled(
                codegen::record(&layout, &values, target)?,
                "fields",
                declaration,
            );
            let record = Box::new(record);
            Action::Emit { record, layout }
        }
        CompiledEnding::Tally {
            tally,
            room,
            keys,
            columns,
        } => {
            let name = declaration.name.clone().unwrap_or_else(|| {
                let keys: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
                if keys.is_empty() {
                    declaration.spec.clone()
                } else {
                    format!("{} by {}", declaration.spec, keys.join(", "))
                }
            });
            let (shape, stored) = table::shape((tally, room), name, number, &keys, &columns)?;
            let action = tally_action(&shape, &stored, target, declaration)?;
            match shared.tallies.get_mut(&tally) {
                Some(there) => table::meet(there, &shape)?,
                None => {
                    shared.tallies.insert(tally, shape);
                }
            }
            action
        }
        CompiledEnding::Begin {
            span,
            marks,
            key,
            stored,
        } => {
            let (size, kept) = spans::stored(shared.spans, span, marks, &stored)?;
            let key = labelled(codegen::span_key(&key, target)?, "key", declaration);
            let fields = codegen::fields(&stored, marks, kept == 0, target)?;
            let fields = labelled(fields, "fields", declaration);
            let long = size.is_long() || key.is_deep() || fields.is_deep();
            Action::Begin(Box::new(BeginCode {
                span,
                marks,
                key,
                fields,
                stored: stored.iter().map(|stored| stored.bit).collect(),
                kept,
                long,
                user_stacks: stored.iter().any(|stored| match &stored.part {
                    Part::Stack(stack) => stack.user,
                    _ => false,
                }),
            }))
        }
        CompiledEnding::Nothing => Action::Nothing,
        CompiledEnding::Change {
            set,
            parts,
            words,
            there,
        } => Action::Change {
            set,
            member: Box::new(labelled(
                codegen::member(&parts, target)?,
                "member",
                declaration,
            )),
            words,
            there,
        },
    })
}

fn tally_action(
    shape: &TallyShape,
    stored: &Stored,
    target: &codegen::Target,
    declaration: &Declaration,
) -> Result<Action, Report> {
    if shape.id.0 as usize >= TALLIES {
        return Err(Report::new(format!(
            "a script has at most {TALLIES} tallies"
        )));
    }
    let key = codegen::key(
        Control::generation_offset(shape.id.0),
        &stored.parts,
        target,
    )?;
    let key = labelled(key, "key", declaration);
    let measure = match stored.arguments.as_slice() {
        [] => None,
        arguments => Some(labelled(
            codegen::measure(arguments, target)?,
            "columns",
            declaration,
        )),
    };
    let long = shape.key_size as usize > SMALL_KEY
        || stored.arguments.len() > SMALL_COLUMNS
        || key.is_deep()
        || measure.as_ref().is_some_and(Code::is_deep);
    let columns = labelled(codegen::columns(&stored.columns)?, "columns", declaration);
    let code = TallyCode {
        key,
        measure,
        columns,
        long,
    };
    Ok(Action::Tally {
        tally: shape.id,
        code: Box::new(code),
    })
}

fn labelled(mut code: Code, what: &str, declaration: &Declaration) -> Code {
    code.label = format!("{what} of '{}' @ {}", declaration.spec, declaration.place);
    code
}
