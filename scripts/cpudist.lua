#!/usr/bin/env -S moontrace
--- Show how long threads stay on a CPU, or off it, as histograms.
--
-- Usage: cpudist [OPTIONS] [INTERVAL] [COUNT]
--   INTERVAL             print and start anew this often, not only at the end
--   COUNT                end after so many reports
--   -O, --offcpu         time off the CPU instead
--   -P, --pids           a histogram for each process
--   -L, --tids           a histogram for each thread
--   -m, --milliseconds   in milliseconds, not microseconds
--   -T, --timestamp      print the time, too
--   -I, --include-idle   the time of idle CPUs, too
--   -e, --extension      count, sum, average, smallest and largest, too
--   --preempted          only where the thread left its CPU although it had more to do
--
-- A thread's first time on a CPU counts from the first switch to it that is seen.
-- Subject: cpu
-- Level: heavy
-- Probes: tracepoint:sched:sched_switch
-- Example: cpudist -O -P 5s
local opt, since = options(), span{ keys = 65536 }
local unit, label = 1000, "usecs"
if opt.milliseconds then unit, label = 1000000, "msecs" end
local who = opt.tids and "pid, tid, comm" or opt.pids and "pid, comm"

-- Each CPU has an idle thread of its own, all of the number 0.
define "idle(tid) = tid == 0 and cpu or -1"
local old, new = "args.prev_pid, idle(args.prev_pid)", "args.next_pid, idle(args.next_pid)"

-- Where the tracepoint is, the thread that leaves still runs: it is pid, tid and comm.
local leaves = probe "tracepoint:sched:sched_switch" :where(not opt.include_idle and "tid ~= 0")
local comes = probe "tracepoint:sched:sched_switch" :where(not opt.include_idle and "args.next_pid ~= 0")
-- 0x100 is what the tracepoint says of a preempted one, whatever state that was about to take.
local preempted = opt.preempted and "args.prev_state in {0, 0x100}"

local spent
if opt.offcpu then
  -- The dead (0x10, 0x20) never come back.
  leaves:where "pid in $target and args.prev_state & 0x30 == 0" :where(preempted) :start(since, old)
  spent = comes:finish(since, new) :by(who and (who:gsub("%a+", "from.%0")))
else
  spent = leaves:finish(since, old) :where "pid in $target" :where(preempted) :by(who)
  comes:start(since, new)
end
local columns = opt.extension and "hist(elapsed / $unit), stats(elapsed / $unit)" or "hist(elapsed / $unit)"
spent = spent:with{ unit = unit } :name(label) :tally(columns)

require "times"(opt.interval, opt.count, function()
  if opt.timestamp then printf("%s\n", strftime "%H:%M:%S") end
  spent:take():print()
end)
