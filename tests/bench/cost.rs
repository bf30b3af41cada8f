//! What a hit costs in the kernel: moontrace's programs and those of `baseline.bpf.o`, attached by turns.
//!
//! Both hang on the raw tracepoint sys_enter and do the same job for the system call getppid, in the same kinds of
//! tables, with the same books. Ours is made as for a script: planned from texts, linked, loaded, armed. A turn is a
//! loop of calls on one CPU, timed by the thread's own clock, less the same loop with nothing attached.

mod hand;
pub(crate) mod kinds;

use crate::load::OBJECT;
use crate::script::{by, condition, declaration, plan, planner, print, tally};
use crate::table::{Against, Table, median};
use anyhow::{Result, anyhow};
use hand::Hand;
use moontrace::kernel::library::Library;
use moontrace::kernel::{Instance, Shared};
use moontrace::plan::{Output, Planner, ProbePlan, SitePlan};
use moontrace::spec::{Declaration, Step};
use moontrace::sys::mapping::RingMapping;

/// Bytes of either ring: room for what the calls of one turn emit.
const RING: u32 = 1 << 20;
const CALLS: u32 = 10_000;
const TURNS: usize = 400;
const CPU: usize = 0;

struct Job {
    name: &'static str,
    hand: &'static str,
    ours: Declaration,
}

fn jobs() -> Result<Vec<Job>> {
    let raw = "rawtracepoint:sys_enter";
    let getppid = || condition("args.id == 110");
    let reject: Vec<Step> = vec![getppid(), condition("comm == 'nobody'"), by("comm")];
    Ok(vec![
        Job {
            name: "reject by comm",
            hand: "hand_reject",
            ours: declaration(raw, reject, tally(2, "count()"))?,
        },
        Job {
            name: "count by comm",
            hand: "hand_count",
            ours: declaration(raw, vec![getppid(), by("comm")], tally(0, "count()"))?,
        },
        Job {
            name: "histogram by comm",
            hand: "hand_hist",
            ours: declaration(raw, vec![getppid(), by("comm")], tally(1, "hist(args.id)"))?,
        },
        Job {
            name: "emit number, pid, comm",
            hand: "hand_emit",
            ours: declaration(raw, vec![getppid()], print("number = args.id, pid, comm"))?,
        },
        Job {
            name: "count by comm, a call's own tracepoint",
            hand: "hand_native_count",
            ours: declaration(
                "tracepoint:syscalls:sys_enter_getppid",
                vec![by("comm")],
                tally(3, "count()"),
            )?,
        },
    ])
}

/// Our side: what the instances of one script share.
struct Ours {
    shared: Shared,
    ring: RingMapping,
}

impl Ours {
    fn new() -> Result<Self> {
        let library = Library::open(OBJECT).map_err(|report| anyhow!("{report}"))?;
        let mut shared = Shared::new(library, RING, false)?;
        let ring = shared.make_ring()?;
        shared.arm();
        Ok(Self { shared, ring })
    }

    fn site(&mut self, planner: &mut Planner, declared: &Declaration) -> Result<SitePlan> {
        let planned = plan(planner, declared)?;
        self.add_table(planner, &planned)?;
        planned
            .sites
            .into_iter()
            .next()
            .ok_or_else(|| anyhow!("{} has no site", declared.spec))
    }

    fn add_table(&mut self, planner: &Planner, planned: &ProbePlan) -> Result<()> {
        if let Output::Tally(tally) = planned.output
            && let Some(shape) = planner.tally(tally)
        {
            self.shared
                .add_table(shape, planned.sites.len())
                .map_err(|report| anyhow!("{report}"))?;
        }
        Ok(())
    }
}

pub(crate) fn measure(table: &mut Table) -> Result<()> {
    crate::process::pin(CPU)?;
    let (mut ours, mut planner, mut hand) = (Ours::new()?, planner(), Hand::new(RING)?);
    for job in jobs()? {
        let site = ours.site(&mut planner, &job.ours)?;
        let (mut by_hand, mut by_us) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            let before = calls();
            let attached = hand.attach(job.hand)?;
            let with_hand = calls();
            drop(attached);
            hand.drain();
            let between = calls();
            let mut instance = Instance::load(ours.shared.maps(), &site)?;
            instance.attach()?;
            let with_us = calls();
            let (book, _) = instance.books()?;
            if book.outcomes[..2].iter().sum::<u64>() < u64::from(CALLS) {
                return Err(anyhow!("{}: not every call was a hit: {book:?}", job.name));
            }
            drop(instance);
            while ours.ring.next_record().is_some() {}
            by_hand.push(with_hand - (before + between) / 2.0);
            by_us.push(with_us - (between + calls()) / 2.0);
        }
        let against = Against::Hand(median(&by_hand));
        table.row(
            format!("cost a hit: {}", job.name),
            median(&by_us),
            "ns",
            against,
        );
    }
    crate::process::unpin()
}

/// ns of this thread a call.
fn calls() -> f64 {
    let start = crate::process::thread_time();
    for _ in 0..CALLS {
        // SAFETY: has no preconditions.
        unsafe { libc::syscall(libc::SYS_getppid) };
    }
    (crate::process::thread_time() - start) as f64 / f64::from(CALLS)
}
