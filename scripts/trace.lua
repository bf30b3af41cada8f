#!/usr/bin/env -S moontrace
--- Trace functions, tracepoints and USDT probes, with a message for each hit.
--
-- Usage: trace [OPTIONS] PROBE...
--   PROBE...                  WHERE [(CONDITION)] ["FORMAT"[, VALUE...]], as below
--   -M, --max-events N        end after so many
--   -T, --time                a column with the time of day
--   -t, --timestamp           a column with the seconds since the first event
--   -u, --unix-timestamp      with -t: since 1970
--   -C, --print_cpu           a column with the CPU
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
--   -B, --bin_cmp             taken for BCC's sake: STRCMP("{0x6C, 0x00}", arg1) compares bytes by itself
--   -I, --include FILE...     taken for BCC's sake: types are those of the running kernel
--   -s, --sym_file_list FILE  taken for BCC's sake: programs are found by themselves
--
-- WHERE is [p:|r:][LIBRARY:]FUNCTION[+OFFSET][(SIGNATURE)], t:CATEGORY:EVENT or u:LIBRARY:[PROVIDER:]PROBE, as in BCC;
-- the rest is C then: arg1 is the first argument, $pid the thread, STRCMP("text", arg1) compares, %d is an int.
-- Or it is a SPEC of moontrace, its kind written out (kprobe:vfs_read): then CONDITION and VALUEs are its own texts, in
-- which arg0 is the first argument, and C's && || ! and -> may stand for and, or, not and a dot.
-- Subject: app
-- Level: heavy
-- Probes: kprobe:*, kprobe:*:*, kretprobe:*, kretprobe:*:*, fentry:*, fentry:*:*, fexit:*, fexit:*:*
-- Probes: tracepoint:*:*, rawtracepoint:*, uprobe:*:*, uretprobe:*:*, usdt:*:*, usdt:*:*:*
-- Probes: profile:*:*, interval:*, interval:*:*, software:*, software:*:*, hardware:*, hardware:*:*
-- Permissions: memory, arguments, packets, stacks, read=/proc/self/stat
-- Example: trace 'sys_read (arg3 > 20000) "read %d bytes", arg3'
-- Example: trace 'kprobe:icmp_out_count "type=%d ifindex=%d", type, args.net.ifindex'
-- Example: trace 'r:c:malloc (retval == 0) "failed"' 'c:malloc(size_t size) (size > 1048576) "%lu bytes", size' -U
local message, place = require "message", require "place"
local opt = options()
local columns, stacks, equal, shown, speaking, first = {}, {}, {}, 0, false, nil

local function column(heading, width, value)
  if value then columns[#columns + 1] = { heading = heading, format = ("%%-%ds"):format(width), value = value } end
end

column("TIME", 8, opt.time and function(e) return strftime("%T", e.time) end)
column("TIME", opt.unix_timestamp and 17 or 8, opt.timestamp and function(e)
  if opt.unix_timestamp then return strftime("%s.%6N", e.time) end
  first = first or e.time
  return ("%.6f"):format((e.time - first) / 1e9)
end)
column("CPU", 3, opt.print_cpu and function(e) return e.cpu end)
column("PID", 7, function(e) return e.pid end)
column("TID", 7, function(e) return e.tid end)
column("COMM", 15, function(e) return message.plain(e.comm) end)
column("FUNC", 16, function(_, func) return func end)
column("-", 1, function(_, _, said) return said end)
if opt.kernel_stack then stacks[#stacks + 1] = "kstack" end
if opt.user_stack then stacks[#stacks + 1] = "ustack" end

local function frames(stack)
  local text = ""
  for _, frame in ipairs(stack or {}) do
    local address = opt.address and ("%16x "):format(frame.addr) or ""
    local place = frame.symbol and frame.offset and ("+0x%x [%s]"):format(frame.offset, frame.module or "kernel") or ""
    text = ("%s        %s%s%s\n"):format(text, address, frame.name, place)
  end
  return text
end

local function line(cell)
  local cells = {}
  for i, c in ipairs(columns) do cells[i] = c.format:format(cell(c)) end
  return (table.concat(cells, " "):gsub("%s+$", "")) .. "\n"
end

local function show(text)
  if opt.aggregate then equal[text] = (equal[text] or 0) + 1 else printf("%s", text) end
  shown = shown + 1
  if opt.max_events and shown >= opt.max_events then exit() end
end

place.define(opt.string_size)
for _, text in ipairs(opt.probe) do
  local p = assert(message.probe(text))
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
      local text = line(function(c) return c.value(e, p.func or e.func, said) end)
      for _, name in ipairs(stacks) do text = text .. frames(e[name]) end
      show(#stacks > 0 and text .. "\n" or text)
    end)
end

printf("%s", line(function(c) return (c.heading ~= "-" or speaking) and c.heading or "" end))

if opt.aggregate then
  on_exit(function()
    local texts = {}
    for text in pairs(equal) do texts[#texts + 1] = text end
    table.sort(texts, function(a, b) return equal[a] > equal[b] or equal[a] == equal[b] and a < b end)
    for _, text in ipairs(texts) do printf("%s-->COUNT %d\n\n", text, equal[text]) end
  end)
end
