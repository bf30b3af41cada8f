#!/usr/bin/env -S moontrace
--- Show whom the kernel kills when memory is out, and who asked for more.
--
-- Usage: oomkill
-- Subject: memory
-- Level: safe
-- Probes: kprobe:oom_kill_process
-- Permissions: read=/proc/loadavg
-- Example: oomkill
probe "kprobe:oom_kill_process" :on(function(e)
  local killed = e.args.oc.chosen
  printf('%s Triggered by PID %d ("%s"), OOM kill of PID %d ("%s"), %d pages, loadavg: %s\n', strftime("%H:%M:%S", e.time),
    e.pid, e.comm, killed.tgid, killed.comm, e.args.oc.totalpages, readfile "/proc/loadavg")
end)
