//! A writer of BTF for tests, and a small kernel written with it.

use super::blob::kind;

/// A BTF section as it grows. Types get the numbers 1, 2, … in the order in which they are added.
pub(in crate::facts) struct Writer {
    types: Vec<u8>,
    strings: Vec<u8>,
    count: u32,
    /// Bytes of strings that a base has before ours.
    base_strings: u32,
}

pub(in crate::facts) const SIGNED: u32 = 1 << 24;
pub(in crate::facts) const BOOL: u32 = 1 << 26;
pub(in crate::facts) const FLAG: u32 = 1 << 31;

impl Writer {
    pub(in crate::facts) fn new() -> Self {
        Self {
            types: Vec::new(),
            strings: vec![0],
            count: 0,
            base_strings: 0,
        }
    }

    /// What is added to a kernel's: numbers go on after those.
    pub(in crate::facts) fn upon(base: &Self) -> Self {
        Self {
            count: base.count,
            base_strings: base.strings.len() as u32,
            ..Self::new()
        }
    }

    pub(in crate::facts) fn text(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        let at = self.base_strings + self.strings.len() as u32;
        self.strings.extend(text.as_bytes());
        self.strings.push(0);
        at
    }

    /// Adds a type: its count of entries goes into `info`, and `body` behind it.
    pub(in crate::facts) fn add(
        &mut self,
        name: &str,
        kind: u8,
        info: u32,
        size_or_type: u32,
        body: &[u32],
    ) -> u32 {
        let name = self.text(name);
        for word in [name, u32::from(kind) << 24 | info, size_or_type]
            .iter()
            .chain(body)
        {
            self.types.extend(word.to_ne_bytes());
        }
        self.count += 1;
        self.count
    }

    pub(in crate::facts) fn int(&mut self, name: &str, bytes: u32, encoding: u32) -> u32 {
        self.add(name, kind::INT, 0, bytes, &[encoding | (bytes * 8)])
    }

    pub(in crate::facts) fn pointer(&mut self, to: u32) -> u32 {
        self.add("", kind::PTR, 0, to, &[])
    }

    pub(in crate::facts) fn array(&mut self, of: u32, length: u32) -> u32 {
        self.add("", kind::ARRAY, 0, 0, &[of, 0, length])
    }

    /// Members are (name, type, offset in bits), with `FLAG` in `flag` the width in the offset's high byte.
    pub(in crate::facts) fn compound(
        &mut self,
        name: &str,
        kind: u8,
        size: u32,
        flag: u32,
        members: &[(&str, u32, u32)],
    ) -> u32 {
        let mut body = Vec::new();
        for (name, ty, offset) in members {
            body.extend([self.text(name), *ty, *offset]);
        }
        self.add(name, kind, flag | members.len() as u32, size, &body)
    }

    pub(in crate::facts) fn function(
        &mut self,
        name: &str,
        returns: u32,
        parameters: &[(&str, u32)],
    ) -> u32 {
        let mut body = Vec::new();
        for (name, ty) in parameters {
            body.extend([self.text(name), *ty]);
        }
        let prototype = self.add(
            "",
            kind::FUNC_PROTO,
            parameters.len() as u32,
            returns,
            &body,
        );
        self.add(name, kind::FUNC, 1, prototype, &[])
    }

    pub(in crate::facts) fn bytes(&self) -> Vec<u8> {
        let (types, strings) = (self.types.len() as u32, self.strings.len() as u32);
        let mut bytes = 0xeb9f_u16.to_ne_bytes().to_vec();
        bytes.extend([1, 0]);
        for word in [24, 0, types, types, strings] {
            bytes.extend(word.to_ne_bytes());
        }
        bytes.extend(&self.types);
        bytes.extend(&self.strings);
        bytes
    }
}

/// A small kernel: one of everything.
pub(in crate::facts) fn kernel() -> Writer {
    let mut w = Writer::new();
    let int = w.int("int", 4, SIGNED);
    let unsigned = w.int("unsigned int", 4, 0);
    let char = w.int("char", 1, SIGNED);
    let bool = w.int("_Bool", 1, BOOL);
    let comm = w.array(char, 16);
    let constant = w.add("", kind::CONST, 0, char, &[]);
    let user = w.add("user", kind::TYPE_TAG, 0, constant, &[]);
    let path = w.pointer(user);
    let u32_ = w.add("u32", kind::TYPEDEF, 0, unsigned, &[]);
    let inner = w.compound(
        "",
        kind::UNION,
        4,
        0,
        &[("as_int", int, 0), ("as_word", u32_, 0)],
    );
    let task = w.compound(
        "task",
        kind::STRUCT,
        40,
        FLAG,
        &[
            ("pid", int, 0),
            ("", inner, 32),
            ("low", unsigned, 64 | 3 << 24),
            ("high", int, 67 | 29 << 24),
            ("comm", comm, 96),
            ("path", path, 256),
            ("dead", bool, 224),
        ],
    );
    let task_pointer = w.pointer(task);
    w.function("wake", bool, &[("task", task_pointer), ("how", u32_)]);
    let data = w.pointer(0);
    w.function(
        "__traceiter_woken",
        int,
        &[("__data", data), ("task", task_pointer)],
    );
    let unsigned_long = w.int("unsigned long", 8, 0);
    let long = w.int("long int", 8, SIGNED);
    let members = [("flags", unsigned_long, 0), ("status", unsigned, 64)];
    let info = w.compound("thread_info", kind::STRUCT, 16, 0, &members);
    let members = [("thread_info", info, 0), ("comm", comm, 128)];
    w.compound("task_struct", kind::STRUCT, 32, 0, &members);
    let parameters = [
        ("task", task_pointer),
        ("buf", path),
        ("count", unsigned_long),
        ("by_value", inner),
        ("last", int),
    ];
    w.function("vfs_read", long, &parameters);
    let seven = ["a", "b", "c", "d", "e", "f", "g"].map(|name| (name, int));
    w.function("vfs_many", 0, &seven);
    let names = [("STATE_RUN", 0), ("STATE_GONE", u32::MAX)];
    let body: Vec<u32> = names
        .iter()
        .flat_map(|(name, value)| [w.text(name), *value])
        .collect();
    w.add("state", kind::ENUM, 2, 4, &body);
    let wide = w.text("WIDE");
    w.add("wide", kind::ENUM64, 1, 8, &[wide, 1, 1]);
    w.compound("bpf_trampoline", kind::STRUCT, 0, 0, &[]);
    w
}

/// A small module upon that kernel: a struct, and a raw tracepoint that passes it.
pub(in crate::facts) fn module() -> Writer {
    let mut w = Writer::upon(&kernel());
    let own = w.int("own_t", 8, SIGNED);
    // The type with number 1 is the kernel's.
    let members = [("count", own, 0), ("pid", 1, 64)];
    let mine = w.compound("mine", kind::STRUCT, 16, 0, &members);
    let pointer = w.pointer(mine);
    let data = w.pointer(0);
    w.function("__traceiter_fired", 1, &[("__data", data), ("of", pointer)]);
    w.add("btf_trace_fired", kind::TYPEDEF, 0, data, &[]);
    w
}
