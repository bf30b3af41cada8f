#!/usr/bin/env -S moontrace
--- Count the stacks that lead to a function, tracepoint or USDT probe.
--
-- Usage: stackcount [OPTIONS] PATTERN
--   PATTERN               'vfs_*', c:malloc, /bin/bash:readline, t:sched:sched_switch, 'u:c:*'
--   -K, --kernel          stacks of the kernel only
--   -U, --user            stacks of processes only
--   -P, --perpid          a count for each process
--   -i, --interval TIME   print and start anew this often, not only at the end
--   -r, --regexp          the last part of PATTERN is a regular expression
--   -T, --timestamp       print the time, too
--   -s, --offset          how far into each function, too
--   -v, --verbose         addresses, too
--   -d, --delimited       a line between the kernel's stack and the process's
--   -f, --folded          a line for each stack, as flame graphs are made of
--   --svg FILE            draw a flame graph instead
-- Subject: cpu
-- Level: heavy
-- Probes: kprobe:*, kprobe:*:*, kretprobe:*, kretprobe:*:*, tracepoint:*:*
-- Probes: uprobe:*:*, uretprobe:*:*, usdt:*:*, usdt:*:*:*
-- Permissions: stacks
-- Example: stackcount -P t:block:block_rq_issue
local opt = options()

local stacks = opt.kernel and "kstack" or opt.user and "ustack" or "kstack, ustack"
local calls = probe(assert(require("bcc").spec(opt.pattern, opt.regexp and require "regex")))
  :by((opt.perpid and "comm, pid, " or "") .. stacks)
  :count()

local function show(stack)
  for _, frame in ipairs(stack or {}) do
    printf("  %s%s%s\n", opt.verbose and ("%-16x "):format(frame.addr) or "", frame.name,
      opt.offset and frame.symbol and ("+0x%x"):format(frame.offset) or "")
  end
  if stack and stack.mark then printf("  %s\n", stack.mark) end
end

local function report()
  local counted = calls:take()
  if opt.timestamp then printf("\n%s\n", strftime "%H:%M:%S") end
  if opt.svg then return counted:flamegraph(opt.svg) end
  if opt.folded then return printf("%s", counted:folded()) end
  for _, r in ipairs(counted:rows()) do
    show(r.kstack)
    if opt.delimited and r.kstack and r.ustack then printf("    --\n") end
    show(r.ustack)
    if opt.perpid then printf("    %s [%d]\n", r.comm, r.pid) end
    printf("    %d\n\n", r.count)
  end
end

if opt.interval then every(opt.interval, report) end
on_exit(report)
