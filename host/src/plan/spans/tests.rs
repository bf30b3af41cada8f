use crate::facts::fixture::Machine;
use crate::lua::fake::{Fake, vm_on};
use crate::plan::{Options, Planner, ProbePlan, Traced, explain};
use crate::report::Report;
use std::rc::Rc;

/// Plans what the body of a script declares, to the end.
fn planned(text: &str, traced: Traced) -> Result<(Planner, Vec<ProbePlan>), Vec<Report>> {
    let session = Rc::new(Fake::default());
    vm_on(&session).run("t.lua", text).unwrap();
    let options = Options {
        traced,
        exact: false,
        most_sites: 100,
    };
    let machine = Machine::new();
    let mut planner = Planner::new(machine.facts(), options);
    let mut plans = Vec::new();
    for declaration in session.declared.take() {
        plans.push(planner.plan(&declaration)?);
    }
    for plan in planner.complete()? {
        if let Some(there) = plans.iter_mut().find(|there| there.id == plan.id) {
            assert_eq!(there.sites[0].id, plan.sites[0].id);
            *there = plan;
        }
    }
    Ok((planner, plans))
}

fn explained(text: &str) -> String {
    let (planner, plans) =
        planned(text, Traced::All).unwrap_or_else(|reports| panic!("{reports:?}"));
    let plans = plans.iter().map(|plan| explain(plan, &planner));
    plans.collect::<Vec<_>>().join("\n")
}

fn refused(text: &str) -> String {
    refused_for(text, Traced::All)
}

