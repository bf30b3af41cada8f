//! A tracepoint's `format` file: its number and its fields.

use super::ctype::Spelling;

/// A tracepoint as tracefs describes it, the fields that all of them have (`common_*`) left out.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Format {
    /// What perf_event_open attaches to.
    pub id: u64,
    pub fields: Vec<FormatField>,
    /// What stands behind `print fmt:`.
    pub print: String,
}

/// A field of the record that a tracepoint's program gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatField {
    pub name: String,
    /// Bytes from the record's start.
    pub offset: u16,
    /// Bytes in the record: of a string behind it, those of the word that says where it is.
    pub size: u16,
    pub signed: bool,
    pub kind: FieldKind,
    /// The type's words, as the file has them.
    pub ctype: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// An integer, a truth value, an enum, a pointer, or a struct by value.
    Value(Spelling),
    /// `length` elements; of `char`, a string.
    Array { of: Spelling, length: u16 },
    /// `__data_loc T[] name`: a u32 whose low half is where the data begins, and its high half the bytes it has.
    /// Counted from the record's start, or (`__rel_loc`) from the end of this word.
    Dynamic { of: Spelling, relative: bool },
    /// An array whose length is a name that only the kernel's source knows.
    Opaque,
}

impl Format {
    /// Reads a format file's text; lines that are not understood are left out. `None` without an `ID:` line.
    pub fn parse(text: &str) -> Option<Self> {
        let id = text
            .lines()
            .find_map(|line| line.strip_prefix("ID:"))?
            .trim()
            .parse()
            .ok()?;
        let fields = text
            .lines()
            .take_while(|line| !line.starts_with("print fmt:"))
            .filter_map(field)
            .filter(|field| !field.name.starts_with("common_"))
            .collect();
        let print = text
            .lines()
            .find_map(|line| line.strip_prefix("print fmt:"))
            .unwrap_or_default()
            .to_owned();
        Some(Self { id, fields, print })
    }

    /// At a system call's tracepoint, programs get its number and its arguments. Newer kernels' records have copies of what
    /// some of them point at, too, which programs don't get (`perf_call_bpf_enter` of kernel/trace/trace_syscalls.c).
    pub fn of_system_call(mut self) -> Self {
        let copied = |field: &FormatField| matches!(field.kind, FieldKind::Dynamic { .. });
        self.fields.retain(|field| !copied(field));
        self
    }

