//! The pipeline: script → declarations → plans → loaded programs → events → handlers → output, and the end of it.
//!
//! The only module that imports every stage.

mod ahead;
mod desk;
mod engine_log;
mod files;
mod finish;
mod grants;
mod permit;
mod prompt;
mod refusal;
mod running;
mod script;
mod session;
mod signal;
mod skipped;
mod watch;

pub use desk::Answer;
pub use prompt::{Above, Ended, Session};

use crate::cli::RunArgs;
use crate::facts::Facts;
use crate::lua::options::OptionValue;
use crate::lua::{Config, ScriptError, Vm, meter};
use crate::output::{Stream, Writer, voice};
use crate::plan::{Options, Planner, Traced, explain};
use crate::report::{Report, plainly};
use crate::sys::child::{Child, Held};
use crate::sys::notify::Listener;
use crate::sys::signals::Wakeup;
use crate::sys::{clock, cpu_clock, signals};
use ahead::Ahead;
use desk::Desk;
use permit::Permit;
use running::{Running, Setup};
use script::Script;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::thread::JoinHandle;
use std::time::Instant;
use watch::{End, OnError, Watch};

/// Bytes of stack for the thread that owns the VM: what the deepest text and the deepest Lua may take. Only what is
/// used becomes memory.
const STACK: usize = 256 << 20;

/// Statuses of the contract.
const FAILED: i32 = 1;
const WRONG_COMMAND_LINE: i32 = 2;
const LOST: i32 = 3;

/// Runs a script to its end; gives the exit status.
pub fn run(arguments: RunArgs) -> i32 {
    let started = Instant::now();
    on_vm_thread(
        arguments,
        grants::to_run,
        Ahead::make,
        move |arguments, script, options, ahead| {
            trace(&arguments, &script, options, ahead, started)
        },
    )
}

/// Says of a script probe by probe what would be done.
pub fn explain_script(arguments: RunArgs) -> i32 {
    on_vm_thread(
        arguments,
        grants::to_look_at,
        nothing,
        |arguments, script, options, ()| plan_only(&arguments, &script, options, true),
    )
}

/// Everything but attaching. The worst status of all scripts.
pub fn check(files: Vec<std::path::PathBuf>) -> i32 {
    let mut status = 0;
    for file in files {
        let arguments = RunArgs {
            max_probes: usize::MAX,
            ..RunArgs::of(crate::cli::Script::File(file))
        };
        let one = match Script::read(&arguments.script) {
            Err(report) => fail(&report),
            Ok(script) if script.required().is_empty() => {
                let check = |arguments: RunArgs, script: Script, options, ()| {
                    plan_only(&arguments, &script, options, false)
                };
                with_options(arguments, script, grants::to_look_at, nothing, check)
            }
            Ok(script) => ended(lua_thread(move || {
                signals::deliver_here(true);
                check_text(&arguments, &script)
            })),
        };
        status = status.max(one);
    }
    status
}

/// Of a script whose body can't run without arguments: its header, which has been read, and its Lua.
fn check_text(arguments: &RunArgs, script: &Script) -> i32 {
    let (running, vm) = match muted(arguments, script, BTreeMap::new()) {
        Ok(made) => made,
        Err(status) => return status,
    };
    if let Err(error) = vm.read(&script.name, &script.text) {
        say(&running, &error);
        return FAILED;
    }
    let (name, wanted) = (&script.name, script.required().join(" "));
    let message = format!("{name}: header and Lua are well; its probes depend on {wanted}");
    let help = format!("'moontrace explain {name} {wanted}' checks them, too");
    voice::say(&Report::new(message).help(help).to_string());
    0
}

/// What only looks at a script takes nothing along.
fn nothing(_: &RunArgs) -> Result<(), Report> {
    Ok(())
}

/// Reads the script and its options, then goes on where Lua lives.
fn on_vm_thread<A: Send + 'static>(
    arguments: RunArgs,
    grant: Grant,
    make: impl FnOnce(&RunArgs) -> Result<A, Report>,
    go_on: impl FnOnce(RunArgs, Script, BTreeMap<String, OptionValue>, A) -> i32 + Send + 'static,
) -> i32 {
    match Script::read(&arguments.script) {
        Ok(script) => with_options(arguments, script, grant, make, go_on),
        Err(report) => fail(&report),
    }
}

/// What says how much a script may do.
type Grant = fn(&RunArgs, &Script, &BTreeMap<String, OptionValue>) -> Result<Permit, Report>;

