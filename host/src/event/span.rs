//! Raw entries of a span's map → rows of what is open.

use super::tally::{Meanings, key, word};
use crate::plan::SpanShape;
use crate::rows::{Table, Value};

/// Where the time and the bits of the fields that are there stand in a value.
const TIME: usize = 0;
const THERE: usize = 8;

/// What is open and at least `at_least` ns old, oldest last. `now` is of the clock of events. A field that has the name of a
/// part of the key is that.
pub fn open(
    shape: &SpanShape,
    entries: impl Iterator<Item = (Vec<u8>, Vec<u8>)>,
    now: u64,
    at_least: u64,
    meanings: &Meanings<'_>,
) -> Table {
    let is_key = |name: &str| shape.keys.iter().any(|key| key.name == name);
    let fields = shape.fields.iter().zip(0u32..);
    let fields: Vec<_> = fields
        .map(|(field, number)| (&field.field, number))
        .filter(|(field, _)| !is_key(&field.name))
        .collect();
    let row = |(of_key, value): (Vec<u8>, Vec<u8>)| {
        let (time, there) = (word(&value, TIME), word(&value, THERE));
        // It may have begun since `now`.
        let age = now.saturating_sub(time);
        let mut row: Vec<Value> = shape
            .keys
            .iter()
            .map(|part| key(part, &of_key, meanings))
            .collect();
        row.extend(
            fields
                .iter()
                .map(|(field, number)| match there >> number & 1 {
                    0 => Value::Nil,
                    _ => key(field, &value, meanings),
                }),
        );
        row.extend([Value::Unsigned(age), Value::Unsigned(time)]);
        (age, row)
    };
    let mut rows: Vec<(u64, Vec<Value>)> = entries.map(row).collect();
    rows.retain(|(age, _)| *age >= at_least);
    rows.sort_by_key(|(age, _)| *age);
    let keys = shape.keys.iter().map(|key| key.name.clone());
    let names = fields.iter().map(|(field, _)| field.name.clone());
    Table {
        name: "open".into(),
        keys: keys.chain(names).collect(),
        columns: vec!["age".into(), "time".into()],
        absent: vec![Value::Nil, Value::Nil],
        rows: rows.into_iter().map(|(_, row)| row).collect(),
        ..Table::default()
    }
}
