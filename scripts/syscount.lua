#!/usr/bin/env -S moontrace
--- Count system calls, by call or by process.
--
-- Usage: syscount [OPTIONS]
--   -i, --interval TIME   print and start anew this often, not only at the end
--   -P, --by-process      by process instead
--   -T, --top N           rows to show, the largest ones [10]
--   -t, --tid N           only this thread
--   --syscall NAME        only this system call
--   -x, --failed          only calls that failed
--   -e, --errno ERROR     only calls that failed with this error: -e ENOENT, -e 2
--   -L, --latency         the time spent in them as well, and by that the largest
--   -m, --milliseconds    that time in milliseconds instead of microseconds
--
-- With -x, -e or -L a call is counted when it returns, else when it begins.
-- Subject: process
-- Level: heavy
-- Probes: tracepoint:raw_syscalls:sys_{enter,exit}
-- Example: syscount --by-process -i 5s
local opt = options()

local number = require "numbers"
local call = opt.syscall and number(opt.syscall, syscall, 1023)
local err = opt.errno and number(opt.errno, errno, 4095)
if opt.syscall and not call then error("there is no system call '" .. opt.syscall .. "'", 0) end
if opt.errno and not err then error("there is no error '" .. opt.errno .. "'", 0) end

-- TS_COMPAT of arch/x86/include/asm/thread_info.h: system calls made the 32-bit way have numbers of their own.
define "compat = curtask.thread_info.status & 2"

local returns = opt.failed or opt.errno or opt.latency
local calls = probe(returns and "tracepoint:raw_syscalls:sys_exit" or "tracepoint:raw_syscalls:sys_enter")
  :where(opt.tid and "tid == $tid")
  :where(opt.failed and "retval < 0")
  :with{ call = call, err = err }
  :where(call and "args.id == $call and compat == 0")
  :where(err and "retval == -$err")
  :by(opt.by_process and "pid, comm" or "args.id, compat")
  :tally(opt.latency and "count(), time = sum(elapsed)" or "count()")

local unit, ns = "us", 1e3
if opt.milliseconds then unit, ns = "ms", 1e6 end
local head = opt.by_process and { "PID", "%-6d" } or { "SYSCALL", "%-22s" }

local function report()
  if opt.interval then print(strftime "[%H:%M:%S]") end
  local line = require "columns" {
    head, opt.by_process and { "COMM", "%-16s" }, { "COUNT", "%8d" },
    opt.latency and { "TIME(" .. unit .. ")", "%16.3f" },
  }
  for _, r in ipairs(calls:take():top(opt.top, opt.latency and "time" or "count")) do
    line {
      SYSCALL = r.compat == 0 and syscall(r.id) or ("%s (32-bit)"):format(r.id), PID = r.pid, COMM = r.comm,
      COUNT = r.count, ["TIME(" .. unit .. ")"] = (r.time or 0) / ns,
    }
  end
end

if opt.interval then every(opt.interval, report) end
on_exit(report)
