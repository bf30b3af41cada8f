#!/usr/bin/env -S moontrace
--- Say hello to every program that starts.
--
-- Usage: hello
-- Subject: learn
-- Level: sensitive
-- Probes: tracepoint:syscalls:sys_enter_execve
-- Permissions: memory
-- Example: hello
probe "tracepoint:syscalls:sys_enter_execve"
  :on(function(e)
    printf("hello, %s (started by %s, process %d)\n", e.args.filename or "<fault>", e.comm, e.pid)
  end)
