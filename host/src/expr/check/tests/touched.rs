//! What texts are seen to touch.

use super::fixture::World;
use crate::expr::Touch;

fn touches(text: &str) -> Vec<Touch> {
    let world = World::default();
    if let Err(refusal) = world.item(text) {
        panic!("{text}: {}", refusal.report);
    }
    world.touched.take().into_keys().collect()
}

#[test]
fn memory_of_processes_is_seen_however_it_is_read() {
    for text in [
        "args.filename",
        "args.filename == 'x'",
        "like(args.filename, '*')",
        "args.filename in {'a', 'b'}",
        "str(args.argv[0])",
        "str(x)",
        "buf(args.filename, 8)",
        "x == 1 and args.filename == 'a' or y == 2",
    ] {
        assert_eq!(touches(text), [Touch::Memory], "{text}");
    }
    assert_eq!(touches("argv(args.argv)"), [Touch::Arguments]);
}

#[test]
fn the_kernels_own_things_are_nobodys() {
    for text in [
        "args.filename == ptr(args.filename)",
        "ptr(args.filename)",
        "args.prev_comm",
        "comm",
        "args.sk.__sk_common.skc_dport",
        "as('struct sock', args.sk).__sk_common.skc_dport",
        "as('u16', x)",
        "curtask.pid",
    ] {
        let world = World::default();
        // What compares pointers may be refused: it touches nothing all the same.
        let _ = world.item(text);
        assert!(world.touched.take().is_empty(), "{text}");
    }
}

#[test]
fn addresses_that_a_text_makes_up_may_lead_anywhere() {
    for text in [
        "as('struct sock', x).__sk_common.skc_dport",
        "as('struct sock', ptr(args.sk) + 8).__sk_common.skc_dport",
        "as('u64 *', ptr(args.sk))[0]",
        "as('u64 *', args.sk)[x]",
        "args.sk[100000].__sk_common.skc_dport",
        "buf(args.sk, 64)",
        "str(ptr(args.sk))",
    ] {
        assert_eq!(touches(text), [Touch::Memory], "{text}");
    }
}

#[test]
fn the_spot_is_the_part_that_does_it() {
    let world = World::default();
    world.list("comm, name = args.filename").unwrap();
    let spot = world.touched.take().remove(&Touch::Memory).unwrap();
    assert_eq!(
        spot.report("no").to_string(),
        "t.lua:4: no\n  comm, name = args.filename\n               ^^^^^^^^^^^^^"
    );
    world.item("kstack").unwrap();
    assert!(world.touched.take().contains_key(&Touch::Stacks));
}
