//! A session for tests: it writes down what it is asked for and answers with what it was told.

use super::options::OptionValue;
use super::session::{Session, Site, Standing, State};
use super::{Config, Limits, Records, ScriptError, Vm};
use crate::permission::Permission;
use crate::plan::{Content, Field, Layout};
use crate::report::Report;
use crate::rows::stack::NoSymbols;
use crate::rows::{Books, Flame, Frame, RawStack, Stack, Symbols, Table, Value};
use crate::spec::{Declaration, Member, ProbeId, SET_KEYS, SetId, SpanId, TallyId, VarId};
use moontrace_abi::record::HEADER;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) declared: RefCell<Vec<Declaration>>,
    /// Raised by the next declaration.
    pub(crate) refusal: RefCell<Vec<Report>>,
    pub(crate) tables: RefCell<BTreeMap<TallyId, Table>>,
    /// What is open of every span.
    pub(crate) open: RefCell<Table>,
    pub(crate) sites: RefCell<Vec<Rc<Site>>>,
    /// Everything that was printed, or done to sets, variables and probes, a line each.
    pub(crate) log: RefCell<String>,
    pub(crate) now: Cell<u64>,
    sets: RefCell<BTreeMap<SetId, BTreeSet<Member>>>,
}

impl Fake {
    fn write(&self, line: &str) {
        self.log.borrow_mut().push_str(line);
    }

    pub(crate) fn take_log(&self) -> String {
        self.log.take()
    }
}

impl Symbols for Fake {
    fn longest(&self) -> usize {
        NoSymbols.longest()
    }

    fn stack(&self, raw: &RawStack, time: u64) -> Arc<Stack> {
        NoSymbols.stack(raw, time)
    }

    fn symbol(&self, address: u64, process: Option<u32>, time: u64) -> Frame {
        Frame {
            symbol: (address == 0x1000).then(|| format!("f of {process:?}").into()),
            ..NoSymbols.symbol(address, process, time)
        }
    }
}

impl Session for Fake {
    fn declare(&self, declaration: Declaration) -> Result<(), Vec<Report>> {
        let refusal = self.refusal.take();
        if !refusal.is_empty() {
            return Err(refusal);
        }
        self.declared.borrow_mut().push(declaration);
        Ok(())
    }

    fn permit(&self, wanted: &Permission) -> Result<(), Report> {
        match wanted {
            Permission::Read(path) if path.contains("secret") => Err(Report::new("not allowed")),
            _ => Ok(()),
        }
    }

    fn exists(&self, spec: &str) -> Result<bool, Report> {
        Ok(spec.contains("openat"))
    }

    fn read_tally(&self, tally: TallyId, take: bool) -> Result<Table, Report> {
        let mut tables = self.tables.borrow_mut();
        let table = tables.entry(tally).or_insert_with(|| Table {
            name: "fake".to_owned(),
            ..Table::default()
        });
        let read = table.clone();
        if take {
            table.rows.clear();
        }
        Ok(read)
    }

    fn read_span(&self, span: SpanId, at_least: u64) -> Result<Table, Report> {
        self.write(&format!("open {} {at_least}\n", span.0));
        Ok(self.open.borrow().clone())
    }

    fn make_set(&self, set: SetId, keys: u32) {
        self.sets.borrow_mut().entry(set).or_default();
        if keys != SET_KEYS {
            self.write(&format!("room {} {keys}\n", set.0));
        }
    }

    fn is_in_set(&self, set: SetId, member: &Member) -> Result<bool, Report> {
        let sets = self.sets.borrow();
        Ok(sets
            .get(&set)
            .is_some_and(|members| members.contains(member)))
    }

    fn size_of_set(&self, set: SetId) -> Result<usize, Report> {
        Ok(self.sets.borrow().get(&set).map_or(0, BTreeSet::len))
    }

    fn add_to_set(&self, set: SetId, member: &Member) -> Result<(), Report> {
        self.sets
            .borrow_mut()
            .entry(set)
            .or_default()
            .insert(member.clone());
        self.write(&format!("add {} {member:?}\n", set.0));
        Ok(())
    }

    fn remove_from_set(&self, set: SetId, member: &Member) -> Result<(), Report> {
        self.sets
            .borrow_mut()
            .entry(set)
            .or_default()
            .remove(member);
        self.write(&format!("remove {} {member:?}\n", set.0));
        Ok(())
    }

    fn set_variable(&self, variable: VarId, value: &Member) -> Result<(), Report> {
        self.write(&format!("variable {} {value:?}\n", variable.0));
        Ok(())
    }

    fn shown(&self, value: &Value) -> String {
        crate::output::shown(value)
    }

    fn print(&self, text: &[u8]) {
        self.write(&String::from_utf8_lossy(text));
    }

    fn screen(&self) {
        self.write("screen\n");
    }

    fn event(&self, probe: &str, time: u64, cpu: u16, fields: &[(&str, Value)]) {
        self.write(&format!("event {probe} {time} {cpu} {fields:?}\n"));
    }

    fn table(&self, table: &Table, title: Option<&str>) {
        self.write(&format!("table {title:?} {:?}\n", table.rows));
    }

    fn folded(&self, table: &Table, flame: &Flame) -> Result<String, Report> {
        crate::output::flame::folded(table, flame)
    }

