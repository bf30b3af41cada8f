//! Whatever is written, it is answered.

use super::fixture::World;
use crate::spec::Given;
use proptest::prelude::*;

const PIECES: &[&str] = &[
    "pid",
    "comm",
    "args",
    "args.sk",
    "args.filename",
    "args.argv",
    "sk_flags",
    "sk_name",
    "retval",
    "curtask",
    "f",
    "x",
    "$name",
    "$set",
    "$none",
    "$",
    ".",
    ",",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "+",
    "-",
    "*",
    "/",
    "//",
    "%",
    "&",
    "|",
    "~",
    "<<",
    ">>",
    "==",
    "~=",
    "<",
    ">=",
    "=",
    "and",
    "or",
    "not",
    "in",
    "true",
    "nil",
    "1",
    "0",
    "0xffffffffffffffff",
    "9223372036854775808",
    "5ms",
    "4KiB",
    "'a'",
    "\"b\\n\"",
    "'",
    "\\",
    "str",
    "ptr",
    "as",
    "'struct sock'",
    "'u16'",
    "first",
    "like",
    "contains",
    "log2",
    "bswap",
    "count",
    "hist",
    "sum",
    "--",
    "\n",
    "->",
    "&&",
    "!",
    "#",
    "é",
    "\u{0}",
    "from",
    "elapsed",
];

fn text() -> impl Strategy<Value = String> {
    let pieces = prop::collection::vec(prop::sample::select(PIECES), 0..24);
    let joined = pieces.prop_map(|pieces| pieces.join(" "));
    prop_oneof![4 => joined, 1 => any::<String>()]
}

proptest! {
    #[test]
    fn no_text_panics(text in text()) {
        let world = World::default()
            .given("name", Given::Str(b"a".to_vec()))
            .given("set", super::fixture::set(0))
            .define("f", &["a"], "a + f(a)");
        if let Err(refusal) = world.condition(&text) {
            prop_assert!(!refusal.report.to_string().is_empty());
        }
        let lists = world.list(&text).err().into_iter().chain(world.columns(&text).err());
        for refusal in lists.flatten() {
            prop_assert!(!refusal.report.to_string().is_empty());
        }
    }
}
