use super::*;

/// Triggers from inside, where the count hook takes effect as it does after a signal.
fn stopped(text: &str) {
    let session = Rc::new(Fake::default());
    let vm = vm_on(&session);
    let interrupter = vm.interrupter();
    let trigger = vm.lua().create_function(move |_, ()| {
        interrupter.trigger();
        Ok(())
    });
    vm.lua()
        .globals()
        .raw_set("trigger", trigger.unwrap())
        .unwrap();
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