    fn draw(&self, table: &Table, flame: &Flame, file: &str) -> Result<(), Report> {
        self.write(&format!("draw {} {flame:?} {file}\n", table.name));
        Ok(())
    }

    fn may_write(&self, file: &str) -> Result<(), Report> {
        match file.starts_with("/nowhere") {
            true => Err(Report::new(format!("{file} can't be written"))),
            false => Ok(()),
        }
    }

    fn write_file(&self, file: &str, text: &str) -> Result<(), Report> {
        self.write(&format!("write {file} {text:?}\n"));
        Ok(())
    }

    fn standings(&self) -> Result<Vec<Standing>, Report> {
        let declared = self.declared.borrow();
        let standing = |declaration: &Declaration| Standing {
            id: declaration.id,
            tally: match declaration.ending {
                crate::spec::Ending::Tally { tally, .. } => Some(tally),
                _ => None,
            },
            name: declaration.spec.clone(),
            state: State::Attached(2),
            books: Books {
                delivered: 1_234_567,
                ..Books::default()
            },
        };
        Ok(declared.iter().map(standing).collect())
    }

    fn detach(&self, probe: ProbeId) -> Result<(), Report> {
        self.write(&format!("detach {}\n", probe.0));
        Ok(())
    }

    fn catch_signal(&self, name: &str) -> Result<i32, Report> {
        match name {
            "USR1" => Ok(10),
            _ => Err(Report::new(format!("no signal {name}"))),
        }
    }

    fn site(&self, site: u32) -> Option<Rc<Site>> {
        self.sites.borrow().get(site as usize).cloned()
    }

    fn syscall_name(&self, number: i64) -> Option<&'static str> {
        (number == 257).then_some("openat")
    }

    fn cgroup(&self, folder: &str) -> Option<u64> {
        (folder == "/sys/fs/cgroup/a").then_some(7)
    }

    fn now(&self) -> u64 {
        self.now.get()
    }

    fn time_of_day(&self) -> u64 {
        1_700_000_000_000_000_000 + self.now.get()
    }

    fn has_target(&self) -> bool {
        false
    }
}

/// A VM on a session that forgets.
pub(crate) fn vm() -> Vm {
    vm_on(&Rc::new(Fake::default()))
}

pub(crate) fn vm_on(session: &Rc<Fake>) -> Vm {
    vm_on_with(session, BTreeMap::new(), OWN)
}

/// A VM with the limits of a stranger's script.
pub(crate) fn strangers_vm(session: &Rc<Fake>) -> Vm {
    vm_on_with(session, BTreeMap::new(), Limits::STRANGERS)
}

pub(crate) const OWN: Limits = Limits {
    memory: 64 << 20,
    ..Limits::OWN
};

/// The same for a script with these options.
pub(crate) fn vm_on_with(
    session: &Rc<Fake>,
    options: BTreeMap<String, OptionValue>,
    limits: Limits,
) -> Vm {
    let session: Rc<dyn Session> = session.clone();
    let arguments = Vec::new();
    Vm::new(Config {
        session,
        options,
        arguments,
        modules: Box::new(|_, name| match name {
            "shared" => Ok(Some(("lib/shared.lua".into(), "return { x = 7 }".into()))),
            "round" => Ok(Some((
                "lib/round.lua".into(),
                "return require 'round'".into(),
            ))),
            "broken" => Ok(Some((
                "lib/broken.lua".into(),
                "local x = nil\nreturn x.y".into(),
            ))),
            _ => Ok(None),
        }),
        limits,
    })
    .unwrap()
}

/// Runs a body on a new session; gives what it printed.
pub(crate) fn output(text: &str) -> Result<String, ScriptError> {
    let session = Rc::new(Fake::default());
    vm_on(&session).run("test.lua", text)?;
    Ok(session.take_log())
}

/// What a body says that must fail.
pub(crate) fn failure(text: &str) -> String {
    match output(text) {
        Ok(printed) => panic!("{text:?} does not fail, and prints {printed:?}"),
        Err(error) => error.to_string(),
    }
}

/// A record whose fields are packed behind the header: the layout has to say where.
pub(crate) fn record(site: u32, time: u64, valid: u64, fields: &[u8]) -> Vec<u8> {
    let mut bytes = site.to_ne_bytes().to_vec();
    bytes.extend(1u16.to_ne_bytes());
    bytes.extend(0u16.to_ne_bytes());
    bytes.extend(time.to_ne_bytes());
    bytes.extend(valid.to_ne_bytes());
    assert_eq!(bytes.len(), HEADER);
    bytes.extend(fields);
    bytes
}

/// Fields in the order of their bits.
pub(crate) fn layout(fields: &[(&str, Content)]) -> Layout {
    let fields = fields.iter().zip(0..).map(|((name, content), bit)| Field {
        name: (*name).to_owned(),
        content: content.clone(),
        bit,
        shown: None,
        why: String::new(),
    });
    Layout {
        fields: fields.collect(),
        size: 0,
        long: false,
    }
}

/// Records that are there already.
pub(crate) struct Given(pub(crate) std::vec::IntoIter<Vec<u8>>, Vec<u8>);

impl Given {
    pub(crate) fn new(records: Vec<Vec<u8>>) -> Self {
        Self(records.into_iter(), Vec::new())
    }
}

impl Records for Given {
    fn next(&mut self) -> Option<&[u8]> {
        self.1 = self.0.next()?;
        Some(&self.1)
    }
}
