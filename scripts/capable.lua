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
-- Probes: kprobe:cap_capable, tracepoint:capability:cap_capable
-- Permissions: stacks
-- Example: capable -K
local opt = options()

local spec, audit, insetid = "tracepoint:capability:cap_capable", "-1", "-1"
if exists "kprobe:cap_capable" then
  -- CAP_OPT_NOAUDIT and CAP_OPT_INSETID of linux/security.h
  spec, audit, insetid = "kprobe:cap_capable", "args.opts & 2 == 0 and 1 or 0", "args.opts >> 2 & 1"
end

local function row(time, uid, pid, tid, comm, cap, name, audit, insetid)
  printf("%-9s %-6s %-6s%s %-16s %-4s %-20s %-6s%s\n", time, uid, pid, opt.extra and (" %-6s"):format(tid) or "",
    comm, cap, name, audit, opt.extra and " " .. insetid or "")
end

local function known(flag) return flag < 0 and "-" or flag end

local function show(stack)
  for line in tostring(stack):gmatch "[^\n]+" do printf("        %s\n", line) end
end

row("TIME", "UID", "PID", "TID", "COMM", "CAP", "NAME", "AUDIT", "INSETID")
local seen = opt.unique and set{}
probe(spec)
  :fetch("audit = " .. audit .. ", insetid = " .. insetid)
  :where(not opt.verbose and "audit ~= 0")
  :without(seen, "pid, args.cap")
  :fetch("kernel = " .. (opt.kernel_stack and "kstack" or "0") .. ", user = " .. (opt.user_stack and "ustack" or "0"))
  :on(function(e)
    row(strftime("%H:%M:%S", e.time), e.uid, e.pid, e.tid, e.comm, e.args.cap, capability(e.args.cap), known(e.audit),
      known(e.insetid))
    if opt.kernel_stack then show(e.kernel) end
    if opt.user_stack then show(e.user) end
  end)
if seen then probe(spec):add(seen, "pid, args.cap") end
