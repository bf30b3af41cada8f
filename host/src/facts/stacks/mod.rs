//! What the addresses of stacks mean: functions, offsets, files and lines.

#[cfg(test)]
mod damage;
mod files;
mod guarded;
mod kernel;
mod maps;
mod perf_map;
mod spaces;
mod user;
mod watch;

use crate::rows::{Frame, RawStack, Stack, Symbols};
use crate::sys::signals;
use kernel::Kernel;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use user::User;

use moontrace_abi::stack::FRAMES;

/// Stacks that are kept with what they mean: then they are looked up once more.
const KEPT: usize = 65_536;

/// Knows what addresses mean. Nothing is read before it is asked for, and what was read is kept.
#[derive(Default)]
pub struct Meaning {
    kernel: RefCell<Kernel>,
    user: RefCell<User>,
    known: RefCell<HashMap<RawStack, Arc<Stack>>>,
    longest: OnceCell<usize>,
}

impl Meaning {
    /// From now on, remembers what every process maps: their stacks can be read when they have ended. Where only one is of
    /// interest, what the others have mapped before is not looked at.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn watch_processes(&self, only: Option<u32>) -> io::Result<()> {
        self.user.borrow_mut().watch(only)
    }

    /// Waits until what is there has been looked at, some 0.1 ms a process; not for ever, since there may be many: the rest
    /// is looked at while they run.
    pub fn wait_for_processes(&self) {
        self.user.borrow_mut().wait();
    }

    /// The kernel has other programs and modules than before.
    pub fn forget_kernel(&self) {
        self.kernel.take();
        self.known.borrow_mut().retain(|raw, _| raw.user);
    }

    /// How many changes of processes' memory were missed, since they came too fast.
    pub fn missed(&self) -> u64 {
        self.user.borrow().missed()
    }
}

impl Symbols for Meaning {
    fn longest(&self) -> usize {
        *self.longest.get_or_init(|| {
            let text = std::fs::read_to_string("/proc/sys/kernel/perf_event_max_stack");
            let limit = text.ok().and_then(|text| text.trim().parse().ok());
            limit.map_or(FRAMES, |limit: usize| limit.min(FRAMES))
        })
    }

    fn stack(&self, raw: &RawStack, time: u64) -> Arc<Stack> {
        if let Some(known) = self.known.borrow().get(raw) {
            return Arc::clone(known);
        }
        let _pause = signals::pause();
        let stack = Arc::new(match raw.user {
            true => self.user.borrow_mut().stack(raw, time),
            false => self.kernel.borrow_mut().stack(raw),
        });
        let mut known = self.known.borrow_mut();
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(raw.clone(), Arc::clone(&stack));
        stack
    }

    fn symbol(&self, address: u64, process: Option<u32>, time: u64) -> Frame {
        let _pause = signals::pause();
        let frames = match process {
            Some(pid) => self.user.borrow_mut().frames(pid, time, address, address),
            None => self.kernel.borrow_mut().frames(address, address),
        };
        // The last is the one that the others were put into.
        let unknown = Frame {
            address,
            ..Frame::default()
        };
        frames.last().cloned().unwrap_or(unknown)
    }
}

/// Where an address of a stack is looked up: of all but the innermost it is where a call returns to, which may be behind the
/// end of the function that called.
fn looked_up(number: usize, address: u64) -> u64 {
    match number {
        0 => address,
        _ => address.saturating_sub(1),
    }
}

/// What blazesym knows of an address, innermost first. `at` is where it was looked up.
fn frames_of(
    sym: &blazesym::symbolize::Sym<'_>,
    address: u64,
    at: u64,
    module: Option<Arc<str>>,
) -> Vec<Frame> {
    use blazesym::symbolize::CodeInfo;
    let place = |info: Option<&CodeInfo<'_>>| match info {
        Some(info) => (Some(info.to_path().to_string_lossy().into()), info.line),
        None => (None, None),
    };
    let mut frames = Vec::with_capacity(1 + sym.inlined.len());
    let (file, line) = place(sym.code_info.as_deref());
    frames.push(Frame {
        address,
        symbol: Some(sym.name.as_ref().into()),
        offset: sym.offset as u64 + (address - at),
        module: module.clone(),
        file,
        line,
        inlined: false,
    });
    for of in &sym.inlined {
        let (file, line) = place(of.code_info.as_ref());
        frames.push(Frame {
            address,
            symbol: Some(of.name.as_ref().into()),
            offset: 0,
            module: module.clone(),
            file,
            line,
            inlined: true,
        });
    }
    frames.reverse();
    frames
}
