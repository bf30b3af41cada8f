local with_disk = require "disk"

local function deeds(device)
  return ([[dd if=%s of=/dev/null bs=4096 count=5 iflag=direct 2>/dev/null
    dd if=/dev/zero of=%s bs=8192 count=2 seek=3 oflag=direct 2>/dev/null]]):format(device, device)
end

-- How many requests the histograms count, by what stands behind their unit; in all under "".
local function counts(got, unit)
  local counts, key = { [""] = 0 }, nil
  for _, line in ipairs(got:lines()) do
    key = line:match("^@" .. unit .. "(.*):$") or key
    local count = tonumber(line:match "^[%[(].-[%])]%s+(%d+) |")
    if count then
      counts[key] = (counts[key] or 0) + count
      if key ~= "" then counts[""] = counts[""] + count end
    end
  end
  return counts
end

local needs = { "rawtracepoint:block_rq_issue", "command:losetup" }

case("each request once", { needs = needs, example = true }, function()
  with_disk(function(device, disk)
    local got = run { "biolatency", "-d", disk, during = deeds(device) }
    equal(counts(got, "usecs")[""], 7)
  end)
end)

case("by disk and by kind of request", { needs = needs }, function()
  with_disk(function(device, disk)
    local got = counts(run { "biolatency", "-d", disk, "-D", "-F", during = deeds(device) }, "usecs")
    equal(got["[" .. disk .. ", REQ_OP_READ]"], 5)
    equal(got["[" .. disk .. ", REQ_OP_WRITE]"], 2)
    equal(got[""], 7)
  end)
end)

case("with the queue, each request once, too", { needs = needs }, function()
  with_disk(function(device, disk)
    local got = counts(run { "biolatency", "-d", disk, "-D", "-Q", during = deeds(device) }, "usecs")
    equal(got["[" .. disk .. "]"], 7)
  end)
end)

case("as many reports as are wanted, with the time of day", { needs = needs }, function()
  local got = run { "biolatency", "-d", "nothing", "-T", "100ms", "3" }
  local _, times = got.out:gsub("%d%d:%d%d:%d%d\n", "")
  equal(times, 3)
end)

case("an interval without a unit is refused", { needs = needs }, function()
  run { "biolatency", "5", status = 2, says = "'INTERVAL' can't be '5'" }
end)

-- Guests have a disk that takes as long as it is told to.
local slow = { "rawtracepoint:block_rq_issue", "file:/lib/modules/" .. kernel() .. "/null_blk.ko" }

case("the time that the disk took, in ms", { needs = slow }, function()
  sh "modprobe null_blk nr_devices=1 irqmode=2 completion_nsec=70000000"
  local got = run { "biolatency", "-d", "nullb0", "-m", during = "dd if=/dev/nullb0 of=/dev/null bs=4096 count=3 iflag=direct 2>/dev/null" }
  sh "rmmod null_blk"
  equal(counts(got, "msecs")[""], 3)
  local first = got.out:match "\n%[(%d+), "
  check(tonumber(first) >= 64, got.out)
end)
