local with_disk = require "disk"

local needs = { "rawtracepoint:block_rq_issue", "command:losetup" }

case("each request, by whom, where and how large", { needs = needs, example = true }, function()
  with_disk(function(device, disk)
    local got = run { "biosnoop", "-Q", "-d", disk, during = ([[
      dd if=%s of=/dev/null bs=4096 count=5 iflag=direct 2>/dev/null
      dd if=/dev/zero of=%s bs=8192 count=2 seek=3 oflag=direct 2>/dev/null]]):format(device, device) }
    local rows = got:rows { COMM = "dd" }
    equal(#rows, 7, "requests")
    for i, row in ipairs(rows) do
      equal(row.DISK, disk)
      equal(row.T, i <= 5 and "R" or "W")
      equal(row.SECTOR, i <= 5 and (i - 1) * 8 or 48 + (i - 6) * 16)
      equal(row.BYTES, i <= 5 and 4096 or 8192)
      check(row["LAT(ms)"] > 0 and row["QUE(ms)"] >= 0, got.out)
      check(row["TIME(s)"] >= (i > 1 and rows[i - 1]["TIME(s)"] or 0), got.out)
    end
  end)
end)

case("the queue only with -Q, a flush as one row", { needs = needs }, function()
  with_disk(function(device, disk)
    local got = run { "biosnoop", "-d", disk, during = "dd if=/dev/zero of=" .. device .. " bs=4096 count=1 oflag=direct conv=fsync 2>/dev/null" }
    check(not got.out:find "QUE", got.out)
    equal(got:row { T = "W" }.BYTES, 4096)
    equal(got:row { T = "F" }.BYTES, 0)
  end)
end)

case("what is too large for one request is several, which are all of it", { needs = needs }, function()
  with_disk(function(device, disk)
    local got = run { "biosnoop", "-d", disk, during = "dd if=" .. device .. " of=/dev/null bs=4194304 count=1 iflag=direct 2>/dev/null" }
    local rows, bytes = got:rows { COMM = "dd" }, 0
    table.sort(rows, function(a, b) return a.SECTOR < b.SECTOR end)
    for _, row in ipairs(rows) do
      equal(row.SECTOR, bytes // 512)
      bytes = bytes + row.BYTES
    end
    check(#rows > 1, got.out)
    equal(bytes, 4194304)
  end)
end)

case("another disk's requests are not shown", { needs = needs }, function()
  with_disk(function(device)
    local got = run { "biosnoop", "-d", "nothing", during = "dd if=" .. device .. " of=/dev/null bs=4096 count=2 iflag=direct 2>/dev/null" }
    equal(#got:rows(), 0)
  end)
end)

case("those of a command alone", { needs = needs }, function()
  with_disk(function(device, disk)
    local command = "dd if=" .. device .. " of=/dev/null bs=4096 count=3 iflag=direct status=none"
    equal(#run { "biosnoop", "-d", disk, command = "sh -c '" .. command .. "'" }:rows { COMM = "dd", T = "R" }, 3)
    equal(#run { "biosnoop", "-d", disk, "-p", start("sleep 60").pid, during = command }:rows(), 0)
  end)
end)

-- Guests have a disk that takes as long as it is told to.
local slow = { "rawtracepoint:block_rq_issue", "file:/lib/modules/" .. kernel() .. "/null_blk.ko" }

case("how long the disk took", { needs = slow }, function()
  sh "modprobe null_blk nr_devices=1 irqmode=2 completion_nsec=50000000"
  local got = run { "biosnoop", "-d", "nullb0", during = "dd if=/dev/nullb0 of=/dev/null bs=4096 count=3 iflag=direct 2>/dev/null" }
  sh "rmmod null_blk"
  local rows = got:rows { COMM = "dd" }
  equal(#rows, 3)
  for _, row in ipairs(rows) do check(row["LAT(ms)"] >= 50 and row["LAT(ms)"] < 5000, got.out) end
end)
