//! Raw entries of a tally's map → rows.

use super::record::raw_stack;
use crate::plan::{Aggregate, Column, Extreme, KeyContent, KeyField, TallyShape};
use crate::rows::{Bucket, Histogram, RawEnd, RawStack, Stats, Symbols, Table, Value, average};
use moontrace_abi::bucket::{bounds, buckets};
use moontrace_abi::stack::StackHead;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::mem::{offset_of, size_of};
use std::sync::Arc;

/// An entry of a tally's map: its key without the generation, and the value of each CPU, or the one of all.
pub struct Entry {
    pub key: Vec<u8>,
    pub values: Vec<u8>,
}

/// The names of a site by its number: of its probe, and of its function.
pub type SiteNames<'a> = &'a dyn Fn(u32) -> Option<(String, String)>;

/// The stacks that keys name, by their ids: each as the kernel half keeps it.
pub type Interned = HashMap<[u64; 2], Vec<u8>>;

/// What keys stand for.
pub struct Meanings<'a> {
    pub sites: SiteNames<'a>,
    pub stacks: &'a Interned,
    pub symbols: &'a dyn Symbols,
}

/// The table that the entries make which came together in so many seconds, smallest row first: by the first column, then
/// by the keys.
pub fn table(
    shape: &TallyShape,
    entries: Vec<Entry>,
    seconds: f64,
    meanings: &Meanings<'_>,
) -> Table {
    let keys = shape.keys.len();
    let mut rows: Vec<Vec<Value>> = merged(shape, entries, meanings)
        .into_iter()
        .map(|(keys, values)| row(shape, keys, &values))
        .collect();
    rows.sort_by(|a, b| {
        let (a_keys, a_columns) = a.split_at(keys);
        let (b_keys, b_columns) = b.split_at(keys);
        let first = compare(a_columns.iter().take(1), b_columns.iter().take(1));
        first.then_with(|| compare(a_keys.iter(), b_keys.iter()))
    });
    Table {
        name: shape.name.clone(),
        keys: shape.keys.iter().map(|key| key.name.clone()).collect(),
        columns: shape
            .columns
            .iter()
            .map(|column| column.name.clone())
            .collect(),
        absent: shape.columns.iter().map(|of| column(of, &[])).collect(),
        rows,
        growing: shape.columns.iter().map(grows).collect(),
        seconds,
    }
}

fn grows(column: &Column) -> bool {
    matches!(column.function, Aggregate::Count | Aggregate::Sum { .. })
}

fn compare<'a>(a: impl Iterator<Item = &'a Value>, b: impl Iterator<Item = &'a Value>) -> Ordering {
    a.zip(b)
        .map(|(a, b)| a.order(b))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// The keys of the entries with their values. Addresses and places may mean the same where they differ: then the values of
/// both stand one behind the other, as those of several CPUs do.
fn merged(
    shape: &TallyShape,
    entries: Vec<Entry>,
    meanings: &Meanings<'_>,
) -> Vec<(Vec<Value>, Vec<u8>)> {
    let rows = entries.into_iter().map(|entry| {
        let keys = shape.keys.iter();
        let keys = keys.map(|field| key(field, &entry.key, meanings));
        (keys.collect::<Vec<_>>(), entry.values)
    });
    let mut rows: Vec<_> = rows.collect();
    if !shape.keys.iter().any(|key| key.content.may_mean_the_same()) {
        return rows;
    }
    rows.sort_by(|(a, _), (b, _)| compare(a.iter(), b.iter()));
    rows.dedup_by(|(keys, values), (there, all)| {
        let same = compare(keys.iter(), there.iter()).is_eq();
        if same {
            all.append(values);
        }
        same
    });
    rows
}

fn row(shape: &TallyShape, keys: Vec<Value>, values: &[u8]) -> Vec<Value> {
    let size = (shape.value_size as usize).next_multiple_of(8).max(8);
    let copies: Vec<&[u8]> = values.chunks_exact(size).collect();
    let columns = shape.columns.iter().map(|of| column(of, &copies));
    keys.into_iter().chain(columns).collect()
}

