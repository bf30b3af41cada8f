-- What each function was counted, over all reports.
local function counts(got)
  local counts, reports = {}, 1
  for _, row in ipairs(got:rows()) do
    if row.COUNT == "COUNT" then reports = reports + 1
    else counts[row.FUNC] = (counts[row.FUNC] or 0) + row.COUNT end
  end
  return counts, reports
end

local function size(counts)
  local n = 0
  for _, count in pairs(counts) do
    check(count > 0, "what was not called has no row")
    n = n + 1
  end
  return n
end

local GETPPID = "t:syscalls:sys_enter_getppid"
local DD = "dd if=/dev/zero of=/dev/null bs=512 count=101"

case("counts tracepoints", { needs = { "command:workload", GETPPID }, example = true }, function()
  local got = run{ "funccount", "t:syscalls:sys_enter_get*", command = "workload at-once getppid 101" }
  equal(counts(got)["syscalls:sys_enter_getppid"], 101)
  check(got.out:find('Tracing "t:syscalls:sys_enter_get*"... Hit Ctrl-C to end.', 1, true))
end)

case("counts functions of the kernel, and hides those that were not called", { needs = "kprobe:vfs_read" }, function()
  local counted = counts(run{ "funccount", "vfs_*", command = DD, says = "101%+0 records" })
  equal(counted.vfs_read, 101)
  check(counted.vfs_write >= 101)
  equal(counted.vfs_rmdir, nil)
  size(counted)
end)

case("takes a regular expression", { needs = "kprobe:vfs_read" }, function()
  local counted = counts(run{ "funccount", "-r", "^vfs_(rea|writ)[de]$", command = DD, says = "101%+0 records" })
  equal(counted.vfs_read, 101)
  equal(size(counted), 2)
end)

case("a regular expression is held against the beginning", { needs = "command:workload" }, function()
  local counted = counts(run{ "funccount", "-r", "workload:(brief|moontrace)_t", command = "workload at-once call 7" })
  equal(counted.brief_target, 7)
  equal(counted.moontrace_target, 7)
  equal(size(counted), 2)
end)

case("a function that takes no probe stops no others", { needs = "kprobe:vfs_read" }, function()
  local got = run{ "funccount", "{vfs_rea?,exc_page_fault,exc_divide_error}", command = DD,
    says = "attached 1 of 3 %(2 skipped: 2 %l+%)" }
  equal(counts(got).vfs_read, 101)
end)

case("at intervals nothing is lost", { needs = { "command:workload", GETPPID } }, function()
  local got = run{ "funccount", "-i", "50ms", GETPPID, command = "workload at-once pace 300" }
  local counted, reports = counts(got)
  equal(counted["syscalls:sys_enter_getppid"], 3000)
  check(reports >= 2, "there were " .. reports .. " reports")
end)

case("-T says when", { needs = { "command:workload", GETPPID } }, function()
  local got = run{ "funccount", "-T", GETPPID, command = "workload at-once getppid 3" }
  check(got.out:find "\n%d%d:%d%d:%d%d\nFUNC")
end)

local TWO_CPUS = { "command:workload", GETPPID, "file:/sys/devices/system/cpu/cpu1" }

case("--cpu leaves the others out", { needs = TWO_CPUS }, function()
  local function on(cpu)
    return counts(run{ "funccount", "-C", cpu, GETPPID, command = "workload at-once burst 1 23" })
  end
  equal(on(1)["syscalls:sys_enter_getppid"], 23)
  equal(size(on(0)), 0)
end)

case("counts functions of a running program", { needs = "command:workload" }, function()
  local worker = start "workload call 7"
  worker:hear "ready"
  local got = run{ "funccount", "-p", worker.pid, "workload:moontrace_*", during = function()
    worker:send "go"
    worker:hear "done"
  end }
  local counted = counts(got)
  equal(counted.moontrace_target, 7)
  equal(size(counted), 1)
end)

