#!/usr/bin/env -S moontrace
--- Trace TCP connections that this machine opens.
--
-- Usage: tcpconnect [OPTIONS]
--   -x, --failed        only attempts that failed, and why
--   -c, --count         count connections by flow, and print them at the end
--   -t, --timestamp     seconds since the first line
--   -U, --print-uid     whose process it is
--   -L, --lport         the local port as well
--   -d, --dns           the name that programs have asked DNS for, and that had this address
--   -P, --port N...     only to these ports
--   -u, --uid UID       only of this user
--   -4, --ipv4          only IPv4
--   -6, --ipv6          only IPv6
--
-- A line is a connection that was asked for: it may still be refused later. With -x the system call decides, when it
-- ends: refused, unreachable, timed out. Where a kernel has no kprobes it decides always, and what opens connections
-- without it (TCP fast open, io_uring, the kernel itself) is not seen.
-- An IPv6 socket that connects to an IPv4 address is shown as what it is: IP 6, to ::ffff:192.0.2.1.
-- Subject: network
-- Level: heavy
-- Probes: kretprobe:tcp_v{4,6}_connect, tracepoint:syscalls:sys_exit_{connect,recvfrom,recvmsg,read}
-- Permissions: memory
-- Example: tcpconnect -L -P 443
local opt = options()
local by_call = opt.failed or not exists "kretprobe:tcp_v4_connect"

-- The system call knows a number, and behind it there may be any socket, or none.
define "sk = first(args.sk, as('struct socket', curtask.files.fdt.fd[args.fd].private_data).sk)"
define "family = sk.__sk_common.skc_family"
-- Where a socket that failed was to go only the caller knows.
define "to = first(args.uservaddr, args.uaddr)"
define "to4 = as('struct sockaddr_in', to)"
define "to6 = as('struct sockaddr_in6', to)"
define "raddr = family == AF_INET6 and ntop(to6.sin6_addr) or ntop(to4.sin_addr)"
define "rport = bswap(to4.sin_port)"
local asked = "retval in {0, -EINPROGRESS}"
local failed = "retval < 0 and not (retval in {-EINPROGRESS, -EBADF, -ENOTSOCK, -EFAULT})"

local connects = probe(by_call and "tracepoint:syscalls:sys_exit_connect" or "kretprobe:tcp_v{4,6}_connect")
  :where(opt.uid and "uid == $uid")
  :where(opt.failed and failed or asked)
  -- For an IPv4 address tcp_v6_connect calls tcp_v4_connect, where they differ; to disconnect is no connection.
  :where "family in {AF_INET, AF_INET6} and to.sa_family == family and sk.sk_protocol == IPPROTO_TCP"
  :where(opt.ipv4 and "family == AF_INET")
  :where(opt.ipv6 and "family == AF_INET6")
  :where(opt.port and "rport in $port")

if opt.count then
  local flows = connects:by "laddr = saddr(sk), raddr, rport":tally(tally { keys = 65536 }, "count()")
  on_exit(function()
    printf("%-25s %-25s %-20s %s\n", "LADDR", "RADDR", "RPORT", "CONNECTS")
    for _, r in ipairs(flows:top(65536)) do
      printf("%-25s %-25s %-20d %d\n", r.laddr, r.raddr, r.rport, r.count)
    end
  end)
  return
end

local line = require "columns" {
  opt.timestamp and { "TIME(s)", "%-9.3f" }, opt.print_uid and { "UID", "%-6d" },
  { "PID", "%-7d" }, { "COMM", "%-12s" }, { "IP", "%-2d" }, { "SADDR", "%-16s" }, opt.lport and { "LPORT", "%-6d" },
  { "DADDR", "%-16s" }, { "DPORT", "%-6d" }, opt.failed and { "ERR", "%-14s" }, opt.dns and { "QUERY", "%s" },
}
local name_of = opt.dns and require "dns"()
local first
connects:fetch "family, saddr = saddr(sk), lport = sport(sk), raddr, rport":on(function(e)
  first = first or e.time
  line {
    ["TIME(s)"] = (e.time - first) / 1e9, UID = e.uid, PID = e.pid, COMM = e.comm, IP = e.family == 10 and 6 or 4,
    SADDR = e.saddr, LPORT = e.lport, DADDR = e.raddr, DPORT = e.rport, ERR = errno(e.retval),
    QUERY = name_of and name_of(e.raddr) or "-",
  }
end)