/// Reads the options of a script, gets it its permissions and makes what is made ahead, then goes on on a thread with enough
/// stack for Lua, which alone gets the signals that end a run. A stranger's script is walled in before.
fn with_options<A: Send + 'static>(
    mut arguments: RunArgs,
    mut script: Script,
    grant: Grant,
    make: impl FnOnce(&RunArgs) -> Result<A, Report>,
    go_on: impl FnOnce(RunArgs, Script, BTreeMap<String, OptionValue>, A) -> i32 + Send + 'static,
) -> i32 {
    if let Err(error) = arguments.take_own(&|option| script.declares(option)) {
        let _ = error.print();
        return WRONG_COMMAND_LINE;
    }
    if script.wants_help(&arguments.arguments) {
        return script.print_help();
    }
    let options = match script.options(&arguments.arguments) {
        Ok(options) => options,
        Err(report) => {
            voice::say(&report.to_string());
            return WRONG_COMMAND_LINE;
        }
    };
    match grant(&arguments, &script, &options) {
        Ok(permit) => script.permit = permit,
        Err(report) => return fail(&report),
    }
    let made = make(&arguments).and_then(|made| {
        ahead::wall_in(&mut script, arguments.verbose)?;
        Ok(made)
    });
    let made = match made {
        Ok(made) => made,
        Err(report) => return fail(&report),
    };
    ended(lua_thread(move || {
        signals::deliver_here(true);
        go_on(arguments, script, options, made)
    }))
}

/// The exit status that a thread ends with.
fn ended(thread: Result<JoinHandle<i32>, Report>) -> i32 {
    match thread {
        Ok(thread) => thread.join().unwrap_or(FAILED),
        Err(report) => fail(&report),
    }
}

/// A thread that Lua may live on. It gets no signals before it asks for them, and this one gets none any more.
fn lua_thread(body: impl FnOnce() -> i32 + Send + 'static) -> Result<JoinHandle<i32>, Report> {
    signals::deliver_here(false);
    let thread = std::thread::Builder::new().name("lua".into());
    let thread = thread.stack_size(STACK).spawn(body);
    thread.map_err(|error| Report::new(format!("no thread can be started: {error}")))
}

fn fail(report: &Report) -> i32 {
    voice::say(&report.to_string());
    FAILED
}

/// What runs of this script are planned with.
fn planner(arguments: &RunArgs, facts: Facts) -> Result<Planner, Report> {
    if let Some(pid) = arguments.pid
        && !std::path::Path::new(&format!("/proc/{pid}")).exists()
    {
        return Err(crate::facts::elf::gone(pid));
    }
    let traced = match arguments.pid {
        _ if arguments.command.is_some() || arguments.follow => Traced::Set,
        Some(pid) => Traced::Process(pid),
        None => Traced::All,
    };
    let options = Options {
        traced,
        exact: arguments.exact,
        most_sites: arguments.max_probes,
    };
    Ok(Planner::new(facts, options))
}

/// The VM of a script, which asks `running`.
fn vm(
    running: &Rc<Running>,
    script: &Script,
    arguments: &RunArgs,
    options: BTreeMap<String, OptionValue>,
) -> Result<Vm, ScriptError> {
    let vm = Vm::new(Config {
        session: running.clone(),
        options,
        arguments: arguments.arguments.clone(),
        modules: script.modules(),
        limits: script.limits(),
    })?;
    if let Some(tick) = vm.ticker() {
        let ticks = cpu_clock::every(meter::TICK, tick);
        ticks.map_err(|error| Report::new(format!("no timer can be made: {}", plainly(&error))))?;
    }
    Ok(vm)
}

/// What a script is looked at with that is not to run. The error is the exit status.
fn muted(
    arguments: &RunArgs,
    script: &Script,
    options: BTreeMap<String, OptionValue>,
) -> Result<(Rc<Running>, Vm), i32> {
    let made = planner(arguments, Facts::live()).and_then(|planner| {
        let writer = Writer::new(Stream::open(None)?, arguments.format);
        Ok(Running::new(planner, writer, Setup::of(arguments)?, script))
    });
    let running = Rc::new(made.map_err(|report| fail(&report))?);
    running.mute();
    match vm(&running, script, arguments, options) {
        Ok(vm) => Ok((running, vm)),
        Err(error) => {
            say(&running, &error);
            Err(FAILED)
        }
    }
}

