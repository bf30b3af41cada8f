//! What is said of wrong texts: place, reason, carets and the nearest right thing.

use super::fixture::World;
use crate::spec::Given;

#[test]
fn placeholder() {
    let world = World::default().given("number", Given::Int(3)).given("off", Given::Nil);
    for text in TEXTS {
        println!("{:?} =>\n{}\n", text, world.refusal(text));
    }
    for text in ["args.sk.__sk_common", "args.sk.sk_counts", "pid = ", "a, a", "nope"] {
        let refusals = World::default().list(text).unwrap_err();
        refusals.iter().for_each(|refusal| println!("list {text:?} =>\n{}\n", refusal.report));
    }
    for text in ["avg(x)", "count", "sum(comm)", "hist(x, 4)", "x", "cuont()", "hist(args.sk)", "sum(x == 1)", ""] {
        let refusals = World::default().columns(text).unwrap_err();
        refusals.iter().for_each(|refusal| println!("columns {text:?} =>\n{}\n", refusal.report));
    }
}

const TEXTS: &[&str] = &[
    "pid = 3", "pid == 3 && tid == 4", "pid == 3 || x", "!x", "(pid == 3", "pid == 3)", "pid == @", "comm == 'ab", "comm > 3", "comm == 3",
    "comm < 'a'", "pid", "comm", "args.filename", "args.sk", "args.filname == 1", "args.sk.skc_dadr == 1", "args.sk->sk_flags == 1", "args.sk.sk_flags.x == 1",
    "flags == 1", "filename == 'a'", "pdi == 1", "strng.format(x)", "string.format('%d', x) == 'a'", "math.floor(x) == 1", "comm:upper() == 'A'", "#comm == 1",
    "comm .. 'a' == 'b'", "x ^ 2 == 1", "x == nil", "1.5ms < x", "x == 1fortnight", "pid == $nmber", "pid == $number2 ", "pid == $off", "pid == $target", "pid in $number",
    "not pid == 3", "not pid in {1}", "pid in {1, 'a'}", "comm in {1}", "(pid, comm) in {(1, 2)}", "1 < x < 3", "x == 1 and x", "x and 1 or 2", "x == 1 and 1 or 'a' == 'b'", "x == 1 and 5",
    "args.sk + 1 == 2", "args.filename + 1 == 2", "x // 0 == 1", "args.sk.sk_counts[4] == 1", "args.sk.sk_data[0] == 1", "args.sk.sk_data.x == 1", "args.filename == 0",
    "str(args.filename, 5000) == 'a'", "str(args.filename, x) == 'a'", "as('struct sok', x).a == 1", "as(u32, x) == 1", "entry(x) == 1", "elapsed > 1ms", "from.x == 1", "kstack == 1", "startswith(comm, args.filename)", "startswith(comm)", "like(comm, '[a')",
    "count() == 1", "retvla == 1", "bswap(args.small) == 1", "args == 1", "str == 1", "e.pid == 1", "x ? 1 : 2", "", "pid ==", "x == 99999999999999999999", "function() end", "pid == 3 tid == 4", "x in 3", "arg9 == 1", "arg3 == 1", "(1, 2) == 1", "comm == 'a\\q'", "as('u32', comm) == 1",
];
