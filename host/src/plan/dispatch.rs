//! System calls whose programs differ, at one raw tracepoint: a program there hands each call on to that of its number. What
//! a call costs that is nobody's does not rise with the number of programs, and one link is made and closed.

use super::sharing::{Group, ToldBy};
use super::{Action, Attachment, Binds, Branch, Layout, Program, SiteId, SiteName, SitePlan, told};
use crate::codegen;
use crate::expr::tree::Node;
use crate::facts::{Facts, syscall_number};
use crate::report::Report;

/// In place of a number that can't be read: no system call has it.
const NOBODY: i32 = -1;

/// What is attached at once: a program of its own, or several that another one hands hits on to.
pub(super) enum Bundle {
    One(Box<Group>),
    Several(Dispatched),
}

/// Groups of system calls whose hits are told apart before their programs run.
pub(super) struct Dispatched {
    /// Two at least.
    pub groups: Vec<Group>,
    /// Where calls return, not where they begin.
    pub exit: bool,
    /// What must hold for a hit to be handed on at all, with its words.
    pub guards: Vec<(Node, String)>,
}

/// Brings together what is dispatched, in the order of first members.
pub(super) fn bundles(facts: &Facts, groups: Vec<Group>) -> Vec<Bundle> {
    let mut gathered: Vec<(Option<bool>, Vec<Group>)> = Vec::new();
    for group in groups {
        let exit = match &group.told_by {
            ToldBy::SystemCall { exit, .. } => Some(*exit),
            ToldBy::Dispatched { .. } | ToldBy::Nothing | ToldBy::Cookie => None,
        };
        let mut all = gathered.iter_mut();
        match all.find(|(of, _)| exit.is_some() && *of == exit) {
            Some((_, bundle)) => bundle.push(group),
            None => gathered.push((exit, vec![group])),
        }
    }
    let mut bundles = Vec::new();
    for (exit, groups) in gathered {
        match exit.filter(|_| groups.len() > 1) {
            Some(exit) => bundles.push(Bundle::Several(Dispatched::of(facts, groups, exit))),
            None => bundles.extend(groups.into_iter().map(|group| Bundle::One(Box::new(group)))),
        }
    }
    bundles
}

impl Bundle {
    pub(super) fn groups(&self) -> &[Group] {
        match self {
            Self::One(group) => std::slice::from_ref(&**group),
            Self::Several(dispatched) => &dispatched.groups,
        }
    }
}

impl Dispatched {
    /// What all of them ask of a hit is asked once, before it is handed on.
    fn of(facts: &Facts, mut groups: Vec<Group>, exit: bool) -> Self {
        let native = facts.native_caller();
        let words = "a system call made the 64-bit way".to_owned();
        let mut guards: Vec<(Node, String)> =
            native.map(|native| (native, words)).into_iter().collect();
        let mut common = Vec::new();
        for group in &mut groups {
            common = std::mem::take(&mut group.hanging.guards);
            if let ToldBy::SystemCall { numbers, exit } = &mut group.told_by {
                group.told_by = ToldBy::Dispatched {
                    numbers: std::mem::take(numbers),
                    exit: *exit,
                };
            }
        }
        guards.extend(common);
        Self {
            groups,
            exit,
            guards,
        }
    }

    /// Plans them; `plan` does so with one of the groups, whose first site has that number.
    pub(super) fn site(
        self,
        id: SiteId,
        target: &codegen::Target,
        plan: &mut dyn FnMut(SiteId, Group) -> Result<SitePlan, Report>,
    ) -> Result<SitePlan, Report> {
        let (mut branches, mut entries) = (Vec::new(), Vec::new());
        let mut next = id.0;
        for group in self.groups {
            let numbers = group.told_by.numbers().to_vec();
            let mut site = plan(SiteId(next), group)?;
            next += site.count() as u32;
            if let Some(entry) = site.entry.take() {
                let returning = numbers.iter().copied().filter(told::returns).collect();
                entries.push(Branch {
                    numbers: returning,
                    site: *entry,
                });
            }
            branches.push(Branch { numbers, site });
        }
        entries.retain(|entry| !entry.numbers.is_empty());
        let mut site = dispatcher(self.exit, &self.guards, branches, target)?;
        if !entries.is_empty() {
            let entry = dispatcher(false, &self.guards, entries, target)?;
            site.entry = Some(Box::new(entry));
        }
        Ok(site)
    }
}

/// The program that hands on to those of `branches`, of which there is one at least.
fn dispatcher(
    exit: bool,
    guards: &[(Node, String)],
    branches: Vec<Branch>,
    target: &codegen::Target,
) -> Result<SitePlan, Report> {
    let first = branches.first().map(|branch| &branch.site);
    let first = first.ok_or_else(|| Report::new("a program that hands on to none"))?;
    let (id, probe, func) = (first.id, first.probe.clone(), first.func.clone());
    let (kind, optional) = (first.kind, first.optional);
    let others = branches.iter().flat_map(|branch| {
        let layouts = branch.site.layouts().cloned();
        let layouts = layouts.chain(std::iter::repeat_with(Layout::default));
        branch.site.names().zip(layouts)
    });
    let others = others.skip(1).map(|((_, probe, func), layout)| SiteName {
        probe: probe.to_owned(),
        func: func.to_owned(),
        layout,
    });
    let others = others.collect();
    let name = if exit { "sys_exit" } else { "sys_enter" };
    Ok(SitePlan {
        id,
        probe,
        func,
        others,
        optional,
        kind,
        attachment: Attachment::RawTracepoint { name: name.into() },
        why: format!(
            "one raw tracepoint that dispatches to {} programs by the system call's number",
            branches.len()
        ),
        conditions: guards.iter().map(|(_, words)| words.clone()).collect(),
        program: Program {
            cookie: Some(codegen::cookie(&syscall_number(exit), NOBODY, target)?),
            guard: told::guard(guards, target)?,
            steps: None,
            call: None,
            binds: Binds::Nothing,
            action: Action::Dispatch(branches),
        },
        entry: None,
    })
}
