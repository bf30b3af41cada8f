//! What `probe "SPEC"` gives: steps in the order written, then one ending.

mod look;
mod sets;
mod spans;

use super::tally::Tally;
use super::{Type, register};
use crate::lua::call::{Call, Entry};
use crate::lua::error::Failure;
use crate::lua::script::Script;
use crate::lua::{given, handler};
use crate::report::{Place, Report};
use crate::spec::{
    Declaration, Ending, Given, Look, Pattern, ProbeId, Room, Source, Step, TallyId,
};
use mlua::{UserData, UserDataRegistry, Value};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A chain while it is being written.
pub(crate) struct Chain {
    id: ProbeId,
    place: Place,
    spec: String,
    patterns: Vec<Pattern>,
    steps: Vec<Step>,
    with: BTreeMap<String, Given>,
    name: Option<String>,
    state: State,
}

enum State {
    Open,
    /// It has this ending, written there; or a step of it failed.
    Ended {
        how: String,
        place: Place,
    },
}

/// The chain as Lua holds it.
#[derive(Clone)]
pub(crate) struct Probe(Rc<RefCell<Chain>>);

impl Probe {
    /// A chain without steps, which waits for its ending among the script's open ones.
    pub(crate) fn open(call: &Call<'_>, spec: String, patterns: Vec<Pattern>) -> Self {
        let chain = Rc::new(RefCell::new(Chain {
            id: call.script.next_probe(),
            place: call.place(),
            spec,
            patterns,
            steps: Vec::new(),
            with: BTreeMap::new(),
            name: None,
            state: State::Open,
        }));
        call.script.open.borrow_mut().push(Rc::clone(&chain));
        Self(chain)
    }

    pub(crate) fn id(&self) -> ProbeId {
        self.0.borrow().id
    }
}

impl Chain {
    /// The ending of a chain that was left without one.
    pub(crate) fn print_by_default(&mut self, script: &Script) -> Result<(), Vec<Report>> {
        if matches!(self.state, State::Ended { .. }) {
            return Ok(());
        }
        self.state = State::Ended {
            how: "an end".to_owned(),
            place: self.place.clone(),
        };
        // What is only to be finished is nothing to print.
        let finishes = |step: &Step| matches!(step, Step::Look(Look::Finish, _));
        let ending = match self.steps.iter().any(finishes) && !self.has_fetch() {
            true => Ending::Nothing,
            false => Ending::Print(None),
        };
        let _held = script.meter.hold();
        script.session.declare(self.declaration(script, ending))
    }

    fn has_fetch(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Fetch(_)))
    }

    fn declaration(&self, script: &Script, ending: Ending) -> Declaration {
        let mut given = script.given();
        given.extend(self.with.clone());
        let name = match &ending {
            Ending::Tally { tally, .. } => {
                self.name.clone().or_else(|| script.tallies.name(*tally))
            }
            _ => self.name.clone(),
        };
        Declaration {
            id: self.id,
            place: self.place.clone(),
            spec: self.spec.clone(),
            patterns: self.patterns.clone(),
            steps: self.steps.clone(),
            ending,
            name,
            given,
            definitions: script.definitions.borrow().clone(),
        }
    }
}

/// Runs a step or an ending on a chain that is still open. A chain with a failed one is never declared.
fn on_open<R>(call: &Call<'_>, act: impl FnOnce(&mut Chain) -> mlua::Result<R>) -> mlua::Result<R> {
    let probe = call.this::<Probe>()?;
    let mut chain = probe.0.borrow_mut();
    if let State::Ended { how, place } = &chain.state {
        let message = format!("'{}' after the chain's end: {how} at {place}", call.name());
        let help = "steps stand before the one ending".to_owned();
        return Err(call.fail_with_help(message, Some(help)));
    }
    let done = act(&mut chain);
    if done.is_err() || matches!(chain.state, State::Ended { .. }) {
        let ended = &probe.0;
        call.script
            .open
            .borrow_mut()
            .retain(|open| !Rc::ptr_eq(open, ended));
        chain.state = State::Ended {
            how: call.name().to_owned(),
            place: call.place(),
        };
    }
    done
}

/// A step; `nil` and `false` in place of its argument mean that it isn't there.
fn step(call: &Call<'_>, act: impl FnOnce(&mut Chain) -> mlua::Result<()>) -> mlua::Result<Value> {
    if call.count() == 1 {
        return on_open(call, |_| {
            Err(call.wrong(1, "an argument (nil or false leaves the step out)"))
        });
    }
    if matches!(call.value(1), Value::Nil | Value::Boolean(false)) {
        on_open(call, |_| Ok(()))?;
    } else {
        on_open(call, act)?;
    }
    Ok(call.value(0))
}

