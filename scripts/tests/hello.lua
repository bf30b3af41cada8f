local execs = "tracepoint:syscalls:sys_enter_execve"

local function greeted(got, file, by)
  local count = 0
  for _, line in ipairs(got:lines()) do
    local seen, starter = line:match "^hello, (%S+) %(started by (%S+), process %d+%)$"
    if seen == file and starter == by then count = count + 1 end
  end
  return count
end

case("greets each program that starts", { needs = execs, example = true }, function()
  local got = run { "hello", command = "sh -c '/bin/true; /bin/true; /bin/true'" }
  equal(greeted(got, "/bin/true", "sh"), 3)
end)

case("a file's name that can't be read is <fault>", { needs = { execs, "command:workload" } }, function()
  local got = run { "hello", command = "workload as greeted at-once exec-by nowhere x", says = "could not be read" }
  equal(greeted(got, "<fault>", "greeted"), 1)
end)

case("two at the same time have their own", { needs = execs }, function()
  local one = start "sh -c 'read go; exec /bin/env /bin/env /bin/true'"
  local first = run { "hello", "-p", one.pid, during = function()
    local second = run { "hello", command = "sh -c '/bin/true; /bin/true; /bin/true'" }
    equal(#second:lines(), 3, "lines of the second")
    equal(greeted(second, "/bin/true", "sh"), 3, "of the second")
    one:send "go"
    one:wait()
  end }
  equal(#first:lines(), 3, "lines of the first")
  equal(greeted(first, "/bin/env", "sh"), 1, "of the first")
  equal(greeted(first, "/bin/true", "env"), 1, "of the first")
end)
