//! Random sequences of starts, marks and look-ups: programs that share two spans, run in random order, and what is open
//! compared byte for byte after each run.

mod made;
mod model;

use crate::check::{Checker, columns};
use crate::machine::{Program, Table, With};
use crate::oracle::Oracle;
use made::{Ending, Made, Shape};
use model::{After, Model, Open};
use moontrace::codegen::{self, Code, SMALL_STACK, Step, Then};
use moontrace::expr::tree::Part;
use moontrace::sys::clock;
use moontrace::sys::map::Map;
use moontrace_abi::Control;
use moontrace_abi::limits::{SMALL_KEY, SMALL_SPAN};

/// Programs that share the spans, and how often one of them is run.
const PROGRAMS: usize = 10;
const RUNS: usize = 120;

/// What a test must have met, else it says nothing.
pub(crate) const MET: [&str; 11] = [
    "ended with what was found",
    "started",
    "started again",
    "marked",
    "marked, but not open",
    "found",
    "not found",
    "found, though it must not be",
    "taken out",
    "full",
    "a key or condition that can't be read",
];

/// A program's text as code: what the product's planner makes of it.
struct Generated {
    holes: Vec<(&'static str, Code)>,
    action: &'static str,
    event: Option<&'static str>,
    begins: Option<usize>,
    table: Option<Table>,
}

impl Checker<'_> {
    /// Two spans, programs that use them, and a random sequence of their runs.
    pub(crate) fn spans(&mut self, depth: u32) {
        let shapes: Vec<Shape> = (0..2)
            .map(|_| Shape::random(self.rng, self.world))
            .collect();
        let make = |shape: &Shape| {
            self.machine
                .make_span(shape.key_size(), shape.value_size(), shape.room)
        };
        let maps: Vec<Map> = shapes.iter().map(make).collect();
        let mut programs = Vec::new();
        for _ in 0..PROGRAMS {
            let made = Made::random(self.rng, self.world, &shapes, depth);
            if let Some(program) = self.linked(&made, &shapes, &maps) {
                programs.push((made, program));
            }
        }
        if !programs.is_empty() {
            self.run_all(&programs, &shapes, &maps);
        }
    }

    fn run_all(&mut self, programs: &[(Made, Program)], shapes: &[Shape], maps: &[Map]) {
        let mut met = std::mem::take(&mut self.score.met);
        let mut model = Model {
            shapes,
            open: vec![Open::new(); shapes.len()],
            met: &mut met,
        };
        let mut history = Vec::new();
        for _ in 0..RUNS {
            // What is as it was gives the same keys.
            if self.rng.one_in(15) {
                self.world.change(self.rng);
            }
            self.machine.set_variables(self.world);
            let number = self.rng.below(programs.len() as u64) as usize;
            let (made, program) = &programs[number];
            history.push(number);
            let oracle = Oracle::new(self.world, &self.identity);
            let before = clock::monotonic();
            let run = self.machine.run(program, &self.world.context);
            let between = (before, clock::monotonic());
            self.score.runs += 1;
            let open: Vec<Open> = maps.iter().map(read).collect();
            let after = After {
                run: &run,
                open: &open,
                between,
            };
            match model.judge(made, oracle, &after) {
                Ok(faults) => self.score.faults += faults,
                Err(why) => {
                    let context = self.world.context;
                    self.score.mismatches.push(format!(
                        "{why}\n{made:?}\ncontext {context:x?}\nprograms that ran: {history:?}"
                    ));
                    break;
                }
            }
        }
        self.score.met = met;
    }

    fn linked(&mut self, made: &Made, shapes: &[Shape], maps: &[Map]) -> Option<Program> {
        let generated = self.spans_code(made, shapes)?;
        self.score.programs += 1;
        let holes: Vec<(&str, &Code)> = generated
            .holes
            .iter()
            .map(|(hole, code)| (*hole, code))
            .collect();
        let with = With {
            table: generated.table,
            event: generated.event,
            spans: maps,
            begins: generated.begins,
        };
        match self.machine.link_with(&holes, generated.action, with) {
            Ok(program) => Some(program),
            Err(why) => {
                match why.starts_with("refused") {
                    true => self.score.refused.push(why),
                    false => self.score.rejected.push(format!("{why}\n{made:?}")),
                }
                None
            }
        }
    }

