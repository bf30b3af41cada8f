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
-- moontrace's own -c stands before the tool's name here: moontrace run -c CMD argdist …
-- Subject: app
-- Level: heavy
-- Probes: kprobe:*, kprobe:*:*, kretprobe:*, kretprobe:*:*, fentry:*, fentry:*:*, fexit:*, fexit:*:*
-- Probes: tracepoint:*:*, rawtracepoint:*, uprobe:*:*, uretprobe:*:*, usdt:*:*, usdt:*:*:*
-- Probes: profile:*:*, interval:*, interval:*:*, software:*, software:*:*, hardware:*, hardware:*:*
-- Permissions: memory, arguments, packets, stacks
-- Example: argdist -H 'r:c:malloc(size_t size):u64:$latency/$entry(size)#ns per byte' -i 10 -n 1
-- Example: argdist -C 'p:c:write(int fd):int:fd' -T 5
-- Example: argdist kretprobe:vfs_read --hist elapsed --by comm
local place, distribution = require "place", require "distribution"
local opt = options()
local reported, reports = {}, 0

local function filtered(spec) return probe(spec):where(opt.tid and "tid == $tid") end

local function print_counts(d, rows)
  printf("%s\n\t%-10s %s\n", d.label, "COUNT", "EVENT")
  for i = math.max(1, #rows - (opt.top or #rows) + 1), #rows do
    printf("\t%-10d %s\n", rows[i].count, d.event(rows[i]))
  end
end

place.define(opt.string_size)
for _, text in ipairs(opt.count or {}) do
  local d = assert(distribution.read(text))
  local counts = filtered(d.spec):where(d.filter):by(d.keys):count()
  table.insert(reported, { counts, function(t) print_counts(d, t:rows()) end })
end
for _, text in ipairs(opt.histogram or {}) do
  local d = assert(distribution.read(text))
  assert(#d.texts == 1, "a histogram is of one value: TYPE:EXPRESSION\n  " .. text)
  local values = filtered(d.spec):where(d.filter):name(d.label):hist(d.texts[1])
  table.insert(reported, { values, function(t) t:print() end })
end
if opt.probe then
  local p = filtered(opt.probe):where(opt.where):by(opt.by)
  table.insert(reported, { opt.hist and p:hist(opt.hist) or p:count(), function(t) t:print { top = opt.top } end })
end
assert(#reported > 0, "nothing to collect: -C SPEC, -H SPEC, or a PROBE")

local function report()
  reports = reports + 1
  printf("[%s]\n", strftime "%T")
  for _, each in ipairs(reported) do
    local tally, show = each[1], each[2]
    show(opt.cumulative and tally or tally:take())
  end
  if reports == opt.number then exit() end
end

every(("%ds"):format(opt.interval), report)
on_exit(function() if reports ~= opt.number then report() end end)
