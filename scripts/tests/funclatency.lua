local function summary(got)
  local avg, unit, total, count = got.out:match "avg = (%d+) (%l+), total: (%d+) %l+, count: (%d+)"
  check(avg, "no summary in:\n" .. got.out)
  return { avg = tonumber(avg), unit = unit, total = tonumber(total), count = tonumber(count) }
end

case("calls within calls are calls of their own", { needs = "command:workload", example = true }, function()
  local got = run{ "funclatency", "workload:moontrace_recurse", command = "workload at-once recurse 3 7" }
  local sum = summary(got)
  equal(sum.count, 28)
  equal(sum.unit, "nsecs")
  equal(sum.avg, sum.total // 28)
  check(got.out:find "@nsecs: ", got.out)
end)

case("has a histogram for each function", { needs = "command:workload" }, function()
  local got = run{ "funclatency", "-u", "-F", "workload:*_target", command = "workload at-once call 7" }
  check(got.out:find "@usecs%[moontrace_target%]: ns %d+ count 7\n", got.out)
  check(got.out:find "@usecs%[brief_target%]: ns %d+ count 7\n", got.out)
  equal(summary(got).count, 14)
end)

local function slept(got)
  local sum = summary(got)
  equal(sum.unit, "msecs")
  equal(sum.count, 3)
  check(sum.avg >= 20 and sum.avg < 2000, "20 ms of sleep took " .. sum.avg)
  check(sum.total >= 60 and sum.total // 3 == sum.avg, "in all " .. sum.total)
  check(not got.out:find "%[0%]", got.out)
end

case("knows how long functions of the kernel sleep", { needs = "kprobe:hrtimer_nanosleep" }, function()
  local naps = "sh -c 'usleep 20000; usleep 20000; usleep 20000'"
  slept(run{ "funclatency", "-m", "hrtimer_nanosleep", command = naps })
end)

case("knows how long functions of a library sleep", { needs = { "command:python3", "uprobe:c:usleep" } }, function()
  local naps = [[python3 -c 'import ctypes
for i in range(3): ctypes.CDLL(None).usleep(20000)']]
  slept(run{ "funclatency", "-m", "c:usleep", command = naps })
end)

case("at intervals no call is lost", { needs = "command:workload" }, function()
  local command = "workload at-once recurse 3 20000"
  local got = run{ "funclatency", "-T", "-i", "20ms", "-l", "4", "-r", "workload:moontrace_rec", command = command }
  local calls, reports = 0, 0
  for count in got.out:gmatch "count: (%d+)\n" do calls, reports = calls + count, reports + 1 end
  equal(calls, 80000)
  check(reports >= 2, reports .. " reports")
  check(got.out:find "\n%d%d:%d%d:%d%d\n@nsecs", got.out)
end)

case("several functions of the kernel", { needs = "kprobe:vfs_read" }, function()
  local dd = "dd if=/dev/zero of=/dev/null bs=512 count=101"
  local got = run{ "funclatency", "-F", "-r", "^vfs_(read|write)$", command = dd, says = "101%+0 records" }
  check(got.out:find "%[vfs_read%]: ns %d+ count 101\n", got.out)
  check(got.out:find "%[vfs_write%]: ", got.out)
end)

case("mistakes are said in a line", function()
  run{ "funclatency", "t:sched:sched_switch", status = 1, says = "a function is wanted, not 't:sched:sched_switch'" }
end)

case("a function that isn't there is named", { needs = "uprobe:c:malloc" }, function()
  run{ "funclatency", "c:nosuchfunction", status = 1, says = "no function 'nosuchfunction' in" }
end)
