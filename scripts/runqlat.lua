#!/usr/bin/env -S moontrace
--- Show how long threads that could run wait for a CPU, as a histogram.
--
-- Usage: runqlat [OPTIONS] [INTERVAL] [COUNT]
--   INTERVAL             print and start anew this often, not only at the end
--   COUNT                end after so many reports
--   -P, --pids           a histogram for each process
--   -L, --tids           a histogram for each thread
--   -m, --milliseconds   in milliseconds, not microseconds
--   -T, --timestamp      print the time, too
-- Subject: cpu
-- Level: heavy
-- Probes: rawtracepoint:sched_{switch,wakeup,wakeup_new}
-- Example: runqlat -m 5s
local opt, waiting = options(), span{ keys = 65536 }
local unit, label = 1000, "usecs"
if opt.milliseconds then unit, label = 1000000, "msecs" end
local switch = "rawtracepoint:sched_switch"

probe "rawtracepoint:{sched_wakeup,sched_wakeup_new}" :where "args.p.tgid in $target" :start(waiting, "args.p.pid")
-- What was woken while it still ran has not waited.
probe(switch) :finish(waiting, "args.prev.pid")
probe(switch) :where "args.prev.pid ~= 0 and args.prev.tgid in $target"
  :where "args.preempt or args.prev.state == 0" :start(waiting, "args.prev.pid")

local waited = probe(switch) :finish(waiting, "args.next.pid")
  :by(opt.tids and "pid = args.next.tgid, tid = args.next.pid, comm = args.next.comm"
    or opt.pids and "pid = args.next.tgid, comm = args.next.group_leader.comm")
  :with{ unit = unit } :name(label) :hist "elapsed / $unit"

require "times"(opt.interval, opt.count, function()
  if opt.timestamp then printf("%s\n", strftime "%H:%M:%S") end
  waited:take():print()
end)
