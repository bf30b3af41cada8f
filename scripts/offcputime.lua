#!/usr/bin/env -S moontrace
--- Add up the time that threads are off the CPU, by the stack that they left it with.
--
-- Usage: offcputime [OPTIONS]
--   -m, --min TIME           leave out shorter waits [1us]
--   -M, --max TIME           leave out longer ones
--   -u, --user-threads       leave out the kernel's own threads
--   -k, --kernel-threads     only these
--   -U, --user-stacks        stacks of processes only
--   -K, --kernel-stacks      stacks of the kernel only
--   --state R|S|D            only where it was preempted, slept, or could not be interrupted
--   -f, --folded             a line for each stack, as flame graphs are made of
--   --svg FILE               draw a flame graph instead
--
-- Times are in microseconds.
-- Subject: cpu
-- Level: heavy
-- Probes: tracepoint:sched:sched_switch
-- Permissions: stacks
-- Example: offcputime --min 1ms --svg off.svg
local opt, off = options(), span{ keys = 65536 }
-- The tracepoint says 0x100 of a preempted thread.
local states = { R = "args.prev_state in {0, 0x100}", S = "args.prev_state == 1", D = "args.prev_state & 2 ~= 0" }
local stacks = opt.user_stacks and "from.ustack" or opt.kernel_stacks and "from.kstack" or "from.ustack, from.kstack"
define "is_kernel_thread = curtask.flags & 0x200000 ~= 0" -- PF_KTHREAD

-- The thread that leaves still runs here. An idle CPU's is no thread that waits, and the dead (0x10, 0x20) never come back.
probe "tracepoint:sched:sched_switch"
  :where "tid ~= 0 and args.prev_state & 0x30 == 0 and pid in $target"
  :where(opt.user_threads and "not is_kernel_thread")
  :where(opt.kernel_threads and "is_kernel_thread")
  :where(states[opt.state])
  :start(off, "args.prev_pid")
local time = probe "tracepoint:sched:sched_switch"
  :finish(off, "args.next_pid")
  :where "elapsed >= $min" :where(opt.max and "elapsed <= $max")
  :by("from.comm, from.pid, " .. stacks)
  :tally "us = sum(elapsed / 1us)"

if opt.svg then
  time:flamegraph(opt.svg, { title = "Off-CPU time" })
elseif opt.folded then
  on_exit(function() printf("%s", time:folded()) end)
else
  time:print()
end
