#!/usr/bin/env -S moontrace
--- Count the programs that start, by name.
--
-- Usage: {TOOL} [OPTIONS]
--   -n, --name NAME   only programs of this name
-- Subject: process
-- Level: safe
-- Probes: tracepoint:sched:sched_process_exec
-- Example: {TOOL} -n sh --duration 10s
local only = options().name and "comm == $name"

probe "tracepoint:sched:sched_process_exec"
  :where(only)
  :by "comm"
  :count()
