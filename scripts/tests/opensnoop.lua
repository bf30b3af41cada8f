-- Flags and modes as open(2) takes them on x86_64.
local O_WRONLY, O_CREAT, O_TRUNC, O_DIRECTORY, O_TMPFILE = 1, 0x40, 0x200, 0x10000, 0x410000
local opens, worker = "tracepoint:syscalls:sys_exit_openat", "command:workload"

case("opens, and the error of those that fail", { needs = opens, example = true }, function()
  local got = run { "opensnoop", "-x", "-n", "cat",
    command = "env LC_ALL=C cat /dev/null /nonexistent", status = 1, says = "No such file" }
  local row = got:row { PATH = "/nonexistent" }
  equal(row.COMM, "cat")
  equal(row.FD, -1)
  equal(row.ERR, 2)
  equal(#got:rows { PATH = "/dev/null" }, 0)
end)

case("absolute, relative and empty paths, and the longest one", { needs = { opens, worker } }, function()
  local longest = ("./"):rep(2047) .. "x"
  equal(#longest, 4095)
  local got = run { "opensnoop", "-n", "paths",
    command = "workload as paths at-once open-by openat 0 0 /tmp tmp/x '' " .. longest }
  local lines = got:lines()
  equal(#lines, 5, "lines")
  equal(got:row { PATH = "/tmp" }.ERR, 0)
  equal(got:row { PATH = "tmp/x" }.ERR, 2)
  equal(got:row { PATH = longest }.ERR, 2)
  check(lines[4]:find "^%d+ +paths +%-1   2 $", "an empty path: " .. lines[4])
end)

case("a path that can't be read is <fault>", { needs = { opens, worker } }, function()
  local got = run { "opensnoop", "-n", "paths",
    command = "workload as paths at-once open-by openat 0 0 nowhere", says = "could not be read" }
  local row = got:row { COMM = "paths" }
  equal(row.PATH, "<fault>")
  equal(row.ERR, 14)
end)

case("a path that ends where memory ends", { needs = { opens, worker } }, function()
  local got = run { "opensnoop", command = "workload as paths at-once open-by openat 0 0 edge:/nowhere/at-all" }
  equal(got:row { COMM = "paths", PATH = "/nowhere/at-all" }.ERR, 2)
end)

case("what a name does to terminals stays in its line", { needs = { opens, worker } }, function()
  local got = run { "opensnoop", command = "workload as paths at-once open-by openat 0 0 '/no\27[2J\nwhere'" }
  equal(got:row { COMM = "paths", PATH = "/no\\x1b[2J\\nwhere" }.ERR, 2)
end)

case("open, openat and openat2, with flags and modes", { needs = { "tracepoint:syscalls:sys_exit_openat2", worker } }, function()
  local flags = ("%d"):format(O_WRONLY | O_CREAT | O_TRUNC)
  for _, call in ipairs { "open", "openat", "openat2" } do
    local got = run { "opensnoop", "-e",
      command = ("workload as by-%s at-once open-by %s %s 416 /tmp/moontrace-opened"):format(call, call, flags) }
    local row = got:row { COMM = "by-" .. call, PATH = "/tmp/moontrace-opened" }
    equal(row.ERR, 0, call)
    equal(row.FLAGS, 1101, "flags of " .. call)
    equal(row.MODE, 640, "mode of " .. call)
  end
  sh "rm /tmp/moontrace-opened"
end)

case("a mode where something is made, and else none", { needs = { opens, worker } }, function()
  local got = run { "opensnoop", "-e", "-n", "modes",
    command = ("workload as modes at-once open-by openat %d 384 /tmp"):format(O_TMPFILE | O_WRONLY) }
  local row = got:row { COMM = "modes", PATH = "/tmp" }
  equal(row.FLAGS, 20200001)
  equal(row.MODE, 600)
  -- O_DIRECTORY is a bit of O_TMPFILE, and makes nothing.
  got = run { "opensnoop", "-e", "-n", "modes",
    command = ("workload as modes at-once open-by openat %d 384 /tmp"):format(O_DIRECTORY) }
  equal(got:row { COMM = "modes", PATH = "/tmp" }.MODE, "n/a")
end)

case("only calls with one of the flags", { needs = { opens, worker } }, function()
  local function shown(...)
    local names = {}
    local flags = { ... }
    local got = run { "opensnoop", flags[1], flags[2], flags[3], flags[4],
      command = "sh -c 'workload as flags at-once open-by openat 0 0 /tmp/moontrace-0; "
      .. "workload as flags at-once open-by openat 1 0 /tmp/moontrace-1; workload as flags at-once open-by openat 2 0 /tmp/moontrace-2; "
      .. "workload as flags at-once open-by openat 65536 0 /tmp/moontrace-3'" }
    for _, row in ipairs(got:rows { COMM = "flags" }) do names[#names + 1] = row.PATH:match "/tmp/moontrace%-(%d)" end
    return table.concat(names)
  end
  equal(shown("-f", "O_RDONLY"), "03")
  equal(shown("-f", "O_WRONLY", "-f", "O_RDWR"), "12")
  equal(shown("-f", "O_TMPFILE"), "")
  run { "opensnoop", "-f", "O_NONSENSE", status = 1, says = "there is no 'O_NONSENSE'" }
end)

case("descriptors above 1000", { needs = { opens, worker } }, function()
  local got = run { "opensnoop", command = "workload as many at-once many-descriptors open-by openat 0 0 /tmp" }
  local fd = got:row { COMM = "many", PATH = "/tmp" }.FD
  check(fd >= 1000, "the descriptor is " .. fd)
end)

case("whole paths, from the working folder and from others", { needs = { opens, worker } }, function()
  local function full(folder, call, path)
    local got = run { "opensnoop", "-F",
      command = ("sh -c 'cd %s; workload as whole at-once open-by %s 0 0 %s'"):format(folder, call, path) }
    local rows = got:rows { COMM = "whole" }
    return rows[#rows].PATH
  end
  equal(full("/tmp", "openat", "x"), "/tmp/x")
  equal(full("/", "open", "tmp/x"), "/tmp/x")
  equal(full("/tmp", "openat:/proc/sys", "kernel/x"), "/proc/sys/kernel/x")
  equal(full("/tmp", "openat:/proc", "/sys/x"), "/sys/x")
end)

case("only this thread, user or command; times and users", { needs = { opens, worker } }, function()
  local worker = start "workload open-by openat 0 0 /tmp/moontrace-x /tmp/moontrace-y"
  worker:hear "ready"
  local got = run { "opensnoop", "-T", "-U", "-t", tostring(worker.pid), "-u", "0", during = function()
    worker:send "go"
    worker:hear "done"
  end }
  local rows = got:rows()
  equal(#rows, 2)
  equal(rows[1].TID, worker.pid)
  equal(rows[1].UID, 0)
  equal(rows[1]["TIME(s)"], 0)
  check(rows[2]["TIME(s)"] > 0, got.out)
  local others = run { "opensnoop", "-u", "12345", command = "workload at-once open-by openat 0 0 /tmp/moontrace-x" }
  equal(#others:lines(), 1, "lines for a user who does nothing")
end)

case("only processes of a cgroup", { needs = { opens, worker, "command:mount" } }, function()
  local at = "/tmp/moontrace-cgroups"
  sh("mkdir -p " .. at .. " && mount -t cgroup2 none " .. at .. " && mkdir -p " .. at .. "/moontrace-opens")
  local inside = at .. "/moontrace-opens"
  local got = run { "opensnoop", "--cgroup", inside,
    command = ("sh -c 'workload as outside at-once open-by openat 0 0 /tmp; "
    .. "echo $$ >%s/cgroup.procs; workload as inside at-once open-by openat 0 0 /tmp; echo $$ >%s/cgroup.procs'"):format(inside, at) }
  sh("rmdir " .. inside .. "; umount " .. at .. "; rmdir " .. at)
  equal(#got:rows { COMM = "outside" }, 0)
  equal(#got:rows { COMM = "inside", PATH = "/tmp" }, 1)
end)

case("for so many seconds", { needs = opens }, function()
  local began = os.time()
  equal(#run { "opensnoop", "-d", 2, "-n", "nobody" }:lines(), 1)
  check(os.time() - began >= 1, "it ended early")
end)

case("many opens, each of them once", { needs = { opens, worker } }, function()
  local got = run { "opensnoop", command = "workload as many at-once open /tmp/moontrace-none 20000" }
  equal(#got:rows { COMM = "many", PATH = "/tmp/moontrace-none" }, 20000)
end)
