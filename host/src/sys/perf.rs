//! perf_event_open(2): the events that programs are hung up on, and the clocks that run them.

use super::bpf;
use aya_obj::generated::{
    PERF_EVENT_IOC_ENABLE, PERF_EVENT_IOC_SET_BPF, PERF_FLAG_FD_CLOEXEC, perf_event_attr,
    perf_sw_ids::{PERF_COUNT_SW_CPU_CLOCK, PERF_COUNT_SW_DUMMY},
    perf_type_id::{PERF_TYPE_HARDWARE, PERF_TYPE_SOFTWARE, PERF_TYPE_TRACEPOINT},
};
use std::ffi::CString;
use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

/// The bit of `config` with which a kprobe or uprobe event is one of returns
/// (`/sys/bus/event_source/devices/*/format/retprobe`).
const RETURN: u64 = 1;
/// The bits of `config` that hold where a uprobe's counter is, from this one up
/// (`/sys/bus/event_source/devices/uprobe/format/ref_ctr_offset`; since 4.20).
const COUNTER_SHIFT: u32 = 32;

/// What runs a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A tracepoint, by its number in tracefs.
    Tracepoint { id: u64 },
    /// `offset` bytes into a kernel function.
    Kprobe {
        function: CString,
        offset: u64,
        ret: bool,
    },
    /// At an address of the kernel's.
    KprobeAt { address: u64, ret: bool },
    /// At `offset` of a file; of one process's mapping of it with `pid`. `semaphore` is the offset of a 16-bit counter
    /// that the kernel raises while the event is there.
    Uprobe {
        path: CString,
        offset: u64,
        semaphore: Option<u64>,
        ret: bool,
        pid: Option<u32>,
    },
    /// So many times a second, on one CPU.
    Frequency { hertz: u64, cpu: u32 },
    /// Every so many ns, on one CPU.
    Period { nanoseconds: u64, cpu: u32 },
    /// Each time that so many events were counted; `number` is one of `perf_sw_ids` or `perf_hw_id`.
    Counter {
        what: Counted,
        number: u64,
        period: u64,
        of: Of,
    },
}

/// Who counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// The kernel.
    Software,
    /// The processor.
    Hardware,
}

/// Whose events a counter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    Cpu(u32),
    /// A thread's, by its number, and those of the threads and processes that it makes from now on.
    Thread(u32),
}

/// An event with a program on it. Closing it detaches: the link first, then the event.
#[derive(Debug)]
pub struct Attached {
    /// Before 5.15 there are no such links: the event itself holds the program.
    _link: Option<OwnedFd>,
    _event: OwnedFd,
}

/// The number under which the kernel's dynamic probes are known, ENOENT where it has none.
fn pmu(name: &str) -> io::Result<u32> {
    let text = std::fs::read_to_string(
        Path::new("/sys/bus/event_source/devices")
            .join(name)
            .join("type"),
    )?;
    text.trim()
        .parse()
        .map_err(|_| io::Error::from(io::ErrorKind::InvalidData))
}

/// Opens an event and hangs a program on it. It runs from here on (and does nothing before it is armed).
pub fn attach(event: &Event, program: impl AsFd) -> io::Result<Attached> {
    attach_as(event, program, 0)
}

/// The same, with a number by which the program knows the event; one other than 0 needs 5.15.
pub fn attach_as(event: &Event, program: impl AsFd, cookie: u64) -> io::Result<Attached> {
    let opened = open(event)?;
    let link = match bpf::link_create_perf_event(program.as_fd(), &opened, cookie) {
        Ok(link) => Some(link),
        // Kernels before 5.15 don't know the command for events.
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) && cookie == 0 => {
            control(
                &opened,
                PERF_EVENT_IOC_SET_BPF,
                program.as_fd().as_raw_fd() as libc::c_ulong,
            )?;
            None
        }
        Err(error) => return Err(error),
    };
    control(&opened, PERF_EVENT_IOC_ENABLE, 0)?;
    Ok(Attached {
        _link: link,
        _event: opened,
    })
}

/// Does the kernel say that several of its functions have a name? It looks when a kprobe is asked for by a name (since 6.6,
/// and in later releases of older kernels): one that can't be is asked for.
pub fn is_ambiguous(function: CString) -> bool {
    let event = Event::Kprobe {
        function,
        // Behind all of the kernel, and not cut (it has 32 bits of it).
        offset: 0xffff_fff0,
        ret: false,
    };
    let opened = open(&event);
    opened.is_err_and(|error| error.raw_os_error() == Some(libc::EADDRNOTAVAIL))
}

