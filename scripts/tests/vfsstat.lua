local needs = { "kprobe:vfs_read", "command:workload" }

case("each call by itself, wherever the compiler has put it", { needs = needs, example = true }, function()
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
  local row = rows[1]
  -- The worker's own "done" is a write, and it reads to hear what is next, soon enough to be seen or not.
  check(row.READ == 4 or row.READ == 4 + 1, row.READ .. " reads")
  equal(row.WRITE, 13 + 1, "write")
  -- open() with O_CREAT opens, mknod() creates.
  equal(row.OPEN, 1 + 6, "open")
  equal(row.CREATE, 5, "create")
  equal(row.UNLINK, 12, "unlink")
  equal(row.MKDIR, 4, "mkdir")
  -- On some kernels vfs_rmdir is split, and vfs_fsync_range is inlined in fsync and fdatasync, and not in msync.
  equal(row.RMDIR, 3, "rmdir")
  equal(row.FSYNC, 3 + 2 + 1, "fsync")
end)

case("rates are by the time that has passed, not by the interval", { needs = needs }, function()
  local got = run { "vfsstat", "1h", command = "dd if=/dev/zero of=/dev/null bs=1 count=5000 status=none" }
  local row = got:rows()[1]
  -- It takes less than 50 s; by the interval it were one a second.
  check(row["WRITE/s"] >= 5000 // 50, got.out)
  check(math.abs(row["READ/s"] / row["WRITE/s"] - 1) < 0.1, got.out)
end)

case("as many lines as are wanted", { needs = needs }, function()
  equal(#run { "vfsstat", "100ms", "3" }:rows(), 3)
end)