fn plan_only(
    arguments: &RunArgs,
    script: &Script,
    options: BTreeMap<String, OptionValue>,
    say_plans: bool,
) -> i32 {
    let (running, vm) = match muted(arguments, script, options) {
        Ok(made) => made,
        Err(status) => return status,
    };
    match vm.run(&script.name, &script.text) {
        Ok(()) | Err(ScriptError::Exit(_)) => {}
        Err(error) => {
            say(&running, &error);
            return FAILED;
        }
    }
    if let Err(reports) = running.complete() {
        say(&running, &ScriptError::Reports(reports));
        return FAILED;
    }
    if let Err(report) = running.may_trace() {
        return fail(&report);
    }
    if say_plans {
        let (planner, probes) = (running.planner.borrow(), running.probes.borrow());
        let plans = probes.values();
        let plans = plans.map(|probe| explain(&probe.plan, &planner));
        let text = plans.collect::<Vec<_>>().join("\n");
        let mut writer = running.writer.borrow_mut();
        writer.text(text.as_bytes());
        let _ = writer.finish();
    }
    0
}

fn trace(
    arguments: &RunArgs,
    script: &Script,
    options: BTreeMap<String, OptionValue>,
    ahead: Ahead,
    started: Instant,
) -> i32 {
    let writer = Writer::new(ahead.stream, arguments.format);
    let planner = match planner(arguments, Facts::for_a_run()) {
        Ok(planner) => planner,
        Err(report) => return fail(&report),
    };
    let setup = match Setup::of(arguments) {
        Ok(setup) => setup,
        Err(report) => return fail(&report),
    };
    let running = Rc::new(Running::new(planner, writer, setup, script));
    let vm = match vm(&running, script, arguments, options) {
        Ok(vm) => vm,
        Err(error) => {
            say(&running, &error);
            return FAILED;
        }
    };
    let interrupter = vm.interrupter();
    if let Err(error) = signals::catch(running.wakeup(), move || interrupter.trigger()) {
        return fail(&Report::new(format!("signals can't be caught: {error}")));
    }
    let mut job = Job {
        arguments,
        running: &running,
        vm: &vm,
        held: ahead.held,
        listener: ahead.listener,
        child: None,
        until: None,
        started: false,
        desk: None,
    };
    let end = job.body(script, started);
    job.finish(end)
}

/// A script between its first line and the exit status.
struct Job<'a> {
    arguments: &'a RunArgs,
    running: &'a Running,
    vm: &'a Vm,
    /// The command of `-c` until everything is attached.
    held: Option<Held>,
    listener: Listener,
    child: Option<Child>,
    /// When `--duration` is over, ns of the clock of events.
    until: Option<u64>,
    /// Everything is attached: what the script has set up is to be put away by its `on_exit`.
    started: bool,
    /// Where a prompt asks, if this is its session.
    desk: Option<&'a Desk>,
}

