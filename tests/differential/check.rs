//! Random trees in each kind of hole, run on both sides.

use crate::machine::{Machine, Program, Run, Table};
use crate::oracle::{Identity, Oracle};
use crate::random::{INTS, Maker, Rng};
use crate::world::World;
use moontrace::codegen::{self, Code, FieldValue, SMALL_STACK, Target};
use moontrace::expr::tree::{Current, Node, Part};
use moontrace::expr::types::Int;
use moontrace::plan::{Aggregate, Content, Field, Layout};
use moontrace_abi::limits::{KEY, SMALL_COLUMNS, SMALL_KEY};
use moontrace_abi::record::HEADER;
use moontrace_abi::{Control, Header, Outcome};

/// What is done to each generated function before it is linked.
pub(crate) type Change<'a> = &'a dyn Fn(&mut Code);

/// Sums of what was tried.
#[derive(Debug, Default)]
pub(crate) struct Score {
    pub(crate) programs: u64,
    pub(crate) runs: u64,
    pub(crate) faults: u64,
    pub(crate) most_insns: usize,
    /// Texts that the generator or the linker refused with a message.
    pub(crate) refused: Vec<String>,
    /// Programs that the verifier rejected.
    pub(crate) rejected: Vec<String>,
    pub(crate) mismatches: Vec<String>,
}

impl Score {
    pub(crate) fn is_bad(&self) -> bool {
        !self.rejected.is_empty() || !self.mismatches.is_empty()
    }
}

pub(crate) struct Checker<'a> {
    pub(crate) machine: &'a mut Machine,
    pub(crate) world: &'a mut World,
    pub(crate) rng: &'a mut Rng,
    pub(crate) identity: Identity,
    pub(crate) change: Change<'a>,
    pub(crate) score: Score,
    /// Contexts and memories that each program is run with.
    pub(crate) inputs: usize,
}

