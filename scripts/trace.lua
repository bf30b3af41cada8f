#!/usr/bin/env -S moontrace
--- Trace functions, tracepoints and USDT probes, with a message for each hit.
--
-- Usage: trace [OPTIONS] PROBE...
--   PROBE...                  WHERE [(CONDITION)] ["FORMAT"[, VALUE...]], as below
--   -M, --max-events N        end after so many
--   -T, --time                a column with the time of day
--   -t, --timestamp           a column with the seconds since the first event
--   -u, --unix-timestamp      with -t: seconds since 1970
--   -C, --print-cpu           a column with the CPU
--   -L, --tid N               only this thread
--   --uid UID                 only this user
--   -n, --name TEXT           only commands with this in their names
--   -f, --msg-filter TEXT     only messages with this in them
--   --cgroup FILE             only processes in this cgroup, not those below it
--   -S, --include-self        moontrace itself, too
--   -K, --kernel-stack        the kernel's stack below each line
--   -U, --user-stack          the process's stack
--   -a, --address             addresses in stacks
--   -A, --aggregate           equal lines once, with how many there were, at the end
--   -Z, --string-size N       the most that is read of a string at an address [80]
--   -I, --include FILE...     taken for BCC's sake: types are those of the running kernel
--   -s, --sym-file-list FILE  taken for BCC's sake: programs are found by themselves
--
-- WHERE is [p:|r:][LIBRARY:]FUNCTION[+OFFSET][(SIGNATURE)], t:CATEGORY:EVENT or u:LIBRARY:[PROVIDER:]PROBE, as in BCC;
-- the rest is C then: arg1 is the first argument, $pid the thread, STRCMP("text", arg1) compares, %d is an int.
-- Or it is a SPEC of moontrace, its kind written out (kprobe:vfs_read): then CONDITION and VALUEs are its own texts, in
-- which arg0 is the first argument, and C's && || ! and -> may stand for and, or, not and a dot.
-- Subject: app
-- Level: sensitive
-- Example: trace 'sys_read (arg3 > 20000) "read %d bytes", arg3'
-- Example: trace 'kprobe:icmp_out_count "type=%d ifindex=%d", type, args.net.ifindex'
-- Example: trace 'r:c:malloc (retval == 0) "failed"' 'c:malloc(size_t size) (size > 1048576) "%lu bytes", size' -U
local message, place = require "message", require "place"
local opt = options()
local first, count, lines, speaking = nil, 0, {}, false
local stacks = {}
if opt.kernel_stack then stacks[1] = "kstack" end
if opt.user_stack then stacks[#stacks + 1] = "ustack" end

-- The columns before PID.
local function stamp(e)
  first = first or e.time
  local unix = opt.unix_timestamp and os.time() - (now() - first) / 1e9 or 0
  local time = opt.time and ("%-8s "):format(strftime("%T", e.time))
    or opt.timestamp and (opt.unix_timestamp and "%-17.6f " or "%-8.6f "):format(unix + (e.time - first) / 1e9)
  return (time or "") .. (opt.print_cpu and ("%-3d "):format(e.cpu) or "")
end

local function frames(stack)
  local text = ""
  for _, frame in ipairs(stack) do
    local address = opt.address and ("%16x "):format(frame.addr) or ""
    local place = frame.symbol and ("+0x%x [%s]"):format(frame.offset, frame.module or "kernel") or ""
    text = ("%s        %s%s%s\n"):format(text, address, frame.name, place)
  end
  return text
end

local function show(line)
  if not opt.aggregate then printf("%s", line) end
  lines[line] = opt.aggregate and (lines[line] or 0) + 1
  count = count + 1
  if count == opt.max_events then exit() end
end

place.define(opt.string_size)
for _, text in ipairs(opt.probe) do
  local p = message.probe(text)
  speaking = speaking or p.say
  probe(p.spec)
    :with { self = tonumber(readfile("/proc/self/stat"):match "%d+"), cgroup = opt.cgroup and set { cgroupid(opt.cgroup) } }
    :where(not opt.include_self and "pid ~= $self")
    :where(opt.tid and "tid == $tid")
    :where(opt.uid and "uid == $uid")
    :where(opt.name and "contains(comm, $name)")
    :where(opt.cgroup and "cgroup in $cgroup")
    :where(p.condition)
    :fetch(table.concat({ "pid, tid, comm, func", table.unpack(stacks) }, ", "))
    :fetch(p.fields)
    :on(function(e)
      local said = p.say and p.say(e) or ""
      if opt.msg_filter and not said:find(opt.msg_filter, 1, true) then return end
      local line = ("%s%-7d %-7d %-15s %-16s %s"):format(stamp(e), e.pid, e.tid, e.comm, p.func or e.func, said)
      line = line:gsub("%s+$", "") .. "\n"
      for _, name in ipairs(stacks) do line = line .. frames(e[name]) end
      show(#stacks > 0 and line .. "\n" or line)
    end)
end
if opt.aggregate then
  on_exit(function()
    local texts = {}
    for text in pairs(lines) do texts[#texts + 1] = text end
    table.sort(texts, function(a, b) return lines[a] > lines[b] or lines[a] == lines[b] and a < b end)
    for _, text in ipairs(texts) do printf("%s-->COUNT %d\n\n", text, lines[text]) end
  end)
end

printf("%s%s%-7s %-7s %-15s %-16s %s\n", (opt.time or opt.timestamp) and (opt.unix_timestamp and "%-17s " or "%-8s "):format "TIME" or "",
  opt.print_cpu and "CPU " or "", "PID", "TID", "COMM", "FUNC", speaking and "-" or "")
