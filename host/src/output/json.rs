//! Rows as JSON, one object a line: the contract that other programs read.

use crate::report::Report;
use crate::rows::{Books, Histogram, Table, Value};
use serde_json::{Map, Number, json};

type Json = serde_json::Value;

/// A value; integers are exact to 64 bits, strings UTF-8 with the other bytes as U+FFFD.
pub fn value(value: &Value) -> Json {
    match value {
        Value::Nil => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(value) => Json::from(*value),
        Value::Unsigned(value) => Json::from(*value),
        Value::Str(bytes) => Json::from(String::from_utf8_lossy(bytes)),
        Value::Hist(histogram) => self::histogram(histogram),
    }
}

fn histogram(histogram: &Histogram) -> Json {
    let end = |end: Option<i128>| end.and_then(Number::from_i128).map_or(Json::Null, Json::Number);
    let buckets = histogram.buckets.iter();
    let buckets = buckets.map(|bucket| json!({"min": end(bucket.min), "max": end(bucket.max), "count": bucket.count}));
    json!({"count": histogram.count, "buckets": buckets.collect::<Vec<_>>()})
}

fn line(object: &Json) -> String {
    format!("{object}\n")
}

pub fn attached(probes: usize, milliseconds: f64) -> String {
    line(&json!({"type": "attached", "probes": probes, "ms": (milliseconds * 100.0).round() / 100.0}))
}

/// A row of `:print`.
pub fn event(probe: &str, time: u64, cpu: u16, fields: &[(&str, Value)]) -> String {
    let data: Map<String, Json> = fields.iter().map(|(name, of)| ((*name).to_string(), value(of))).collect();
    line(&json!({"type": "event", "probe": probe, "time": time, "cpu": cpu, "data": data}))
}

/// What a script printed.
pub fn text(bytes: &[u8]) -> String {
    line(&json!({"type": "text", "data": String::from_utf8_lossy(bytes)}))
}

pub fn table(table: &Table) -> String {
    let names = || table.keys.iter().chain(&table.columns);
    let row = |row: &Vec<Value>| -> Map<String, Json> {
        names().zip(row).map(|(name, of)| (name.clone(), value(of))).collect()
    };
    let rows: Vec<_> = table.rows.iter().map(row).collect();
    line(&json!({"type": "tally", "name": table.name, "rows": rows}))
}

pub fn books(books: &Books) -> String {
    let counts = |counts: &[(&'static str, u64)]| -> Map<String, Json> {
        counts.iter().map(|(name, count)| ((*name).to_string(), Json::from(*count))).collect()
    };
    line(&json!({
        "type": "books",
        "probe": books.probe,
        "hits": books.hits(),
        "filtered": books.filtered,
        "delivered": books.delivered,
        "lost": counts(&books.lost),
        "missed": books.missed,
        "notes": counts(&books.notes),
    }))
}

pub fn error(report: &Report) -> String {
    let file = report.place.as_ref().map(|place| place.file.to_string());
    let at = report.place.as_ref().map(|place| place.line);
    line(&json!({"type": "error", "message": report.message, "file": file, "line": at}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Bucket;
    use std::sync::Arc;

    #[test]
    fn integers_are_exact_and_strings_are_utf8() {
        let fields = [("big", Value::Unsigned(u64::MAX)), ("name", Value::Str(b"a\xff".to_vec())), ("none", Value::Nil)];
        assert_eq!(
            event("kprobe:f", 5, 1, &fields),
            "{\"type\":\"event\",\"probe\":\"kprobe:f\",\"time\":5,\"cpu\":1,\"data\":{\"big\":18446744073709551615,\"name\":\"a\u{fffd}\",\"none\":null}}\n"
        );
    }

    #[test]
    fn a_histogram_leaves_open_ends_null() {
        let buckets = vec![
            Bucket { min: None, max: Some(-1), count: 2 },
            Bucket { min: Some(1 << 63), max: Some((1 << 64) - 1), count: 1 },
        ];
        let shown = value(&Value::Hist(Arc::new(Histogram { count: 3, buckets })));
        assert_eq!(
            shown.to_string(),
            "{\"count\":3,\"buckets\":[{\"min\":null,\"max\":-1,\"count\":2},{\"min\":9223372036854775808,\"max\":18446744073709551615,\"count\":1}]}"
        );
    }

    #[test]
    fn books_balance_by_their_own_words() {
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
            "{\"type\":\"books\",\"probe\":\"p\",\"hits\":6,\"filtered\":1,\"delivered\":2,\"lost\":{\"ring\":3},\"missed\":null,\"notes\":{\"fault\":1}}\n"
        );
    }
}
