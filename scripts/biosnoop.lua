#!/usr/bin/env -S moontrace
--- Show every request to a disk, who made it and how long it took.
--
-- Usage: biosnoop [OPTIONS]
--   -d, --disk DISK   only this one
--   -Q, --queued      how long each waited in the kernel's queue, too
--
-- T is what is done: R(ead), W(rite), F(lush), D(iscard) or other (-). LAT is the time that the disk took, without the queue.
-- Subject: disk
-- Level: safe
-- Probes: rawtracepoint:block_{io_start,rq_insert,rq_issue,rq_merge,rq_complete}
-- Example: biosnoop -Q -d sda
local opt = options()
local requests = span()

-- The first of these that the kernel has and that a request passes is its begin, in the process that makes it.
probe "rawtracepoint:block_{io_start,rq_insert,rq_issue}"
  :where "pid in $target and args.rq.rq_disk ~= 0"
  :where(opt.disk and "args.rq.rq_disk.disk_name == $disk")
  :without(requests, "ptr(args.rq)")
  :fetch "issued = 0"
  :start(requests, "ptr(args.rq)")
probe "rawtracepoint:block_rq_issue" :fetch "issued = time" :mark(requests, "ptr(args.rq)")
-- What becomes a part of another request ends here.
probe "rawtracepoint:block_rq_merge" :finish(requests, "ptr(args.rq)")

-- Without -Q nothing of QUE(ms) is printed.
local form = "%-11s %-16s %-7s %-9s %s %-10s %-7s " .. (opt.queued and "%8s " or "%.0s") .. "%8s\n"
local types = { [0] = "R", "W", "F", "D" }
local first

printf(form, "TIME(s)", "COMM", "PID", "DISK", "T", "SECTOR", "BYTES", "QUE(ms)", "LAT(ms)")
probe "rawtracepoint:block_rq_complete"
  :where "args.nr_bytes >= args.rq.__data_len" -- not a part of it
  :finish(requests, "ptr(args.rq)")
  :where "from.issued > 0" -- an empty write that waits for a flush is not
  :fetch [[from.comm, from.pid, queued = from.issued - from.time, took = time - from.issued,
    disk = args.rq.rq_disk.disk_name, op = args.rq.cmd_flags & 0xff, sector = args.rq.__sector]]
  :on(function(e)
    first = first or e.time
    printf(form, ("%.6f"):format((e.time - first) / 1e9), e.comm, e.pid, e.disk, types[e.op] or "-", e.sector,
      e.args.nr_bytes, ("%.3f"):format(e.queued / 1e6), ("%.3f"):format(e.took / 1e6))
  end)