impl Job<'_> {
    /// Runs the script's body, attaches what it declared, and watches until something ends it.
    fn body(&mut self, script: &Script, started: Instant) -> End {
        match self.vm.run(&script.name, &script.text) {
            Ok(()) => {}
            Err(ScriptError::Exit(code)) => return End::Exit(code),
            Err(ScriptError::Interrupted) => return End::Interrupted,
            Err(error) => {
                say(self.running, &error);
                return End::Error;
            }
        }
        self.go_on(started)
    }

    /// Attaches what has been declared, and watches until something ends it.
    fn go_on(&mut self, started: Instant) -> End {
        match self.start(started) {
            Ok(()) => {
                self.started = true;
                if let Some(duration) = self.arguments.duration {
                    self.until = Some(clock::monotonic().saturating_add(duration));
                    signals::interrupt_after(duration);
                }
                self.watch().run()
            }
            Err(reports) => {
                self.say_all(&reports);
                End::Error
            }
        }
    }

    fn say_all(&self, reports: &[Report]) {
        let mut writer = self.running.writer.borrow_mut();
        reports.iter().for_each(|report| writer.error(report));
    }

    /// All programs are attached, then armed at once; then the command of `-c` runs its first instruction.
    fn start(&mut self, started: Instant) -> Result<(), Vec<Report>> {
        let one = |report| vec![report];
        self.follow_command().map_err(one)?;
        if self.running.is_waiting() {
            self.running.attach_waiting()?;
            self.running.take_done(true)?;
        }
        self.go(started).map_err(one)
    }

    /// What sees to it that the command of `-c` and others are followed.
    fn follow_command(&self) -> Result<(), Report> {
        let held = self.held.as_ref().map(Held::pid);
        if self.arguments.follow || held.is_some() {
            self.running.make_shared()?;
            self.running.follow(self.arguments.pid, held)?;
        }
        Ok(())
    }

    fn go(&mut self, started: Instant) -> Result<(), Report> {
        let held = self.held.take();
        self.running.arm();
        if let Some(parent) = self.arguments.pid.filter(|_| self.arguments.follow) {
            self.running.follow_children(parent)?;
        }
        let waits = self.vm.next_deadline().is_some() || self.vm.wants_signals();
        if self.running.attached() > 0 || waits || held.is_some() {
            let milliseconds = started.elapsed().as_secs_f64() * 1e3;
            let mut writer = self.running.writer.borrow_mut();
            writer.attached(self.running.attached(), milliseconds);
            self.listener.ready();
        }
        if let Some(held) = held {
            let command = self.arguments.command.as_deref().unwrap_or_default();
            let child = held.release();
            self.child = Some(child.map_err(|error| {
                Report::new(format!(
                    "the command '{command}' can't be run: {}",
                    plainly(&error)
                ))
            })?);
        }
        Ok(())
    }

    fn watch(&self) -> Watch<'_> {
        Watch {
            running: self.running,
            vm: self.vm,
            child: self.child.as_ref(),
            until: self.until,
            desk: self.desk,
            on_error: if self.arguments.go_on {
                OnError::Continue
            } else {
                OnError::Stop
            },
        }
    }

    /// Disarms, lets handlers have what is left, says tallies and books, and takes everything down.
    fn finish(mut self, mut end: End) -> i32 {
        if let Err(reports) = self.running.take_done(true) {
            self.say_all(&reports);
        }
        if let Err(report) = self.running.disarm() {
            self.say_all(&[report]);
        }
        self.running.say_engine_log();
        let watch = self.watch();
        if matches!(end, End::Done | End::Child)
            && let Some(other) = watch.drain()
        {
            end = other;
        }
        if let Some(desk) = self.desk {
            desk.leave(&watch);
        }
        let unread = finish::count_unread(self.running);
        watch.give_time();
        // At a prompt everything has been looked at that was to be.
        let is_unread = self.desk.is_none();
        let says_goodbye = match end {
            End::Done | End::Interrupted | End::Child | End::Exit(_) => true,
            End::Error => self.started,
            End::ClosedPipe => false,
        };
        if says_goodbye {
            let said = watch.each(|vm| vm.run_exit()).or_else(|| match is_unread {
                true => watch.each(|vm| vm.print_unread()),
                false => None,
            });
            if said == Some(End::Error) && !matches!(end, End::Exit(_)) {
                end = End::Error;
            }
        }
        let mut lost = false;
        match finish::all_books(self.running, &unread) {
            Ok(all) => {
                for books in &all {
                    lost |= books.losses() > 0;
                    self.running.writer.borrow_mut().books(books);
                }
            }
            Err(report) => {
                self.running.writer.borrow_mut().error(&report);
                end = End::Error;
            }
        }
        if end != End::ClosedPipe {
            let finished = self.running.writer.borrow_mut().finish();
            if let Err(error) = finished {
                end = watch::closed(&error);
            }
        }
        finish::detach_all(self.running);
        let child = self.child.take().and_then(|child| {
            if end != End::Child {
                child.terminate();
            }
            child.wait().ok()
        });
        match end {
            End::Exit(code) => code,
            End::Error => FAILED,
            _ if lost && self.arguments.strict => LOST,
            End::Child => child.unwrap_or(0),
            End::Done | End::Interrupted | End::ClosedPipe => 0,
        }
    }
}

fn made(wakeup: io::Result<Wakeup>) -> Result<Wakeup, Report> {
    wakeup.map_err(|error| Report::new(format!("no wake-up can be made: {}", plainly(&error))))
}

impl Setup {
    fn of(arguments: &RunArgs) -> Result<Self, Report> {
        Ok(Self::with(arguments, made(Wakeup::new())?))
    }

    fn with(arguments: &RunArgs, wakeup: Wakeup) -> Self {
        let follow = arguments.follow || arguments.command.is_some();
        Self {
            ring: arguments.ring,
            follow,
            process: arguments.pid.filter(|_| !follow),
            verbose: arguments.verbose,
            engine: arguments.engine_log.clone(),
            wakeup,
        }
    }
}

/// Says an error of the script, each mistake once.
fn say(running: &Running, error: &ScriptError) {
    let mut writer = running.writer.borrow_mut();
    match error {
        ScriptError::Reports(reports) => reports.iter().for_each(|report| writer.error(report)),
        ScriptError::Lua(error) => writer.error(&error.report()),
        ScriptError::Interrupted | ScriptError::Exit(_) => {}
    }
}
