//! How much a script may see or cost: computed from what it does.

use super::Permission;
use super::probes::meet;
use crate::spec::probe::{self, Clock, Kind, Pattern};

/// How much a script may see or cost. Each is more than those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Safe,
    /// It reads users' buffers, arguments or packets.
    Sensitive,
    /// It traces paths that run very often.
    Heavy,
}

impl Level {
    pub const ALL: [(Self, &'static str); 3] = [
        (Self::Safe, "safe"),
        (Self::Sensitive, "sensitive"),
        (Self::Heavy, "heavy"),
    ];

    /// As headers write it.
    pub fn word(self) -> &'static str {
        let known = Self::ALL.iter().find(|(level, _)| *level == self);
        known.map_or("", |(_, word)| word)
    }

    /// The least that a script is that does this.
    pub fn of(permission: &Permission) -> Self {
        match permission {
            Permission::Probes(pattern) if is_hot(pattern) => Self::Heavy,
            Permission::Memory | Permission::Arguments | Permission::Packets => Self::Sensitive,
            _ => Self::Safe,
        }
    }
}

/// Tracepoints that a busy machine passes a hundred thousand times a second and more.
const EVENTS: &[&str] = &[
    "sched:sched_{switch,waking,wakeup,stat_*}",
    "raw_syscalls:*",
    "syscalls:sys_{enter,exit}_{read,write,pread64,pwrite64,readv,writev,futex,clock_gettime,gettimeofday}",
    "syscalls:sys_{enter,exit}_{epoll_wait,epoll_pwait,poll,ppoll,select,recvfrom,sendto,recvmsg,sendmsg}",
    "kmem:*",
    "irq:*",
    "irq_vectors:*",
    "timer:*",
    "exceptions:*",
    "lock:*",
    "rcu:*",
    "net:*",
    "napi:*",
    "skb:*",
    "tcp:tcp_{probe,rcv_space_adjust,cong_state_set}",
    "filemap:*",
    "preemptirq:*",
    "page_pool:*",
];

/// Functions of the kernel of the same kind.
const FUNCTIONS: &[&str] = &[
    "{,__}{vfs,ksys,x64_sys}_{read,write,writev,readv,getattr,statx,fstat}*",
    "{,__}{rw_verify_area,fsnotify,security_file_permission,fput,fdget,fget,dput,dget,lookup_fast,path_openat,do_filp_open}*",
    "{,__}{kmalloc,kzalloc,kvmalloc,kfree,kmem_cache_alloc,kmem_cache_free,slab_alloc,alloc_pages,free_pages,get_page}*",
    "{,__,_raw_}{spin_,read_,write_,mutex_,rwsem_,down_,up_,lock_}*",
    "{,__}{schedule,finish_task_switch,try_to_wake_up,wake_up,enqueue_task,dequeue_task,pick_next_task,update_curr}*",
    "{,__}{handle_mm_fault,do_page_fault,exc_page_fault,copy_from_user,copy_to_user,do_anonymous_page}*",
    "{,__}{tcp_sendmsg,tcp_recvmsg,tcp_rcv_established,tcp_v?_rcv,tcp_v?_do_rcv,tcp_ack,tcp_transmit_skb,tcp_write_xmit,tcp_cleanup_rbuf}*",
    "{,__}{udp_sendmsg,udp_recvmsg,ip_rcv,ip_output,ip_queue_xmit,ip_local_*,ip6_rcv,dev_queue_xmit,netif_receive_skb,netif_rx,napi_*,skb_*,alloc_skb,kfree_skb,consume_skb,sock_sendmsg,sock_recvmsg,nf_hook_slow}*",
    "{,__}{do_syscall_64,syscall_*,entry_*,do_softirq,irq_*,handle_irq*,hrtimer_*,timer_*,tick_*,rcu_*,ktime_*}*",
];

/// Functions of programs that call them for nearly everything.
const ALLOCATORS: &str = "{malloc,free,calloc,realloc,memalign,aligned_alloc,posix_memalign,mmap,munmap,memcpy,memset,memmove,strlen,pthread_mutex_*}";

/// Rates (Hz) and periods (ns) at which a clock's hits are many.
const OFTEN_HERTZ: u64 = 1_000;
const OFTEN_NS: u64 = 1_000_000;

/// Does it match what runs very often? A counter without a period of its own counts everything.
pub fn is_hot(pattern: &Pattern) -> bool {
    let Pattern { kind, parts } = pattern;
    let of = |parts: &[&str]| Pattern {
        kind: *kind,
        parts: parts.iter().map(|part| (*part).to_owned()).collect(),
    };
    let without_offset = |function: &str| of(&[function.split('+').next().unwrap_or(function)]);
    match (kind, parts.as_slice()) {
        (Kind::Tracepoint, _) => EVENTS.iter().any(|text| {
            let parts: Vec<&str> = text.split(':').collect();
            meet(&of(&parts), pattern)
        }),
        (Kind::RawTracepoint, [event]) => {
            let names = EVENTS
                .iter()
                .filter_map(|text| Some(text.split_once(':')?.1));
            event.contains('*')
                || ["sys_enter", "sys_exit"].contains(&event.as_str())
                // A whole category is not told by the names of its events.
                || names
                    .filter(|name| *name != "*")
                    .any(|name| meet(&of(&[name]), pattern))
        }
        (Kind::Kprobe | Kind::Kretprobe | Kind::Fentry | Kind::Fexit, [.., function]) => {
            let function = without_offset(function);
            FUNCTIONS.iter().any(|text| meet(&of(&[text]), &function))
        }
        (Kind::Uprobe | Kind::Uretprobe, [_, function]) => {
            meet(&of(&[ALLOCATORS]), &without_offset(function))
        }
        (Kind::Profile | Kind::Interval, _) => match probe::period(pattern) {
            Ok(Clock::Hertz(hertz)) => hertz > OFTEN_HERTZ,
            Ok(Clock::Period(ns)) => ns < OFTEN_NS,
            // A pattern: as fast as it likes.
            Err(_) => true,
        },
        _ => false,
    }
}
