#!/usr/bin/env -S moontrace
--- Show how many VFS calls there are a second: reads, writes, opens and others.
--
-- Usage: vfsstat [OPTIONS] [INTERVAL] [COUNT]
--   INTERVAL      time between two lines [1s]
--   COUNT         lines to print, else until Ctrl-C
--   -t, --total   calls since the line before, not calls a second
--
-- Files that open() makes are opened, and not created: CREATE is vfs_create, as mknod() calls it.
-- Subject: files
-- Level: heavy
-- Probes: kprobe:vfs_{read,write,open,create,unlink,mkdir,rmdir,fsync_range}{,.part.0}
-- Probes: tracepoint:syscalls:sys_{enter,exit}_f{,data}sync
-- Example: vfsstat 5s 3
local opt = options()
local calls, syncing = tally(), span()

-- Of a function that the compiler has split, callers may go to the part at once.
local function place(call)
  local part = "kprobe:vfs_" .. call .. ".part.0"
  return exists(part) and part or "kprobe:vfs_" .. call
end

local names = { "read", "write", "open", "create", "unlink", "mkdir", "rmdir" }
for _, call in ipairs(names) do
  probe(place(call)) :with { call = call } :by "call = $call" :tally(calls, "count()")
end
-- In fsync() the function is inlined or not, as the compiler likes: there it is the system call that counts.
probe "tracepoint:syscalls:sys_enter_f{,data}sync" :start(syncing)
probe "tracepoint:syscalls:sys_exit_f{,data}sync" :finish(syncing) :by "call = 'fsync'" :tally(calls, "count()")
probe(place "fsync_range") :without(syncing) :by "call = 'fsync'" :tally(calls, "count()")
table.insert(names, 3, "fsync")

printf("%-9s", "TIME")
for _, call in ipairs(names) do printf(" %8s", call:upper() .. (opt.total and "" or "/s")) end
printf("\n")
require "times"(opt.interval, opt.count, function()
  local taken = calls:take()
  printf("%-9s", strftime "%T:")
  for _, call in ipairs(names) do
    printf(" %8.0f", taken:get(call).count / (opt.total and 1 or taken.seconds))
  end
  printf("\n")
end)
