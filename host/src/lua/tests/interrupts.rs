use super::*;
use crate::lua::Interrupter;
use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

/// Triggers from inside, where the count hook takes effect as it does after a signal.
fn stopped(text: &str) -> u32 {
    let session = Rc::new(Fake::default());
    let vm = vm_on(&session);
    let interrupter = vm.interrupter();
    let calls = Rc::new(Cell::new(0));
    let counted = Rc::clone(&calls);
    let trigger = vm.lua().create_function(move |_, ()| {
        interrupter.trigger();
        counted.set(counted.get() + 1);
        Ok(())
    });
    vm.lua()
        .globals()
        .raw_set("trigger", trigger.unwrap())
        .unwrap();
    is_stopped(&vm, &session, text);
    calls.get()
}

fn is_stopped(vm: &Vm, session: &Fake, text: &str) {
    assert_eq!(
        vm.run("t.lua", text),
        Err(ScriptError::Interrupted),
        "{text}"
    );
    assert_eq!(vm.run("t.lua", "print 'no'"), Err(ScriptError::Interrupted));
    vm.clear_interrupt();
    vm.run("t.lua", "for i = 1, 10 do print(i) end").unwrap();
    assert!(session.take_log().ends_with("10\n"));
}

thread_local!(static SIGNALLED: RefCell<Option<Interrupter>> = const { RefCell::new(None) });

extern "C" fn interrupt(_: libc::c_int) {
    SIGNALLED.with_borrow(|interrupter| {
        if let Some(interrupter) = interrupter {
            interrupter.trigger();
        }
    });
}

/// Triggers from a signal handler while a call of C's is being made.
fn stopped_by_signal(text: &str) {
    let session = Rc::new(Fake::default());
    let vm = vm_on(&session);
    SIGNALLED.set(Some(vm.interrupter()));
    // SAFETY: the handler does only what is async-signal-safe; this thread outlives the one that signals it.
    let this = unsafe {
        libc::signal(libc::SIGUSR2, interrupt as *const () as libc::sighandler_t);
        libc::pthread_self()
    };
    let signaller = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        // SAFETY: as above.
        unsafe { libc::pthread_kill(this, libc::SIGUSR2) };
    });
    let began = Instant::now();
    is_stopped(&vm, &session, text);
    assert!(began.elapsed() < Duration::from_secs(20), "{text}");
    signaller.join().unwrap();
    SIGNALLED.set(None);
}

#[test]
fn everything_that_runs_lua_is_stopped() {
    for text in [
        "trigger() while true do end",
        "trigger() while true do pcall(error) end",
        "trigger() while true do pcall(pcall, function() while true do end end) end",
        "coroutine.wrap(function() trigger() while true do end end)()",
        "local co = coroutine.create(function() while true do end end) trigger() while true do coroutine.resume(co) end",
        "local co = coroutine.wrap(function() while true do coroutine.yield() end end) co() trigger() while true do pcall(co) end",
        "local t = setmetatable({}, { __index = function(t, k) return t[k + 1] end }) trigger() while true do pcall(function() return t[1] end) end",
        "trigger() while true do xpcall(error, function() while true do end end) end",
        "trigger() table.sort({ 3, 2, 1 }, function() while true do end end)",
    ] {
        stopped(text);
    }
}

#[test]
fn patterns_are_stopped() {
    for text in [
        "slow()",
        "pcall(slow) pcall(slow)",
        "while true do pcall(pcall, slow) end",
        "xpcall(slow, slow)",
        "coroutine.wrap(slow)()",
        "local co = coroutine.create(slow) coroutine.resume(co) slow()",
        "('x'):gsub('x', slow)",
        "('x'):gsub('x', function() pcall(slow) end)",
        "s:match(p)",
        "s:gsub(p, '')",
        "for _ in s:gmatch(p) do end",
        "setmetatable({}, { __index = slow })[1] = nil local _ = setmetatable({}, { __index = slow })[1]",
        "(('('):rep(1000000)):find '%b()'",
        "(('a'):rep(100000)):find '(a*)%1c'",
        "(('a'):rep(1000000)):find('[' .. ('b'):rep(1000000) .. 'a]*c')",
        "(('a'):rep(1000000)):gsub('(b?)', ('%1'):rep(1000000))",
        "table.move({}, 1, math.maxinteger - 1, 2)",
        "table.move({}, 2, math.maxinteger, 1)",
    ] {
        stopped_by_signal(&format!(
            "local s, p = ('a'):rep(40), ('a*'):rep(30) .. 'b'
             local function slow() return (s:find(p)) end
             {text}"
        ));
    }
}

#[test]
fn a_sort_is_stopped_at_its_next_comparison() {
    let calls = stopped(
        "local t, kind = {}, { __lt = trigger }
         for i = 1, 20000 do t[i] = setmetatable({}, kind) end
         pcall(table.sort, t)",
    );
    assert_eq!(calls, 1);
}

#[test]
fn a_replacement_function_of_c_is_not_called_for_long() {
    let calls = stopped("pcall(string.gsub, ('a'):rep(100000), 'a', trigger)");
    assert!(calls < 100, "{calls}");
}
