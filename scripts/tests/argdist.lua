-- BCC's argdist_example.txt as far as its command lines can be had.

local function workload() return (sh "command -v workload":gsub("%s+$", "")) end

local CALLS = "workload at-once call 20"

-- COUNT by EVENT.
local function counts(got)
  local of = {}
  for count, event in got.out:gmatch "\n\t(%d+) +([^\n]+)" do of[event] = tonumber(count) end
  return of
end

-- The buckets of a histogram: count by its heading.
local function buckets(got)
  local of = {}
  for bucket, count in got.out:gmatch "\n([%[(][^\n|]-[%])]) +(%d+) |" do of[bucket] = tonumber(count) end
  return of
end

case("how much is read at a time", { needs = "tracepoint:syscalls:sys_exit_read", example = true }, function()
  local got = run { "argdist", "-H", "t:syscalls:sys_exit_read():int:args->ret:args->ret > 0#bytes read", command = "dd if=/dev/zero of=/dev/null bs=64K count=40 status=none" }
  equal(buckets(got)["[64K, 128K)"], 40)
  check(got.out:find "^%[%d%d:%d%d:%d%d%]\n@bytes read:\n", got.out)
end)

case("how often values come, the most frequent last", { needs = "command:workload" }, function()
  local got = run { "argdist", "-C", "p:" .. workload() .. ":moontrace_target(long a, long b):long,int:b,a > 4#targets", command = CALLS }
  local of = counts(got)
  equal(of["b = 7, a > 4 = 1"], 15)
  equal(of["b = 7, a > 4 = 0"], 5)
  check(got.out:find "^%[%d%d:%d%d:%d%d%]\ntargets\n\tCOUNT +EVENT\n", got.out)
  check(got.out:find "\t15 [^\n]+\n$", got.out)
end)

case("a histogram of an argument, with a filter and a label", { needs = "command:workload" }, function()
  local probe = "p:" .. workload() .. ":moontrace_target(long a, long b):long:a"
  local of = buckets(run { "argdist", "-H", probe, command = CALLS })
  equal(of["[8, 16)"], 8)
  equal(of["[16, 32)"], 4)
  local got = run { "argdist", "-H", probe .. ":b == 7 && a >= 16#large ones", command = CALLS }
  equal(buckets(got)["[16, 32)"], 4)
  equal(buckets(got)["[8, 16)"], nil)
  check(got.out:find "@large ones:\n", got.out)
end)

case("results: their values, $entry, $latency", { needs = "command:workload" }, function()
  local target = "r:" .. workload() .. ":moontrace_target"
  local got = run { "argdist", "-C", target .. "()", "-C", target .. "(long a, long b):long:$entry(a) - $retval:$latency > 0", command = CALLS }
  local of = counts(got)
  equal(of["retval = -7"], 1)
  equal(of["$entry(a) - $retval = 7"], 20)
  local slow = run { "argdist", "-H", target .. "():u64:$latency", command = CALLS }
  local total = 0
  for _, count in pairs(buckets(slow)) do total = total + count end
  equal(total, 20)
  equal(buckets(run { "argdist", "-H", target .. "()", command = CALLS })["[8, 16)"], 5)
end)

case("calls, by process and by name", { needs = "command:workload" }, function()
  local target = workload() .. ":moontrace_target"
  local got = run { "argdist", "-C", "p:" .. target .. "(void)#calls", "-C", "p:" .. target .. "():char*:$COMM", "-C", "p:" .. target .. "():u32:$PID",
    command = "workload as traced at-once call 20" }
  local of = counts(got)
  equal(of["total calls"], 20)
  equal(of["$COMM = traced"], 20)
  check(got.out:find "\t20 +$PID = %d+\n", got.out)
end)

case("-T shows the largest, -n ends after so many reports, -c goes on counting", { needs = "command:workload" }, function()
  local probe = "p:" .. workload() .. ":moontrace_target(long a):int:a & 3"
  local top = counts(run { "argdist", "-C", probe, "-T", 1, command = "workload at-once call 5" })
  equal(top["a & 3 = 0"], 2)
  equal(top["a & 3 = 1"], nil)
  local _, reports = run { "argdist", "-C", probe, "-n", 2 }.out:gsub("COUNT", "")
  equal(reports, 2)
  local worker = start "workload call 3"
  worker:hear "ready"
  local got = run { "argdist", "-c", "-C", probe, "-p", worker.pid, during = function()
    worker:send "go"
    worker:hear "done"
    sh "sleep 3"
  end }
  local _, seen = got.out:gsub("\t1 +a & 3 = 2\n", "")
  check(seen >= 2, got.out)
end)

case("strings", { needs = { "tracepoint:syscalls:sys_enter_openat", "command:workload" } }, function()
  local worker = start "workload open /moontrace/there 3"
  worker:hear "ready"
  local got = run { "argdist", "-C", 'p::sys_openat(int dfd, const char __user *filename):char*:filename:STRCMP("/moontrace/there", filename)',
    "-p", worker.pid, during = function() worker:send "go" worker:hear "done" end }
  equal(counts(got)["filename = /moontrace/there"], 3)
end)

case("USDT probes and tracepoints", { needs = { "tracepoint:syscalls:sys_exit_getppid", "command:workload" } }, function()
  local got = run { "argdist", "-C", "u:" .. workload() .. ":called():int:arg2", command = CALLS }
  equal(counts(got)["arg2 = -7"], 20)
  got = run { "argdist", "-C", "t:syscalls:sys_enter_getppid():char*:$COMM", command = "workload as traced at-once getppid 7" }
  equal(counts(got)["$COMM = traced"], 7)
end)

case("a SPEC of moontrace's, with its own texts", { needs = "command:workload" }, function()
  local target = "uretprobe:" .. workload() .. ":moontrace_target"
  local got = run { "argdist", target, "--hist", "retval", "--by", "arg1", "--where", "retval >= 8", command = CALLS }
  equal(buckets(got)["[8, 16)"], 5)
  check(got.out:find "%[7%]", got.out)
end)

case("functions of the kernel", { needs = "kprobe:vfs_read" }, function()
  local command = "dd if=/dev/zero of=/dev/null bs=777 count=40 status=none"
  local got = run { "argdist", "-H", "r::vfs_read(void *file, void *buf, size_t count):size_t:$entry(count):$entry(count) == 777 && $latency > 1", command = command }
  equal(buckets(got)["[512, 1K)"], 40)
  got = run { "argdist", "-C", "p::vfs_read(struct file *f, char *buf, size_t count):size_t,u64:count,f->f_op->read == 0:count == 777", command = command }
  equal(counts(got)["count = 777, f->f_op->read == 0 = 0"], 40)
end)

case("mistakes of the command line are told in a line", { needs = "command:workload" }, function()
  local target = workload() .. ":moontrace_target"
  run { "argdist", status = 1, says = "nothing to collect" }
  run { "argdist", "-C", "kretprobe:vfs_read", status = 1, says = "stands by itself" }
  run { "argdist", "-H", "p:" .. target .. "()", status = 1, says = "a histogram is of one value" }
  run { "argdist", "-H", "p:" .. target .. "(long a):int:c", status = 1, says = "arg0 to arg5" }
  run { "argdist", "-C", "p:" .. target .. "(long a):int,int:a", status = 1, says = "as many expressions as types" }
end)
