#!/usr/bin/env -S moontrace
--- Show how long requests to disks take, as a histogram.
--
-- Usage: biolatency [OPTIONS] [INTERVAL] [COUNT]
--   INTERVAL              time between two reports, else one at the end
--   COUNT                 reports to print, else until Ctrl-C
--   -d, --disk DISK       only this one
--   -D, --disks           a histogram for each disk
--   -F, --flags           a histogram for each kind of request
--   -m, --milliseconds    in milliseconds, not microseconds
--   -Q, --queued          the time in the kernel's queue as well
--   -T, --timestamp       the time of day before each report
-- Subject: disk
-- Level: safe
-- Probes: rawtracepoint:block_{io_start,rq_insert,rq_issue,rq_merge,rq_complete}
-- Example: biolatency -D 1s 10
local opt = options()
local requests = span()

-- With -Q a request begins at the first of these that the kernel has and that it passes.
probe("rawtracepoint:block_" .. (opt.queued and "{io_start,rq_insert,rq_issue}" or "rq_issue"))
  :where "pid in $target and args.rq.rq_disk ~= 0"
  :where(opt.disk and "args.rq.rq_disk.disk_name == $disk")
  :without(opt.queued and requests, "ptr(args.rq)")
  :start(requests, "ptr(args.rq)")
-- What becomes a part of another request ends here.
probe "rawtracepoint:block_rq_merge" :finish(requests, "ptr(args.rq)")

local by = {}
if opt.disks then table.insert(by, "disk = args.rq.rq_disk.disk_name") end
if opt.flags then table.insert(by, "flags = first(as('enum req_op', op), as('enum req_opf', op))") end
local took = probe "rawtracepoint:block_rq_complete"
  :where "args.nr_bytes >= args.rq.__data_len" -- not a part of it
  :finish(requests, "ptr(args.rq)")
  :name(opt.milliseconds and "msecs" or "usecs")
  :fetch(opt.flags and "op = args.rq.cmd_flags & 0xff")
  :by(by[1] and table.concat(by, ", "))
  :hist(opt.milliseconds and "elapsed / 1ms" or "elapsed / 1us")

require "times"(opt.interval, opt.count, function()
  if opt.timestamp then printf("%s\n", strftime "%T") end
  took:take():print()
end)
