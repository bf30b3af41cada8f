//! Rows as JSON, one object a line: the contract that other programs read. Members stand in the order it names them.

use super::shown::named;
use crate::report::Report;
use crate::rows::escape::steers;
use crate::rows::{Books, Bucket, Frame, Histogram, Shown, Stack, Stats, Table, Value};
use serde_json::Value as Json;
use std::fmt::{Display, Write};

/// An object that is being written.
struct Object<'a> {
    out: &'a mut String,
    empty: bool,
}

impl<'a> Object<'a> {
    fn write(out: &'a mut String, members: impl FnOnce(&mut Object<'_>)) {
        out.push('{');
        let mut object = Object { out, empty: true };
        members(&mut object);
        out.push('}');
    }

    fn name(&mut self, name: &str) -> &mut String {
        if !std::mem::take(&mut self.empty) {
            self.out.push(',');
        }
        string(self.out, name);
        self.out.push(':');
        self.out
    }

    /// A member that JSON and Rust write alike.
    fn plain(&mut self, name: &str, value: impl Display) {
        // Writing to a String can't fail.
        let _ = write!(self.name(name), "{value}");
    }

    fn plain_or_null(&mut self, name: &str, value: Option<impl Display>) {
        match value {
            Some(value) => self.plain(name, value),
            None => self.plain(name, "null"),
        }
    }

    fn string(&mut self, name: &str, text: &str) {
        string(self.name(name), text);
    }

    fn value(&mut self, name: &str, value: &Value) {
        self::value(self.name(name), value);
    }

    fn object(&mut self, name: &str, members: impl FnOnce(&mut Object<'_>)) {
        Object::write(self.name(name), members);
    }

    fn array<T>(&mut self, name: &str, items: &[T], mut item: impl FnMut(&mut Object<'_>, &T)) {
        let out = self.name(name);
        out.push('[');
        for (number, of) in items.iter().enumerate() {
            if number > 0 {
                out.push(',');
            }
            Object::write(out, |object| item(object, of));
        }
        out.push(']');
    }

    fn counts(&mut self, name: &str, counts: &[(&str, u64)]) {
        self.object(name, |object| {
            counts
                .iter()
                .for_each(|(name, count)| object.plain(name, count))
        });
    }
}

/// What could steer a terminal is escaped, also where JSON would leave it: lines are read there, too.
fn string(out: &mut String, text: &str) {
    // Writing to a String can't fail.
    if text.is_ascii() && !text.contains('\x7f') {
        let _ = write!(out, "{}", Json::from(text));
        return;
    }
    for letter in Json::from(text).to_string().chars() {
        // All that steers is in the first plane of Unicode: four digits.
        let _ = match steers(letter) {
            true => write!(out, "\\u{:04x}", u32::from(letter)),
            false => out.write_char(letter),
        };
    }
}

/// Integers are exact to 64 bits, strings UTF-8 with the other bytes as U+FFFD, buffers hexadecimal.
fn value(out: &mut String, value: &Value) {
    // Writing to a String can't fail.
    let _ = match value {
        Value::Nil | Value::Null => write!(out, "null"),
        Value::Bool(value) => write!(out, "{value}"),
        Value::Int(value) => write!(out, "{value}"),
        Value::Unsigned(value) => write!(out, "{value}"),
        Value::Str(bytes) => return string(out, &String::from_utf8_lossy(bytes)),
        Value::Bytes(bytes) => return hex(out, bytes),
        Value::Float(value) => write!(out, "{value}"),
        Value::Stats(stats) => return self::stats(out, stats),
        Value::Hist(histogram) => return self::histogram(out, histogram),
        Value::Named(value, _) => write!(out, "{value}"),
        Value::List(elements) => return list(out, elements),
        Value::Stack(stack) => return self::stack(out, stack),
        Value::Struct(members) => {
            return Object::write(out, |object| {
                members.iter().for_each(|(name, of)| object.value(name, of));
            });
        }
    };
}

fn hex(out: &mut String, bytes: &[u8]) {
    out.push('"');
    for byte in bytes {
        // Writing to a String can't fail.
        let _ = write!(out, "{byte:02x}");
    }
    out.push('"');
}

fn list(out: &mut String, elements: &[Value]) {
    out.push('[');
    for (number, element) in elements.iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        value(out, element);
    }
    out.push(']');
}