/// A stack by its id, and when it was first seen.
fn stack(user: bool, frames: u8, id: [u64; 2], meanings: &Meanings<'_>) -> (RawStack, u64) {
    let longest = meanings.symbols.longest();
    let raw = |process, addresses| raw_stack(user, frames, process, addresses, longest);
    match (id, meanings.stacks.get(&id)) {
        ([0, 0], _) => (raw([0, 0], Ok(&[])), 0),
        ([0, number], _) => (raw([0, 0], Err(number as i32)), 0),
        (_, Some(bytes)) => {
            let head = |offset| word(bytes, offset);
            let (frames, process) = (size_of::<StackHead>(), offset_of!(StackHead, process));
            let end = frames + head(offset_of!(StackHead, length)) as usize;
            let addresses = bytes.get(frames..end).unwrap_or_default();
            let process = [head(process), head(process + 8)];
            let time = head(offset_of!(StackHead, time));
            (raw(process, Ok(addresses)), time)
        }
        // It was taken out of the table between the reading of its row and its own.
        (_, None) => {
            let mut gone = raw([0, 0], Ok(&[]));
            gone.end = RawEnd::Gone;
            (gone, 0)
        }
    }
}

pub(super) fn word(bytes: &[u8], offset: usize) -> u64 {
    let word = bytes.get(offset..).and_then(|rest| rest.first_chunk());
    word.map_or(0, |word| u64::from_le_bytes(*word))
}

fn integer(word: u64, signed: bool) -> Value {
    if signed {
        Value::Int(word as i64)
    } else {
        Value::Unsigned(word)
    }
}

/// A part of a key, or another field that lies as they do.
pub(super) fn key(field: &KeyField, bytes: &[u8], meanings: &Meanings<'_>) -> Value {
    let offset = field.offset as usize;
    let site = |pick: fn((String, String)) -> String| {
        (meanings.sites)(word(bytes, offset) as u32)
            .map_or(Value::Nil, |names| Value::Str(pick(names).into_bytes()))
    };
    match field.content {
        KeyContent::Int { signed } => {
            let value = integer(word(bytes, offset), signed);
            match (&field.shown, value.integer()) {
                (Some(shown), Some(number)) => Value::Named(number, shown.clone()),
                _ => value,
            }
        }
        KeyContent::Bool => Value::Bool(word(bytes, offset) != 0),
        KeyContent::Text { capacity } => {
            let end = (offset + usize::from(capacity)).min(bytes.len());
            let text = bytes.get(offset..end).unwrap_or_default();
            Value::Str(
                text.split(|byte| *byte == 0)
                    .next()
                    .unwrap_or_default()
                    .to_vec(),
            )
        }
        KeyContent::Stack { user, frames } => {
            let id = [word(bytes, offset), word(bytes, offset + 8)];
            let (raw, time) = stack(user, frames, id, meanings);
            Value::Stack(meanings.symbols.stack(&raw, time))
        }
        KeyContent::Symbol { user } => {
            let process = user.then_some(word(bytes, offset + 8) as u32);
            let found = meanings
                .symbols
                .symbol(word(bytes, offset), process, u64::MAX);
            Value::Str(found.name().into_bytes())
        }
        KeyContent::Probe => site(|(probe, _)| probe),
        KeyContent::Func => site(|(_, func)| func),
    }
}

