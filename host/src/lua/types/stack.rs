//! A stack: `e.kstack`, `r.ustack`.

use super::{Field, Type, no_method, register};
use crate::rows::{Frame, Stack};
use mlua::{
    Lua, MetaMethod, Table, UserData, UserDataFields, UserDataMethods, UserDataRegistry, Value,
};
use std::sync::Arc;

pub(crate) struct StackValue(pub(crate) Arc<Stack>);

fn frame(lua: &Lua, of: &Frame) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("addr", of.address as i64)?;
    let known = |name, text: &Option<Arc<str>>| match text {
        Some(text) => table.raw_set(name, &**text),
        None => Ok(()),
    };
    known("symbol", &of.symbol)?;
    known("module", &of.module)?;
    known("file", &of.file)?;
    table.raw_set("line", of.line)?;
    table.raw_set("offset", of.offset as i64)?;
    table.raw_set("inlined", of.inlined)?;
    table.raw_set("name", of.name())?;
    Ok(table)
}

pub(crate) static TYPE: Type = Type {
    name: "stack",
    doc: "A stack, innermost frame first. `for i, frame in ipairs(s)` goes through its frames, `tostring(s)` has a line for each. Equal stacks are equal, as keys of a table, too.",
    example: r#"probe "tracepoint:exceptions:page_fault_user" :on(function(e)
  for i, frame in ipairs(e.ustack) do print(i, frame.name, frame.offset) end
end)"#,
    fields: &[
        Field {
            name: "#",
            ty: "integer",
            doc: "Its frames.",
        },
        Field {
            name: "[integer]",
            ty: "{ addr: integer, name: string, offset: integer, inlined: boolean, symbol?: string, module?: string, file?: string, line?: integer }",
            doc: "A frame, the innermost first; `symbol`, `module`, `file` and `line` where they are known.",
        },
        Field {
            name: "mark",
            ty: "string?",
            doc: "`[truncated]` or `[failed: …]` of one that is not whole.",
        },
    ],
    methods: &[],
    later: &[],
};

impl UserData for StackValue {
    fn register(registry: &mut UserDataRegistry<Self>) {
        register(registry, &TYPE);
        registry.add_field_method_get("mark", |_, stack| Ok(stack.0.mark()));
        registry.add_meta_method(MetaMethod::Len, |_, stack, _: Value| {
            Ok(stack.0.frames.len())
        });
        registry.add_meta_method(MetaMethod::Index, |lua, stack, key: Value| match key {
            Value::Integer(number) => {
                let place = usize::try_from(number)
                    .ok()
                    .and_then(|number| number.checked_sub(1));
                let of = place.and_then(|place| stack.0.frames.get(place));
                of.map(|of| frame(lua, of)).transpose()
            }
            other => Err(no_method(lua, &TYPE, &other.to_string()?)?),
        });
        registry.add_meta_method(MetaMethod::ToString, |_, stack, _: Value| {
            Ok(stack.0.lines().collect::<Vec<_>>().join("\n"))
        });
    }
}