/// An array of frames, innermost first; of a stack that is not whole, the last has nothing but a symbol that says so.
fn stack(out: &mut String, stack: &Stack) {
    let mark = stack.mark();
    let frames = stack.frames.iter().map(Ok).chain(mark.as_deref().map(Err));
    out.push('[');
    for (number, frame) in frames.enumerate() {
        if number > 0 {
            out.push(',');
        }
        Object::write(out, |object| match frame {
            Ok(frame) => self::frame(object, frame),
            Err(mark) => object.string("symbol", mark),
        });
    }
    out.push(']');
}

fn frame(object: &mut Object<'_>, frame: &Frame) {
    object.plain("addr", frame.address);
    let mut known = |name: &str, text: &Option<std::sync::Arc<str>>| {
        if let Some(text) = text {
            object.string(name, text);
        }
    };
    known("symbol", &frame.symbol);
    known("module", &frame.module);
    known("file", &frame.file);
    if !frame.inlined && (frame.symbol.is_some() || frame.module.is_some()) {
        object.plain("offset", frame.offset);
    }
    if let Some(line) = frame.line {
        object.plain("line", line);
    }
    if frame.inlined {
        object.plain("inlined", true);
    }
}

fn stats(out: &mut String, stats: &Stats) {
    Object::write(out, |object| {
        object.plain("count", stats.count);
        object.plain("sum", stats.sum);
        object.plain_or_null("avg", stats.average());
        object.plain_or_null("min", stats.ends.map(|(min, _)| min));
        object.plain_or_null("max", stats.ends.map(|(_, max)| max));
    });
}

fn histogram(out: &mut String, histogram: &Histogram) {
    let filled: Vec<&Bucket> = histogram
        .buckets
        .iter()
        .filter(|bucket| bucket.count > 0)
        .collect();
    Object::write(out, |object| {
        object.plain("count", histogram.count);
        object.array("buckets", &filled, |object, bucket: &&Bucket| {
            object.plain_or_null("min", bucket.min);
            object.plain_or_null("max", bucket.max);
            object.plain("count", bucket.count);
        });
    });
}

fn line(kind: &str, members: impl FnOnce(&mut Object<'_>)) -> String {
    let mut out = String::new();
    Object::write(&mut out, |object| {
        object.string("type", kind);
        members(object);
    });
    out.push('\n');
    out
}

/// All probes are live, so long after the start.
pub fn attached(probes: usize, milliseconds: f64) -> String {
    line("attached", |object| {
        object.plain("probes", probes);
        object.plain("ms", Json::from((milliseconds * 100.0).round() / 100.0));
    })
}

/// A row of `:print`. `time` is the clock of events, in ns. Where integers have names, those stand beside the data:
/// `"names":{"flags":"O_RDONLY|O_CLOEXEC","task.state":"TASK_RUNNING"}`.
pub fn event(probe: &str, time: u64, cpu: u16, fields: &[(&str, Value)]) -> String {
    line("event", |object| {
        object.string("probe", probe);
        object.plain("time", time);
        object.plain("cpu", cpu);
        object.object("data", |data| {
            fields.iter().for_each(|(name, of)| data.value(name, of))
        });
        let named = names_of(fields.iter().map(|(name, of)| (*name, of)));
        if !named.is_empty() {
            object.object("names", |object| {
                named
                    .iter()
                    .for_each(|(path, text)| object.string(path, text));
            });
        }
    })
}

/// What integers of a row stand for, by their paths.
fn names_of<'a>(fields: impl Iterator<Item = (&'a str, &'a Value)>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    fields.for_each(|(name, of)| names(of, name, &mut found));
    found
}

