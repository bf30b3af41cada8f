#!/usr/bin/env -S moontrace
--- Trace new programs with their arguments.
--
-- Usage: execsnoop [OPTIONS]
--   -T, --time         the time of day
--   -t, --timestamp    the seconds since the start
--   -x, --fails        calls that failed, too
--   -u, --uid UID      only this user
--   -P, --ppid PID     only children of this process
--   -n, --name NAME    only commands with NAME in their name, or that match it: 'ssh*'
--   -l, --line TEXT    only those with TEXT in what they are called with
--   -q, --quote        the arguments in quotes
--   -U, --print-uid    the user's number
--   -C, --print-cpu    the CPU
--   -M, --print-pcomm  the parent's command
--   --max-args N       the most arguments that are shown [20]
--
-- ARGS is the program's file and its arguments; of a script it is what its interpreter is called with. It ends in ...
-- where there are more of them, or more than 4096 bytes. RET is 0, or the error of a call that failed: what that was
-- called with is shown as it was passed, without quotes.
-- Subject: process
-- Level: sensitive
-- Probes: rawtracepoint:sched_process_exec, tracepoint:syscalls:sys_exit_execve{,at}
-- Permissions: memory, arguments
-- Example: execsnoop -x -T
local opt = options()

local line = require "columns" {
  opt.time and { "TIME", "%-9s" },
  opt.timestamp and { "TIME(s)", "%-8.3f" },
  opt.print_uid and { "UID", "%-6d" },
  { "COMM", "%-16s" }, { "PID", "%-7d" },
  opt.print_pcomm and { "PCOMM", "%-16s" },
  { "PPID", "%-7d" },
  opt.print_cpu and { "CPU", "%-4d" },
  { "RET", "%3d" }, { "ARGS", "%s" },
}

local started = now()
local function show(e, ret, args)
  if opt.line and not args:find(opt.line, 1, true) then return end
  line {
    TIME = opt.time and strftime("%H:%M:%S", e.time), ["TIME(s)"] = (e.time - started) / 1e9, UID = e.uid,
    COMM = e.comm, PID = e.pid, PCOMM = e.pcomm, PPID = e.ppid, CPU = e.cpu, RET = ret, ARGS = args,
  }
end

local function trace(spec, fields)
  return probe(spec)
    :where(opt.uid and "uid == $uid")
    :where(opt.ppid and "ppid == $ppid")
    :where(opt.name and "contains(comm, $name) or like(comm, $name)")
    :fetch "comm, pid, ppid, uid, pcomm = curtask.real_parent.comm"
    :fetch(fields)
end

-- Here the kernel has laid out the new program's arguments, a NUL behind each: they can be read, whoever called execve.
trace("rawtracepoint:sched_process_exec", [[
  file = args.bprm.filename, script = ptr(args.bprm.interp) ~= ptr(args.bprm.filename) and 1 or 0,
  size = curtask.mm.arg_end - curtask.mm.arg_start, bytes = buf(curtask.mm.arg_start, size < 4096 and size or 4096)]])
  :on(function(e)
    local words = {}
    for word in ((e.bytes or "\0<fault>"):gsub("\0$", "") .. "\0"):gmatch "(.-)\0" do
      words[#words + 1] = opt.quote and '"' .. word:gsub('"', '\\"') .. '"' or word
    end
    if e.script == 0 then words[1] = e.file or "<fault>" end
    local shown = math.min(#words, opt.max_args + 1)
    local cut = shown < #words or e.size > 4096
    show(e, 0, table.concat(words, " ", 1, shown) .. (cut and " ..." or ""))
  end)

if opt.fails then
  trace("tracepoint:syscalls:sys_exit_execve{,at}",
    "file = args.filename, rest = ptr(args.argv[0]) ~= 0 and argv(ptr(args.argv) + 8, 4096) or ''")
    :where "retval < 0"
    :on(function(e) show(e, e.retval, (e.file or "<fault>") .. " " .. (e.rest or "<fault>")) end)
end