fn refused_for(text: &str, traced: Traced) -> String {
    match planned(text, traced) {
        Ok(_) => panic!("{text} is planned"),
        Err(reports) => reports
            .iter()
            .map(Report::to_string)
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

const SWITCH: &str =
    "local function at() return probe 't:sched:sched_switch' end\nlocal s = span()\n";

/// What a later chain reads is stored by the start before it; who fetches it stores it alone.
#[test]
fn starts_store_what_others_read() {
    let script = format!(
        "{SWITCH}at():fetch 'size = 3':start(s, 'args.prev_pid')
at():fetch 'who = comm, from_mark = 1':mark(s, 'args.prev_pid')
at():finish(s, 'pid'):where 'from.size > 2 and from.uid == 0':by 'from.who, elapsed':count()
at():within(s, 'cpu')"
    );
    insta::assert_snapshot!(explained(&script), @r#"
    t.lua:1: probe "t:sched:sched_switch"
      tracepoint:sched:sched_switch
        attached   tracepoint through perf, number 306
        begins     56 bytes, room for 16384
        key        prev_pid      i64
        stored     size          i64
        stored     uid           i64
        generated  23 instructions

    t.lua:1: probe "t:sched:sched_switch"
      tracepoint:sched:sched_switch
        attached   tracepoint through perf, number 306
        marks      56 bytes, room for 16384
        key        prev_pid      i64
        stored     who           string to 15 bytes
        stored     from_mark     i64
        generated  22 instructions

    t.lua:1: probe "t:sched:sched_switch"
      tracepoint:sched:sched_switch
        attached   raw tracepoint sched_switch: no field of its record is read
        if         :finish 'pid' @ t.lua:5
                   :where 'from.size > 2 and from.uid == 0' @ t.lua:5
        key        who           string to 15 bytes
        key        elapsed       u64
        column     count         count
        generated  72 instructions

    t.lua:1: probe "t:sched:sched_switch"
      tracepoint:sched:sched_switch
        attached   tracepoint through perf, number 306
        if         :within 'cpu' @ t.lua:6
        record     104 bytes, filled in place
          time          in every record     :print()
          comm          string to 15 bytes  :print()
          pid           u32                 :print()
          prev_comm     string to 16 bytes  :print()
          prev_pid      i32                 :print()
          prev          u64                 :print()
          preempt       truth value         :print()
          odd           i16                 :print()
          bytes         copy of 4 bytes     :print()
        generated  128 instructions
    "#);
}

/// What is made of it later is no mistake of its own; what else is wrong is said.
#[test]
fn a_mistake_in_a_list_is_said_once() {
    let all = [
        "at():fetch 'x = args.prv_pid, y = x + 1, z = 1':where 'x > z and y > 0':by 'x, z':hist 'y'",
        "at():fetch 'x = args.prv_pid':where 'zz > 1':on(function(e) print(e.x) end)",
        "at():fetch 'x = = 1':where 'x > 1 and args.prv_pid > 0':count()",
        "at():fetch 'x = args.prv_pid, y = 1':where 'y > 1':start(s, 'x')\nat():finish(s, 'pid')",
    ];
    let all = all.map(|text| refused(&format!("{SWITCH}{text}")));
    insta::assert_snapshot!(all.join("\n\n"), @r"
    t.lua:3: a tracepoint's arguments have names: args.NAME
      x = args.prv_pid, y = x + 1, z = 1
          ^^^^^^^^^^^^

    t.lua:3: a tracepoint's arguments have names: args.NAME
      x = args.prv_pid
          ^^^^^^^^^^^^
    t.lua:3: there is no 'zz' at tracepoint:sched:sched_switch
      zz > 1
      ^^

    t.lua:3: '=' gives an item of a list its name
      x = = 1
          ^ to compare write ==

    t.lua:3: a tracepoint's arguments have names: args.NAME
      x = args.prv_pid, y = 1
          ^^^^^^^^^^^^
    ");
}

#[test]
fn mistakes_have_their_place_and_the_nearest_right_name() {
    let all = [
        "at():start(s, 'pid, comm')\nat():finish(s, 'pid')",
        "at():start(s, 'str(args.prev_comm, 16)')\nat():finish(s, 'str(ptr(args.prev_comm), 40)')",
        "at():start(s, 'probe')",
        "at():start(s)\nat():finish(s):print 'from.sizes'",
        "at():fetch 'size = 1':start(s)\nat():finish(s):where 'from.sizes > 1'",
        "at():start(s)\nat():finish(s):where 'from.args.prev_pid > 1'",
        "at():finish(s):print 'from.comm'\nat():start(s)",
        "at():start(s)\nat():without(s):print 'from.comm'",
        "at():finish(s)",
        "at():fetch 'x = 1':mark(s)",
        "at():start(s)\nat():mark(s)",
        "at():fetch 'time = 1':start(s)",
        "at():fetch 'x = args.bytes':start(s)",
        "at():start(s, 'pid, kstack')",
        "at():fetch 'x = ksym(args.prev_pid)':start(s)",
        "at():start(s)\nat():finish(s):print 'from.kstack'",
        "at():fetch 'x = kstack':start(s)\nat():fetch 'x = kstack(5)':start(s)",
        "at():fetch 'x = 1':start(s)\nat():fetch 'x = comm':start(s)",
        "at():by 'pid':start(s)",
        "at():start(s, 'args.nothing')",
        "at():start(s)\nat():finish(s):on(function(e) print(e.from.cmm) end)",
    ];
    let all = all.map(|text| refused(&format!("{SWITCH}{text}")));
    insta::assert_snapshot!(all.join("\n\n"), @r#"
    t.lua:4: this span's key is (a number, a string of 15 bytes), and this one is a number
      it is found by the same key wherever it is used; the default is tid

    t.lua:4: this is a string, which has no address
      str(ptr(args.prev_comm), 40)
              ^^^^^^^^^^^^^^

    t.lua:3: 'probe' is another one where a span ends
      a key is the same on both sides of a span

    t.lua:4: no start of this span knows 'sizes'
      from.sizes
      ^^^^^^^^^^ store it there: :fetch "sizes = …"

    t.lua:4: no start of this span knows 'sizes'
      from.sizes > 1
      ^^^^^^^^^^ did you mean 'size'?

    t.lua:4: no start of this span knows 'args'
      from.args.prev_pid > 1
      ^^^^^^^^^ an argument of the start is stored by its name: from.NAME

    t.lua:3: what 'comm' is must be known here, and no start of this span stands before this
      from.comm
      ^^^^^^^^^ write the chain that ends in :start first

    t.lua:4: 'from' is what a span has stored, and none is bound here
      from.comm
      ^^^^^^^^^ :finish(span) or :within(span) binds one for what stands behind it

    t.lua:3: nothing begins in this span: no chain ends in :start of it

    t.lua:3: nothing begins in this span: no chain ends in :start of it

    t.lua:4: this mark has nothing to add to what has begun
      say what stands before it: :fetch "name = expr"

    t.lua:3: 'time' is what a span has of each start by itself
      give it another name: time_then = …

    t.lua:3: 'x' is a struct or an array, which a span does not store
      name a member or an element of it

    t.lua:3: 'kstack' is a stack or a symbol, by which nothing is found
      a key is made of numbers and strings

    t.lua:3: 'x' is a symbol, which a span does not store
      take it where the span ends, or store its address

    t.lua:1: 'kstack' is a stack that a span has stored, which is no field of an event
      make it a key of a table: :by "from.kstack"

    t.lua:4: 'x' has another type elsewhere where this span begins
      take as many frames everywhere: kstack(5)

    t.lua:4: 'x' has another type elsewhere where this span begins
      give a string the same length everywhere: str(p, 64)

    t.lua:3: :by makes the rows of a table, and this chain has none
      the key of a span stands behind it: :start(span, key)

    t.lua:3: a tracepoint's arguments have names: args.NAME
      args.nothing
      ^^^^^^^^^^^^

    t.lua:4: no start of this span knows 'cmm'
      from.cmm
      ^^^^^^^^ did you mean 'comm'?
    "#);
}

/// Where the process that runs need not be the one that is meant, the script says whose are.
#[test]
fn a_key_of_its_own_says_whose_things_are_meant() {
    let process = Traced::Process(7);
    let script = |who: &str| {
        format!(
            "{SWITCH}at():where '{who}':start(s, 'args.prev_pid')\nat():finish(s, 'args.prev_pid')"
        )
    };
    insta::assert_snapshot!(refused_for(&script("cpu == 1"), process), @r#"
    t.lua:3: -p and -c mean the running process, and this span has a key of its own: its things may be another's
      say whose are meant: :where "pid in $target"
    "#);
    let (_, plans) = planned(&script("pid in $target"), process).unwrap_or_else(|_| panic!());
    assert!(
        plans
            .iter()
            .all(|plan| plan.sites[0].program.guard.is_none())
    );
    // By thread or process, they are those of the running process.
    for key in ["", ", 'tid'", ", 'pid'"] {
        let by_thread = format!("{SWITCH}at():start(s{key})\nat():finish(s{key})");
        let (_, plans) = planned(&by_thread, process).unwrap_or_else(|_| panic!());
        assert!(
            plans
                .iter()
                .all(|plan| plan.sites[0].program.guard.is_some())
        );
    }
}

/// What runs is not changed any more.
#[test]
fn a_chain_that_comes_later_makes_do_with_what_is_stored() {
    let session = Rc::new(Fake::default());
    let vm = vm_on(&session);
    let text = format!("{SWITCH}at():fetch 'size = 1':start(s)\nat():finish(s):print 'from.size'");
    vm.run("t.lua", &text).unwrap();
    let options = Options {
        traced: Traced::All,
        exact: false,
        most_sites: 100,
    };
    let machine = Machine::new();
    let mut planner = Planner::new(machine.facts(), options);
    let first = session.declared.take();
    for declaration in &first {
        planner.plan(declaration).unwrap_or_else(|_| panic!());
    }
    planner.complete().unwrap_or_else(|_| panic!());
    let mut later = first[1].clone();
    later.id.0 = 10;
    assert!(planner.plan(&later).is_ok());
    assert!(planner.complete().is_ok_and(|made| made.is_empty()));
    let crate::spec::Ending::Print(Some(list)) = &mut later.ending else {
        panic!()
    };
    list.text = "from.size, from.comm".into();
    let reports = planner.plan(&later).map(|_| ()).unwrap_err();
    insta::assert_snapshot!(reports[0].to_string(), @r#"
    t.lua:4: the probes of this span run already, and store no 'comm'
      from.size, from.comm
                 ^^^^^^^^^ name it where the span is made: span("comm")
    "#);
}
