//! Which links this kernel can make, as the members of its own structs tell: versions don't, since a kernel can be built
//! without.

use super::Facts;
use crate::expr::types::Type;

/// The functions of the kernel that a session's program asks, by their numbers in its BTF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Is it the return of a call?
    pub is_return: u32,
    /// Where is the word that is kept of the call?
    pub word: u32,
}

impl Facts {
    /// One link for both ends of calls of many kernel functions (6.10, CONFIG_FPROBE).
    pub fn kprobe_session(&self) -> Option<Session> {
        let session = self.session();
        session.filter(|_| self.has_kprobe_multi())
    }

    /// One link for both ends of calls of many functions of a binary (6.13).
    pub fn uprobe_session(&self) -> Option<Session> {
        let session = self.session();
        session.filter(|_| self.has_uprobe_multi() && self.version() >= (6, 13))
    }

    /// Only compiled programs may ask functions of the kernel.
    fn session(&self) -> Option<Session> {
        let btf = self.btf().ok()?;
        if self.features().bpf_jit == Some(false) {
            return None;
        }
        Some(Session {
            is_return: btf.function_id("bpf_session_is_return")?,
            word: btf.function_id("bpf_session_cookie")?,
        })
    }

    /// One link for many kernel functions, which tells them apart (5.18, CONFIG_FPROBE).
    pub fn has_kprobe_multi(&self) -> bool {
        self.kernel_struct_has("struct bpf_kprobe_multi_link", "cookies")
    }

    /// One link for many places in a binary, which tells them apart (6.6).
    pub fn has_uprobe_multi(&self) -> bool {
        self.kernel_struct_has("struct bpf_uprobe_multi_link", "uprobes")
    }

    /// Does such a link with a pid see all threads of the process? It saw one before 6.10.
    pub fn has_uprobe_multi_of_process(&self) -> bool {
        self.has_uprobe_multi() && self.version() >= (6, 10)
    }

    /// Can one program tell apart the perf events that it is hung up at? (5.15)
    pub fn has_event_cookies(&self) -> bool {
        self.kernel_struct_has("struct perf_event", "bpf_cookie")
    }

    /// Can one program tell apart the raw tracepoints that it is hung up at? (6.10)
    pub fn has_raw_tracepoint_cookies(&self) -> bool {
        self.kernel_struct_has("struct bpf_raw_tp_link", "cookie")
    }

    fn kernel_struct_has(&self, name: &str, member: &str) -> bool {
        let Ok(btf) = self.btf() else { return false };
        match btf.named(name) {
            Some(Type::Struct(of)) => btf.member(&of, member).is_some(),
            _ => false,
        }
    }
}
