//! The kernel's own stacks: kallsyms for names, and vmlinux with its lines where that is installed.

use super::{frames_of, looked_up};
use crate::rows::{Frame, RawStack, Stack};
use blazesym::symbolize::Input;
use blazesym::symbolize::Symbolizer;
use blazesym::symbolize::source::{Kernel as KernelSource, Source};
use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;

/// What stands innermost where a program was run by a tracepoint or a trampoline: the programs that BPF consists of. The
/// same stack by another attachment does not have them.
const OURS: [&str; 10] = [
    "bpf_prog_",
    "bpf_trampoline_",
    "bpf_trace_run",
    "bpf_get_stack",
    "__bpf_trace_",
    "__bpf_prog_",
    "___bpf_prog_run",
    "__traceiter_",
    "trace_call_bpf",
    "perf_trace_",
];

#[derive(Default)]
pub(super) struct Kernel {
    symbolizer: OnceCell<Symbolizer>,
    /// Each address is in many stacks.
    known: HashMap<(u64, u64), Arc<[Frame]>>,
    modules: OnceCell<Vec<Module>>,
}

/// Where a module lies.
struct Module {
    name: Arc<str>,
    start: u64,
    end: u64,
}

impl Kernel {
    pub(super) fn stack(&mut self, raw: &RawStack) -> Stack {
        let all: Vec<Arc<[Frame]>> = raw
            .addresses
            .iter()
            .enumerate()
            .map(|(number, address)| self.frames(*address, looked_up(number, *address)))
            .collect();
        let ours = all.iter().take_while(|frames| is_ours(frames)).count();
        // What is nothing but BPF's own is better than nothing.
        let ours = if ours < all.len() { ours } else { 0 };
        let wanted = usize::from(raw.wanted);
        let addresses = raw.addresses.iter().skip(ours).take(wanted);
        Stack {
            raw: RawStack {
                addresses: addresses.copied().collect(),
                ..raw.clone()
            },
            frames: all
                .iter()
                .skip(ours)
                .take(wanted)
                .flat_map(|of| of.iter().cloned())
                .collect(),
        }
    }

    /// What an address means, innermost first; it is looked up at `at`.
    pub(super) fn frames(&mut self, address: u64, at: u64) -> Arc<[Frame]> {
        if let Some(known) = self.known.get(&(address, at)) {
            return Arc::clone(known);
        }
        let frames: Arc<[Frame]> = self.look_up(address, at).into();
        self.known.insert((address, at), Arc::clone(&frames));
        frames
    }

    fn look_up(&self, address: u64, at: u64) -> Vec<Frame> {
        let module = self.module(at);
        let symbolizer = self.symbolizer.get_or_init(Symbolizer::new);
        let source = Source::Kernel(KernelSource::default());
        let found = symbolizer.symbolize_single(&source, Input::AbsAddr(at));
        match found.ok().and_then(|found| found.into_sym()) {
            Some(sym) => frames_of(&sym, address, at, module),
            None => vec![Frame {
                address,
                module,
                ..Frame::default()
            }],
        }
    }

    fn module(&self, address: u64) -> Option<Arc<str>> {
        let modules = self
            .modules
            .get_or_init(|| modules(&std::fs::read_to_string("/proc/modules").unwrap_or_default()));
        let within = |module: &&Module| (module.start..module.end).contains(&address);
        modules
            .iter()
            .find(within)
            .map(|module| Arc::clone(&module.name))
    }
}

/// `nf_tables 278528 0 - Live 0xffffffffc0800000`
fn modules(text: &str) -> Vec<Module> {
    let module = |line: &str| {
        let mut words = line.split(' ');
        let (name, size) = (words.next()?, words.next()?.parse::<u64>().ok()?);
        let start = u64::from_str_radix(words.nth(3)?.trim_start_matches("0x"), 16).ok()?;
        Some(Module {
            name: name.into(),
            start,
            end: start.checked_add(size)?,
        })
    };
    text.lines().filter_map(module).collect()
}

fn is_ours(frames: &[Frame]) -> bool {
    let symbol = frames.last().and_then(|frame| frame.symbol.as_deref());
    symbol.is_some_and(|symbol| OURS.iter().any(|of| symbol.starts_with(of)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_lie_where_the_kernel_says() {
        let text = "veth 40960 0 - Live 0xffffffffc0a00000\nbroken line\nx 1 0 - Live 0xz\n";
        let kernel = Kernel::default();
        let _ = kernel.modules.set(modules(text));
        assert_eq!(
            kernel.module(0xffff_ffff_c0a0_0010).as_deref(),
            Some("veth")
        );
        assert_eq!(kernel.module(0xffff_ffff_c0a0_a000), None);
    }
}
