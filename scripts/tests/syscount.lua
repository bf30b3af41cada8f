local calls, worker = "tracepoint:raw_syscalls:sys_enter", "command:workload"

case("so many system calls, by their names", { needs = calls, example = true }, function()
  local got = run { "syscount", command = "sh -c 'dd if=/dev/zero of=/dev/null bs=1 count=1000 2>/dev/null'" }
  local read, write = got:row { SYSCALL = "read" }.COUNT, got:row { SYSCALL = "write" }.COUNT
  -- It reads libraries, and writes what it has done.
  check(read >= 1000 and read < 1050, got.out)
  check(write >= 1000 and write < 1010, got.out)
end)

case("the most frequent ones, in order", { needs = { calls, worker } }, function()
  local got = run { "syscount", command = "workload at-once getppid 1000" }
  local rows = got:rows()
  equal(rows[1].SYSCALL, "getppid")
  equal(rows[1].COUNT, 1000)
  equal(#rows, 10)
  for i = 2, 10 do check(rows[i - 1].COUNT >= rows[i].COUNT, got.out) end
end)

case("by process", { needs = { calls, worker } }, function()
  local got = run { "syscount", "-P", "--syscall", "getppid",
    command = "sh -c 'workload as one at-once getppid 300; workload as two at-once getppid 200'" }
  local one, two = got:row { COMM = "one" }, got:row { COMM = "two" }
  equal(one.COUNT, 300)
  equal(two.COUNT, 200)
  check(one.PID ~= two.PID, got.out)
end)

case("only those that failed, or failed so", { needs = { calls, worker } }, function()
  -- Each of these fails with an error of its own.
  local deed = "workload at-once assorted 7"
  local got = run { "syscount", "-x", "-T", "100", command = deed }
  equal(got:row { SYSCALL = "truncate" }.COUNT, 7) -- ENOENT
  equal(got:row { SYSCALL = "ftruncate" }.COUNT, 7) -- EBADF
  equal(#got:rows { SYSCALL = "getppid" }, 0)
  for _, said in ipairs { "ENOENT", "2" } do
    local missing = run { "syscount", "-e", said, "-T", "100", command = deed }
    equal(missing:row { SYSCALL = "truncate" }.COUNT, 7)
    equal(#missing:rows { SYSCALL = "ftruncate" }, 0)
  end
  run { "syscount", "-e", "ENONSENSE", status = 1, says = "there is no error 'ENONSENSE'" }
  run { "syscount", "--syscall", "nonsense", status = 1, says = "there is no system call 'nonsense'" }
end)

case("the time that they take, in micro- and milliseconds", { needs = { calls, worker } }, function()
  local got = run { "syscount", "-L", "-T", "1", command = "workload at-once nap 50" }
  local row = got:row {}
  equal(row.SYSCALL, "clock_nanosleep")
  equal(row.COUNT, 50)
  check(row["TIME(us)"] >= 50000, got.out)
  got = run { "syscount", "-L", "-m", "--syscall", "clock_nanosleep", command = "workload at-once nap 50" }
  local ms = got:row {}["TIME(ms)"]
  check(ms >= 50 and ms < 50000, got.out)
end)

case("32-bit calls are none of those with their numbers", { needs = { calls, worker } }, function()
  -- 20 is getpid the 32-bit way, and else writev.
  local got = run { "syscount", command = "workload at-once compat 70 20" }
  equal(got.out:match "\n20 %(32%-bit%) +(%d+)\n", "70", got.out)
  equal(#run { "syscount", "--syscall", "writev", command = "workload at-once compat 70 20" }:rows(), 0)
end)

case("only this thread, again and again", { needs = { calls, worker } }, function()
  local one = start "workload getppid 500"
  one:hear "ready"
  local got = run { "syscount", "-t", one.pid, "--syscall", "getppid", "-i", "300ms", during = function()
    one:send "go"
    one:hear "done"
    sh "sleep 1"
  end }
  local headings, counted = 0, 0
  for _, line in ipairs(got:lines()) do
    if line:find "^SYSCALL" then headings = headings + 1 end
    counted = counted + (tonumber(line:match "^getppid +(%d+)") or 0)
  end
  check(headings >= 3, got.out)
  equal(counted, 500)
end)
