-- BCC's trace_example.txt as far as its command lines can be had, and what the originals get wrong.

local function workload() return (sh "command -v workload":gsub("%s+$", "")) end

-- The messages in their order.
local function messages(got)
  local said = {}
  for i, row in ipairs(got:rows()) do said[i] = row["-"] end
  return table.concat(said, "|")
end

case("large reads, by an argument of a system call", { needs = "tracepoint:syscalls:sys_enter_read", example = true }, function()
  local got = run { "trace", 'sys_read (arg3 > 20000) "read %d bytes", arg3', command = "dd if=/dev/zero of=/dev/null bs=1M count=4 status=none" }
  local rows = got:rows { COMM = "dd", FUNC = "sys_read" }
  equal(#rows, 4)
  equal(rows[1]["-"], "read 1048576 bytes")
  equal(rows[1].PID, rows[1].TID)
end)

case("a path by its address, and one that can't be read", { needs = { "tracepoint:syscalls:sys_enter_openat", "command:workload" } }, function()
  local worker = start "workload open /moontrace/there 2"
  worker:hear "ready"
  local got = run { "trace", 'sys_openat "%s", arg2@user', "-p", worker.pid, during = function() worker:send "go" worker:hear "done" end }
  equal(messages(got), "/moontrace/there|/moontrace/there")

  local lost = start "workload open-nowhere"
  lost:hear "ready"
  got = run { "trace", '__x64_sys_openat "%s", arg2', "-p", lost.pid, says = "fault", during = function() lost:send "go" lost:hear "done" end }
  equal(got:rows()[1]["-"], "<fault>")
end)

case("several probes: returns, signatures, arguments from 1 in BCC's SPECs and from 0 in ours", { needs = "command:workload" }, function()
  local target = workload() .. ":moontrace_target"
  local got = run { "trace", "-T", "-C",
    "r:" .. target .. ' ((int)retval < -5) "failed: %d", retval',
    "p:" .. target .. ' (arg1 == 1) "%ld and %ld", arg1, arg2',
    target .. '(long a, long b) (a == 1 && b > 6) "b = %lld", b',
    "uprobe:" .. target .. ' (arg0 == 1 && !(arg1 != 7)) "%d", arg0 + arg1',
    command = "workload at-once call 3" }
  equal(messages(got), "failed: -7|1 and 7|b = 7|8|failed: -6")
  local row = got:rows()[1]
  check(row.TIME:find "^%d%d:%d%d:%d%d$" and math.type(row.CPU), got.out)
  equal(row.FUNC, "moontrace_target")
end)

case("C's expressions: how they bind, what is true, what formats make of numbers", { needs = "command:workload" }, function()
  local got = run { "trace", workload() .. [[:moontrace_target (arg1 == 3 && arg2) "%d %d %d %d %d %d %d %x %c %s %d %%",
    arg1 + arg2 * 2, (arg1 & 4) == 4 ? 1 : 2, arg2 & 3 == 3, !arg1, -arg2, (arg1 > 2) + 1, 1 << arg2, ~arg1 & 0xff, 65, "x", (char)(arg2 | 0x80)]],
    command = "workload at-once call 4" }
  equal(messages(got), "17 2 1 0 -7 2 128 fc A x -121 %")
end)

case("USDT probes, with a provider and without", { needs = "command:workload" }, function()
  local got = run { "trace", "u:" .. workload() .. ':called (arg1 != 0) "%d %d", arg1, arg2', "u:" .. workload() .. ':moontrace:called (arg1 == 2)',
    command = "workload at-once call 3" }
  equal(messages(got), "1 -7|2 -7")
  equal(#got:lines(), 4)
end)

case("a tracepoint's fields by args->", { needs = { "tracepoint:syscalls:sys_exit_openat", "command:workload" } }, function()
  local worker = start "workload open /moontrace/there 2"
  worker:hear "ready"
  local got = run { "trace", 't:syscalls:sys_exit_openat (args->ret < 0) "%d", args->ret', "-p", worker.pid,
    during = function() worker:send "go" worker:hear "done" end }
  equal(messages(got), "-2|-2")
  equal(got:rows()[1].FUNC, "sys_exit_openat")
end)

case("STRCMP compares strings and bytes", { needs = { "tracepoint:syscalls:sys_enter_openat", "command:workload" } }, function()
  local function opened(compared)
    local worker = start "workload open /moontrace/there 1"
    worker:hear "ready"
    local got = run { "trace", ('sys_openat (%s) "opening %%s", arg2@user'):format(compared), "-p", worker.pid,
      during = function() worker:send "go" worker:hear "done" end }
    return #got:lines() - 1
  end
  equal(opened 'STRCMP("/moontrace/there", arg2@user)', 1)
  equal(opened 'STRCMP("/moontrace/the", arg2@user)', 0)
  equal(opened '!STRCMP("/moontrace/the", arg2)', 1)
  equal(opened 'STRCMP("{0x2f, 0x6d, 111}", arg2@user)', 1)
  equal(opened 'STRCMP("{0x2f, 0x6e}", arg2@user)', 0)
end)

case("which events are shown: -M, -n, -f, -L, --uid", { needs = "command:workload" }, function()
  local probe = workload() .. ':moontrace_target "n = %d", arg1'
  local function shown(...) return #run { "trace", probe, command = "workload as traced at-once call 20", ... }:lines() - 1 end
  equal(shown(), 20)
  equal(shown("-M", 3), 3)
  equal(shown("-n", "race"), 20)
  equal(shown("-n", "rice"), 0)
  equal(shown("-f", "= 1"), 11)
  equal(shown("--uid", 0), 20)
  equal(shown("--uid", 4711), 0)
  equal(shown("-L", 1), 0)
end)

case("equal lines are put together by -A", { needs = "command:workload" }, function()
  local got = run { "trace", workload() .. ':moontrace_target "%d", arg2', "-A", "-M", 15, command = "workload at-once call 20" }
  equal(#got:lines(), 3)
  check(got.out:find "moontrace_target 7\n%-%->COUNT 15\n", got.out)
end)

case("times count from the first event, or are those of the day", { needs = "command:workload" }, function()
  local rows = run { "trace", workload() .. ":moontrace_target", "-t", command = "workload at-once call 2" }
  local first, second = rows:lines()[2], rows:lines()[3]
  check(first:find "^0%.000000 " and tonumber(second:match "^%S+") > 0, rows.out)
  rows = run { "trace", workload() .. ":moontrace_target", "-t", "-u", command = "workload at-once call 1" }
  local time = rows:lines()[2]:match "^(%d+%.%d%d%d%d%d%d) "
  check(time and math.abs(tonumber(time) - os.time()) < 60, rows.out)
end)

case("a struct of the process, by the signature of a system call", { needs = { "tracepoint:syscalls:sys_enter_clock_nanosleep", "command:workload" } }, function()
  local worker = start "workload nap 2"
  worker:hear "ready"
  local got = run { "trace", 'sys_clock_nanosleep(int clock, int flags, struct timespec *ts) "sleep for %lld ns", ts->tv_nsec', "-p", worker.pid,
    during = function() worker:send "go" worker:hear "done" end }
  equal(messages(got), "sleep for 1000000 ns|sleep for 1000000 ns")
end)

case("functions of the C library, by its short name", { needs = { "uprobe:c:malloc", "command:getent" } }, function()
  local got = run { "trace", 'c:malloc(size_t size) (size > 0) "size = %d", size', 'r:c:malloc (retval) "allocated = %x", retval', "-M", 2, command = "getent ahosts localhost" }
  local rows = got:rows { COMM = "getent", FUNC = "malloc" }
  check(rows[1]["-"]:find "^size = %d+$" and rows[2]["-"]:find "^allocated = %x+$", got.out)
end)

case("registers, and functions by a pattern", { needs = "command:workload" }, function()
  local got = run { "trace", workload() .. ':{moontrace,brief}_target (ctx->di == 1) "%d", ctx->di', command = "workload at-once call 2" }
  equal(messages(got), "1|1")
  equal(#got:rows { FUNC = "brief_target" }, 1)
end)

case("stacks of the process, with addresses", { needs = "command:workload" }, function()
  local got = run { "trace", workload() .. ':moontrace_recurse (arg1 == 0)', "-U", "-a", command = "workload at-once recurse 2 1" }
  check(got.out:find "\n +%x+ moontrace_recurse%+0x0 %[[^\n]+%]\n", got.out)
end)

case("a function of the kernel, its arguments by the kernel's own types", { needs = "kprobe:icmp_out_count" }, function()
  local got = run { "trace", 'kprobe:icmp_out_count "type=%d ifindex=%d", type, args.net.ifindex',
    'p::icmp_out_count(struct net *n, u8 t) (t == 8) "type=%d ifindex=%d", t, n->ifindex', command = "ping -c 1 127.0.0.1" }
  local rows = got:rows { COMM = "ping", FUNC = "icmp_out_count" }
  check(rows[1]["-"]:find "^type=8 ifindex=%d+$", got.out)
  equal(rows[2]["-"], rows[1]["-"])
  check(rows[3]["-"]:find "^type=0 ifindex=%d+$", got.out)
end)

case("paths through the kernel's structs, results and symbols", { needs = "kprobe:vfs_read" }, function()
  local got = run { "trace", 'r::vfs_read (args->count == 777 && (int)retval > 0) "%s %d", args->file->f_path.dentry->d_name.name, retval',
    'vfs_open "%K", arg1 && $task->fs->users ? $task->mm->pgd : 0', "-f", "version", command = "dd if=/proc/version of=/dev/null bs=777 count=1 status=none" }
  check(messages(got):find "^version %d+$", got.out)
end)

case("strings of the kernel and of the process, told apart by their addresses", { needs = "kprobe:do_sys_openat2" }, function()
  local got = run { "trace", 'do_sys_openat2(int dfd, const char *name) (STRCMP("/proc/version", name)) "%s", arg2@user', "-K",
    command = "cat /proc/version" }
  check(got.out:find "do_sys_openat2   /proc/version\n        do_sys_openat2%+0x%x+ %[kernel%]\n", got.out)
end)

case("sockets' members by the names that the kernel's own code has for them", { needs = { "kprobe:udp_sendmsg", "command:workload" } }, function()
  local got = run { "trace", "-I", "net/sock.h", 'udp_sendmsg(struct sock *sk) (sk->sk_family == AF_INET) "%d %d", sk->sk_protocol, sk->sk_num != 0',
    command = "workload at-once send 127.0.0.1 3" }
  equal(messages(got), "17 1|17 1|17 1")
end)

case("mistakes of the command line are told in a line", { needs = "command:workload" }, function()
  local target = workload() .. ":moontrace_target"
  for said, probe in pairs {
    ["no conversion '%%q'"] = target .. ' "%q", arg1',
    ["wants more values"] = target .. ' "%d"',
    ["wants fewer values"] = target .. ' "%d", arg1, arg2',
    ["a name is missing before 'the end'"] = target .. ' (arg1 + ) "%d", arg1',
    ["a format in quotes"] = target .. " (arg1 == 3",
    ["no place to trace"] = "x:" .. target,
    ["did you mean"] = target .. "s",
    ["only functions have a signature"] = "t:sched:sched_switch(int a)",
    ["not 'ax'"] = target .. ' "%d", ctx->ax',
  } do
    run { "trace", probe, status = 1, says = said }
  end
  run { "trace", status = 2, says = "PROBE is missing" }
end)
