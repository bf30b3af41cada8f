//! Profiling: perf's CPU clock, an event on every CPU that is online.

use super::Link;
use crate::spec::probe::Clock;
use crate::sys::bpf::ProgramType;
use crate::sys::perf::{self, Event};
use std::io;
use std::os::fd::BorrowedFd;

pub(super) const ENTRY: (&str, ProgramType) = ("mt_perf_event", ProgramType::PerfEvent);

pub(super) fn attach(program: BorrowedFd<'_>, clock: Clock) -> io::Result<Link> {
    let cpus = aya::util::online_cpus().map_err(|(_, error)| error)?;
    let on = |cpu| match clock {
        Clock::Hertz(hertz) => Event::Frequency { hertz, cpu },
        Clock::Period(nanoseconds) => Event::Period { nanoseconds, cpu },
    };
    cpus.into_iter()
        .map(|cpu| perf::attach(&on(cpu), program))
        .collect::<io::Result<_>>()
        .map(Link::Perf)
}
