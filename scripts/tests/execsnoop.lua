local execs, worker = "rawtracepoint:sched_process_exec", "command:workload"

-- Numbers as words, and the same as one text.
local function words(count)
  local all = {}
  for i = 1, count do all[i] = i end
  return table.concat(all, " ")
end

case("new programs with their arguments", { needs = execs, example = true }, function()
  local got = run { "execsnoop", command = "sh -c '/bin/true one two; /bin/echo three >/dev/null'" }
  local shell = got:row { COMM = "sh" }
  local one = got:row { COMM = "true" }
  equal(one.ARGS, "/bin/true one two")
  equal(one.RET, 0)
  equal(one.PPID, shell.PID)
  equal(got:row { COMM = "echo" }.ARGS, "/bin/echo three")
end)

case("no argument, one, twenty and more", { needs = execs }, function()
  for _, count in ipairs { 0, 1, 20 } do
    local got = run { "execsnoop", command = "/bin/true " .. words(count) }
    equal(got:row { COMM = "true" }.ARGS, count == 0 and "/bin/true" or "/bin/true " .. words(count))
  end
  for _, count in ipairs { 21, 200 } do
    local got = run { "execsnoop", command = "/bin/true " .. words(count) }
    equal(got:row { COMM = "true" }.ARGS, "/bin/true " .. words(20) .. " ...")
    got = run { "execsnoop", "--max-args", count, command = "/bin/true " .. words(count) }
    equal(got:row { COMM = "true" }.ARGS, "/bin/true " .. words(count))
  end
end)

case("long arguments, and those that are too long", { needs = execs }, function()
  local long = ("x"):rep(3000)
  local got = run { "execsnoop", command = "/bin/true " .. long .. " y" }
  equal(got:row { COMM = "true" }.ARGS, "/bin/true " .. long .. " y")
  got = run { "execsnoop", command = "/bin/true " .. long .. " " .. long }
  local args = got:row { COMM = "true" }.ARGS
  check(args:find("^/bin/true " .. long .. " x+ %.%.%.$"), args)
end)

case("empty arguments, blanks and newlines", { needs = execs }, function()
  local got = run { "execsnoop", "-q", command = "/bin/true '' 'a b' 'c\nd' 'e\"f'" }
  equal(got:row { COMM = "true" }.ARGS, '/bin/true "" "a b" "c\\nd" "e\\"f"')
end)

case("not even a first argument", { needs = { execs, worker } }, function()
  local got = run { "execsnoop", command = "sh -c 'workload at-once exec-by bare /bin/true 2>/dev/null'" }
  equal(got:row { COMM = "true" }.ARGS, "/bin/true")
end)

case("by a descriptor", { needs = { execs, worker } }, function()
  local got = run { "execsnoop", command = "workload at-once exec-by fd /bin/true true 1 2" }
  local rows = got:rows()
  check(rows[#rows].ARGS:find "^/dev/fd/%d+ 1 2$", got.out)
end)

case("by one of several threads", { needs = { execs, worker } }, function()
  local got = run { "execsnoop", "-x", "-n", "by-a-thread", during = "cp /bin/true /tmp/by-a-thread; "
    .. "workload at-once exec-by beside /tmp/by-a-thread true 1 2; rm /tmp/by-a-thread" }
  local row = got:row {}
  equal(row.COMM, "by-a-thread")
  equal(row.ARGS, "/tmp/by-a-thread 1 2")
  equal(row.RET, 0)
end)

case("calls that fail, when they are asked for", { needs = { execs, worker } }, function()
  local deed = "workload as fails at-once exec-by plain /nonexistent/program program 1 2"
  local got = run { "execsnoop", "-x", command = deed }
  local row = got:row { COMM = "fails" }
  equal(row.RET, -2)
  equal(row.ARGS, "/nonexistent/program 1 2")
  equal(#run { "execsnoop", command = deed }:rows { COMM = "fails" }, 0)
end)

case("what can't be read is <fault>", { needs = { execs, worker } }, function()
  local got = run { "execsnoop", "-x",
    command = "workload as fails at-once exec-by nowhere - true 1", says = "could not be read" }
  equal(got:row { COMM = "fails" }.ARGS, "<fault> 1")
  equal(got:row { COMM = "fails" }.RET, -14)
  got = run { "execsnoop", "-x",
    command = "workload as fails at-once exec-by unread /bin/true", says = "could not be read" }
  equal(got:row { COMM = "fails" }.ARGS, "/bin/true <fault>")
end)

case("a script is what its interpreter is called with", { needs = execs }, function()
  sh "printf '#!/bin/sh -e\\n:\\n' >/tmp/moontrace-script; chmod +x /tmp/moontrace-script"
  local got = run { "execsnoop", command = "/tmp/moontrace-script 1 2" }
  sh "rm /tmp/moontrace-script"
  equal(got:row { COMM = "moontrace-scrip" }.ARGS, "/bin/sh -e /tmp/moontrace-script 1 2")
end)

case("more columns, and only some programs", { needs = execs }, function()
  local command = "sh -c '/bin/true one; /bin/echo two >/dev/null'"
  local got = run { "execsnoop", "-T", "-t", "-U", "-M", "-C", "-n", "tru", command = command }
  local row = got:row {}
  check(row.TIME:find "^%d%d:%d%d:%d%d$", row.TIME)
  equal(row.UID, 0)
  equal(row.PCOMM, "sh")
  check(row.CPU >= 0, row.CPU)
  check(row["TIME(s)"] > 0, got.out)
  equal(row.ARGS, "/bin/true one")
  local others = run { "execsnoop", "-l", "two", command = command }
  equal(#others:rows(), 2, "the shell's line and echo's")
  equal(#run { "execsnoop", "-u", "12345", command = command }:rows(), 0)
  local parent = start "sh -c 'read go; /bin/true one; read go'"
  local children = run { "execsnoop", "-P", parent.pid, during = function()
    parent:send "go"
    sh "sleep 0.5; /bin/true other"
  end }
  equal(children:row {}.ARGS, "/bin/true one")
end)
