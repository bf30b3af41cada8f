#!/usr/bin/env -S moontrace
--- Show how long calls of functions take, as a histogram.
--
-- Usage: funclatency [OPTIONS] PATTERN
--   PATTERN               functions: vfs_read, 'vfs_*', c:malloc, /bin/bash:readline
--   -u, --microseconds    in microseconds, not nanoseconds
--   -m, --milliseconds    in milliseconds
--   -F, --function        a histogram for each function
--   -i, --interval TIME   print and start anew this often, not only at the end
--   -r, --regexp          the last part of PATTERN is a regular expression
--   -T, --timestamp       print the time, too
--   -l, --level N         taken for BCC's sake: calls within calls are timed as well, however deep
-- Subject: cpu
-- Level: heavy
-- Probes: kretprobe:*, kretprobe:*:*, uretprobe:*:*
-- Example: funclatency -u -F 'vfs_{read,write}'
local opt = options()
local unit, label = 1, "nsecs"
if opt.microseconds then unit, label = 1000, "usecs" end
if opt.milliseconds then unit, label = 1000000, "msecs" end

if opt.pattern:find "^[tu]:" then error(("a function is wanted, not '%s'"):format(opt.pattern), 0) end
local spec = assert(require("bcc").spec(opt.pattern, opt.regexp and require "regex"))
-- The return of a call knows how long the whole call took.
local calls = probe((spec:gsub("^([ku])probe", "%1retprobe")))
  :by(opt["function"] and "func")
  :with{ unit = unit }
  :name(label)
  :tally "hist(elapsed / $unit), ns = sum(elapsed), count()"

local function report()
  local taken = calls:take()
  if opt.timestamp then printf("\n%s\n", strftime "%H:%M:%S") end
  taken:print()
  local total, count = 0, 0
  for _, r in ipairs(taken:rows()) do
    total, count = total + r.ns // unit, count + r.count
  end
  if count > 0 then
    printf("\navg = %d %s, total: %d %s, count: %d\n", total // count, label, total, label, count)
  end
end

if opt.interval then every(opt.interval, report) end
on_exit(report)