/// A program, and what one run of it should be like.
struct Case<'c> {
    holes: Vec<(&'static str, Code)>,
    action: &'static str,
    table: Option<Table>,
    #[expect(clippy::type_complexity, reason = "said once")]
    compare: Box<dyn Fn(&Oracle<'_>, &Run) -> Result<u64, String> + 'c>,
    trees: String,
}

impl Checker<'_> {
    pub(crate) fn target(&mut self) -> Target {
        let namespace = namespace();
        Target {
            pid_namespace: self.rng.one_in(3).then_some(namespace),
        }
    }

    fn maker(&mut self) -> Maker<'_> {
        Maker {
            rng: self.rng,
            world: self.world,
        }
    }

    /// A condition among the steps: does it pass, and what when it can't be read?
    pub(crate) fn steps(&mut self, depth: u32) {
        let target = self.target();
        let mut maker = self.maker();
        let count = 1 + maker.rng.below(3);
        let steps: Vec<(Node, String)> = (0..count)
            .map(|index| (maker.condition(depth), format!("step {index}")))
            .collect();
        let made = steps
            .iter()
            .map(|(node, label)| (node.clone().into(), label.clone()));
        let made = codegen::steps(&made.collect::<Vec<_>>(), &target);
        let Some(code) = self.generated(made) else {
            return;
        };
        let Some(empty) = self.generated(codegen::record(&Layout::default(), &[], &target)) else {
            return;
        };
        let size = codegen::constant(HEADER as u64);
        let trees = format!("{steps:?}");
        let compare = move |oracle: &Oracle<'_>, run: &Run| {
            let mut wanted = Ok(true);
            for (node, _) in &steps {
                match oracle.value(node) {
                    Ok(0) => wanted = Ok(false),
                    Ok(_) => continue,
                    Err(fault) => wanted = Err(fault),
                }
                break;
            }
            let outcome = match wanted {
                Ok(true) => Outcome::Delivered,
                Ok(false) => Outcome::Filtered,
                Err(_) => Outcome::Read,
            };
            same("outcome", &run.outcome, &Some(outcome))?;
            if wanted.is_ok() {
                same_notes(oracle, run)?;
            }
            Ok(u64::from(wanted.is_err()))
        };
        self.check(Case {
            holes: vec![("steps", code), ("record", empty), ("record_size", size)],
            action: "act_emit",
            table: None,
            compare: Box::new(compare),
            trees,
        });
    }

    /// Fields of each kind: what each holds, and which could not be read.
    pub(crate) fn record(&mut self, depth: u32) {
        let target = self.target();
        let long = self.rng.one_in(3);
        let (layout, values) = self.fields(depth, long);
        let Some(code) = self.generated(codegen::record(&layout, &values, &target)) else {
            return;
        };
        let size = codegen::constant(u64::from(layout.size));
        let trees = format!("{layout:?} {values:?}");
        let compare = move |oracle: &Oracle<'_>, run: &Run| {
            same("outcome", &run.outcome, &Some(Outcome::Delivered))?;
            let mut faults = 0;
            for (field, value) in layout.fields.iter().zip(&values) {
                faults += u64::from(compare_field(oracle, run, field, value)?);
            }
            same("faults", &run.faults, &faults)?;
            if faults == 0 {
                same_notes(oracle, run)?;
            }
            Ok(faults)
        };
        self.check(Case {
            holes: vec![("record", code), ("record_size", size)],
            action: if long { "act_emit_long" } else { "act_emit" },
            table: None,
            compare: Box::new(compare),
            trees,
        });
    }

    /// Fields of a record, laid out: words, strings' spans, truth values, then strings that stand in slots.
    fn fields(&mut self, depth: u32, long: bool) -> (Layout, Vec<FieldValue>) {
        let mut maker = self.maker();
        let (mut values, mut contents, mut offset) = (Vec::new(), Vec::new(), HEADER as u32);
        for _ in 0..maker.rng.below(8) {
            let int = if maker.rng.one_in(2) {
                Int::I64
            } else {
                maker.rng.pick(&INTS)
            };
            let value = maker.value(depth);
            let (value, bytes) = match maker.rng.one_in(4) {
                true => (FieldValue::Word(value), 8),
                false => (FieldValue::Int(value), int.bytes()),
            };
            offset = offset.next_multiple_of(bytes.into());
            values.push(value);
            contents.push(Content::Int { offset, int });
            offset += u32::from(bytes);
        }
        offset = offset.next_multiple_of(4);
        let texts = maker.rng.below(4) as usize;
        for _ in 0..texts {
            let text = maker.text(depth.min(2));
            contents.push(Content::Text {
                offset,
                slot: None,
                capacity: text.capacity(),
            });
            values.push(FieldValue::Text(text));
            offset += 4;
        }
        for _ in 0..maker.rng.below(3) {
            values.push(FieldValue::Bool(maker.condition(depth)));
            contents.push(Content::Bool { offset });
            offset += 1;
        }
        for content in &mut contents {
            if let Content::Text { slot, capacity, .. } = content
                && !(long && maker.rng.one_in(2))
            {
                offset = offset.next_multiple_of(8);
                *slot = Some(offset);
                offset += u32::from(*capacity).next_multiple_of(8);
            }
        }
        // They are written in another order than they stand in.
        let mut both: Vec<(Content, FieldValue)> = contents.into_iter().zip(values).collect();
        for last in (1..both.len()).rev() {
            both.swap(last, maker.rng.below(last as u64 + 1) as usize);
        }
        let (contents, values): (Vec<_>, Vec<_>) = both.into_iter().unzip();
        let fields = contents.into_iter().enumerate();
        let fields = fields
            .map(|(bit, content)| Field {
                name: format!("field{bit}"),
                content,
                bit: bit as u8,
                shown: None,
                why: String::new(),
            })
            .collect();
        (
            Layout {
                fields,
                size: offset.next_multiple_of(8),
                long,
            },
            values,
        )
    }

    /// A key, and columns with their arguments.
    pub(crate) fn tally(&mut self, depth: u32) {
        let target = self.target();
        let mut maker = self.maker();
        let mut parts: Vec<Part> = (0..maker.rng.below(5)).map(|_| maker.part(depth)).collect();
        while parts.iter().map(Part::size).sum::<u32>() > KEY as u32 {
            parts.pop();
        }
        let most = if maker.rng.one_in(4) {
            16
        } else {
            SMALL_COLUMNS as u64
        };
        let arguments: Vec<Node> = (0..1 + maker.rng.below(most))
            .map(|_| maker.value(depth))
            .collect();
        let tally = maker.rng.below(256) as u32;
        let columns: Vec<(Aggregate, u32, Option<usize>)> = (0..arguments.len())
            .map(|index| {
                let aggregate = if maker.rng.one_in(2) {
                    Aggregate::Count
                } else {
                    Aggregate::Sum { signed: true }
                };
                (aggregate, 8 + 8 * index as u32, Some(index))
            })
            .chain([(Aggregate::Count, 0, None)])
            .collect();
        let (Some(key), Some(measure), Some(code)) = (
            self.generated(codegen::key(
                Control::generation_offset(tally),
                &parts,
                &target,
            )),
            self.generated(codegen::measure(&arguments, &target)),
            self.generated(codegen::columns(&columns)),
        ) else {
            return;
        };
        let size = if parts.is_empty() {
            4
        } else {
            8 + parts.iter().map(Part::size).sum::<u32>()
        };
        let long = size > SMALL_KEY as u32
            || arguments.len() > SMALL_COLUMNS
            || key.stack.max(measure.stack) > SMALL_STACK;
        let table = Table {
            key: size,
            value: 8 + 8 * arguments.len() as u32,
        };
        let trees = format!("{parts:?} {arguments:?}");
        let compare = move |oracle: &Oracle<'_>, run: &Run| {
            let wanted = arguments
                .iter()
                .map(|node| oracle.value(node))
                .collect::<Result<Vec<u64>, _>>();
            let wanted = wanted.and_then(|values| Ok((oracle.key(&parts)?, values)));
            let Ok((key, values)) = wanted else {
                same("outcome", &run.outcome, &Some(Outcome::Read))?;
                return Ok(1);
            };
            same("outcome", &run.outcome, &Some(Outcome::Delivered))?;
            same_notes(oracle, run)?;
            let Some((got_key, got_value)) = &run.row else {
                return Err("no row".to_owned());
            };
            let mut wanted_key = vec![0; if parts.is_empty() { 4 } else { 8 }];
            wanted_key.extend(key);
            same("key", got_key, &wanted_key)?;
            let wanted_value: Vec<u8> = [1]
                .iter()
                .chain(&values)
                .flat_map(|word: &u64| word.to_le_bytes())
                .collect();
            same("columns", got_value, &wanted_value)?;
            Ok(0)
        };
        self.check(Case {
            holes: vec![("key", key), ("measure", measure), ("columns", code)],
            action: if long { "act_tally_long" } else { "act_tally" },
            table: Some(table),
            compare: Box::new(compare),
            trees,
        });
    }

    /// What nothing outside of the kernel tells: the address of the running task, and its cgroup.
    pub(crate) fn look_around(&mut self) {
        let values = [Current::Task, Current::Cgroup, Current::Cpu]
            .map(|what| FieldValue::Int(Node::Current(what)));
        let fields = (0..3).map(|index| Field {
            name: String::new(),
            content: Content::Int {
                offset: HEADER as u32 + 8 * index,
                int: Int::U64,
            },
            bit: index as u8,
            shown: None,
            why: String::new(),
        });
        let layout = Layout {
            fields: fields.collect(),
            size: HEADER as u32 + 24,
            long: false,
        };
        let code = codegen::record(&layout, &values, &Target::default()).unwrap();
        let size = codegen::constant(layout.size.into());
        let program = self
            .machine
            .link(
                &[("record", &code), ("record_size", &size)],
                "act_emit",
                None,
            )
            .unwrap();
        let run = self.machine.run(&program, &self.world.context);
        let word = |index: usize| {
            u64::from_le_bytes(run.record[HEADER + 8 * index..][..8].try_into().unwrap())
        };
        (self.identity.task, self.identity.cgroup, self.identity.cpu) =
            (word(0), word(1), word(2) as u32);
    }

    fn generated(&mut self, code: Result<Code, moontrace::report::Report>) -> Option<Code> {
        match code {
            Ok(mut code) => {
                self.score.most_insns = self.score.most_insns.max(code.insns.len());
                (self.change)(&mut code);
                Some(code)
            }
            Err(report) => {
                self.score.refused.push(report.message);
                None
            }
        }
    }

    fn check(&mut self, case: Case<'_>) {
        self.score.programs += 1;
        let holes: Vec<(&str, &Code)> = case
            .holes
            .iter()
            .map(|(hole, code)| (*hole, code))
            .collect();
        let program: Program = match self.machine.link(&holes, case.action, case.table) {
            Ok(program) => program,
            Err(why) if why.starts_with("refused") => return self.score.refused.push(why),
            Err(why) => return self.score.rejected.push(format!("{why}\n{}", case.trees)),
        };
        for _ in 0..self.inputs {
            self.world.change(self.rng);
            self.machine.set_variables(self.world);
            let oracle = Oracle::new(self.world, &self.identity);
            let run = self.machine.run(&program, &self.world.context);
            self.score.runs += 1;
            match (case.compare)(&oracle, &run) {
                Ok(faults) => self.score.faults += faults,
                Err(why) => {
                    let context = self.world.context;
                    return self
                        .score
                        .mismatches
                        .push(format!("{why}\n{}\ncontext {context:x?}", case.trees));
                }
            }
        }
    }
}

