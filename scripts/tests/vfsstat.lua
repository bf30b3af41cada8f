local needs = { "kprobe:vfs_read", "command:workload" }

-- What vfsstat says of the calls of `workload vfs`, and of nobody else's.
local function of_workload()
  local folder = sh("mktemp -d"):match "%S+"
  local worker = start("workload vfs " .. folder)
  worker:hear "ready"
  local got = run { "vfsstat", "--total", "-p", worker.pid, "1h", during = function()
    worker:send "go"
    worker:hear "done"
  end }
  sh("rm -r " .. folder)
  local rows = got:rows()
  equal(#rows, 1, "reports")
  return rows[1]
end

case("each call by itself", { needs = needs, example = true }, function()
  local row = of_workload()
  -- The worker's own "done" is a write, and it reads to hear what is next.
  equal(row.READ, 4 + 1)
  equal(row.WRITE, 13 + 1)
  equal(row.UNLINK, 12)
  equal(row.MKDIR, 4)
end)

case("a function that the compiler has split counts once", { needs = needs }, function()
  equal(of_workload().RMDIR, 3)
end)

case("fsync, fdatasync and msync count, wherever the compiler has put vfs_fsync_range", { needs = needs }, function()
  equal(of_workload().FSYNC, 3 + 2 + 1)
end)

case("open() with O_CREAT opens, mknod() creates", { needs = needs }, function()
  local row = of_workload()
  equal(row.OPEN, 1 + 6)
  equal(row.CREATE, 5)
end)

case("rates are by the time that has passed, not by the interval", { needs = needs }, function()
  local got = run { "vfsstat", "1h", command = "dd if=/dev/zero of=/dev/null bs=1 count=20000 status=none" }
  local row = got:rows()[1]
  -- It takes less than 50 s; by the interval it were 5 a second.
  check(row["WRITE/s"] >= 20000 // 50, got.out)
  check(math.abs(row["READ/s"] / row["WRITE/s"] - 1) < 0.1, got.out)
end)

case("as many lines as are wanted", { needs = needs }, function()
  equal(#run { "vfsstat", "100ms", "3" }:rows(), 3)
end)