    fn spans_code(&mut self, made: &Made, shapes: &[Shape]) -> Option<Generated> {
        let target = self.target();
        let steps = made.steps.iter().enumerate();
        let steps: Vec<(Step, String)> = steps
            .map(|(number, step)| (step.clone(), format!("step {number}")))
            .collect();
        let steps = self.generated(codegen::steps(&steps, &target))?;
        let mut deepest = steps.stack;
        let mut generated = Generated {
            holes: vec![("steps", steps)],
            action: "act_nothing",
            event: None,
            begins: None,
            table: None,
        };
        match &made.ending {
            Ending::Nothing => {}
            Ending::Emit { layout, values } => {
                let code = self.generated(codegen::record(layout, values, &target))?;
                deepest = deepest.max(code.stack);
                let size = codegen::constant(layout.size.into());
                generated
                    .holes
                    .extend([("record", code), ("record_size", size)]);
                generated.action = match layout.long {
                    true => "act_emit_long",
                    false => "act_emit",
                };
            }
            Ending::Tally { key, arguments } => {
                let generation = Control::generation_offset(0);
                let key_code = self.generated(codegen::key(generation, key, &target))?;
                let measure = self.generated(codegen::measure(arguments, &target))?;
                let columns = self.generated(codegen::columns(&columns(arguments.len())))?;
                let deep = key_code.stack.max(measure.stack);
                deepest = deepest.max(deep).max(columns.stack);
                let parts: u32 = key.iter().map(Part::size).sum();
                let size = if key.is_empty() { 4 } else { 8 + parts };
                let long = size > SMALL_KEY as u32 || deep > SMALL_STACK;
                generated.action = if long { "act_tally_long" } else { "act_tally" };
                generated.table = Some(Table {
                    key: size,
                    value: 8 + 8 * arguments.len() as u32,
                });
                let holes = [
                    ("key", key_code),
                    ("measure", measure),
                    ("columns", columns),
                ];
                generated.holes.extend(holes);
            }
            Ending::Begin {
                span,
                marks,
                key,
                stored,
            } => {
                let shape = &shapes[*span];
                let all = !marks && stored.len() == shape.fields.len();
                let kept = if all { 0 } else { shape.value_size() };
                let key = self.generated(codegen::span_key(key, &target))?;
                let fields = self.generated(codegen::fields(stored, *marks, all, &target))?;
                let deep = key.stack.max(fields.stack);
                deepest = deepest.max(deep);
                let long = shape.key_size() as usize > SMALL_KEY
                    || shape.value_size() as usize > SMALL_SPAN
                    || deep > SMALL_STACK;
                generated.action = match (marks, long) {
                    (false, false) => "act_start",
                    (false, true) => "act_start_long",
                    (true, false) => "act_mark",
                    (true, true) => "act_mark_long",
                };
                generated.begins = Some(*span);
                let kept = codegen::constant(kept.into());
                let holes = [("key", key), ("fields", fields), ("span_size", kept)];
                generated.holes.extend(holes);
            }
        }
        generated.event = binds(made, deepest);
        Some(generated)
    }
}

/// Where steps bind what they find.
fn binds(made: &Made, deepest: u32) -> Option<&'static str> {
    let mut looks = made.steps.iter().filter_map(|step| match step {
        Step::Look(look) => Some(look),
        Step::If(_) => None,
    });
    let long_key = looks.clone().any(|look| look.key_at.is_some());
    if long_key || made.bound as usize > SMALL_SPAN {
        return Some("event_in_long_span");
    }
    looks.any(|look| look.then != Then::Refuse).then_some(
        match deepest + SMALL_SPAN as u32 > SMALL_STACK {
            true => "event_in_long_span",
            false => "event_in_span",
        },
    )
}

fn read(map: &Map) -> Open {
    map.entries_now().unwrap().into_iter().collect()
}