/// A column over all CPUs. Sums wrap at 64 bits, as they do in the kernel.
fn column(column: &Column, copies: &[&[u8]]) -> Value {
    let offset = column.offset as usize;
    let sum = |offset: usize| {
        copies
            .iter()
            .fold(0u64, |sum, copy| sum.wrapping_add(word(copy, offset)))
    };
    // The largest of all CPUs, turned back; `None` where no CPU has seen a value.
    let extreme = |word_at: usize, turned: u64, order: Extreme, seen: bool| {
        let raised = copies.iter().map(|copy| word(copy, word_at)).max();
        let bits = raised.unwrap_or(0) ^ turned;
        seen.then(|| match order {
            Extreme::Signed => i128::from(bits as i64),
            Extreme::Unsigned => i128::from(bits),
        })
    };
    let number = |bits: u64, signed: bool| match signed {
        true => i128::from(bits as i64),
        false => i128::from(bits),
    };
    let one = |value: Option<i128>| value.map_or(Value::Nil, Value::of_integer);
    match column.function {
        Aggregate::Count => Value::Int(sum(offset) as i64),
        Aggregate::Sum { signed } => integer(sum(offset), signed),
        Aggregate::Avg { signed } => {
            average(sum(offset), number(sum(offset + 8), signed)).map_or(Value::Nil, Value::Float)
        }
        Aggregate::Min(order) => one(extreme(offset, order.minimum(), order, sum(offset + 8) > 0)),
        Aggregate::Max(order) => one(extreme(offset, order.maximum(), order, sum(offset + 8) > 0)),
        Aggregate::Stats(order) => {
            let count = sum(offset);
            let end = |at, turned| extreme(at, turned, order, count > 0);
            Value::Stats(Stats {
                count,
                sum: number(sum(offset + 8), order == Extreme::Signed),
                ends: end(offset + 16, order.minimum()).zip(end(offset + 24, order.maximum())),
            })
        }
        Aggregate::Hist { bits, .. } => histogram(
            (0..buckets(bits)).map(|bucket| sum(offset + 8 * bucket)),
            |bucket| match bounds(bucket, bits) {
                Some((min, max)) => (Some(min.into()), Some(max.into())),
                None => (None, Some(-1)),
            },
        ),
        Aggregate::LinearHist { steps, .. } => histogram(
            (0..steps.buckets()).map(|bucket| sum(offset + 8 * bucket)),
            |bucket| steps.bounds(bucket),
        ),
    }
}

