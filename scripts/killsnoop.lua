#!/usr/bin/env -S moontrace
--- Trace signals that processes send by kill() and its like.
--
-- Usage: killsnoop [OPTIONS]
--   -x, --failed            only calls that failed
--   -T, --tpid PID          only signals to this process or thread
--   -s, --signal SIGNAL...  only these: -s KILL -s 15
--
-- The process PID sends SIG to TPID, which is a thread where tkill() or tgkill() is called, and a process group where it
-- is negative. RESULT is 0, or the error of a call that failed.
-- Subject: process
-- Level: safe
-- Probes: tracepoint:syscalls:sys_exit_{kill,tkill,tgkill,rt_sigqueueinfo,rt_tgsigqueueinfo}
-- Example: killsnoop -s KILL
local opt = options()

local number = require "numbers"
local signals = {}
for i, word in ipairs(opt.signal or {}) do
  local name = word:upper()
  signals[i] = number(name, signal, 64) or number("SIG" .. name, signal, 64)
    or error("there is no signal '" .. word .. "'", 0)
end

local line = require "columns" {
  { "TIME", "%-9s" }, { "PID", "%-7d" }, { "COMM", "%-16s" }, { "SIG", "%-9s" }, { "TPID", "%-7d" }, { "RESULT", "%s" },
}

probe "tracepoint:syscalls:sys_exit_{kill,tkill,tgkill,rt_sigqueueinfo,rt_tgsigqueueinfo}"
  :where(opt.failed and "retval < 0")
  :where(opt.tpid and "args.pid == $tpid")
  :with{ signals = signals }
  :where(opt.signal and "args.sig in $signals")
  :on(function(e)
    line {
      TIME = strftime("%H:%M:%S", e.time), PID = e.pid, COMM = e.comm, SIG = signal(e.args.sig), TPID = e.args.pid,
      RESULT = e.retval,
    }
  end)
