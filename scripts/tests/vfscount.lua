-- Runs a tool beside the calls of `workload vfs`, of its process alone, without what it says and hears itself.
case("each function by itself", { needs = { "kprobe:vfs_read", "command:workload" }, example = true }, function()
  local folder = sh("mktemp -d"):match "%S+"
  local worker = start("workload vfs " .. folder)
  worker:hear "ready"
  local got = run { "vfscount", "-p", worker.pid, during = function()
    worker:send "go"
    worker:hear "done"
  end }
  local function count(func) return got:row { FUNC = func }.COUNT end
  -- Its own "done" is a write, and it reads to hear what is next.
  equal(count "vfs_write", 13 + 1)
  equal(count "vfs_read", 4 + 1)
  equal(count "vfs_open", 7)
  equal(count "vfs_create", 5)
  equal(count "vfs_unlink", 12)
  equal(count "vfs_mkdir", 4)
  local rows = got:rows()
  for i = 2, #rows do check(rows[i - 1].COUNT <= rows[i].COUNT, "largest last:\n" .. got.out) end
  sh("rm -r " .. folder)
end)

case("ends when its time is over", { needs = "kprobe:vfs_read" }, function()
  run { "vfscount", "300ms" }
end)

case("a time without a unit is refused", function()
  run { "vfscount", "5", status = 2, says = "'TIME' can't be '5'" }
end)