    pub fn field(&self, name: &str) -> Option<&FormatField> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// `field:const char * filename; offset:24; size:8; signed:0;`, with tabs before and between.
fn field(line: &str) -> Option<FormatField> {
    let mut parts = line
        .trim()
        .strip_prefix("field:")?
        .split(';')
        .map(str::trim);
    let declaration = parts.next()?;
    let mut number = |key: &str| parts.next()?.strip_prefix(key)?.parse::<i32>().ok();
    let offset = number("offset:")?.try_into().ok()?;
    let size = number("size:")?.try_into().ok()?;
    let signed = number("signed:")? != 0;
    let (ctype, name, kind) = declarator(declaration, size)?;
    Some(FormatField {
        name,
        offset,
        size,
        signed,
        kind,
        ctype,
    })
}

/// Takes `TYPE NAME`, `TYPE NAME[N]` and `__data_loc TYPE[] NAME` apart.
fn declarator(text: &str, size: u16) -> Option<(String, String, FieldKind)> {
    for (prefix, relative) in [("__data_loc ", false), ("__rel_loc ", true)] {
        if let Some(rest) = text.strip_prefix(prefix) {
            let (ctype, name) = split_name(rest)?;
            let of = Spelling::parse(ctype.trim_end_matches("[]"))?;
            return Some((ctype, name, FieldKind::Dynamic { of, relative }));
        }
    }
    let (ctype, name, length) = match text.find('[') {
        Some(at) => {
            let (ctype, name) = split_name(&text[..at])?;
            (
                ctype,
                name,
                Some(text[at + 1..].trim_end_matches(']').trim()),
            )
        }
        None => {
            let (ctype, name) = split_name(text)?;
            (ctype, name, None)
        }
    };
    let spelling = Spelling::parse(&ctype)?;
    let Some(length) = length else {
        return Some((ctype, name, FieldKind::Value(spelling)));
    };
    // The length may be the name of a constant; then the size alone is known.
    let kind = match length.parse::<u16>() {
        Ok(length) if length > 0 => FieldKind::Array {
            of: spelling,
            length,
        },
        _ if spelling.base == "char" && spelling.stars == 0 => FieldKind::Array {
            of: spelling,
            length: size,
        },
        _ => FieldKind::Opaque,
    };
    Some((format!("{ctype}[{length}]"), name, kind))
}

/// The type's words and the last word. A struct by value has its name there: `struct hlist_node n`.
fn split_name(text: &str) -> Option<(String, String)> {
    let text = text.trim();
    let of_name = |c: char| c.is_alphanumeric() || c == '_';
    let ctype = text.trim_end_matches(of_name);
    let (ctype, name) = (ctype.trim(), &text[ctype.len()..]);
    (!ctype.is_empty() && !name.is_empty()).then(|| (ctype.to_owned(), name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::mutation::mutated;
    use proptest::prelude::*;

    const SAMPLE: &str = "name: sample\nID: 366\nformat:\n\
        \tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n\
        \tfield:__data_loc char[] parent_comm;\toffset:8;\tsize:4;\tsigned:0;\n\
        \tfield:__rel_loc u8[] blob;\toffset:12;\tsize:4;\tsigned:0;\n\
        \tfield:char next_comm[16];\toffset:16;\tsize:16;\tsigned:0;\n\
        \tfield:const char *const * argv;\toffset:32;\tsize:8;\tsigned:0;\n\
        \tfield:unsigned long args[6];\toffset:40;\tsize:48;\tsigned:0;\n\
        \tfield:enum zone_type zone;\toffset:88;\tsize:4;\tsigned:0;\n\
        \tfield:struct timespec64 ts;\toffset:96;\tsize:16;\tsigned:0;\n\
        \tfield:char name[IFNAMSIZ];\toffset:112;\tsize:16;\tsigned:0;\n\
        \tfield:nonsense\n\
        \nprint fmt: \"field:int x;offset:1;size:4;signed:1;\"\n";

    fn kind(name: &str) -> FieldKind {
        Format::parse(SAMPLE)
            .unwrap()
            .field(name)
            .unwrap()
            .kind
            .clone()
    }

    fn spelling(base: &str, stars: u8) -> Spelling {
        Spelling {
            base: base.into(),
            stars,
        }
    }

    #[test]
    fn every_shape_of_field_is_known_and_common_ones_are_hidden() {
        let format = Format::parse(SAMPLE).unwrap();
        assert_eq!(format.id, 366);
        let names: Vec<&str> = format
            .fields
            .iter()
            .map(|field| field.name.as_str())
            .collect();
        assert_eq!(
            names,
            [
                "parent_comm",
                "blob",
                "next_comm",
                "argv",
                "args",
                "zone",
                "ts",
                "name"
            ]
        );
        assert_eq!(
            kind("parent_comm"),
            FieldKind::Dynamic {
                of: spelling("char", 0),
                relative: false
            }
        );
        assert_eq!(
            kind("blob"),
            FieldKind::Dynamic {
                of: spelling("u8", 0),
                relative: true
            }
        );
        assert_eq!(
            kind("next_comm"),
            FieldKind::Array {
                of: spelling("char", 0),
                length: 16
            }
        );
        assert_eq!(kind("argv"), FieldKind::Value(spelling("char", 2)));
        assert_eq!(
            kind("args"),
            FieldKind::Array {
                of: spelling("unsigned long", 0),
                length: 6
            }
        );
        assert_eq!(
            kind("zone"),
            FieldKind::Value(spelling("enum zone_type", 0))
        );
        assert_eq!(
            kind("ts"),
            FieldKind::Value(spelling("struct timespec64", 0))
        );
        assert_eq!(
            kind("name"),
            FieldKind::Array {
                of: spelling("char", 0),
                length: 16
            }
        );
        let args = format.field("args").unwrap();
        assert_eq!((args.offset, args.size, args.signed), (40, 48, false));
    }

    #[test]
    fn a_file_without_a_number_is_no_format() {
        assert_eq!(Format::parse("name: x\nformat:\n"), None);
        assert_eq!(Format::parse("ID: x\n"), None);
    }

    const REAL: &str = "name: x\nID: 312\nformat:\n\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n\
        \tfield:const char *const * argv;\toffset:16;\tsize:8;\tsigned:0;\n\
        \tfield:__data_loc char[] filename;\toffset:24;\tsize:4;\tsigned:0;\n\
        \tfield:__u8 saddr[4];\toffset:65528;\tsize:4;\tsigned:0;\n\nprint fmt: \"\"\n";

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

        #[test]
        fn a_format_of_any_bytes_is_read(bytes in mutated(REAL.into(), std::iter::once(0..REAL.len()), 4)) {
            if let Some(format) = Format::parse(&String::from_utf8_lossy(&bytes)) {
                prop_assert!(format.fields.len() <= 4);
            }
        }

        #[test]
        fn a_field_of_any_words_is_read(
            line in "field:(const |char|struct |__data_loc |\\*|\\[|\\]|[0-9]{1,20}| |;|\\(|\\)|[a-z]{1,3}){0,20};\toffset:[0-9]{1,6};\tsize:[0-9]{1,6};\tsigned:1;"
        ) {
            field(&line);
        }
    }
}