/// The paths of integers that stand for something, and what: their values stay numbers. An address is nothing else.
fn names(of: &Value, path: &str, found: &mut Vec<(String, String)>) {
    match of {
        Value::Named(_, Shown::Address) => {}
        Value::Named(value, shown) => found.push((path.to_owned(), named(*value, shown))),
        Value::List(elements) => {
            for (number, element) in elements.iter().enumerate() {
                names(element, &format!("{path}[{number}]"), found);
            }
        }
        Value::Struct(members) => {
            for (name, member) in members {
                names(member, &format!("{path}.{name}"), found);
            }
        }
        _ => {}
    }
}

/// What a script printed.
pub fn text(bytes: &[u8]) -> String {
    line("text", |object| {
        object.string("data", &String::from_utf8_lossy(bytes))
    })
}

/// A tally, largest row last. Where integers have names, `names` has them, an object a row.
pub fn table(table: &Table) -> String {
    line("tally", |object| {
        object.string("name", &table.name);
        object.array("rows", &table.rows, |object, row: &Vec<Value>| {
            cells(table, row).for_each(|(name, of)| object.value(name, of));
        });
        let named = |row: &Vec<Value>| names_of(cells(table, row));
        let names: Vec<_> = table.rows.iter().map(named).collect();
        if names.iter().any(|row| !row.is_empty()) {
            object.array("names", &names, |object, row: &Vec<_>| {
                row.iter()
                    .for_each(|(name, text)| object.string(name, text));
            });
        }
    })
}

fn cells<'a>(table: &'a Table, row: &'a [Value]) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let names = table.keys.iter().chain(&table.columns);
    names.map(String::as_str).zip(row)
}

/// The books of a probe.
pub fn books(books: &Books) -> String {
    line("books", |object| {
        object.string("probe", &books.probe);
        object.plain("hits", books.hits());
        object.plain("filtered", books.filtered);
        object.plain("delivered", books.delivered);
        object.counts("lost", &books.lost);
        object.plain_or_null("missed", books.missed);
        object.counts("notes", &books.notes);
    })
}

