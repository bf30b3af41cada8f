#!/usr/bin/env -S moontrace
--- Trace open() calls and the files they name.
--
-- Usage: opensnoop [OPTIONS]
--   -T, --timestamp        the seconds since the first line
--   -U, --print-uid        the user's number
--   -x, --failed           only calls that failed
--   -t, --tid N            only this thread, whose number stands in place of the process's
--   -u, --uid UID          only this user
--   -n, --name NAME        only commands with NAME in their name, or that match it: 'ssh*'
--   -f, --flag O_FLAG...   only calls with one of these flags: -f O_WRONLY -f O_RDWR
--   -e, --extended         flags and mode, in octal; the mode is n/a where nothing is made
--   -F, --full-path        whole paths
--   -d, --seconds N        end after so many seconds
--   --cgroup FILE          only processes in this folder below /sys/fs/cgroup
--
-- FD is the new file descriptor, ERR the error's number where there is none.
-- A path that could not be read is shown as <fault>.
-- Subject: files
-- Level: sensitive
-- Probes: tracepoint:syscalls:sys_exit_open{,at,at2}
-- Permissions: memory
-- Example: opensnoop -x -n 'ssh*'
local opt = options()
local pid = opt.tid and "TID" or "PID"

local line = require "columns" {
  opt.timestamp and { "TIME(s)", "%-14.9f" },
  opt.print_uid and { "UID", "%-6d" },
  { pid, "%-6d" }, { "COMM", "%-16s" }, { "FD", "%4d" }, { "ERR", "%3d" },
  opt.extended and { "FLAGS", "%08o" }, opt.extended and { "MODE", "%04o" },
  { "PATH", "%s" },
}

require "paths"
-- O_RDONLY, O_WRONLY and O_RDWR are the values of one field; O_TMPFILE has O_DIRECTORY's bit in it.
define "has(flags, f) = flags & (f <= O_ACCMODE and O_ACCMODE or f) == f"

local any = {}
for i, flag in ipairs(opt.flag or {}) do any[i] = ("has(flags, %s)"):format(flag) end

local first
probe "tracepoint:syscalls:sys_exit_open{,at,at2}"
  -- It comes first: behind a string, whose end the kernel does not know, it would be verified again for each that there may be.
  :fetch(opt.full_path and "base = folder(first(args.dfd, AT_FDCWD))" or "base = ''")
  :fetch "file = str(args.filename, 4096), flags = first(args.how.flags, args.flags)"
  :fetch "mode = (has(flags, O_CREAT) or has(flags, O_TMPFILE)) and first(args.how.mode, args.mode) or -1"
  :where(opt.failed and "retval < 0")
  :where(opt.tid and "tid == $tid")
  :where(opt.uid and "uid == $uid")
  :where(opt.name and "contains(comm, $name) or like(comm, $name)")
  :where(opt.flag and table.concat(any, " or "))
  :with(opt.cgroup and { id = cgroupid(opt.cgroup) })
  :where(opt.cgroup and "cgroup == $id")
  :on(function(e)
    first = first or e.time
    local file = e.file
    if opt.full_path and file and file:sub(1, 1) ~= "/" then
      file = ((e.base or "<fault>") .. "/" .. file):gsub("^//", "/")
    end
    line {
      ["TIME(s)"] = (e.time - first) / 1e9, UID = e.uid, [pid] = opt.tid and e.tid or e.pid, COMM = e.comm,
      FD = math.max(e.retval, -1), ERR = math.max(-e.retval, 0),
      FLAGS = e.flags, MODE = e.mode == -1 and "n/a" or e.mode, PATH = file,
    }
  end)

if opt.seconds then after(opt.seconds * 1000000000, exit) end