/// The buckets from the first to the last that has anything.
fn histogram(
    counts: impl Iterator<Item = u64>,
    bounds: impl Fn(usize) -> (Option<i128>, Option<i128>),
) -> Value {
    let mut buckets = Vec::new();
    let mut filled = 0;
    for (bucket, count) in counts.enumerate() {
        if count == 0 && buckets.is_empty() {
            continue;
        }
        let (min, max) = bounds(bucket);
        buckets.push(Bucket { min, max, count });
        if count > 0 {
            filled = buckets.len();
        }
    }
    buckets.truncate(filled);
    Value::Hist(Arc::new(Histogram {
        count: buckets.iter().map(|bucket| bucket.count).sum(),
        buckets,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Storage;
    use crate::rows::stack::NoSymbols;
    use crate::spec::{Room, TallyId};
    use moontrace_abi::bucket::{BUCKETS, Linear};

    fn words(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn meanings<'a>(sites: SiteNames<'a>) -> Meanings<'a> {
        static NONE: std::sync::LazyLock<Interned> = std::sync::LazyLock::new(Interned::new);
        Meanings {
            sites,
            stacks: &NONE,
            symbols: &NoSymbols,
        }
    }

    fn shape(columns: Vec<Column>, value_size: u32) -> TallyShape {
        TallyShape {
            id: TallyId(0),
            name: "t".into(),
            keys: vec![
                KeyField {
                    name: "comm".into(),
                    content: KeyContent::Text { capacity: 16 },
                    shown: None,
                    offset: 0,
                },
                KeyField {
                    name: "n".into(),
                    content: KeyContent::Int { signed: true },
                    shown: None,
                    offset: 16,
                },
            ],
            columns,
            key_size: 32,
            value_size,
            storage: Storage::PerCpuHash,
            room: Room::default(),
        }
    }

    #[test]
    fn cpus_are_added_and_rows_sorted_smallest_first() {
        let count = Column {
            name: "count".into(),
            function: Aggregate::Count,
            offset: 0,
        };
        let sum = Column {
            name: "sum".into(),
            function: Aggregate::Sum { signed: true },
            offset: 8,
        };
        let key = |comm: &[u8; 16], n: i64| [&comm[..], &n.to_le_bytes()].concat();
        let entries = vec![
            Entry {
                key: key(b"busy\0garbage....", -1),
                values: words(&[5, 10, 6, u64::MAX]),
            },
            Entry {
                key: key(b"idle\0\0\0\0\0\0\0\0\0\0\0\0", 2),
                values: words(&[1, 0, 0, 0]),
            },
        ];
        let table = table(
            &shape(vec![count, sum], 16),
            entries,
            1.0,
            &meanings(&|_| None),
        );
        assert_eq!(table.rows[0][2..], [Value::Int(1), Value::Int(0)]);
        assert_eq!(
            table.rows[1],
            [
                Value::Str(b"busy".to_vec()),
                Value::Int(-1),
                Value::Int(11),
                Value::Int(9)
            ]
        );
    }

    #[test]
    fn equal_rows_stand_in_the_order_of_their_keys_and_sites_have_names() {
        let field = |name: &str, content, offset| KeyField {
            name: name.into(),
            content,
            shown: None,
            offset,
        };
        let mut shape = shape(
            vec![Column {
                name: "count".into(),
                function: Aggregate::Count,
                offset: 0,
            }],
            8,
        );
        shape.keys = vec![
            field("ok", KeyContent::Bool, 0),
            field("probe", KeyContent::Probe, 8),
            field("func", KeyContent::Func, 16),
            field("big", KeyContent::Int { signed: false }, 24),
        ];
        let entry = |ok, site, big| Entry {
            key: words(&[ok, site, site, big]),
            values: words(&[7]),
        };
        let names = |site| (site == 3).then(|| ("kprobe:f".to_owned(), "f".to_owned()));
        let entries = vec![
            entry(1, 3, 0),
            entry(0, 3, u64::MAX),
            entry(0, 3, 1),
            entry(0, 9, 5),
        ];
        let rows = table(&shape, entries, 1.0, &meanings(&names)).rows;
        let text = |text: &str| Value::Str(text.into());
        let row = |ok, big| {
            vec![
                Value::Bool(ok),
                text("kprobe:f"),
                text("f"),
                Value::Unsigned(big),
                Value::Int(7),
            ]
        };
        assert_eq!(
            rows[1..],
            [row(false, 1), row(false, u64::MAX), row(true, 0)]
        );
        assert_eq!(rows[0][1..3], [Value::Nil, Value::Nil]);
    }

    #[test]
    fn places_of_one_name_are_one_row() {
        let count = Column {
            name: "count".into(),
            function: Aggregate::Count,
            offset: 0,
        };
        let mut shape = shape(vec![count], 8);
        shape.keys = vec![KeyField {
            name: "func".into(),
            content: KeyContent::Func,
            shown: None,
            offset: 0,
        }];
        let entries = [(1, 5), (2, 7), (3, 2)].map(|(site, count)| Entry {
            key: words(&[site]),
            values: words(&[count]),
        });
        let names = |site| {
            let func = if site == 2 { "other" } else { "same" };
            Some((format!("usdt:x:{func}"), func.to_owned()))
        };
        let rows = table(&shape, entries.into(), 1.0, &meanings(&names)).rows;
        let row = |func: &str, count| vec![Value::Str(func.into()), Value::Int(count)];
        assert_eq!(rows, [row("other", 7), row("same", 7)]);
    }

    #[test]
    fn an_entry_that_is_too_short_has_empty_values() {
        let count = Column {
            name: "count".into(),
            function: Aggregate::Count,
            offset: 0,
        };
        let entries = vec![Entry {
            key: vec![b'x'],
            values: Vec::new(),
        }];
        let rows = table(&shape(vec![count], 8), entries, 1.0, &meanings(&|_| None)).rows;
        assert_eq!(
            rows,
            [[Value::Str(b"x".to_vec()), Value::Int(0), Value::Int(0)]]
        );
    }

    #[test]
    fn buckets_become_their_bounds() {
        let hist = Column {
            name: "hist".into(),
            function: Aggregate::Hist {
                signed: true,
                bits: 0,
            },
            offset: 0,
        };
        let mut counts = [0; BUCKETS];
        (counts[0], counts[1], counts[4]) = (2, 1, 7);
        let entry = Entry {
            key: vec![0; 24],
            values: words(&counts),
        };
        let table = table(
            &shape(vec![hist], 8 * BUCKETS as u32),
            vec![entry],
            1.0,
            &meanings(&|_| None),
        );
        let Value::Hist(histogram) = &table.rows[0][2] else {
            panic!("no histogram")
        };
        let bounds: Vec<_> = histogram
            .buckets
            .iter()
            .map(|bucket| (bucket.min, bucket.max, bucket.count))
            .collect();
        assert_eq!(
            bounds,
            [
                (None, Some(-1), 2),
                (Some(0), Some(0), 1),
                (Some(1), Some(1), 0),
                (Some(2), Some(3), 0),
                (Some(4), Some(7), 7)
            ]
        );
    }

    /// The columns of one row whose value each CPU has like this.
    fn columns(function: Aggregate, cpus: &[&[u64]]) -> Value {
        let of = Column {
            name: "c".into(),
            function,
            offset: 0,
        };
        let cpus: Vec<Vec<u8>> = cpus.iter().map(|cpu| words(cpu)).collect();
        column(&of, &cpus.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    #[test]
    fn extremes_are_turned_back_and_are_nothing_where_nothing_was_seen() {
        let signed = |value: i64, turned: u64| value as u64 ^ turned;
        let (min, max) = (Extreme::Signed.minimum(), Extreme::Signed.maximum());
        let some = [signed(-5, min), 1];
        assert_eq!(
            columns(
                Aggregate::Min(Extreme::Signed),
                &[&some, &[0, 0], &[signed(7, min), 1]]
            ),
            Value::Int(-5)
        );
        assert_eq!(
            columns(
                Aggregate::Max(Extreme::Signed),
                &[&[signed(-5, max), 1], &[0, 0]]
            ),
            Value::Int(-5)
        );
        assert_eq!(
            columns(Aggregate::Max(Extreme::Unsigned), &[&[u64::MAX, 1]]),
            Value::Unsigned(u64::MAX)
        );
        assert_eq!(
            columns(Aggregate::Min(Extreme::Unsigned), &[&[!0, 1]]),
            Value::Int(0)
        );
        assert_eq!(
            columns(Aggregate::Min(Extreme::Signed), &[&[0, 0]]),
            Value::Nil
        );
        assert_eq!(
            columns(Aggregate::Avg { signed: true }, &[&[0, 0]]),
            Value::Nil
        );
        assert_eq!(
            columns(Aggregate::Avg { signed: true }, &[&[1, u64::MAX], &[1, 4]]),
            Value::Float(1.5)
        );
        let (low, high) = (signed(-2, min), signed(9, max));
        assert_eq!(
            columns(
                Aggregate::Stats(Extreme::Signed),
                &[&[2, 7, low, high], &[0, 0, 0, 0]]
            ),
            Value::Stats(Stats {
                count: 2,
                sum: 7,
                ends: Some((-2, 9))
            })
        );
    }

    #[test]
    fn steps_have_open_ends() {
        let steps = Linear {
            min: 0,
            max: 20,
            step: 10,
        };
        let Value::Hist(histogram) = columns(
            Aggregate::LinearHist {
                signed: true,
                steps,
            },
            &[&[1, 0, 0, 2]],
        ) else {
            panic!("no histogram")
        };
        let ends = (&histogram.buckets[0], &histogram.buckets[3]);
        assert_eq!((ends.0.min, ends.0.max, ends.0.count), (None, Some(-1), 1));
        assert_eq!((ends.1.min, ends.1.max, ends.1.count), (Some(20), None, 2));
        assert_eq!(histogram.count, 3);
    }
}
