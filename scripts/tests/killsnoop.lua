local kills, worker = "tracepoint:syscalls:sys_exit_kill", "command:workload"

case("who sends which signal to whom, and what comes of it", { needs = kills, example = true }, function()
  local got = run { "killsnoop",
    command = "sh -c 'kill -0 $$; kill -USR1 4194304; kill -TERM $$'", status = 143, says = "kill" }
  local rows = got:rows { COMM = "sh" }
  equal(#rows, 3)
  local shell = rows[1].PID
  equal(rows[1].SIG, 0)
  equal(rows[1].TPID, shell)
  equal(rows[1].RESULT, 0)
  equal(rows[2].SIG, "SIGUSR1")
  equal(rows[2].TPID, 4194304)
  equal(rows[2].RESULT, -3)
  equal(rows[3].SIG, "SIGTERM")
  check(rows[3].TIME:find "^%d%d:%d%d:%d%d$", rows[3].TIME)
end)

case("each system call that sends signals", { needs = { kills, worker } }, function()
  for _, call in ipairs { "kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo" } do
    -- SIGURG is ignored unless something else is said.
    local got = run { "killsnoop", command = ("workload as sender at-once signal %s 23 self"):format(call) }
    local row = got:row { COMM = "sender" }
    equal(row.SIG, "SIGURG", call)
    equal(row.TPID, row.PID, call)
    equal(row.RESULT, 0, call)
  end
end)

case("only some signals, targets or failures", { needs = { kills, worker } }, function()
  local function sent(...)
    local got = run { "killsnoop", ...,
      command = "sh -c 'workload as a at-once signal kill 23 self; workload as b at-once signal kill 28 self; "
      .. "workload as c at-once signal kill 23 4194304; workload as d at-once signal kill 40 4194304'" }
    local who = ""
    for _, row in ipairs(got:rows()) do who = who .. row.COMM end
    return who
  end
  equal(sent("-x"), "cd")
  equal(sent("-T4194304"), "cd")
  equal(sent("-surg"), "ac")
  equal(sent("-sSIGWINCH"), "b")
  equal(sent("-s40"), "d")
  run { "killsnoop", "-s", "nonsense", status = 1, says = "there is no signal 'nonsense'" }
end)

case("a process group", { needs = { kills, worker } }, function()
  local got = run { "killsnoop", command = "workload as sender at-once signal kill 23 -4194304" }
  local row = got:row { COMM = "sender" }
  equal(row.TPID, -4194304)
  equal(row.RESULT, -3)
end)
