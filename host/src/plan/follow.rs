//! The probes of ours that keep the set of traced processes: `-c` and `--follow`.

use super::attachment::hang;
use super::planner::{Options, Planner, Traced};
use super::{Action, Binds, Program, SiteId, SitePlan, told};
use crate::codegen;
use crate::expr::names::Meaning;
use crate::expr::tree::{Current, Node, Part, TARGET};
use crate::facts::Match;
use crate::report::Report;
use crate::spec::Kind;

impl Planner {
    /// What keeps the set of traced processes: children join it when they are forked, and leave it when their last thread
    /// ends, which need not be the first. A process that is `held` before its exec joins when it has become the command:
    /// what it did before is ours.
    pub fn follow(&mut self, held: Option<u32>) -> Result<Vec<SitePlan>, Report> {
        let traced = Options {
            traced: Traced::Set,
            ..self.options
        };
        let mut plans = vec![
            self.follower("sched_process_fork", &traced, Some("child_pid"), true)?,
            self.follower("sched_process_exit", &traced, Some("pid"), false)?,
        ];
        if let Some(held) = held {
            let this = Options {
                traced: Traced::Process(held),
                ..self.options
            };
            plans.push(self.follower("sched_process_exec", &this, None, true)?);
        }
        Ok(plans)
    }

    /// At a tracepoint of the scheduler, has the process that a field names traced, or no longer; without a field, the
    /// running one.
    fn follower(
        &mut self,
        event: &str,
        options: &Options,
        field: Option<&str>,
        there: bool,
    ) -> Result<SitePlan, Report> {
        let found = Match {
            kind: Kind::Tracepoint,
            probe: format!("tracepoint:sched:{event}"),
            location: crate::facts::Location::Tracepoint {
                category: "sched".into(),
                event: event.into(),
            },
        };
        let mut hanging = hang(&self.facts, options, &found, 1)?;
        // Without BTF a process ends with its first thread, as far as can be told.
        let last = if there {
            None
        } else {
            self.facts.ends_process()
        };
        let field = field.filter(|_| last.is_none());
        let words = "the last thread of its process".to_owned();
        hanging.guards.extend(last.map(|last| (last, words)));
        let names = self.facts.names(&hanging.site, &found.probe);
        let member = match field.map(|field| (field, names.argument(field))) {
            None => Node::Current(Current::Pid),
            Some((_, Some(Meaning::Value(member, _)))) => member,
            Some((field, _)) => {
                return Err(Report::new(format!(
                    "{} has no field '{field}' on this kernel",
                    found.probe
                )));
            }
        };
        let target = self.target();
        let program = Program {
            cookie: None,
            guard: told::guard(&hanging.guards, &target)?,
            steps: None,
            call: None,
            binds: Binds::Nothing,
            action: Action::Change {
                set: TARGET,
                member: Box::new(codegen::member(&[Part::Int(member)], &target)?),
                words: field.unwrap_or("pid").to_owned(),
                there,
            },
        };
        let id = SiteId(self.sites);
        self.sites += 1;
        Ok(SitePlan {
            id,
            probe: found.probe,
            func: event.into(),
            others: Vec::new(),
            optional: false,
            kind: found.kind,
            attachment: hanging.attachment,
            why: hanging.why,
            conditions: hanging.guards.into_iter().map(|(_, words)| words).collect(),
            program,
            entry: None,
        })
    }
}
