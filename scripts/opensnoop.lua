#!/usr/bin/env -S moontrace
--- Trace open() calls and the files they name.
--
-- Usage: opensnoop [OPTIONS]
--   -x, --failed      only calls that failed
--   -n, --name GLOB   only commands that match GLOB
--
-- FD is the new file descriptor, ERR the error's number where there is none.
-- A path that could not be read is shown as <fault>.
-- Subject: files
-- Level: sensitive
-- Example: opensnoop -x -n 'ssh*'
local opt = options()

printf("%-6s %-16s %4s %3s %s\n", "PID", "COMM", "FD", "ERR", "PATH")
probe "tracepoint:syscalls:sys_exit_open{,at,at2}"
  :where(opt.failed and "retval < 0")
  :where(opt.name and "like(comm, $name)")
  :on(function(e)
    local fd, err = math.max(e.retval, -1), math.max(-e.retval, 0)
    printf("%-6d %-16s %4d %3d %s\n", e.pid, e.comm, fd, err, e.args.filename or "<fault>")
  end)