/// May this thread open perf events of others at all? Some distributions' kernels ask for CAP_SYS_ADMIN
/// (kernel.perf_event_paranoid of 3 and more, which is no value of Linux itself).
pub fn may_open() -> bool {
    // SAFETY: a struct of integers; all zero is valid.
    let mut attr: perf_event_attr = unsafe { zeroed() };
    attr.size = size_of::<perf_event_attr>() as u32;
    attr.type_ = PERF_TYPE_SOFTWARE as u32;
    attr.config = PERF_COUNT_SW_DUMMY as u64;
    let opened = open_attr(&attr, -1, 0, PERF_FLAG_FD_CLOEXEC.into());
    !opened.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

fn open(event: &Event) -> io::Result<OwnedFd> {
    let (attr, pid, cpu) = attributes(event)?;
    open_attr(&attr, pid, cpu, PERF_FLAG_FD_CLOEXEC.into())
}

/// perf_event_open(2). What the attribute points to must be there.
pub(super) fn open_attr(
    attr: &perf_event_attr,
    pid: i32,
    cpu: i32,
    flags: libc::c_ulong,
) -> io::Result<OwnedFd> {
    // SAFETY: the attribute outlives the call; whoever made it keeps its strings.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            std::ptr::from_ref(attr),
            pid,
            cpu,
            -1,
            flags,
        )
    };
    let fd = i32::try_from(fd).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// An event as perf_event_open(2) is told of it, with the pid and the CPU that go with it. It points to the event's strings.
fn attributes(event: &Event) -> io::Result<(perf_event_attr, i32, i32)> {
    // SAFETY: a struct of integers; all zero is valid.
    let mut attr: perf_event_attr = unsafe { zeroed() };
    attr.size = size_of::<perf_event_attr>() as u32;
    // Tracepoints and probes have no period: programs run at each hit anyway, and a sample that nobody reads would be
    // taken behind each that returns 1, for some 300 ns.
    let (mut pid, mut cpu) = (-1, 0);
    match event {
        Event::Tracepoint { id } => {
            attr.type_ = PERF_TYPE_TRACEPOINT as u32;
            attr.config = *id;
        }
        Event::Kprobe {
            function,
            offset,
            ret,
        } => {
            attr.type_ = pmu("kprobe")?;
            attr.config = if *ret { RETURN } else { 0 };
            attr.__bindgen_anon_3.kprobe_func = function.as_ptr() as u64;
            attr.__bindgen_anon_4.probe_offset = *offset;
        }
        Event::KprobeAt { address, ret } => {
            attr.type_ = pmu("kprobe")?;
            attr.config = if *ret { RETURN } else { 0 };
            attr.__bindgen_anon_4.kprobe_addr = *address;
        }
        Event::Uprobe {
            path,
            offset,
            semaphore,
            ret,
            pid: target,
        } => {
            attr.type_ = pmu("uprobe")?;
            attr.config = if *ret { RETURN } else { 0 };
            if let Some(counter) = semaphore {
                let counter = u32::try_from(*counter)
                    .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
                attr.config |= u64::from(counter) << COUNTER_SHIFT;
            }
            attr.__bindgen_anon_3.uprobe_path = path.as_ptr() as u64;
            attr.__bindgen_anon_4.probe_offset = *offset;
            if let Some(target) = target {
                (pid, cpu) = (*target as i32, -1);
            }
        }
        Event::Frequency { hertz, cpu: on } => {
            clock(&mut attr, *hertz);
            attr.set_freq(1);
            cpu = *on as i32;
        }
        Event::Period {
            nanoseconds,
            cpu: on,
        } => {
            clock(&mut attr, *nanoseconds);
            cpu = *on as i32;
        }
        Event::Counter {
            what,
            number,
            period,
            of,
        } => {
            attr.type_ = match what {
                Counted::Software => PERF_TYPE_SOFTWARE,
                Counted::Hardware => PERF_TYPE_HARDWARE,
            } as u32;
            attr.config = *number;
            attr.__bindgen_anon_1.sample_period = *period;
            match of {
                Of::Cpu(on) => cpu = *on as i32,
                Of::Thread(thread) => {
                    (pid, cpu) = (*thread as i32, -1);
                    attr.set_inherit(1);
                }
            }
        }
    }
    Ok((attr, pid, cpu))
}

fn clock(attr: &mut perf_event_attr, period: u64) {
    attr.type_ = PERF_TYPE_SOFTWARE as u32;
    attr.config = PERF_COUNT_SW_CPU_CLOCK as u64;
    attr.__bindgen_anon_1.sample_period = period;
}

fn control(event: &OwnedFd, request: u32, argument: libc::c_ulong) -> io::Result<()> {
    // SAFETY: both requests take an integer.
    let result = unsafe {
        libc::ioctl(
            event.as_raw_fd(),
            libc::c_ulong::from(request) as _,
            argument,
        )
    };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(of: Of) -> (perf_event_attr, i32, i32) {
        let event = Event::Counter {
            what: Counted::Hardware,
            number: 3,
            period: 1_000_000,
            of,
        };
        attributes(&event).unwrap()
    }

    #[test]
    fn a_hardware_counter_is_told_to_the_kernel_as_it_wants_it() {
        let (attr, pid, cpu) = counter(Of::Cpu(5));
        assert_eq!((attr.type_, attr.config), (0, 3));
        assert_eq!(attr.size as usize, size_of::<perf_event_attr>());
        // SAFETY: both members of the union are integers.
        assert_eq!(unsafe { attr.__bindgen_anon_1.sample_period }, 1_000_000);
        assert_eq!((attr.freq(), attr.inherit()), (0, 0));
        assert_eq!((pid, cpu), (-1, 5));
    }

    #[test]
    fn a_threads_counter_is_on_every_cpu_and_is_inherited() {
        let (attr, pid, cpu) = counter(Of::Thread(77));
        assert_eq!((attr.inherit(), attr.freq()), (1, 0));
        assert_eq!((pid, cpu), (77, -1));
    }
}
