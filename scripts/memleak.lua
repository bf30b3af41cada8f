#!/usr/bin/env -S moontrace
--- Show what was allocated and not freed since, by the stack that allocated it.
--
-- Usage: memleak [OPTIONS] [INTERVAL] [COUNT]
--   INTERVAL                                    time between two reports [5s]
--   COUNT                                       end after so many reports
--   -O, --object FILE                           the library or program whose functions allocate: libc if nothing is said
--   -k, --kernel kmalloc|slab|pages|percpu...   these allocators of the kernel instead
--   -t, --trace                                 each allocation and each free as it happens, too
--   -a, --addresses                             each allocation, too
--   -o, --older TIME                            only what is at least so old [500ms]
--   -T, --top N                                 stacks to show [10]
--   -S, --sort size|count                       what makes a stack large [size]
--   -z, --min-size SIZE                         leave out smaller allocations
--   -Z, --max-size SIZE                         leave out larger ones
--   -s, --sample N                              watch about one allocation in N
--   --combined-only                             as -o 0s: of all that is open, however young
--   --wa-missing-free                           taken for BCC's sake: what is allocated anew was freed, seen or not
--   --room N                                    allocations that may be open at once [1000000]
--   --stacks N                                  different stacks that may allocate [10240]
--
-- It watches the process that -p or -c give; without one, all that the kernel's kmalloc, slab and pages allocate; with -O
-- all processes. What was allocated before is not seen, nor that it is freed.
-- Subject: memory
-- Level: heavy
-- Probes: u{,ret}probe:*:{,je_,tc_,mi_}{{m,v,pv,c,re}alloc,reallocarray,{,posix_}memalign,aligned_alloc}
-- Probes: uprobe:*:{,je_,tc_,mi_}{free,munmap}, uretprobe:*:{,je_,tc_,mi_}{mmap,mremap}
-- Probes: tracepoint:kmem:{kmalloc,kmem_cache_alloc}{,_node}, tracepoint:kmem:{kfree,kmem_cache_free}
-- Probes: tracepoint:kmem:mm_page_{alloc,free}, tracepoint:percpu:percpu_{alloc,free}_percpu
-- Permissions: memory, stacks
-- Example: memleak -p 1234 -o 1m 10s
local opt = options()
local kernel = opt.kernel or not (opt.object or has_target()) and { "kmalloc", "slab", "pages" }
local live = span("stack = " .. (kernel and "kstack" or "ustack"), { keys = opt.room, stacks = opt.stacks })

-- Functions that allocate, under the names that allocators give them: how much, and where, if it is not what they return.
local functions = {
  { "malloc", size = "arg0" },
  { "valloc,pvalloc", size = "arg0" },
  { "calloc", size = "arg0 * arg1" },
  { "memalign,aligned_alloc", size = "arg1" },
  { "posix_memalign", size = "arg2", address = "retval == 0 and as('u64 *', arg0)[0] or 0" },
  { "realloc", size = "arg1", moves = true },
  { "reallocarray", size = "arg1 * arg2", moves = true },
}
local mappings = { { "mmap", size = "arg1" }, { "mremap", size = "arg2", moves = true } }
local prefixes = "{,je_,tc_,mi_}"

-- The kernel's allocators: an event that allocates, one that frees.
local events = {
  kmalloc = { "kmem:kmalloc{,_node}", "kmem:{kfree,kmem_cache_free}", size = "args.bytes_alloc", address = "args.ptr" },
  slab = { "kmem:kmem_cache_alloc{,_node}", "kmem:{kfree,kmem_cache_free}", size = "args.bytes_alloc", address = "args.ptr" },
  pages = { "kmem:mm_page_alloc", "kmem:mm_page_free", size = "4096 << args.order", address = "args.pfn" },
  percpu = { "percpu:percpu_alloc_percpu", "percpu:percpu_free_percpu", size = "args.size", address = "args.ptr" },
}

local function says(what)
  return function(e) printf("%-5s %x size %d\n", what, e.from.address, e.from.size) end
end

-- `at` makes chains at one place.
local function starts(at, it, key)
  local fields = ("size = %s, address = %s"):format(it.size, it.address or "retval")
  at():fetch(fields)
    :where "address ~= 0 and address ~= 0xffffffffffffffff" -- MAP_FAILED, and no page
    :where(opt.min_size and "size >= $min_size") :where(opt.max_size and "size <= $max_size")
    :where(opt.sample and "time % $sample == 0")
    :start(live, key)
  if opt.trace then at():fetch(fields):within(live, key):on(says "alloc") end
end

local function ends(chain, key)
  local freed = chain:finish(live, key)
  if opt.trace then freed:on(says "free") end
end

if kernel then
  local freed = {}
  for _, name in ipairs(kernel) do
    local it = events[name]
    starts(function() return probe("tracepoint:" .. it[1]) :where "pid in $target" end, it, "address")
    if not freed[it[2]] then ends(probe("tracepoint:" .. it[2]), it.address) end
    freed[it[2]] = true
  end
else
  local object = opt.object or "libc"
  local function at(kind, names) return ("%s:%s:%s{%s}"):format(kind, object, prefixes, names) end
  -- Threads that are within one of the functions: what is mapped there is the allocator's own.
  local inside, names = set{}, {}
  for i, it in ipairs(functions) do names[i] = it[1] end
  names = table.concat(names, ",")

  local function watch(it, outside)
    local back = at("uretprobe", it[1])
    if not exists(back) then return end
    if it.moves then
      -- It lets go of the old place, unless it fails; what has that place since the call began is another's.
      ends(probe(back) :where "retval ~= 0xffffffffffffffff" :where(("retval ~= 0 or %s == 0"):format(it.size))
        :within(live, "pid, arg0") :where "from.time < entry(time)", "pid, arg0")
    end
    starts(function() return probe(back) :without(outside, "tid") end, it, "pid, address")
  end

  probe(at("uprobe", names)) :add(inside, "tid")
  probe(at("uretprobe", names)) :remove(inside, "tid")
  for _, it in ipairs(functions) do watch(it) end
  ends(probe(at("uprobe", "free")), "pid, arg0")
  if exists(at("uprobe", "munmap")) then ends(probe(at("uprobe", "munmap")), "pid, arg0") end
  for _, it in ipairs(mappings) do watch(it, inside) end
end

require "times"(opt.interval, opt.count, function()
  local open = live:open(opt.combined_only and 0 or opt.older)
  printf("[%s] Top %d stacks with outstanding allocations:\n", strftime "%H:%M:%S", opt.top)
  for _, it in ipairs(opt.addresses and open:rows() or {}) do printf("\taddr = %x size = %d\n", it.address, it.size) end
  local stacks = open:group("stack", "size"):top(opt.top, opt.sort)
  for i = #stacks, 1, -1 do
    local s = stacks[i]
    printf("\t%d bytes in %d allocations from stack\n\t\t%s\n", s.size, s.count, tostring(s.stack):gsub("\n", "\n\t\t"))
  end
end)
