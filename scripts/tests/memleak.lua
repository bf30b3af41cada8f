-- The worker is a static program: the allocator is in it.
local worker = "workload"
local needs = { "command:workload" }

-- What a report has of each function of the worker: `{ bytes, count }` by its name. The last report of a run is meant.
local function leaks(got)
  local found, bytes, count = {}, nil, nil
  for _, line in ipairs(got:lines()) do
    if line:find "^%[%d%d:%d%d:%d%d%] Top" then found = {} end
    local b, c = line:match "^\t(%d+) bytes in (%d+) allocations from stack$"
    if b then
      bytes, count = tonumber(b), tonumber(c)
    else
      local name = line:match "(leak_[%w_]+)%+%d" or line:match "%f[%w_](freed)%+%d" or line:match "%f[%w_](failed)%+%d"
      if name and bytes then
        found[name] = found[name] or { 0, 0 }
        found[name][1], found[name][2] = found[name][1] + bytes, found[name][2] + count
        bytes = nil
      end
    end
  end
  return found
end

-- Runs the worker's steps to their end, and gives what the last report says.
local function leaked(steps, ...)
  local options = { "memleak", "-O", worker, "-o", "0s", "-T", "1000" }
  table.move({ ... }, 1, select("#", ...), #options + 1, options)
  options.command = "workload at-once heap " .. steps
  return leaks(run(options))
end

local function is(found, name, bytes, count)
  local there = found[name] or { 0, 0 }
  equal(there[1], bytes, "bytes of " .. name)
  equal(there[2], count, "allocations of " .. name)
end

case("known bytes, by the function that allocated them", { needs = needs, example = true }, function()
  local got = run { "memleak", "-O", worker, "-o", "0s", "-T", "2", command = "workload at-once heap malloc:1000003:7 calloc:100003:5" }
  local found = leaks(got)
  is(found, "leak_malloc", 7000021, 7)
  is(found, "leak_calloc", 1000030, 5)
end)

case("every function that allocates, once; what was freed or failed is nothing", { needs = needs }, function()
  -- realloc of nothing is malloc; a large malloc maps memory.
  local found = leaked("malloc:2000003:3 calloc:1013:4 posix_memalign:1019:5 aligned_alloc:1024:6 mmap:8192:2 "
    .. "realloc:1031:7 realloc-first:1033:9 realloc-refused:1039:6 freed:1049:20 failed:1051:20")
  is(found, "leak_malloc", 6000009, 3)
  is(found, "leak_calloc", 8104, 4)
  is(found, "leak_posix_memalign", 5095, 5)
  is(found, "leak_aligned_alloc", 6144, 6)
  is(found, "leak_mmap", 16384, 2)
  is(found, "leak_realloc", 7217, 7)
  is(found, "leak_realloc_first", 9297, 9)
  is(found, "leak_realloc_refused", 6234, 6)
  is(found, "freed", 0, 0)
  is(found, "failed", 0, 0)
end)

case("32 threads at once", { needs = needs }, function()
  is(leaked "threads:1063:50", "leak_malloc", 1063 * 32 * 50, 32 * 50)
end)

case("sizes that are meant", { needs = needs }, function()
  local found = leaked("malloc:100:3 malloc:5000:2 malloc:70000:4", "-z", "1KiB", "-Z", "64KiB")
  is(found, "leak_malloc", 10000, 2)
end)

case("a part of them, by chance", { needs = needs }, function()
  local there = leaked("malloc:1069:600", "-s", "3").leak_malloc
  check(there and there[2] > 20 and there[2] < 580 and there[1] == 1069 * there[2], "about a third of 600")
end)

case("of a process that runs: what it had before is not seen", { needs = needs }, function()
  local process = start "workload heap malloc:1087:5 pause freed:1091:3 malloc:1093:4"
  process:hear "ready"
  process:send "go"
  process:hear "paused"
  local got = run { "memleak", "-p", tostring(process.pid), "-O", worker, "-o", "0s", during = function()
    process:send "go"
    process:hear "done"
  end }
  local found = leaks(got)
  is(found, "leak_malloc", 4372, 4)
  is(found, "freed", 0, 0)
end)

case("each allocation with its address, the largest stack last", { needs = needs }, function()
  local got = run { "memleak", "-O", worker, "-a", "-o", "0s", "-z", "1MiB", command = "workload at-once heap malloc:2000003:2 calloc:5000011:1" }
  local addresses = 0
  for _, line in ipairs(got:lines()) do
    if line:match "^\taddr = %x+ size = 2000003$" then addresses = addresses + 1 end
  end
  equal(addresses, 2, "addresses")
  check(got.out:find "leak_malloc.*leak_calloc", got.out)
end)

case("what is younger than is asked for is left out", { needs = needs }, function()
  local found = leaks(run { "memleak", "-O", worker, "-o", "1h", command = "workload at-once heap malloc:1097:5" })
  is(found, "leak_malloc", 0, 0)
  is(leaked("malloc:1097:5", "-o", "1h", "--combined-only"), "leak_malloc", 5485, 5)
end)

case("each allocation and each free as it happens", { needs = needs }, function()
  local got = run { "memleak", "-O", worker, "-t", "-z", "1MiB", command = "workload at-once heap freed:1500007:3 malloc:2000003:2" }
  local open, allocated, freed = {}, 0, 0
  for what, address, size in got.out:gmatch "(%l+) +(%x+) size (%d+)\n" do
    if what == "free" then equal(open[address], size) end
    open[address] = what == "alloc" and size or nil
    if what == "alloc" then allocated = allocated + 1 else freed = freed + 1 end
  end
  check(freed >= 3 and allocated == freed + 2, got.out)
  for _, size in pairs(open) do equal(size, "2000003") end
end)

case("more than there is room for is said", { needs = needs }, function()
  run {
    "memleak", "-O", worker, "--room", "16", "-o", "0s", command = "workload at-once heap malloc:1103:100",
    says = "full %d+: there is no room",
  }
end)

case("more stacks than there is room for is said", { needs = needs }, function()
  run {
    "memleak", "-O", worker, "--stacks", "1", "-o", "0s", command = "workload at-once heap malloc:1109:10 calloc:1117:10",
    says = "stacks %d+: there was no room",
  }
end)

case("of the library that a program is linked with", { needs = { "uprobe:libc:malloc", "command:bash" } }, function()
  local program = [[bash -c 'for i in {1..20}; do printf -v x "%*s" 100003 ""; done']]
  local got = run { "memleak", "-o", "0s", "-z", "99KB", "-Z", "101KB", command = program }
  local found = got.out:match "^.*stacks with outstanding allocations:\n\t(%d+ bytes in %d+ allocations) from stack\n"
  equal(found, "100004 bytes in 1 allocations")
end)

-- Of 51 files it closes every other one.
local leak = "workload leak /proc/self/status 51"

-- How many files are open by what a report says of it.
local function open_files(process, ...)
  process:hear "ready"
  local function deed()
    process:send "go"
    process:hear "done"
    sh "sleep 1" -- what was closed is freed a little later
  end
  local got = run { during = deed, "memleak", "-o", "0s", "-T", "1000", ... }
  local open = 0
  -- A stack, up to the next one; what is allocated along with a file is none.
  for count, stack in (got.out .. "\t0 bytes"):gmatch "in (%d+) allocations from stack\n(.-)%f[\t]\t%f[%d]" do
    if stack:find "alloc_empty_file" and not stack:find "security_" then open = open + count end
  end
  return open
end

case("of the kernel, by its stacks", { needs = { "tracepoint:kmem:kmem_cache_alloc", "command:workload" } }, function()
  local process = start(leak)
  local open = open_files(process, "-k", "slab", "--wa-missing-free", "-p", process.pid)
  -- For a few of a busy kernel's allocations the kernel skips the program, and says so.
  check(math.abs(open - 26) <= 5, open .. " files that are open")
end)

-- Guests have nobody else's doings.
local guests = "file:/lib/modules/" .. kernel() .. "/null_blk.ko"

case("of the whole kernel, where no process is given", { needs = { "tracepoint:kmem:kmem_cache_alloc", "command:workload", guests } }, function()
  local open = open_files(start(leak))
  check(open >= 21 and open < 51, open .. " files that are open")
end)

case("what is no library is said", {}, function()
  run { "memleak", "-O", "/nonexistent", status = 1, says = "/nonexistent" }
end)
