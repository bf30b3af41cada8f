//! What the script that runs may do, and what it is told where it tries more.

use crate::consent::shell;
use crate::lua::header;
use crate::permission::{Level, Permission, Permissions};
use crate::plan::{Spot, Touch};
use crate::report::Report;
use crate::spec::probe::Kind;
use crate::spec::{Declaration, Pattern};

/// Held against everything that a script does, its own or a stranger's.
#[derive(Clone, Debug, Default)]
pub(super) struct Permit {
    /// `None`: everything.
    pub allowed: Option<Permissions>,
    /// They are what a stranger's header declares, not what `--allow` says of one's own script.
    pub declared: bool,
    /// `--deny`: not even then.
    pub denied: Permissions,
    /// What its header calls it.
    pub level: Option<Level>,
}

impl Permit {
    /// May the script do this?
    ///
    /// # Errors
    /// What it may not, with what would allow it.
    pub(super) fn check(&self, wanted: &Permission) -> Result<(), Report> {
        let does = wanted.does();
        if self.denied.meet(wanted) {
            let report = Report::new(format!("the script {does}, which --deny forbids"));
            return Err(report.help(format!("--deny {}", shell(&self.denied.to_string()))));
        }
        if let Some(allowed) = &self.allowed
            && !allowed.cover(wanted)
        {
            let why = match self.declared {
                true => "its header does not declare",
                false => "--allow does not name",
            };
            let flag = shell(&wanted.to_string());
            let report = Report::new(format!("the script {does}, which {why}"));
            return Err(report.help(format!("--allow {flag} allows it for once")));
        }
        match self.level {
            // Nothing is more than that.
            None | Some(Level::Heavy) => Ok(()),
            Some(says) if Level::of(wanted) > says => Err(header::too_low(says, wanted)),
            Some(_) => Ok(()),
        }
    }

    /// Does the host read memory, maps or files of other processes for what the script may do?
    pub(super) fn looks_into_processes(&self) -> bool {
        let looks = |allowed: &Permission| match allowed {
            // Of a program's stack, names are looked up in what is mapped there.
            Permission::Stacks => true,
            Permission::Read(path) => {
                let fixed = path.split(['*', '?', '{', '[']).next().unwrap_or_default();
                fixed.starts_with("/proc") || "/proc/".starts_with(fixed)
            }
            Permission::Probes(pattern) => {
                matches!(pattern.kind, Kind::Uprobe | Kind::Uretprobe | Kind::Usdt)
            }
            _ => false,
        };
        let Some(allowed) = &self.allowed else {
            return true;
        };
        allowed.iter().any(looks)
    }

    pub(super) fn check_probes(&self, patterns: &[Pattern]) -> Result<(), Report> {
        let mut patterns = patterns.iter().cloned();
        patterns.try_for_each(|pattern| self.check(&Permission::Probes(pattern)))
    }

    /// The probes of a declaration; what its texts touch is seen when they are compiled.
    pub(super) fn check_declaration(&self, declaration: &Declaration) -> Result<(), Report> {
        let checked = self.check_probes(&declaration.patterns);
        checked.map_err(|report| report.at(declaration.place.clone()))
    }

    /// What a text touches.
    pub(super) fn check_touch(&self, touch: Touch, spot: &Spot) -> Result<(), Report> {
        let wanted = match touch {
            Touch::Memory => Permission::Memory,
            Touch::Arguments => Permission::Arguments,
            Touch::Packets => Permission::Packets,
            Touch::Stacks => Permission::Stacks,
        };
        self.check(&wanted).map_err(|report| Report {
            help: report.help,
            ..spot.report(report.message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_allowed_is_refused_with_the_flag_that_allows_it() {
        let permit = Permit {
            allowed: Some(Permissions::parse("probes=kprobe:vfs_*,memory").unwrap()),
            declared: true,
            denied: Permissions::parse("probes=kprobe:vfs_write").unwrap(),
            level: None,
        };
        let check = |list: &str| {
            let wanted = Permissions::parse(list).unwrap();
            let mut wanted = wanted.iter();
            wanted.try_for_each(|wanted| permit.check(wanted))
        };
        assert_eq!(check("memory,probes=kprobe:vfs_read"), Ok(()));
        let refused = check("stacks").unwrap_err().to_string();
        assert_eq!(
            refused,
            "the script reads stacks, which its header does not declare
  --allow stacks allows it for once"
        );
        let denied = check("probes=kprobe:vfs_*").unwrap_err().to_string();
        assert!(denied.contains("--deny forbids"), "{denied}");
        let other = check("probes=kprobe:tcp_{v4,v6}_connect").unwrap_err();
        let flag = "--allow 'probes=kprobe:tcp_{v4,v6}_connect'";
        assert!(other.help.unwrap().contains(flag));
        let own = Permit::default();
        assert_eq!(own.check(&Permission::Network), Ok(()));
    }

    #[test]
    fn who_looks_into_processes_is_known_before() {
        for (list, looks) in [
            ("stacks", true),
            ("probes=uprobe:/bin/bash:readline", true),
            ("probes=usdt:*:*", true),
            ("read=/proc/*/maps", true),
            ("read=/**", true),
            ("read=/etc/passwd,read=/sys/kernel/*", false),
            (
                "memory,arguments,packets,probes=kprobe:vfs_*,write=*.svg",
                false,
            ),
        ] {
            let permit = Permit {
                allowed: Some(Permissions::parse(list).unwrap()),
                ..Permit::default()
            };
            assert_eq!(permit.looks_into_processes(), looks, "{list}");
        }
        assert!(Permit::default().looks_into_processes());
    }

    #[test]
    fn a_header_that_says_less_is_an_error_for_everybody() {
        let permit = Permit {
            level: Some(Level::Safe),
            ..Permit::default()
        };
        assert_eq!(permit.check(&Permission::Stacks), Ok(()));
        let refused = permit.check(&Permission::Arguments).unwrap_err();
        assert!(refused.to_string().contains("write: Level: sensitive"));
    }
}
