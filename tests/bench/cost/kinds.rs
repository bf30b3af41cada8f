//! What a hit costs by each kind of attachment: counting it, and an empty program in its place, attached by turns.
//!
//! A turn is a loop of hits on one CPU, timed by the thread's own clock, less the same loop with nothing attached. A kind
//! that this kernel doesn't have is left out, and named on stderr.

use super::{CPU, Ours};
use crate::script::{declaration, plan, planner_of, tally};
use crate::table::{Against, Table, median};
use anyhow::{Context, Result, anyhow};
use moontrace::codegen::constant;
use moontrace::kernel::{Instance, attach};
use moontrace::plan::{Attachment, SitePlan};
use moontrace::sys::bpf::{ProgramType, prog_load};
use std::hint::black_box;
use std::os::fd::AsFd;

const TURNS: usize = 20;
/// Hits of a turn: of what costs nanoseconds, and of what traps, which costs microseconds.
const CHEAP: u32 = 10_000;
const DEAR: u32 = 1_000;

struct Kind {
    name: &'static str,
    spec: &'static str,
    /// No cheaper substitute.
    exact: bool,
    /// One hit or, of system calls that come back, one of each.
    hit: fn(),
    hits: u32,
}

impl Kind {
    const fn of(name: &'static str, spec: &'static str) -> Self {
        Self {
            name,
            spec,
            exact: false,
            hit: getppid,
            hits: CHEAP,
        }
    }

    const fn exact(self) -> Self {
        Self {
            exact: true,
            ..self
        }
    }

    const fn at(self, hit: fn()) -> Self {
        Self {
            hit,
            hits: DEAR,
            ..self
        }
    }
}

/// `EXE` is this binary.
const KINDS: [Kind; 13] = [
    Kind::of("raw tracepoint", "rawtracepoint:sys_enter"),
    Kind::of(
        "system call, at the raw tracepoint",
        "tracepoint:syscalls:sys_enter_getppid",
    ),
    Kind::of(
        "its return, at the raw tracepoint",
        "tracepoint:syscalls:sys_exit_getppid",
    ),
    Kind::of(
        "system call, at its own tracepoint",
        "tracepoint:syscalls:sys_enter_getppid",
    )
    .exact(),
    Kind::of("kprobe", "kprobe:__x64_sys_getppid"),
    Kind::of("kretprobe", "kretprobe:__x64_sys_getppid"),
    Kind::of("kprobe, of several", "kprobe:__x64_sys_get{pp,p}id"),
    Kind::of("fentry", "fentry:__x64_sys_getppid"),
    Kind::of("fexit", "fexit:__x64_sys_getppid"),
    Kind::of("uprobe", "uprobe:EXE:bench_target").at(target),
    Kind::of("uretprobe", "uretprobe:EXE:bench_target").at(target),
    Kind::of("uprobe, of several", "uprobe:EXE:bench_{target,other}").at(target),
    Kind::of("usdt", "usdt:EXE:moontrace:bench").at(announce),
];

pub(crate) fn measure(table: &mut Table) -> Result<()> {
    crate::process::pin(CPU)?;
    let mut ours = Ours::new()?;
    let exe = std::env::current_exe()?;
    for (number, kind) in KINDS.iter().enumerate() {
        let spec = kind.spec.replace("EXE", &exe.display().to_string());
        let name = format!("cost a hit: count, {}", kind.name);
        match site(&mut ours, kind, &spec, number as u32) {
            Ok(site) => {
                let (empty, us) = turns(&ours, kind, &site).context(name.clone())?;
                table.row(name, us, "ns", Against::Empty(empty));
            }
            Err(why) => eprintln!("{name}: left out: {why}"),
        }
    }
    crate::process::unpin()
}

fn site(ours: &mut Ours, kind: &Kind, spec: &str, number: u32) -> Result<SitePlan> {
    let declared = declaration(spec, vec![], tally(number, "count()"))?;
    let mut planner = planner_of(kind.exact);
    let planned = plan(&mut planner, &declared)?;
    ours.add_table(&planner, &planned)?;
    let site = planned.sites.into_iter().next();
    site.ok_or_else(|| anyhow!("it has no site"))
}

/// ns a hit: of the empty program, and of ours.
fn turns(ours: &Ours, kind: &Kind, site: &SitePlan) -> Result<(f64, f64)> {
    let (mut of_empty, mut of_us) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let before = time(kind);
        let attached = empty(&site.attachment)?;
        let with_empty = time(kind);
        drop(attached);
        let between = time(kind);
        let mut instance = Instance::load(ours.shared.maps(), site)?;
        instance.attach()?;
        let with_us = time(kind);
        let (book, _) = instance.books()?;
        if book.outcomes.iter().sum::<u64>() < u64::from(kind.hits) {
            return Err(anyhow!("not every call was a hit: {book:?}"));
        }
        drop(instance);
        of_empty.push(with_empty - (before + between) / 2.0);
        of_us.push(with_us - (between + time(kind)) / 2.0);
    }
    Ok((median(&of_empty), median(&of_us)))
}

/// A program that returns at once, hung up as the site's would be; what ours returns there.
fn empty(attachment: &Attachment) -> Result<attach::Attached> {
    let (_, of) = attach::entry(attachment);
    let code = constant((of == ProgramType::Tracepoint).into());
    let program = prog_load(of, &code.insns, "empty", None, None)?;
    Ok(attach::attach(program.as_fd(), attachment, false)?)
}

/// ns of this thread a hit.
fn time(kind: &Kind) -> f64 {
    let start = crate::process::thread_time();
    for _ in 0..kind.hits {
        (kind.hit)();
    }
    (crate::process::thread_time() - start) as f64 / f64::from(kind.hits)
}

fn getppid() {
    // SAFETY: has no preconditions.
    unsafe { libc::syscall(libc::SYS_getppid) };
}

fn target() {
    black_box(bench_target(black_box(7)));
}

/// What user probes are set on.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn bench_target(a: i64) -> i64 {
    black_box(a)
}

/// Makes a pattern match two.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn bench_other(a: i64) -> i64 {
    black_box(a + 1)
}

/// The USDT probe `moontrace:bench`, as the macros of sys/sdt.h make one that has no arguments and no counter.
#[inline(never)]
fn announce() {
    // SAFETY: a nop; the rest is a section that is never loaded.
    unsafe {
        std::arch::asm!(
            "990: nop",
            ".pushsection .note.stapsdt, \"\", @note",
            ".balign 4",
            ".4byte 992f-991f, 994f-993f, 3",
            "991: .asciz \"stapsdt\"",
            "992: .balign 4",
            "993: .8byte 990b, 0, 0",
            ".asciz \"moontrace\"",
            ".asciz \"bench\"",
            ".asciz \"\"",
            "994: .balign 4",
            ".popsection",
            options(att_syntax, nostack, preserves_flags),
        )
    }
    black_box(bench_other as extern "C" fn(i64) -> i64);
}
