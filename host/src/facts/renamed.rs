//! What kernels have renamed: a script that names one is attached where this kernel has the other, and is told so.

use crate::spec::{Kind, Pattern};

/// Probes that see the same: written as SPECs, each with what it was before or is now.
const PROBES: &[&[&str]] = &[
    // A static function that the compiler cuts in two or takes a parameter from (block/blk-mq.c, since 5.x), and the
    // tracepoint that took its place (6.5).
    &[
        "tracepoint:block:block_io_start",
        "kprobe:blk_account_io_start",
        "kprobe:__blk_account_io_start",
    ],
    &[
        "tracepoint:block:block_io_done",
        "kprobe:blk_account_io_done",
        "kprobe:__blk_account_io_done",
    ],
    // kernel/sched/core.c; the suffix is the compiler's.
    &[
        "kprobe:finish_task_switch",
        "kprobe:finish_task_switch.isra.0",
    ],
    // 5.16: pages became folios (mm/page-writeback.c).
    &[
        "kprobe:account_page_dirtied",
        "kprobe:folio_account_dirtied",
    ],
    // 5.10: mm/readahead.c.
    &[
        "kprobe:__do_page_cache_readahead",
        "kprobe:do_page_cache_ra",
    ],
    // 6.10: what allocates on behalf of others has this suffix (include/linux/slab.h).
    &["kprobe:__kmalloc", "kprobe:__kmalloc_noprof"],
    // 5.10: fs/read_write.c.
    &["kprobe:__vfs_read", "kprobe:vfs_read"],
];

/// Members: the struct, and two paths of which a kernel has one.
const MEMBERS: &[(&str, &str, &str)] = &[
    // 5.14, include/linux/sched.h
    ("task_struct", "state", "__state"),
    // 5.17, include/linux/blk-mq.h
    ("request", "rq_disk", "q.disk"),
    // 5.12, include/linux/blk_types.h
    ("bio", "bi_disk", "bi_bdev.bd_disk"),
    // 6.15, include/linux/kernfs.h
    ("kernfs_node", "parent", "__parent"),
    // Macros of include/net/sock.h: what the kernel's own code calls them.
    ("sock", "sk_family", "__sk_common.skc_family"),
    ("sock", "sk_state", "__sk_common.skc_state"),
    ("sock", "sk_num", "__sk_common.skc_num"),
    ("sock", "sk_dport", "__sk_common.skc_dport"),
    ("sock", "sk_daddr", "__sk_common.skc_daddr"),
    ("sock", "sk_rcv_saddr", "__sk_common.skc_rcv_saddr"),
    ("sock", "sk_v6_daddr", "__sk_common.skc_v6_daddr"),
    ("sock", "sk_v6_rcv_saddr", "__sk_common.skc_v6_rcv_saddr"),
    ("sock", "sk_net", "__sk_common.skc_net"),
];

/// Other SPECs for what a plain one names.
pub(super) fn probes(pattern: &Pattern) -> Vec<Pattern> {
    let written = pattern.to_string();
    // Returns are of functions, under the same names.
    let (sought, is_return) = match pattern.kind {
        Kind::Kretprobe => (written.replacen("kretprobe:", "kprobe:", 1), true),
        _ => (written, false),
    };
    let group = PROBES.iter().find(|group| group.contains(&&*sought));
    let others = group.into_iter().flat_map(|group| group.iter());
    others
        .filter(|other| **other != sought)
        .filter_map(|other| read(other, is_return))
        .collect()
}

/// Has a function of the kernel's other names?
pub(super) fn is_function(name: &str) -> bool {
    let mut all = PROBES.iter().flat_map(|group| group.iter());
    all.any(|spec| spec.strip_prefix("kprobe:") == Some(name))
}

fn read(spec: &str, is_return: bool) -> Option<Pattern> {
    let mut parts = spec.split(':').map(str::to_owned);
    let kind = match (parts.next()?.as_str(), is_return) {
        ("kprobe", false) => Kind::Kprobe,
        ("kprobe", true) => Kind::Kretprobe,
        ("tracepoint", false) => Kind::Tracepoint,
        _ => return None,
    };
    Some(Pattern {
        kind,
        parts: parts.collect(),
    })
}

/// Where a member of a struct may be instead: a path of members.
pub(super) fn member(of: &str, name: &str) -> Option<&'static str> {
    MEMBERS.iter().find_map(|(known, one, other)| {
        let of_it = *known == of;
        if of_it && *one == name {
            Some(*other)
        } else if of_it && *other == name {
            Some(*one)
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn others(kind: Kind, name: &str) -> Vec<String> {
        let parts = name.split(':').map(str::to_owned).collect();
        let patterns = probes(&Pattern { kind, parts }).into_iter();
        patterns.map(|pattern| pattern.to_string()).collect()
    }

    #[test]
    fn each_name_leads_to_the_others() {
        assert_eq!(
            others(Kind::Tracepoint, "block:block_io_start"),
            [
                "kprobe:blk_account_io_start",
                "kprobe:__blk_account_io_start"
            ]
        );
        assert_eq!(
            others(Kind::Kretprobe, "__blk_account_io_done"),
            ["kretprobe:blk_account_io_done"]
        );
        assert!(others(Kind::Kprobe, "vfs_write").is_empty());
        assert_eq!(member("task_struct", "state"), Some("__state"));
        assert_eq!(member("task_struct", "__state"), Some("state"));
        assert_eq!(member("sock", "state"), None);
        assert_eq!(member("sock", "sk_num"), Some("__sk_common.skc_num"));
    }
}
