//! The benchmarks: one table of what moontrace costs, with ratios to what it is measured against.
//!
//! `cargo bench` prints it; `cargo bench -- cost stream` measures only these parts. `MOONTRACE=path` measures
//! another binary than the one that cargo builds for it. Needs root and a quiet machine. Times are read, not asserted.

#![expect(clippy::print_stdout, reason = "it prints a table")]

mod cost;
mod load;
mod process;
mod rival;
mod script;
mod startup;
mod stream;
mod table;

use anyhow::{Result, bail};
use table::Table;

type Part = (&'static str, fn(&mut Table) -> Result<()>);

const PARTS: [Part; 6] = [
    ("startup", startup::measure),
    ("load", load::measure),
    ("cost", cost::measure),
    ("kinds", cost::kinds::measure),
    ("stream", stream::measure),
    ("rival", rival::measure),
];

fn main() -> Result<()> {
    // What cargo itself adds (`--bench`) names no part.
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    if let Some(wrong) = wanted
        .iter()
        .find(|word| !PARTS.iter().any(|(name, _)| name == word))
    {
        bail!("there is no part '{wrong}': there are startup, load, cost, kinds, stream and rival");
    }
    let mut table = Table::default();
    for (name, measure) in PARTS {
        // What it wants is on few machines.
        let asked = wanted.is_empty() && name != "rival";
        if asked || wanted.iter().any(|word| word == name) {
            measure(&mut table)?;
        }
    }
    print!("{table}");
    Ok(())
}