/// `true`: it can't be read, and the record says so.
fn compare_field(
    oracle: &Oracle<'_>,
    run: &Run,
    field: &Field,
    value: &FieldValue,
) -> Result<bool, String> {
    let valid = std::mem::offset_of!(Header, valid);
    let valid =
        u64::from_le_bytes(run.record[valid..][..8].try_into().unwrap()) >> field.bit & 1 == 1;
    let name = &field.name;
    let bytes = |offset: u32, count: usize| run.record[offset as usize..][..count].to_vec();
    let (wanted, got) = match (&field.content, value) {
        (Content::Int { offset, int }, FieldValue::Int(node) | FieldValue::Word(node)) => {
            let count = usize::from(int.bytes());
            (
                oracle
                    .value(node)
                    .map(|value| value.to_le_bytes()[..count].to_vec()),
                bytes(*offset, count),
            )
        }
        (Content::Bool { offset }, FieldValue::Bool(node)) => (
            oracle.value(node).map(|value| vec![value as u8]),
            bytes(*offset, 1),
        ),
        (Content::Text { offset, slot, .. }, FieldValue::Text(text)) => {
            let span = bytes(*offset, 4);
            let at = u16::from_le_bytes([span[0], span[1]]);
            let length = u16::from_le_bytes([span[2], span[3]]);
            if let (true, Some(slot)) = (valid, slot) {
                same(&format!("slot of {name}"), &u32::from(at), slot)?;
            }
            let text = oracle.text(text);
            if valid && run.record.len() < usize::from(at) + usize::from(length) {
                return Err(format!("{name} reaches over the record's end"));
            }
            let got = if valid {
                bytes(at.into(), length.into())
            } else {
                span
            };
            (
                text,
                if valid {
                    got
                } else {
                    vec![0; usize::from(got != [0; 4])]
                },
            )
        }
        _ => return Ok(false),
    };
    match wanted {
        Ok(wanted) => {
            same(&format!("validity of {name}"), &valid, &true)?;
            same(name, &got, &wanted)?;
            Ok(false)
        }
        Err(_) => {
            same(&format!("validity of {name}"), &valid, &false)?;
            if got.iter().any(|byte| *byte != 0) {
                return Err(format!("{name} is missing and not zero"));
            }
            Ok(true)
        }
    }
}

fn same_notes(oracle: &Oracle<'_>, run: &Run) -> Result<(), String> {
    same("divisions by zero", &run.divisions, &oracle.divisions())?;
    same("truncations", &run.truncations, &oracle.truncations())
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: &T, wanted: &T) -> Result<(), String> {
    if got == wanted {
        Ok(())
    } else {
        Err(format!(
            "{what}: the kernel has {got:x?}, the evaluator {wanted:x?}"
        ))
    }
}

/// Device and inode of this process's pid namespace.
pub(crate) fn namespace() -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    let namespace = std::fs::metadata("/proc/self/ns/pid").unwrap();
    (namespace.dev(), namespace.ino())
}
