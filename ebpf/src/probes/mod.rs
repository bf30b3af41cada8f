//! The entry programs: one a kind of attachment. A kind that needs more than its context's address gets it here.

mod fentry;
mod kprobe;
mod multi;
mod perf_event;
mod raw_tracepoint;
mod tracepoint;
mod uprobe;