/// A text of the expression language and its line.
fn source(call: &Call<'_>, index: usize, what: &str) -> mlua::Result<Source> {
    Ok(Source {
        text: call.text(index, what)?,
        place: call.place(),
    })
}

fn text_step(call: &Call<'_>, what: &str, make: fn(Source) -> Step) -> mlua::Result<Value> {
    step(call, |chain| {
        chain.steps.push(make(source(call, 1, what)?));
        Ok(())
    })
}

fn with(call: &Call<'_>) -> mlua::Result<Value> {
    step(call, |chain| {
        let Value::Table(values) = call.value(1) else {
            return Err(call.wrong(1, "a table: { name = value }"));
        };
        for pair in values.pairs::<Value, Value>() {
            let (key, value) = pair?;
            let Value::String(name) = key else {
                return Err(call.fail(":with takes names: { name = value }"));
            };
            let name = name.to_string_lossy();
            let value = given::given(call, &name, &value)?;
            chain.with.insert(name, value);
        }
        Ok(())
    })
}

fn name(call: &Call<'_>) -> mlua::Result<Value> {
    step(call, |chain| {
        chain.name = Some(call.text(1, "a name")?);
        Ok(())
    })
}

/// Declares the chain with this ending.
fn end(call: &Call<'_>, chain: &mut Chain, ending: Ending) -> mlua::Result<()> {
    chain.state = State::Ended {
        how: call.name().to_owned(),
        place: call.place(),
    };
    let declaration = chain.declaration(&call.script, ending);
    let _held = call.script.meter.hold();
    call.script
        .session
        .declare(declaration)
        .map_err(|reports| Failure::Reports(reports).into())
}

fn on(call: &Call<'_>) -> mlua::Result<Value> {
    let function = call.function(1)?;
    on_open(call, |chain| {
        let reads = handler::reads(call, &function, chain.has_fetch())?;
        end(call, chain, Ending::Handler { reads })?;
        call.script.handlers.borrow_mut().insert(chain.id, function);
        Ok(())
    })?;
    Ok(call.value(0))
}

fn print(call: &Call<'_>) -> mlua::Result<Value> {
    on_open(call, |chain| {
        let list = match call.value(1) {
            Value::Nil => None,
            _ => Some(source(call, 1, "a list of fields")?),
        };
        end(call, chain, Ending::Print(list))
    })?;
    Ok(call.value(0))
}

/// Ends a chain in a tally: one of its own unless the script gives one. Returns the tally.
fn aggregate(
    call: &Call<'_>,
    tally: Option<TallyId>,
    columns: impl FnOnce() -> mlua::Result<Source>,
) -> mlua::Result<Value> {
    let (tally, probe) = on_open(call, |chain| {
        let columns = columns()?;
        let tally = tally.unwrap_or_else(|| call.script.tallies.add(Room::default()));
        let ending = Ending::Tally {
            tally,
            columns,
            room: call.script.tallies.room(tally),
        };
        end(call, chain, ending)?;
        call.script.tallies.set_fed(tally);
        Ok((tally, chain.id))
    })?;
    Ok(Value::UserData(
        call.lua.create_userdata(Tally::new(tally, Some(probe)))?,
    ))
}

/// `:sum "expr"` is `:tally "sum(expr)"`; what stands behind the expression, `most` at most, are numbers.
fn column(call: &Call<'_>, function: &str, most: usize) -> mlua::Result<Value> {
    aggregate(call, None, || {
        let mut text = format!("{function}({}", call.text(1, "an expression")?);
        if call.count() > 2 + most {
            let what = if most == 0 {
                "only an expression"
            } else {
                "fewer arguments"
            };
            return Err(call.fail(format!("{} takes {what}", call.name())));
        }
        for (value, index) in call.rest(2).zip(2..) {
            match value {
                Value::Integer(number) => text.push_str(&format!(", {number}")),
                Value::String(_) => text.push_str(&format!(", {}", call.text(index, "a number")?)),
                _ => return Err(call.wrong(index, "numbers behind its expression")),
            }
        }
        text.push(')');
        Ok(Source {
            text,
            place: call.place(),
        })
    })
}

fn count(call: &Call<'_>) -> mlua::Result<Value> {
    aggregate(call, None, || {
        if call.count() > 1 {
            return Err(call.fail_with_help(
                ":count takes no argument",
                Some(":where \"…\" says what is counted, :by \"…\" by what".to_owned()),
            ));
        }
        Ok(Source {
            text: "count()".to_owned(),
            place: call.place(),
        })
    })
}

fn tally(call: &Call<'_>) -> mlua::Result<Value> {
    match call.value(1) {
        Value::UserData(data) => {
            let tally = match data.borrow::<Tally>() {
                Ok(tally) => tally.id(),
                Err(_) => return Err(call.wrong(1, "a tally and its columns")),
            };
            aggregate(call, Some(tally), || source(call, 2, "a list of columns"))
        }
        _ => aggregate(call, None, || source(call, 1, "a list of columns")),
    }
}

