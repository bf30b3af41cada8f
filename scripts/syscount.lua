#!/usr/bin/env -S moontrace
--- Count system calls, by call or by process.
--
-- Usage: syscount [OPTIONS] [INTERVAL]
--   INTERVAL           print and start anew this often, not only at the end
--   -P, --by-process   a count for each process
--   -t, --top N        rows to show, the largest ones [10]
-- Subject: process
-- Level: heavy
-- Example: syscount --by-process 5s
local opt = options()

local calls = probe "tracepoint:raw_syscalls:sys_enter"
  :by(opt.by_process and "pid, comm" or "args.id")
  :count()

local function report()
  printf("%-22s %10s\n", opt.by_process and "PROCESS" or "SYSCALL", "COUNT")
  for _, r in ipairs(calls:take():top(opt.top)) do
    printf("%-22s %10d\n", opt.by_process and r.pid .. " " .. r.comm or syscall(r.id), r.count)
  end
end

if opt.interval then every(opt.interval, report) end
on_exit(report)
