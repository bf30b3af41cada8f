local stats, worker = "tracepoint:syscalls:sys_exit_newfstatat", "command:workload"

case("what is asked for, and what isn't there", { needs = stats, example = true }, function()
  local got = run { "statsnoop", "-x", "-s",
    command = "env LC_ALL=C stat /nonexistent", status = 1, says = "No such file" }
  -- stat, newfstatat or statx, as its library likes.
  local rows = got:rows { COMM = "stat", PATH = "/nonexistent" }
  check(#rows > 0, got.out)
  equal(rows[1].ERR, 2)
  equal(rows[1].FD, "-")
end)

case("each system call of the family", { needs = { stats, worker } }, function()
  local got = run { "statsnoop", "-s",
    command = "workload as stats at-once stat-all /proc cpuinfo", says = "could not be read" }
  local seen = {}
  for i, row in ipairs(got:rows { COMM = "stats" }) do
    seen[i] = ("%s %s %s %s"):format(row.SYSCALL, row.FD == "-" and "-" or row.FD == -1 and "bad" or "fd", row.ERR, row.PATH)
  end
  -- A null path with AT_EMPTY_PATH is one since Linux 6.11, and an error before.
  local null = table.remove(seen, 10)
  check(null == "statx fd 0 /proc" or null == "statx fd 14 /proc", null)
  equal(table.concat(seen, "\n"), [[
newstat - 0 /proc
newlstat - 0 /proc
newfstat fd 0 /proc
newfstatat - 0 /proc
newfstatat fd 0 cpuinfo
newfstatat fd 0 /proc
statx - 0 /proc
statx fd 0 cpuinfo
statx fd 0 /proc
statfs - 0 /proc
fstatfs fd 0 /proc
newstat - 14 <fault>
newfstat bad 9 <fault>]])
  -- A line without a path is no row: the empty one.
  check(got.out:find "\n%d+ +stats +%-   2 newstat +\n", got.out)
end)

case("a path that ends where memory ends", { needs = { stats, worker } }, function()
  local got = run { "statsnoop", "-s", "-t",
    command = "workload as stats at-once stat-all /proc edge:cpuinfo", says = "could not be read" }
  local rows = got:rows { COMM = "stats", PATH = "cpuinfo" }
  equal(#rows, 2)
  equal(rows[1].SYSCALL .. " " .. rows[2].SYSCALL, "newfstatat statx")
  equal(rows[1].ERR, 0)
  check(rows[1]["TIME(s)"] < rows[2]["TIME(s)"], got.out)
end)