case("counts functions of a library", { needs = { "command:python3", "uprobe:c:strfry" } }, function()
  local program = [[python3 -c 'import ctypes
for i in range(23): ctypes.CDLL(None).strfry(ctypes.create_string_buffer(b"abc"))']]
  local counted = counts(run{ "funccount", "c:str*", command = program })
  equal(counted.strfry, 23)
  check(size(counted) > 1)
end)

-- A program with two functions of one name, one of two names, and one whose instruction takes no probe.
local function compiled()
  local folder = sh "mktemp -d":match "%S+"
  sh("cd " .. folder .. [[ && cat >one.c <<'END'
static int same(int x) { return x + 1; }
int one(int x) { return same(x) * 2; }
int __one(int) __attribute__((alias("one")));
__asm__(".type same_not,@function\nsame_not: lock decl (%rdi)\n.size same_not, 3");
END
sed 's/one/two/; /alias/d; /asm/d' one.c >two.c
cat >main.c <<'END'
#include <stdio.h>
int one(int), two(int);
int main(void) {
  int x = 0;
  puts("ready"), fflush(stdout), getchar();
  for (int i = 0; i < 12; i++) x = i < 5 ? one(x) : two(x);
  puts("done"), fflush(stdout), getchar();
  return x == 12345;
}
END
cc -O0 one.c two.c main.c -o program]])
  return folder
end

case("a name of two functions and two names of a function", { needs = "command:cc" }, function()
  local folder = compiled()
  local program = folder .. "/program"
  local worker = start(program)
  worker:hear "ready"
  -- The kernel looks at instructions where a process has them.
  local alone = program .. ":same_not"
  run{ "funccount", "-p", worker.pid, alone, status = 1, says = "the kernel takes no probe at the instruction there" }
  local got = run{ "funccount", "-p", worker.pid, program .. ":{sam*,*one,two}",
    says = "attached 4 of 5 %(1 skipped: 1 at an instruction that takes none%)", during = function()
      worker:send "go"
      worker:hear "done"
    end }
  sh("rm -r " .. folder)
  local counted = counts(got)
  equal(counted.same, 12)
  equal(counted.one, 5)
  equal(counted.__one, nil)
  equal(counted.two, 7)
end)

case("counts a USDT probe that waits for its semaphore, at all its places", { needs = "command:workload" }, function()
  local rows = run{ "funccount", "u:workload:ask*", command = "workload at-once ask 5" }:rows()
  equal(#rows, 1)
  equal(rows[1].FUNC, "asked")
  equal(rows[1].COUNT, 10)
end)

case("more probes than are wanted are refused with what allows them", { needs = "uprobe:c:malloc" }, function()
  run{ "funccount", "c:*", status = 1, says = "matches %d+ probes\n  %-%-max%-probes %d+ allows them" }
end)

case("more functions of the kernel, too", { needs = "kprobe:vfs_read" }, function()
  run{ "funccount", "*", status = 1, says = "matches %d+ probes\n  %-%-max%-probes %d+ allows them" }
end)

case("mistakes are said in a line", function()
  run{ "funccount", status = 2, says = "PATTERN is missing" }
  run{ "funccount", "a:b:c:d", status = 1, says = "'a:b:c:d' is no place to trace" }
  run{ "funccount", "t:sched", status = 1, says = "no program or library 't'" }
  run{ "funccount", "t:nope:*", status = 1, says = "no category of tracepoints called 'nope'" }
  run{ "funccount", "-r", "vfs_[^r]", status = 1, says = "'vfs_%[%^r%]' is too much" }
  run{ "funccount", "-r", "vfs_(read", status = 1, says = "'vfs_%(read' is too much" }
  run{ "funccount", "-i", "1", "vfs_read", status = 2, says = "'1' has no unit" }
  run{ "funccount", "-p", 999999999, "c:malloc", status = 1, says = "no process 999999999" }
end)
