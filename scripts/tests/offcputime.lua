local needs = { "tracepoint:sched:sched_switch", "command:workload" }

-- Microseconds of the lines of folded text that a pattern is in.
local function time(got, pattern)
  local sum = 0
  for _, line in ipairs(got:lines()) do
    if line:find(pattern) then sum = sum + line:match " (%d+)$" end
  end
  return sum
end

case("naps by the stacks that they begin with", { needs = needs, example = true }, function()
  local got = run { "offcputime", "--min", "500us", command = "workload at-once nap 100" }
  check(got.out:find "nanosleep" and got.out:find "schedule", got.out)
  local naps = 0
  for _, line in ipairs(got:lines()) do naps = naps + (line:match "^%S+ +%d+ +(%d+)$" or 0) end
  check(naps >= 100000 and naps < 20000000, naps .. " us in 100 naps of a ms")
end)

case("folded, with the process's stack below the kernel's", { needs = needs }, function()
  local got = run { "offcputime", "--folded", "--state", "S", command = "workload at-once nap 100" }
  local naps = time(got, "nanosleep")
  check(naps >= 100000 and naps < 20000000, naps .. " us in 100 naps of a ms")
  for _, line in ipairs(got:lines()) do check(line:find "^[^;]+;%d+;.* %d+$", line) end
end)

case("one side of the stacks only", { needs = needs }, function()
  local user = run { "offcputime", "-f", "-U", command = "workload at-once nap 20" }
  check(time(user, "nanosleep") >= 20000 and not user.out:find "schedule", user.out)
  local kernel = run { "offcputime", "-f", "-K", command = "workload at-once nap 20" }
  check(time(kernel, "schedule") >= 20000 and not kernel.out:find "workload::", kernel.out)
end)

case("waits by their length", { needs = needs }, function()
  local long = run { "offcputime", "-f", "--min", "30s", command = "workload at-once nap 20" }
  equal(long.out, "", "what waited for 30 s")
  local short = run { "offcputime", "-f", "--max", "900us", command = "workload at-once nap 20" }
  check(time(short, "nanosleep") < 18000, "naps are longer than 900 us")
end)

case("the kernel's own threads, or those of processes", { needs = needs }, function()
  local process = run { "offcputime", "-f", "-u", command = "workload at-once nap 20" }
  check(time(process, "nanosleep") >= 20000, process.out)
  local kernel = run { "offcputime", "-f", "-k", command = "workload at-once nap 20" }
  equal(kernel.out, "", "a process is no thread of the kernel")
end)

case("a flame graph", { needs = needs }, function()
  local file = sh "mktemp":gsub("%s+$", "")
  run { "offcputime", "--svg", file, command = "workload at-once nap 20" }
  check(sh("cat " .. file):find "<svg", "an image")
  sh("rm " .. file)
end)
