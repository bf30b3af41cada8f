//! Signals that a script asks for.

use crate::report::{Report, did_you_mean, plainly};
use crate::sys::signals;

/// Why a script can't have a signal, where it is one.
const TAKEN: [(&[&str], &str); 3] = [
    (
        &["INT", "TERM"],
        "it ends the run: on_exit(fn) is called then",
    ),
    (&["KILL", "STOP"], "the kernel lets no program catch it"),
    (
        &[
            "ALRM", "PIPE", "CHLD", "SEGV", "BUS", "ILL", "FPE", "ABRT", "TRAP", "SYS",
        ],
        "moontrace needs it itself",
    ),
];

/// Catches a signal, by its name without `SIG`, for the script; gives its number.
pub(super) fn catch(name: &str) -> Result<i32, Report> {
    match signals::catch_for_script(name) {
        Some(Ok(number)) => Ok(number),
        Some(Err(error)) => Err(Report::new(format!(
            "SIG{name} can't be caught: {}",
            plainly(&error)
        ))),
        None => Err(refused(name)),
    }
}

fn refused(name: &str) -> Report {
    let there = || {
        let names: Vec<&str> = signals::free().collect();
        format!("there are {}", names.join(", "))
    };
    match TAKEN.iter().find(|(names, _)| names.contains(&name)) {
        Some((_, why)) => {
            Report::new(format!("a script can't have SIG{name}: {why}")).help(there())
        }
        None => {
            let help = did_you_mean(name, signals::free()).unwrap_or_else(there);
            Report::new(format!("there is no signal '{name}' for scripts")).help(help)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_of_our_own_are_refused_with_the_reason() {
        assert_eq!(
            refused("INT").to_string(),
            "a script can't have SIGINT: it ends the run: on_exit(fn) is called then\n  \
             there are HUP, USR1, USR2, QUIT, CONT, WINCH, URG, PWR"
        );
        assert!(refused("ALRM").message.contains("needs it itself"));
        assert!(refused("USR3").to_string().contains("'USR1' or 'USR2'"));
    }
}
