#!/usr/bin/env -S moontrace
--- Show the lines that are entered into bash.
--
-- Usage: bashreadline [OPTIONS]
--   -s, --shared FILE   the program or library that has readline
--
-- Without -s it is bash, or libreadline where bash has no readline of its own.
-- Subject: app
-- Level: sensitive
-- Probes: uretprobe:*:readline
-- Permissions: memory
-- Example: bashreadline
local opt = options()
local file = opt.shared or exists "uretprobe:/bin/bash:readline" and "/bin/bash" or "libreadline"

printf("%-9s %-7s %s\n", "TIME", "PID", "COMMAND")
probe("uretprobe:" .. file .. ":readline")
  :where "retval ~= 0" -- there is no line at the end of input
  :fetch "line = str(retval, 4096)"
  :on(function(e)
    printf("%-9s %-7d %s\n", strftime("%H:%M:%S", e.time), e.pid, e.line or "<fault>")
  end)
