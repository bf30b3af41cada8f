//! Landlock: no file is changed but below some folders, none is run, no port is opened, no process outside is signalled.
//!
//! Reading is no part of it: binaries, their debug information and their symbols lie anywhere. What of it a script gets to
//! see is up to the host's own code.

use super::Landlock;
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, LandlockStatus,
    PathBeneath, PathFd, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, Scope,
};
use std::io;
use std::path::PathBuf;

/// The newest that the crate knows; the kernel's own is used where it is older.
const NEWEST: ABI = ABI::V10;

pub(super) fn allow_only(folders: &[PathBuf]) -> io::Result<Landlock> {
    let refused = |error: landlock::RulesetError| io::Error::other(format!("Landlock: {error}"));
    let changing = AccessFs::from_write(NEWEST);
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(changing | AccessFs::Execute)
        .and_then(|rules| rules.handle_access(AccessNet::from_all(NEWEST)))
        .and_then(|rules| rules.scope(Scope::from_all(NEWEST)))
        .and_then(Ruleset::create)
        .map_err(refused)?;
    for folder in folders {
        let folder = PathFd::new(folder).map_err(|error| io::Error::other(error.to_string()))?;
        let allowed =
            AccessFs::WriteFile | AccessFs::Truncate | AccessFs::MakeReg | AccessFs::RemoveFile;
        rules = rules
            .add_rule(PathBeneath::new(folder, allowed))
            .map_err(refused)?;
    }
    match rules.restrict_self().map_err(refused)?.landlock {
        LandlockStatus::Available { effective_abi, .. } => Ok(Landlock::Abi(effective_abi as i32)),
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => Ok(Landlock::Missing),
    }
}
