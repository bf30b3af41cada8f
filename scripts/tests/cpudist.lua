local needs = { "tracepoint:sched:sched_switch", "command:workload" }
local units = { K = 1 << 10, M = 1 << 20, G = 1 << 30, [""] = 1 }

-- How many values the histograms have from `min` on, and what all came to at least.
local function values(got, min)
  local count, sum = 0, 0
  for _, line in ipairs(got:lines()) do
    local number, unit, n = line:match "^%[(%d+)([KMG]?)[^|]- +(%d+) |"
    if number then
      local value = number * units[unit]
      if value >= min then count = count + n end
      sum = sum + value * n
    end
  end
  return count, sum
end

case("naps are time off the CPU, a ms each", { needs = needs, example = true }, function()
  local got = run { "cpudist", "-O", command = "workload at-once nap 1000" }
  -- The clock runs before the thread leaves, and rings a little late: 1000 us is just below a bucket's end. How much
  -- later the thread comes back is the machine's business.
  local all, naps, late = values(got, 512), values(got, 1024), values(got, 65536)
  check(all >= 900 and naps >= 850 and all < 1200, ("%d of %d naps took a ms"):format(naps, all))
  check(late < 500, ("%d of %d naps took 64 ms"):format(late, all))
  check(got.out:find "^@usecs:\n", got.out)
end)

case("the time on its CPU of a thread that shares it, by process and by thread", { needs = needs }, function()
  local both = "sh -c 'workload at-once burst 0 300000 & workload at-once burst 0 300000; wait'"
  for option, who in pairs { ["-P"] = "%[(%d+), ([^%],]+)%]", ["-L"] = "%[(%d+), (%d+), [^%],]+%]" } do
    local got = run { "cpudist", option, "-e", command = both }
    local spent = 0
    for pid, tid, count, sum in got.out:gmatch("@usecs" .. who .. ": stats count (%d+), sum (%d+), avg") do
      if option == "-L" then equal(tid, pid, "the process has one thread") end
      check(tonumber(count) > 0, "a count")
      spent = spent + sum
    end
    check(spent > 2000 and spent < 30000000, spent .. " us on the CPU in:\n" .. got.out)
  end
end)

case("a thread that only naps leaves its CPU by itself", { needs = needs }, function()
  local all = values(run { "cpudist", command = "workload at-once nap 200" }, 0)
  local preempted = values(run { "cpudist", "--preempted", command = "workload at-once nap 200" }, 0)
  check(all >= 200, all .. " times on the CPU in 200 naps")
  check(preempted < 150, preempted .. " times preempted in 200 naps")
end)

case("in milliseconds", { needs = needs }, function()
  local got = run { "cpudist", "-O", "-m", command = "workload at-once nap 100" }
  local count, sum = values(got, 1)
  check(got.out:find "^@msecs:\n" and count >= 95 and count < 150 and sum >= 95, count .. " naps of a ms")
end)

-- Hundredths of seconds that CPUs have been idle.
local function idle() return tonumber(readfile "/proc/stat":match "^cpu +%d+ %d+ %d+ (%d+)") end

case("idle CPUs when they are asked for", { needs = needs }, function()
  local without = run { "cpudist", "-L", during = "workload at-once nap 200" }
  check(not without.out:find "@usecs%[0, 0, ", "idle threads")
  local before, after
  local with = run { "cpudist", "-L", "-I", during = function()
    before = idle()
    sh "workload at-once nap 200"
    after = idle()
  end }
  -- On a busy machine there may be none.
  check(with.out:find "@usecs%[0, 0, " or after - before < 20, "no idle threads")
end)

case("reports by the interval, so many", { needs = needs }, function()
  local got = run { "cpudist", "-T", "500ms", "2", command = "workload at-once spin 4000" }
  local times = 0
  for _, line in ipairs(got:lines()) do
    if line:find "^%d%d:%d%d:%d%d$" then times = times + 1 end
  end
  equal(times, 2, "reports")
end)
