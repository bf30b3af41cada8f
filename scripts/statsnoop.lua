#!/usr/bin/env -S moontrace
--- Trace the stat() family of calls and the files they ask for.
--
-- Usage: statsnoop [OPTIONS]
--   -t, --timestamp   the seconds since the first line
--   -s, --syscall     the system call's name
--   -x, --failed      only calls that failed
--
-- FD is the descriptor that was passed: the file's, or the folder's that a relative path begins at; `-` is none.
-- ERR is the error's number. For a file that is named by its descriptor alone, PATH is what the kernel calls it.
-- A path that could not be read is shown as <fault>.
-- Subject: files
-- Level: sensitive
-- Probes: tracepoint:syscalls:sys_exit_{newstat,newlstat,newfstat,newfstatat,statx,statfs,fstatfs}
-- Permissions: memory
-- Example: statsnoop -x -s
local opt = options()
-- linux/fcntl.h
local AT_FDCWD = -100

local line = require "columns" {
  opt.timestamp and { "TIME(s)", "%-14.9f" },
  { "PID", "%-7d" }, { "COMM", "%-16s" }, { "FD", "%4d" }, { "ERR", "%3d" },
  opt.syscall and { "SYSCALL", "%-12s" },
  { "PATH", "%s" },
}

require "paths"
-- An empty path, and since Linux 6.11 a null one, is the descriptor's own file where the flags say so.
define [[named(file, flags, fd) = flags & AT_EMPTY_PATH ~= 0 and (ptr(file) == 0 or file == '')
  and folder(fd) or str(file, 4096)]]

local first
probe "tracepoint:syscalls:sys_exit_{newstat,newlstat,newfstat,newfstatat,statx,statfs,fstatfs}"
  :where(opt.failed and "retval < 0")
  :fetch "fd = first(args.dfd, as('int', args.fd), AT_FDCWD), flags = first(args.flag, args.flags, 0)"
  :fetch "file = first(named(args.filename, flags, fd), str(args.pathname, 4096), folder(args.fd))"
  :on(function(e)
    first = first or e.time
    line {
      ["TIME(s)"] = (e.time - first) / 1e9, PID = e.pid, COMM = e.comm, FD = e.fd == AT_FDCWD and "-" or e.fd,
      ERR = math.max(-e.retval, 0), SYSCALL = e.func:match "sys_exit_(.*)", PATH = e.file,
    }
  end)
