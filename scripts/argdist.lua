#!/usr/bin/env -S moontrace
--- Show how the values of arguments and results are distributed, or how often each comes.
--
-- Usage: argdist [OPTIONS] [PROBE]
--   PROBE                     a SPEC of moontrace, for --where, --by and --hist
--   -C, --count SPEC...       how often each value comes
--   -H, --histogram SPEC...   how values are distributed
--   --where TEXT              with PROBE: only hits for which this holds
--   --by LIST                 with PROBE: a row or a histogram for each of these
--   --hist TEXT               with PROBE: the value that is distributed
--   -i, --interval N          seconds between two reports [1]
--   -n, --number N            end after so many reports
--   -c, --cumulative          reports go on counting
--   -T, --top N               only the N largest counts
--   -t, --tid N               only this thread
--   -z, --string-size N       the most that is read of a string at an address [80]
--   -I, --include FILE...     taken for BCC's sake: types are those of the running kernel
--
-- SPEC is {p,r,t,u}:[LIBRARY|CATEGORY]:FUNCTION(SIGNATURE)[:TYPE,...:EXPRESSION,...[:FILTER]][#LABEL], as in BCC, in C.
-- Returns have $retval, $latency (ns) and $entry(PARAMETER), all have $PID and $COMM; arg1 is the first argument.
-- Subject: app
-- Level: sensitive
-- Example: argdist -H 'r:c:malloc(size_t size):u64:$latency/$entry(size)#ns per byte' -i 10 -n 1
-- Example: argdist -C 'p:c:write(int fd):int:fd' -T 5
-- Example: argdist kretprobe:vfs_read --hist elapsed --by comm
local place, distribution = require "place", require "distribution"
local opt = options()
local shown, reports = {}, 0

local function filtered(spec) return probe(spec):where(opt.tid and "tid == $tid") end

place.define(opt.string_size)
for _, text in ipairs(opt.count or {}) do
  local d, keys = assert(distribution.read(text)), {}
  d.counts = true
  for i, value in ipairs(d.texts) do keys[i] = ("_%d = %s"):format(i, value) end
  d.tally = filtered(d.spec):where(d.filter):by(keys[1] and table.concat(keys, ", ")):count()
  shown[#shown + 1] = d
end
for _, text in ipairs(opt.histogram or {}) do
  local d = assert(distribution.read(text))
  if #d.texts ~= 1 then error("a histogram is of one value: TYPE:EXPRESSION\n  " .. text, 0) end
  d.tally = filtered(d.spec):where(d.filter):name(d.label):hist(d.texts[1])
  shown[#shown + 1] = d
end
if opt.probe then
  local p = filtered(opt.probe):where(opt.where):by(opt.by)
  shown[#shown + 1] = { tally = opt.hist and p:hist(opt.hist) or p:count() }
end
if #shown == 0 then error("nothing to collect: -C SPEC, -H SPEC, or a PROBE", 0) end

-- `size = 16, flags = 0` of a row.
local function event(d, row)
  local parts = {}
  for i, source in ipairs(d.sources) do parts[i] = ("%s = %s"):format(source, row["_" .. i]) end
  return parts[1] and table.concat(parts, ", ") or "total calls"
end

local function print_counts(d, rows)
  printf("%s\n\t%-10s %s\n", d.label, "COUNT", "EVENT")
  for i = math.max(1, #rows - (opt.top or #rows) + 1), #rows do
    printf("\t%-10d %s\n", rows[i].count, event(d, rows[i]))
  end
end

local function report()
  reports = reports + 1
  printf("[%s]\n", strftime "%T")
  for _, d in ipairs(shown) do
    local t = opt.cumulative and d.tally or d.tally:take()
    if d.counts then print_counts(d, t:rows()) else t:print() end
  end
  if reports == opt.number then exit() end
end

every(("%ds"):format(opt.interval), report)
on_exit(function() if reports ~= opt.number then report() end end)
