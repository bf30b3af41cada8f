//! A histogram in a row: `r.hist`.

use super::{Field, Type, register};
use crate::lua::call::{Call, Entry};
use crate::rows::Histogram;
use mlua::{Lua, Table, UserData, UserDataFields, UserDataRegistry, Value};
use std::sync::Arc;

pub(crate) struct Hist(pub(crate) Arc<Histogram>);

/// The upper bound of the bucket that holds the value which `percent` of all values don't exceed; with `None` for an open end.
fn percentile(hist: &Histogram, percent: f64) -> Option<i128> {
    let wanted = (hist.count as f64 * percent / 100.0).ceil().max(1.0);
    let mut seen = 0;
    let found = hist.buckets.iter().find(|bucket| {
        seen += bucket.count;
        seen as f64 >= wanted
    });
    found.or(hist.buckets.last())?.max
}

fn percentile_of(call: &Call<'_>) -> mlua::Result<Value> {
    let percent = match call.value(1) {
        Value::Integer(value) => value as f64,
        Value::Number(value) => value,
        _ => return Err(call.wrong(1, "a number from 0 to 100")),
    };
    if !(0.0..=100.0).contains(&percent) {
        return Err(call.fail(":percentile takes a number from 0 to 100"));
    }
    let hist = call.this::<Hist>()?;
    Ok(percentile(&hist.0, percent).map_or(Value::Nil, integer))
}

/// 64 bits of it: what the kernel calls unsigned keeps its pattern.
fn integer(value: i128) -> Value {
    Value::Integer(i64::try_from(value).unwrap_or(value as u64 as i64))
}

fn buckets(lua: &Lua, hist: &Histogram) -> mlua::Result<Table> {
    lua.create_sequence_from(
        hist.buckets
            .iter()
            .filter(|bucket| bucket.count > 0)
            .map(|bucket| {
                let row = lua.create_table()?;
                row.raw_set("min", bucket.min.map_or(Value::Nil, integer))?;
                row.raw_set("max", bucket.max.map_or(Value::Nil, integer))?;
                row.raw_set("count", bucket.count)?;
                Ok(row)
            })
            .collect::<mlua::Result<Vec<_>>>()?,
    )
}

pub(crate) static TYPE: Type = Type {
    name: "histogram",
    doc: "How often values fell into which bucket.",
    example: r#"local sizes = probe "tracepoint:syscalls:sys_enter_read" :hist "args.count"
on_exit(function()
  for _, row in ipairs(sizes:rows()) do
    for _, bucket in ipairs(row.hist.buckets) do
      print(bucket.min, bucket.max, bucket.count)
    end
  end
end)"#,
    fields: &[
        Field {
            name: "count",
            ty: "integer",
            doc: "All values.",
        },
        Field {
            name: "buckets",
            ty: "{ min?: integer, max?: integer, count: integer }[]",
            doc: "Those that are not empty, from the smallest on: `min` and `max` are both inclusive, and nil where open.",
        },
    ],
    methods: &[Entry {
        name: "percentile",
        signature: ":percentile(p)",
        doc: "The largest value of the bucket that the p-th percentile lies in; nil when that bucket has no end, or there is none.",
        takes: &[("p", "number")],
        gives: "integer?",
        example: r#"local sizes = probe "tracepoint:syscalls:sys_enter_read"
  :by "comm" :hist "args.count"
on_exit(function()
  for _, row in ipairs(sizes:rows()) do
    print(row.comm, row.hist:percentile(99))
  end
end)"#,
        function: percentile_of,
    }],
    later: &[],
};

impl UserData for Hist {
    fn register(registry: &mut UserDataRegistry<Self>) {
        register(registry, &TYPE);
        registry.add_field_method_get("count", |_, hist| Ok(hist.0.count as i64));
        registry.add_field_method_get("buckets", |lua, hist| buckets(lua, &hist.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Bucket;

    #[test]
    fn percentiles_are_upper_bounds_of_buckets() {
        let bucket = |min, max, count| Bucket { min, max, count };
        let hist = Histogram {
            count: 100,
            buckets: vec![
                bucket(None, Some(-1), 1),
                bucket(Some(4), Some(7), 98),
                bucket(Some(1 << 63), Some((1 << 64) - 1), 1),
            ],
        };
        assert_eq!(percentile(&hist, 0.0), Some(-1));
        assert_eq!(percentile(&hist, 50.0), Some(7));
        assert_eq!(percentile(&hist, 99.0), Some(7));
        assert_eq!(percentile(&hist, 100.0), Some((1 << 64) - 1));
        assert_eq!(percentile(&Histogram::default(), 50.0), None);
    }
}
