//! How often `profile` and `interval` run.

use super::Pattern;
use crate::report::Report;
use crate::spec::duration::duration;

/// The fastest that a CPU's clock is asked for, times a second.
const FASTEST: u64 = 100_000;
const SECOND: u64 = 1_000_000_000;

/// How often a clock runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Times a second.
    Hertz(u64),
    /// ns between two.
    Period(u64),
}

/// What `profile:hz:N`, `profile:ms:N`, `interval:s:N` and `interval:5s` say.
///
/// # Errors
/// A rate that makes no sense, with those that do.
pub fn period(pattern: &Pattern) -> Result<Clock, Report> {
    let refuse =
        |message: String| Report::new(message).help(format!("write: {}", pattern.kind.form()));
    let (unit, number) = match pattern.parts.as_slice() {
        [time] => {
            let ns = duration(time).map_err(refuse)?;
            return checked(Clock::Period(ns.unsigned_abs()), time);
        }
        [unit, number] => (unit.as_str(), number),
        _ => return Err(refuse(format!("'{}' is no clock", pattern.parts.join(":")))),
    };
    let count: u64 = number
        .parse()
        .map_err(|_| refuse(format!("'{number}' is no number of {unit}")))?;
    let clock = match unit {
        "hz" => Clock::Hertz(count),
        "s" => Clock::Period(count.saturating_mul(SECOND)),
        "ms" => Clock::Period(count.saturating_mul(1_000_000)),
        "us" => Clock::Period(count.saturating_mul(1_000)),
        _ => {
            return Err(refuse(format!(
                "'{unit}' is no unit of a clock: there are hz s ms us"
            )));
        }
    };
    checked(clock, &format!("{unit}:{number}"))
}

fn checked(clock: Clock, text: &str) -> Result<Clock, Report> {
    let sensible = match clock {
        Clock::Hertz(hertz) => (1..=FASTEST).contains(&hertz),
        Clock::Period(ns) => (SECOND / FASTEST..=86_400 * SECOND).contains(&ns),
    };
    if sensible {
        return Ok(clock);
    }
    let message = format!("'{text}' is no rate that a clock can run at");
    Err(Report::new(message).help(format!(
        "from hz:1 to hz:{FASTEST}, or a period from 10us to a day"
    )))
}
