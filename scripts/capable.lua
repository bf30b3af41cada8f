#!/usr/bin/env -S moontrace
--- Show which capabilities the kernel asks for, and of whom.
--
-- Usage: capable [OPTIONS]
--   -v, --verbose        checks that are not audited, too
--   -x, --extra          the thread and INSETID, too
--   -K, --kernel-stack   the kernel's stack, too
--   -U, --user-stack     the process's stack, too
--   --unique             each process and capability once
--
-- Without kprobes a tracepoint tells of the checks, but not how they ask: all are shown, with - for AUDIT and INSETID.
-- Subject: security
-- Level: safe
-- Example: capable -K
local opt = options()
-- linux/security.h
local NOAUDIT, INSETID = 2, 4

local has_options = exists "kprobe:cap_capable"
local asked = has_options and "kprobe:cap_capable" or "tracepoint:capability:cap_capable"
local known = opt.unique and set{}

local function row(time, uid, pid, tid, comm, cap, name, audit, insetid)
  printf(opt.extra and "%-9s %-6s %-6s %-6s %-16s %-4s %-20s %-6s %s\n" or "%-9s %-6s %-6s %.0s%-16s %-4s %-20s %s%.0s\n",
    time, uid, pid, tid, comm, cap, name, audit, insetid)
end

local function flag(options, bit) return options < 0 and "-" or options & bit ~= 0 and 1 or 0 end

local function show(stack)
  for _, frame in ipairs(stack) do printf("        %s+0x%x\n", frame.name, frame.offset) end
end

row("TIME", "UID", "PID", "TID", "COMM", "CAP", "NAME", "AUDIT", "INSETID")
probe(asked)
  :where(has_options and not opt.verbose and "args.opts & 2 == 0")
  :without(known, "pid, args.cap")
  :fetch("opts = " .. (has_options and "args.opts" or "-1"))
  :fetch("kernel = " .. (opt.kernel_stack and "kstack" or "0") .. ", user = " .. (opt.user_stack and "ustack" or "0"))
  :on(function(e)
    row(strftime("%H:%M:%S", e.time), e.uid, e.pid, e.tid, e.comm, e.args.cap, capability(e.args.cap),
      flag(e.opts, NOAUDIT), flag(e.opts, INSETID))
    if opt.kernel_stack then show(e.kernel) end
    if opt.user_stack then show(e.user) end
  end)
if known then probe(asked):add(known, "pid, args.cap") end
