local needs = { "rawtracepoint:sched_switch", "command:workload" }
local units = { K = 1 << 10, M = 1 << 20, G = 1 << 30, [""] = 1 }

-- How many waits there were, and what they took at least.
local function waits(got)
  local count, time = 0, 0
  for _, line in ipairs(got:lines()) do
    local number, unit, n = line:match "^%[(%d+)([KMG]?)[^|]- +(%d+) |"
    if number then count, time = count + n, time + number * units[unit] * n end
  end
  return count, time
end

case("each nap ends with a wait for the CPU", { needs = needs, example = true }, function()
  local got = run { "runqlat", command = "workload at-once nap 500" }
  local count = waits(got)
  check(got.out:find "^@usecs:\n" and count >= 480 and count < 2500, count .. " waits of 500 naps")
end)

case("by process and by thread", { needs = needs }, function()
  local process = run { "runqlat", "-P", command = "workload at-once nap 50" }
  check(process.out:find "@usecs%[%d+, [^,%]]+%]:\n" and waits(process) >= 50, process.out)
  local thread = run { "runqlat", "-L", command = "workload at-once nap 50" }
  local pid, tid = thread.out:match "@usecs%[(%d+), (%d+), [^,%]]+%]:\n"
  check(pid and pid == tid and waits(thread) >= 50, thread.out)
end)

case("two that want one CPU wait for each other", { needs = needs }, function()
  local both = "sh -c 'workload at-once burst 0 300000 & workload at-once burst 0 300000; wait'"
  local got = run { "runqlat", "-L", command = both }
  local count, time = waits(got)
  check(count > 2 and time > 1000, time .. " us waited")
  check(not got.out:find "@usecs%[%d+, 0, ", "idle CPUs don't wait")
end)
