#!/usr/bin/env -S moontrace
--- Count calls of functions, tracepoints and USDT probes.
--
-- Usage: funccount [OPTIONS] PATTERN
--   PATTERN               'vfs_*', 'c:str*', /bin/bash:readline, 't:sched:*', 'u:c:*'
--   -i, --interval TIME   print and start anew this often, not only at the end
--   -r, --regexp          the last part of PATTERN is a regular expression
--   -T, --timestamp       print the time, too
--   -C, --cpu N           on this CPU only
-- Subject: cpu
-- Level: heavy
-- Probes: kprobe:*, kprobe:*:*, kretprobe:*, kretprobe:*:*, tracepoint:*:*
-- Probes: uprobe:*:*, uretprobe:*:*, usdt:*:*, usdt:*:*:*
-- Example: funccount -i 1s 'vfs_*'
local opt = options()

local calls = probe(assert(require("bcc").spec(opt.pattern, opt.regexp and require "regex")))
  :where(opt.cpu and "cpu == $cpu")
  :by "probe"
  :count()

local function report()
  printf("\n%s%-36s %8s\n", opt.timestamp and strftime "%H:%M:%S\n" or "", "FUNC", "COUNT")
  for _, r in ipairs(calls:take():rows()) do
    printf("%-36s %8d\n", r.probe:match "^tracepoint:(.+)" or r.probe:match "[^:]+$", r.count)
  end
end

on_start(function() printf("Tracing \"%s\"... Hit Ctrl-C to end.\n", opt.pattern) end)
if opt.interval then every(opt.interval, report) end
on_exit(report)