fn detach(call: &Call<'_>) -> mlua::Result<Value> {
    let id = {
        let probe = call.this::<Probe>()?;
        let chain = probe.0.borrow();
        if matches!(chain.state, State::Open) {
            return Err(call.fail(":detach before the chain's ending: nothing is attached yet"));
        }
        chain.id
    };
    call.check(call.script.session.detach(id))?;
    Ok(Value::Nil)
}

pub(crate) static TYPE: Type = Type {
    name: "probe",
    doc: "A probe and what is to be done at it: steps in the order written, then one ending.",
    example: r#"probe "tracepoint:syscalls:sys_exit_openat"
  :where "retval < 0"
  :by "comm, error = -retval"
  :count()"#,
    fields: &[],
    methods: METHODS,
    later: &[],
};

const METHODS: &[Entry] = &[
    Entry {
        name: "where",
        signature: ":where(condition)",
        doc: "Lets only events through for which the condition holds. It is decided in the kernel.",
        takes: &[("condition?", "string|false")],
        gives: "moontrace.probe",
        example: r#"probe "tracepoint:syscalls:sys_exit_openat"
  :where [[retval < 0 and comm ~= "sshd"]] :print "comm, retval""#,
        function: |call| text_step(call, "a condition as a text", Step::Where),
    },
    Entry {
        name: "fetch",
        signature: ":fetch(list)",
        doc: "Adds fields to the event, as `e.name`.",
        takes: &[("list?", "string|false")],
        gives: "moontrace.probe",
        example: r#"probe "tracepoint:syscalls:sys_exit_openat"
  :fetch "file = args.filename, parent = curtask.real_parent.comm"
  :on(function(e) print(e.parent, e.file) end)"#,
        function: |call| text_step(call, "a list of fields", Step::Fetch),
    },
    Entry {
        name: "by",
        signature: ":by(list)",
        doc: "The keys of the tally that the chain ends in.",
        takes: &[("list?", "string|false")],
        gives: "moontrace.probe",
        example: r#"probe "tracepoint:syscalls:sys_exit_read" :by "comm, args.fd" :count()"#,
        function: |call| text_step(call, "a list of keys", Step::By),
    },
    look::WITHIN,
    look::WITHOUT,
    spans::FINISH,
    Entry {
        name: "with",
        signature: ":with{ name = value }",
        doc: "What `$name` means in the texts of this chain, before the script's options.",
        takes: &[("values?", "table<string, any>|false")],
        gives: "moontrace.probe",
        example: r#"probe "tracepoint:syscalls:sys_enter_read"
  :with{ least = 4096 } :where "args.count >= $least"
  :print "comm, args.count""#,
        function: with,
    },
    Entry {
        name: "name",
        signature: ":name(text)",
        doc: "What output and books call the probe.",
        takes: &[("text?", "string|false")],
        gives: "moontrace.probe",
        example: r#"probe "tracepoint:syscalls:sys_enter_openat"
  :name "opens" :by "comm" :count()"#,
        function: name,
    },
    Entry {
        name: "on",
        signature: ":on(function(e) … end)",
        doc: "Ends the chain: the function gets every event. What it reads of `e` is fetched in the kernel.",
        takes: &[("handler", "fun(e: moontrace.event)")],
        gives: "moontrace.probe",
        example: r#"probe "tracepoint:syscalls:sys_exit_openat" :on(function(e)
  if e.retval < 0 then print(e.comm, errno(e.retval), e.args.filename) end
end)"#,
        function: on,
    },
    Entry {
        name: "print",
        signature: ":print([list])",
        doc: "Ends the chain: prints every event. Without a list: time, comm, pid and the arguments.",
        takes: &[("list?", "string")],
        gives: "moontrace.probe",
        example: r#"probe "tracepoint:syscalls:sys_exit_openat"
  :print "pid, comm, file = args.filename""#,
        function: print,
    },
    Entry {
        name: "count",
        signature: ":count()",
        doc: "Ends the chain: counts events, by the keys. Returns the tally.",
        takes: &[],
        gives: "moontrace.tally",
        example: r#"probe "tracepoint:raw_syscalls:sys_enter" :by "comm" :count()"#,
        function: count,
    },
    Entry {
        name: "sum",
        signature: ":sum(expr)",
        doc: "Ends the chain: adds up a value, by the keys. Returns the tally.",
        takes: &[("expr", "string")],
        gives: "moontrace.tally",
        example: r#"probe "tracepoint:syscalls:sys_exit_read"
  :where "retval > 0" :by "comm" :sum "retval""#,
        function: |call| column(call, "sum", 0),
    },
    Entry {
        name: "hist",
        signature: ":hist(expr[, bits])",
        doc: "Ends the chain: a histogram of a value in powers of two, each split by 0 to 5 bits, by the keys. Returns the tally.",
        takes: &[("expr", "string"), ("bits?", "integer|string")],
        gives: "moontrace.tally",
        example: r#"probe "tracepoint:syscalls:sys_enter_read" :by "comm" :hist("args.count", 2)"#,
        function: |call| column(call, "hist", 1),
    },
    Entry {
        name: "lhist",
        signature: ":lhist(expr, min, max, step)",
        doc: "Ends the chain: a histogram of a value in equal steps, by the keys. Returns the tally.",
        takes: &[
            ("expr", "string"),
            ("min", "integer|string"),
            ("max", "integer|string"),
            ("step", "integer|string"),
        ],
        gives: "moontrace.tally",
        example: r#"probe "tracepoint:syscalls:sys_enter_read"
  :lhist("args.count", 0, 4096, 512)"#,
        function: |call| column(call, "lhist", 3),
    },
    Entry {
        name: "avg",
        signature: ":avg(expr)",
        doc: "Ends the chain: the average of a value, by the keys. Returns the tally.",
        takes: &[("expr", "string")],
        gives: "moontrace.tally",
        example: r#"probe "tracepoint:syscalls:sys_exit_read"
  :where "retval > 0" :by "comm" :avg "retval""#,
        function: |call| column(call, "avg", 0),
    },
    Entry {
        name: "min",
        signature: ":min(expr)",
        doc: "Ends the chain: the smallest value, by the keys. Returns the tally.",
        takes: &[("expr", "string")],
        gives: "moontrace.tally",
        example: r#"probe "tracepoint:syscalls:sys_exit_read"
  :where "retval > 0" :by "comm" :min "retval""#,
        function: |call| column(call, "min", 0),
    },
    Entry {
        name: "max",
        signature: ":max(expr)",
        doc: "Ends the chain: the largest value, by the keys. Returns the tally.",
        takes: &[("expr", "string")],
        gives: "moontrace.tally",
        example: r#"probe "tracepoint:syscalls:sys_exit_read" :by "comm" :max "elapsed / 1us""#,
        function: |call| column(call, "max", 0),
    },
    Entry {
        name: "stats",
        signature: ":stats(expr)",
        doc: "Ends the chain: count, sum, average, smallest and largest value, by the keys. Returns the tally.",
        takes: &[("expr", "string")],
        gives: "moontrace.tally",
        example: r#"probe "tracepoint:syscalls:sys_exit_read" :by "comm" :stats "elapsed / 1us""#,
        function: |call| column(call, "stats", 0),
    },
    Entry {
        name: "tally",
        signature: ":tally([tally,] columns)",
        doc: "Ends the chain: feeds columns such as `n = count(), bytes = sum(retval)`. Returns the tally.",
        takes: &[("tally", "moontrace.tally|string"), ("columns?", "string")],
        gives: "moontrace.tally",
        example: r#"probe "tracepoint:syscalls:sys_exit_read"
  :where "retval > 0" :by "comm"
  :tally "reads = count(), bytes = sum(retval)""#,
        function: tally,
    },
    spans::START,
    spans::MARK,
    Entry {
        name: "add",
        signature: ":add(set, key)",
        doc: "Ends the chain: the kernel puts the key into the set, and what happens next sees it there.",
        takes: &[("set", "moontrace.set"), ("key", "string")],
        gives: "moontrace.probe",
        example: r#"local watched = set{}
probe "tracepoint:syscalls:sys_enter_execve" :add(watched, "pid")
probe "tracepoint:syscalls:sys_exit_openat"
  :within(watched, "pid") :print "comm, args.filename""#,
        function: |call| sets::change(call, true),
    },
    Entry {
        name: "remove",
        signature: ":remove(set, key)",
        doc: "Ends the chain: the kernel takes the key out of the set.",
        takes: &[("set", "moontrace.set"), ("key", "string")],
        gives: "moontrace.probe",
        example: r#"local young = set{}
probe "tracepoint:syscalls:sys_enter_execve" :add(young, "pid")
probe "tracepoint:syscalls:sys_enter_exit_group" :remove(young, "pid")
probe "tracepoint:syscalls:sys_exit_openat"
  :within(young, "pid") :print "comm, args.filename""#,
        function: |call| sets::change(call, false),
    },
    Entry {
        name: "detach",
        signature: ":detach()",
        doc: "Takes the probe away. A tally that it fed stays readable.",
        takes: &[],
        gives: "",
        example: r#"local opens = probe "tracepoint:syscalls:sys_enter_openat"
  :on(function(e) print(e.comm) end)
after("1s", function() opens:detach() end)"#,
        function: detach,
    },
];

impl UserData for Probe {
    fn register(registry: &mut UserDataRegistry<Self>) {
        register(registry, &TYPE);
    }
}