/// An error; `file` and `line` are null where it has no place.
pub fn error(report: &Report) -> String {
    line("error", |object| {
        object.string("message", &report.message);
        match &report.place {
            Some(place) => object.string("file", &place.file),
            None => object.plain("file", "null"),
        }
        object.plain_or_null("line", report.place.as_ref().map(|place| place.line));
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Place;
    use std::sync::Arc;

    #[test]
    fn integers_are_exact_and_strings_are_utf8() {
        let fields = [
            ("big", Value::Unsigned(u64::MAX)),
            ("small", Value::Int(i64::MIN)),
            ("name", Value::Str(b"a\xff\"\x1b\n\x7f\xc2\x9b".to_vec())),
            ("none", Value::Nil),
            ("yes", Value::Bool(true)),
        ];
        assert_eq!(
            event("kprobe:f", 5, 1, &fields),
            "{\"type\":\"event\",\"probe\":\"kprobe:f\",\"time\":5,\"cpu\":1,\"data\":{\"big\":18446744073709551615,\
             \"small\":-9223372036854775808,\"name\":\"a\u{fffd}\\\"\\u001b\\n\\u007f\\u009b\",\"none\":null,\"yes\":true}}\n"
        );
    }

    #[test]
    fn rows_of_a_tally_have_keys_before_columns_and_open_ends_are_null() {
        let buckets = vec![
            Bucket {
                min: None,
                max: Some(-1),
                count: 2,
            },
            Bucket {
                min: Some(1 << 63),
                max: Some((1 << 64) - 1),
                count: 1,
            },
        ];
        let hist = Value::Hist(Arc::new(Histogram { count: 3, buckets }));
        let shown = Table {
            name: "t".into(),
            keys: vec!["comm".into()],
            columns: vec!["hist".into()],
            rows: vec![
                vec![Value::Str(b"sh".to_vec()), hist],
                vec![Value::Str(b"dd".to_vec()), Value::Int(1)],
            ],
            ..Table::default()
        };
        assert_eq!(
            table(&shown),
            "{\"type\":\"tally\",\"name\":\"t\",\"rows\":[{\"comm\":\"sh\",\"hist\":{\"count\":3,\"buckets\":[\
             {\"min\":null,\"max\":-1,\"count\":2},\
             {\"min\":9223372036854775808,\"max\":18446744073709551615,\"count\":1}]}},{\"comm\":\"dd\",\"hist\":1}]}\n"
        );
    }

    #[test]
    fn the_other_lines_are_those_of_the_contract() {
        assert_eq!(
            attached(3, 7.104),
            "{\"type\":\"attached\",\"probes\":3,\"ms\":7.1}\n"
        );
        assert_eq!(
            text(b"a\tb\n"),
            "{\"type\":\"text\",\"data\":\"a\\tb\\n\"}\n"
        );
        let kept = Books {
            probe: "p".into(),
            filtered: 1,
            delivered: 2,
            lost: vec![("ring", 3)],
            missed: None,
            notes: vec![("fault", 1)],
        };
        assert_eq!(
            books(&kept),
            "{\"type\":\"books\",\"probe\":\"p\",\"hits\":6,\"filtered\":1,\"delivered\":2,\"lost\":{\"ring\":3},\
             \"missed\":null,\"notes\":{\"fault\":1}}\n"
        );
        let place = Place {
            file: "a.lua".into(),
            line: 4,
        };
        assert_eq!(
            error(&Report::new("boom").at(place)),
            "{\"type\":\"error\",\"message\":\"boom\",\"file\":\"a.lua\",\"line\":4}\n"
        );
        assert_eq!(
            error(&Report::new("boom")),
            "{\"type\":\"error\",\"message\":\"boom\",\"file\":null,\"line\":null}\n"
        );
    }

    #[test]
    fn names_stand_beside_the_numbers() {
        let mode = |value| Value::Named(value, Shown::Mode);
        let within = Value::Struct(vec![("m".into(), mode(0o644))]);
        let fields = [
            ("mode", mode(0o755)),
            ("list", Value::List(vec![Value::Int(1), within])),
            ("p", Value::Named(16, Shown::Address)),
        ];
        assert_eq!(
            event("x", 1, 0, &fields),
            "{\"type\":\"event\",\"probe\":\"x\",\"time\":1,\"cpu\":0,\"data\":{\"mode\":493,\"list\":[1,{\"m\":420}],\
             \"p\":16},\"names\":{\"mode\":\"0755\",\"list[1].m\":\"0644\"}}\n"
        );
        assert!(!event("x", 1, 0, &fields[2..]).contains("names"));
        let tally = Table {
            name: "t".to_owned(),
            keys: vec!["mode".to_owned()],
            columns: vec!["count".to_owned()],
            rows: vec![vec![mode(0o755), Value::Int(1)]],
            ..Table::default()
        };
        assert_eq!(
            table(&tally),
            "{\"type\":\"tally\",\"name\":\"t\",\"rows\":[{\"mode\":493,\"count\":1}],\"names\":[{\"mode\":\"0755\"}]}\n"
        );
    }

    #[test]
    fn every_line_is_json() {
        let awkward = Value::Str((0..=255).collect());
        let line = event(
            "p\"\\\n",
            u64::MAX,
            u16::MAX,
            &[("x.y", awkward), ("\u{2028}", Value::Nil)],
        );
        let read: Json = serde_json::from_str(&line).unwrap();
        assert_eq!(read["probe"], "p\"\\\n");
        assert_eq!(line.lines().count(), 1);
    }
}
