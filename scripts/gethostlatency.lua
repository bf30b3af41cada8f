#!/usr/bin/env -S moontrace
--- Show how long it takes to look up the addresses of hosts.
--
-- Usage: gethostlatency [OPTIONS]
--   -l, --library FILE   the library or program that has the functions [libc]
--
-- Seen are calls of getaddrinfo, gethostbyname and gethostbyname2, with the host that was asked for.
-- Subject: network
-- Level: sensitive
-- Probes: uretprobe:*:{getaddrinfo,gethostbyname,gethostbyname2}
-- Permissions: memory
-- Example: gethostlatency
probe("uretprobe:" .. options().library .. ":{getaddrinfo,gethostbyname,gethostbyname2}")
  :fetch "elapsed, host = entry(str(arg0))"
  :on(function(e)
    local time, ms = strftime("%H:%M:%S", e.time), e.elapsed / 1e6
    printf("%-9s %-7d %-16s %10.3f %s\n", time, e.pid, e.comm, ms, e.host or "<fault>")
  end)
printf("%-9s %-7s %-16s %10s %s\n", "TIME", "PID", "COMM", "LAT(ms)", "HOST")
