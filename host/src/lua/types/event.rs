//! `e`, what a handler is called with. It is written on Lua's stack itself (`view`); what is to be said of it is here.

use super::{Field, Type};

pub(crate) static TYPE: Type = Type {
    name: "event",
    doc: "What a handler is called with. It has the words of texts that the handler reads, and what `:fetch` names; what could not be read is nil. It is valid in its handler only.",
    example: r#"local last
probe "tracepoint:syscalls:sys_exit_openat"
  :fetch "comm, retval, file = args.filename"
  :on(function(e)
    printf("%-16s %4d %s\n", e.comm, e.retval, e.file)
    last = e:copy()
  end)
on_exit(function() if last then print("the last: " .. last.comm) end end)"#,
    fields: &[
        Field {
            name: "copy",
            ty: "fun(self: moontrace.event): table<string, any>",
            doc: "`e:copy()` is a plain table of all fields, which can be kept.",
        },
        Field {
            name: "[string]",
            ty: "any",
            doc: "What `:fetch` names, and the arguments by their bare names.",
        },
    ],
    methods: &[],
    later: &[],
};
