local GETPPID = "t:syscalls:sys_enter_getppid"
local function getppid(n) return "workload at-once getppid " .. n end

case("counts the kernel's stacks by process", { needs = { "command:workload", GETPPID }, example = true }, function()
  local got = run{ "stackcount", "-K", "-P", GETPPID, command = getppid(101) }
  check(got.out:find "  do_syscall_64\n  entry_SYSCALL_64_after_hwframe\n    workload %[%d+%]\n    101\n", got.out)
end)

case("counts stacks that lead to a function of the kernel", { needs = "kprobe:vfs_read" }, function()
  local dd = "dd if=/dev/zero of=/dev/null bs=512 count=101"
  local got = run{ "stackcount", "-K", "-s", "vfs_read", command = dd, says = "101%+0" }
  check(got.out:find "^  vfs_read%+0x%x+\n  ksys_read%+0x%x+\n", got.out)
  check(got.out:find "\n    101\n", got.out)
end)

case("counts stacks of a program", { needs = "command:workload" }, function()
  local got = run{ "stackcount", "-U", "-s", "workload:moontrace_target", command = "workload at-once call 7" }
  check(got.out:find "  moontrace_target%+0x0\n", got.out)
  equal(got.out:match "\n    (%d+)\n", "7")
end)

case("has both stacks, delimited, with addresses", { needs = { "command:workload", GETPPID } }, function()
  local got = run{ "stackcount", "-d", "-v", GETPPID, command = getppid(5) }
  check(got.out:find "^  %x+ +[%w_.]+\n", got.out)
  check(got.out:find "  %x+ +entry_SYSCALL_64_after_hwframe\n    %-%-\n  %x+ ", got.out)
end)

case("at intervals folded stacks are complete", { needs = { "command:workload", GETPPID } }, function()
  local got = run{ "stackcount", "-K", "-f", "-i", "50ms", GETPPID, command = "workload at-once pace 300" }
  local sum, lines = 0, 0
  for count in got.out:gmatch "entry_SYSCALL_64_after_hwframe;do_syscall_64%S* (%d+)\n" do
    sum, lines = sum + count, lines + 1
  end
  equal(sum, 3000)
  check(lines >= 2, lines .. " reports")
end)

case("a regular expression takes some", { needs = "command:workload" }, function()
  local got = run{ "stackcount", "-U", "-f", "-r", "workload:(brief|no)_t.*$", command = "workload at-once call 7" }
  check(got.out:find "brief_target[^\n]* 7\n" and not got.out:find "moontrace_target", got.out)
end)

case("draws a flame graph", { needs = { "command:workload", GETPPID } }, function()
  local file = sh "mktemp":match "%S+"
  run{ "stackcount", "-K", "-P", "--svg", file, GETPPID, command = getppid(5) }
  local drawn = sh("cat " .. file .. "; rm " .. file)
  check(drawn:find "<svg" and drawn:find "do_syscall_64" and drawn:find "workload")
end)

case("counts stacks of USDT probes", { needs = "command:workload" }, function()
  local got = run{ "stackcount", "-U", "-P", "u:workload:called", command = "workload at-once call 7" }
  local sum = 0
  for count in got.out:gmatch "\n    (%d+)\n" do sum = sum + count end
  equal(sum, 7)
end)

case("mistakes are said in a line", function()
  run{ "stackcount", "u::x", status = 1, says = "'u::x' is no place to trace" }
  run{ "stackcount", "-X", "c:malloc", status = 2, says = "no option '%-X'" }
end)
